"""Finders that are trained on what people outlined: patches, the network, its training."""

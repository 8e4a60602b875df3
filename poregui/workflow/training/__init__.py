"""Prepare what a run is trained and tested on."""

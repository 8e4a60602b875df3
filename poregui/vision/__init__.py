"""Read images, cut crops and draw synthetic micrographs: arrays in, arrays out."""

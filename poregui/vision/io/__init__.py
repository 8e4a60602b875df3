"""Read image files, whole or in parts."""

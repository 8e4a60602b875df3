"""Label, train and review pores in micrographs of 3-D printed metal."""

__version__ = "0.1.0"

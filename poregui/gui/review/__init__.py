"""Join predictions, labels and pictures on the page where a person judges a run."""

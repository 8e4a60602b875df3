"""Join predictions, labels and images on the page where a person judges a run."""

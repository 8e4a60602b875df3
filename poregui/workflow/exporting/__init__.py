"""Write labels, crops, runs and projects for other programs."""

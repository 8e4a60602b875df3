"""Hold the page where networks are trained."""

"""Show the page that applies a run to micrographs."""

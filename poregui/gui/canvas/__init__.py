"""Show micrographs and let hands draw on them."""

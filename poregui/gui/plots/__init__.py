"""Draw curves, matrices and maps."""

"""Show the window; Qt lives here only."""

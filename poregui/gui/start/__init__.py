"""Show the page that greets a person."""

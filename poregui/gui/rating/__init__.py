"""Rate crops blind, and show how far people agree."""

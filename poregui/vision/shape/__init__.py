"""Measure size, form and position of outlines."""

"""Evaluate, compare and use runs."""

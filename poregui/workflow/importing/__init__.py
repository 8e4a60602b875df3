"""Bring images, outlines and labels into a project."""

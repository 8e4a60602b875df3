"""Suggest labels from the labels so far."""

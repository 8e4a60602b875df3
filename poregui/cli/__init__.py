"""Offer every step as a command with readable and with JSON output."""

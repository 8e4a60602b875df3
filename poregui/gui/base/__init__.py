"""Hold what every part of the window builds on: looks, keys, messages."""

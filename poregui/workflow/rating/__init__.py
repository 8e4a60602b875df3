"""Let people rate crops a second time, and say how far they and a network agree."""

"""Let a person check the finding: one window after the other."""

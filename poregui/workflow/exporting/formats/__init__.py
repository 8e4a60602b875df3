"""Write and read outlines with their classes in the formats of other programs."""

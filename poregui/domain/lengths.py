"""Choose round lengths for scale bars and write them with their unit; changes with how lengths are shown."""

from __future__ import annotations

import math


def nice_length(largest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50... that is not above `largest`."""
    power = 10.0 ** math.floor(math.log10(largest))
    return max(step * power for step in (1, 2, 5) if step * power <= largest * (1 + 1e-9))


def length_text(um: float) -> str:
    """Return a length with its unit: nm below 1 um, mm from 1000 um on."""
    if um >= 1000:
        return f"{um / 1000:g} mm"
    return f"{um:g} µm" if um >= 1 else f"{um * 1000:g} nm"

"""Count the greys of a micrograph and turn a contrast window into shown greys; changes with what automatic means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.display import Display

BINS = 256
AUTOMATIC = (0.35, 99.65)
"""Percentiles that automatic contrast shows as black and white (ImageJ leaves out as many)."""


def histogram(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.int64]:
    """Return how many values of an image (all channels together) lie in each of `BINS` steps from low to high."""
    counts, _ = np.histogram(pixels, bins=BINS, range=(low, max(high, low + 1)))
    return counts.astype(np.int64)


def value_range(pixels: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return the range that holds all values of an image as well as low to high, the grey range of its file."""
    if not pixels.size:
        return low, high
    return min(low, float(pixels.min())), max(high, float(pixels.max()))


def automatic(pixels: NDArray[Any]) -> Display:
    """Return the contrast window that leaves out the darkest and the brightest few of the values."""
    low, high = np.percentile(pixels, AUTOMATIC)
    return Display(float(low), float(max(high, low + 1)))


def lookup(display: Display, bits: int) -> NDArray[np.uint8]:
    """Return the shown grey (0 to 255) of every stored value of `bits` depth, (2**bits,).

    A gamma above 1 makes middle greys brighter: shown = part ** (1 / gamma).
    """
    part = (np.arange(2**bits, dtype=np.float64) - display.low) / (display.high - display.low)
    return np.rint(np.clip(part, 0, 1) ** (1 / display.gamma) * 255).astype(np.uint8)

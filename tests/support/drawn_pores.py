"""Draw pores of known size and form on an even matrix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

MATRIX, FLOOR = 220.0, 50.0
Inside = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]


def cover(inside: Inside, side: int, fine: int = 12) -> NDArray[np.float64]:
    """Return which part of each pixel of a square lies inside a form given in px from the middle of
    the square.
    """
    steps = (np.arange(side * fine) + 0.5) / fine - side / 2
    drawn = inside(steps[None, :], steps[:, None])
    return drawn.reshape(side, fine, side, fine).mean(axis=(1, 3))


def picture(part: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the picture of dark pores that cover parts of pixels."""
    return np.rint(MATRIX - (MATRIX - FLOOR) * part).astype(np.uint8)


def disc(diameter: float, x: float, y: float) -> Inside:
    """Return a disc whose middle is shifted by (x, y) px."""
    return lambda across, down: (across - x) ** 2 + (down - y) ** 2 <= diameter**2 / 4


def ellipse(long: float, short: float, degrees: float) -> Inside:
    """Return an ellipse of two diameters, its long one turned counter-clockwise, as one sees it,
    from the x axis.
    """
    cos, sin = np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))
    return lambda x, y: (
        ((x * cos + y * sin) / long) ** 2 + ((y * cos - x * sin) / short) ** 2 <= 0.25
    )

"""Define the outline of a pore: a closed line in sub-pixel coordinates of its micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poregui.domain.geometry import Box

_POINT = np.dtype("<f4")


@dataclass(frozen=True)
class Outline:
    """Hold a closed polygon as bytes (little-endian float32, x and y in px of the micrograph, first not repeated).

    Pixel (0, 0) covers 0 to 1, so its middle is (0.5, 0.5). Two outlines are equal when their points are.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) % (2 * _POINT.itemsize) or len(self.data) < 6 * _POINT.itemsize:
            raise ValueError(f"an outline needs at least three points, not {len(self.data)} bytes")

    @staticmethod
    def of(points: npt.ArrayLike) -> Outline:
        """Return the outline through points (N, 2), N at least 3; ValueError for other shapes or values not finite."""
        array = np.asarray(points, dtype=_POINT)
        if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
            raise ValueError(f"an outline needs finite points of shape (N, 2), not {array.shape}")
        return Outline(array.tobytes())

    @property
    def points(self) -> npt.NDArray[np.float32]:
        """Return the points, (N, 2) float32, read-only."""
        return np.frombuffer(self.data, dtype=_POINT).reshape(-1, 2)

    @property
    def area(self) -> float:
        """Return the area inside in square px, by the shoelace formula."""
        x, y = self.points.astype(float).T
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2

    @property
    def bounds(self) -> Box:
        """Return the smallest box of whole pixels around it."""
        left, top = np.floor(self.points.min(axis=0)).astype(int)
        right, bottom = np.ceil(self.points.max(axis=0)).astype(int)
        return Box(int(left), int(top), max(1, int(right - left)), max(1, int(bottom - top)))


def bounds_of(outlines: Sequence[Outline]) -> list[Box]:
    """Return what `bounds` does for many outlines at once."""
    if not outlines:
        return []
    points = np.frombuffer(b"".join(outline.data for outline in outlines), dtype=_POINT).reshape(-1, 2)
    lengths = [len(outline.data) // (2 * _POINT.itemsize) for outline in outlines]
    starts = np.cumsum([0, *lengths[:-1]])
    low = np.floor(np.minimum.reduceat(points, starts, axis=0)).astype(int)
    size = np.maximum(1, np.ceil(np.maximum.reduceat(points, starts, axis=0)).astype(int) - low)
    return [Box(*box) for box in np.hstack([low, size]).tolist()]

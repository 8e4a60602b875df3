"""Define boxes, outlines and masked regions in pixels of a micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, order=True)
class Box:
    """Hold a box of whole pixels: left edge `x`, upper edge `y`, `width` and
    `height`, all in px.
    """

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f"a box needs at least one pixel each way, not {self.width} x {self.height}"
            )

    @property
    def right(self) -> int:
        """Return the first column right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the first row below the box."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Return the area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Return (x, y) of the middle, in px."""
        return self.x + self.width / 2, self.y + self.height / 2

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a point (px) lies inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def overlap(self, other: Box) -> float:
        """Return the intersection over the union of two boxes, 0 to 1."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def clipped(self, width: int, height: int) -> Box | None:
        """Return the part inside an image of `width` x `height` px, or None when
        nothing is left.
        """
        left = max(0, self.x)
        top = max(0, self.y)
        right = min(width, self.right)
        bottom = min(height, self.bottom)
        if right <= left or bottom <= top:
            return None
        return Box(left, top, right - left, bottom - top)

    def moved_inside(self, width: int, height: int) -> Box:
        """Return a box of the same size, where it fits, shifted to lie inside an image of `width` x
        `height` px.
        """
        wide = min(self.width, width)
        high = min(self.height, height)
        return Box(
            min(max(0, self.x), width - wide), min(max(0, self.y), height - high), wide, high
        )

    @staticmethod
    def around(x: float, y: float, side: int) -> Box:
        """Return the square of `side` px whose middle is (x, y)."""
        return Box(round(x - side / 2), round(y - side / 2), side, side)

    @staticmethod
    def between(x0: float, y0: float, x1: float, y1: float) -> Box:
        """Return the box of whole pixels that two opposite corners (px) span."""
        left, right = sorted((round(x0), round(x1)))
        top, bottom = sorted((round(y0), round(y1)))
        return Box(left, top, max(1, right - left), max(1, bottom - top))


_POINT = np.dtype("<f4")


@dataclass(frozen=True)
class Outline:
    """Hold a closed polygon as bytes (little-endian float32, x and y in px of the micrograph, first
    not repeated).

    Pixel (0, 0) covers 0 to 1, so its middle is (0.5, 0.5). Two outlines are equal when their
    points are.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) % (2 * _POINT.itemsize) or len(self.data) < 6 * _POINT.itemsize:
            raise ValueError(f"an outline needs at least three points, not {len(self.data)} bytes")

    @staticmethod
    def of(points: npt.ArrayLike) -> Outline:
        """Return the outline through points (N, 2), N at least 3; ValueError for other shapes or
        values not finite.
        """
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
    points = np.frombuffer(b"".join(outline.data for outline in outlines), dtype=_POINT).reshape(
        -1, 2
    )
    lengths = [len(outline.data) // (2 * _POINT.itemsize) for outline in outlines]
    starts = np.cumsum([0, *lengths[:-1]])
    low = np.floor(np.minimum.reduceat(points, starts, axis=0)).astype(int)
    size = np.maximum(1, np.ceil(np.maximum.reduceat(points, starts, axis=0)).astype(int) - low)
    return [Box(*box) for box in np.hstack([low, size]).tolist()]


MaskKind = Literal["bar", "region"]


@dataclass(frozen=True)
class Mask:
    """Hold a closed polygon of at least three corners (x, y) in px; `bar` is a burned-in info bar,
    `region` another.
    """

    points: tuple[tuple[float, float], ...]
    kind: MaskKind = "region"

    def __post_init__(self) -> None:
        if len(self.points) < 3:
            raise ValueError(f"a mask needs at least three corners, not {len(self.points)}")

    @staticmethod
    def of_box(box: Box, kind: MaskKind = "region") -> Mask:
        """Return the mask that covers a box."""
        left = float(box.x)
        top = float(box.y)
        right = float(box.right)
        bottom = float(box.bottom)
        return Mask(((left, top), (right, top), (right, bottom), (left, bottom)), kind)

    @property
    def bounds(self) -> Box:
        """Return the smallest box of whole pixels around it."""
        xs, ys = zip(*self.points, strict=True)
        left = int(min(xs) // 1)
        top = int(min(ys) // 1)
        return Box(left, top, max(1, -int(-max(xs) // 1) - left), max(1, -int(-max(ys) // 1) - top))

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a point (px) lies inside (even-odd rule)."""
        inside = False
        before = self.points[-1]
        for here in self.points:
            if (here[1] > y) != (before[1] > y):
                crossing = here[0] + (y - here[1]) / (before[1] - here[1]) * (before[0] - here[0])
                inside ^= x < crossing
            before = here
        return inside


TURNED = (5, 6, 7, 8)
"""Orientations, as EXIF and TIFF tag 274 count them, of images whose sides are exchanged."""


def stored_box(box: Box, width: int, height: int, orientation: int) -> Box:
    """Return where a box of an upright image of `width` x `height` px lies in what is stored."""
    right = width - box.right
    below = height - box.bottom
    corners = {
        2: (right, box.y),
        3: (right, below),
        4: (box.x, below),
        5: (box.y, box.x),
        6: (box.y, right),
        7: (below, right),
        8: (below, box.x),
    }
    x, y = corners.get(orientation, (box.x, box.y))
    if orientation in TURNED:
        return Box(x, y, box.height, box.width)
    return Box(x, y, box.width, box.height)


def upright_points(
    points: npt.NDArray[np.float64], width: int, height: int, orientation: int
) -> npt.NDArray[np.float64]:
    """Return where points (n, 2) of a stored image lie in the upright one of `width` x `height` px.

    Pixel (0, 0) covers 0 to 1, in both.
    """
    x, y = points.T
    turned = {
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (width - y, x),
        7: (width - y, height - x),
        8: (y, height - x),
    }
    return np.stack(turned.get(orientation, (x, y)), axis=1)


def orientation_of(value: object) -> int:
    """Return the orientation (1 to 8) that a tag of a file holds, 1 for what is none."""
    if isinstance(value, int) and 1 <= value <= 8:
        return int(value)
    return 1


def turned_text(orientation: object) -> tuple[str, ...]:
    """Say that an image is not shown as it is stored; nothing where it is."""
    if orientation_of(orientation) == 1:
        return ()
    return (f"It is shown upright, turned from how it is stored (orientation {orientation}).",)

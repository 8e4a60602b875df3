"""Define boxes in pixels of a micrograph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Box:
    """Hold a box of whole pixels: left edge `x`, upper edge `y`, `width` and `height`, all in px."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a box needs at least one pixel each way, not {self.width} x {self.height}")

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
        """Return the part inside an image of `width` x `height` px, or None when nothing is left."""
        left, top = max(0, self.x), max(0, self.y)
        right, bottom = min(width, self.right), min(height, self.bottom)
        if right <= left or bottom <= top:
            return None
        return Box(left, top, right - left, bottom - top)

    def moved_inside(self, width: int, height: int) -> Box:
        """Return a box of the same size, where it fits, shifted to lie inside an image of `width` x `height` px."""
        wide, high = min(self.width, width), min(self.height, height)
        return Box(min(max(0, self.x), width - wide), min(max(0, self.y), height - high), wide, high)

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

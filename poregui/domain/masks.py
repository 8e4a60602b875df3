"""Define regions of a micrograph in which nothing is detected or cropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poregui.domain.geometry import Box

MaskKind = Literal["bar", "region"]


@dataclass(frozen=True)
class Mask:
    """Hold a closed polygon of at least three corners (x, y) in px; `bar` is a burned-in info bar, `region` another."""

    points: tuple[tuple[float, float], ...]
    kind: MaskKind = "region"

    def __post_init__(self) -> None:
        if len(self.points) < 3:
            raise ValueError(f"a mask needs at least three corners, not {len(self.points)}")

    @staticmethod
    def of_box(box: Box, kind: MaskKind = "region") -> Mask:
        """Return the mask that covers a box."""
        left, top, right, bottom = float(box.x), float(box.y), float(box.right), float(box.bottom)
        return Mask(((left, top), (right, top), (right, bottom), (left, bottom)), kind)

    @property
    def bounds(self) -> Box:
        """Return the smallest box of whole pixels around it."""
        xs, ys = zip(*self.points, strict=True)
        left, top = int(min(xs) // 1), int(min(ys) // 1)
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

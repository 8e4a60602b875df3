"""Find black borders around an image, which stitching and reconstruction leave, and hide them: they
are neither pore nor field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import MissingIn

_SHARE = 1e-4
"""The part of the image that a border covers at least."""
_FEWEST = 64
_BEYOND = 0.85
"""The part of a border that lies beyond the convex hull of all else, as around a turned image or a
circle of reconstruction; a pore at the edge reaches into it.
"""
_STRAIGHT = 20
"""How many px of its outline there are for each corner of a border with straight sides."""


@dataclass(frozen=True)
class Border:
    """Hold where a black border is: `coarse` (h, w) marks it in a small copy of an image of `width`
    x `height` px.
    """

    coarse: NDArray[np.bool_]
    width: int
    height: int

    @property
    def share(self) -> float:
        """Return the part of the image that is border."""
        return float(np.count_nonzero(self.coarse)) / self.coarse.size

    def within(self, pixels: NDArray[Any], box: Box) -> NDArray[np.bool_]:
        """Return which pixels (h, w) of a box of the image are black and lie in the border."""
        rows, columns = self.coarse.shape
        y = np.minimum(np.arange(box.y, box.bottom) * rows // self.height, rows - 1)
        x = np.minimum(np.arange(box.x, box.right) * columns // self.width, columns - 1)
        black = pixels == 0
        if pixels.ndim == 3:
            black = black[..., :3].all(axis=2)
        return np.asarray(black & self._grown[np.ix_(y, x)])

    @cached_property
    def _grown(self) -> NDArray[np.bool_]:
        if (self.height, self.width) == self.coarse.shape:
            return self.coarse
        return cv2.dilate(self.coarse.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)


def border_of(small: NDArray[np.float32], width: int, height: int) -> Border | None:
    """Return the black border in a small copy (h, w) of the greys of an image, None for none.

    A border is exactly 0, touches the edge of the image, and has straight sides or lies around a
    convex field.
    """
    black = (small == 0).astype(np.uint8)
    if not (black[[0, -1]].any() or black[:, [0, -1]].any()):
        return None
    _, labels, stats, _ = cv2.connectedComponentsWithStats(black, connectivity=4)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    large = stats[:, cv2.CC_STAT_AREA] >= max(_FEWEST, _SHARE * small.size)
    candidates = [int(label) for label in np.unique(edge) if label > 0 and large[label]]
    field = ~np.isin(labels, candidates)
    if not candidates or not field.any():
        return None
    hull = _hull_of(field)
    chosen = [
        label
        for label in candidates
        if np.mean(hull[labels == label] == 0) >= _BEYOND or _is_straight(labels == label)
    ]
    if not chosen:
        return None
    return Border(np.isin(labels, chosen), width, height)


def _hull_of(field: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return 1 within the convex hull of the true pixels (h, w), else 0."""
    rows = np.flatnonzero(field.any(axis=1))
    first = field[rows].argmax(axis=1)
    last = field.shape[1] - 1 - field[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.stack([first, rows], axis=1), np.stack([last, rows], axis=1)])
    hull = np.zeros(field.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(ends.astype(np.int32)), 1)
    return hull


def _is_straight(region: NDArray[np.bool_]) -> bool:
    """Tell whether the outline of a region runs along rows and columns."""
    lines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = sum(len(line) for line in lines)
    around = sum(cv2.arcLength(line, True) for line in lines)
    return bool(corners * _STRAIGHT <= around)


def without_border(
    read: Callable[[Box], NDArray[Any]], missing: MissingIn | None, border: Border, fill: float
) -> tuple[Callable[[Box], NDArray[Any]], MissingIn]:
    """Return `read` and `missing` of an image whose border has no value and shows the grey
    `fill`.
    """

    def filled(box: Box) -> NDArray[Any]:
        pixels = read(box)
        hidden = border.within(pixels, box)
        if hidden.any():
            pixels = pixels.copy()
            pixels[hidden] = fill
        return pixels

    def hides(box: Box) -> NDArray[np.bool_] | None:
        hidden = border.within(read(box), box)
        others = missing(box) if missing is not None else None
        if others is not None:
            hidden |= others
        return hidden if hidden.any() else None

    return filled, hides

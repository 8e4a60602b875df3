"""Read which pores a binary or label image marks, and the lines around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.vision.pores.contours import Traced, trace
from poregui.vision.pores.segmentation import Labels
from poregui.vision.shape.polygons import FloatArray

_STRAIGHT = 0.85
"""Distance in px of two points of a traced line from which on the line does not turn between them:
it is 1 then, and the root of one half where it turns.
"""
_NOT_LESS = 1e-6
"""Added, in px, so that a pore of one pixel does not enclose less than it by rounding."""
_SCATTERED = 4.0
"""Parts that a value of a label image lies in on average above which it marks no pores."""
_DIFFERING = 0.5
"""Part of the neighbours with values of their own above which these are greys and no labels."""


@dataclass(frozen=True)
class Marked:
    """Hold which pixels are pore: `labels` int32 (H, W), 0 outside, 1 to `count` for each pore.

    Pores that touch are apart where the image says so.
    """

    labels: Labels
    count: int

    @property
    def share(self) -> float:
        """Return the part of the image that is marked, 0 to 1."""
        return float(np.count_nonzero(self.labels)) / self.labels.size


def marked_in(values: NDArray[Any]) -> Marked:
    """Return the pores that values (H, W), or colours (H, W, 3), mark.

    One value that is not above 0 marks nothing. Of two, the greater marks pores, and those that
    touch, over corners too, are one. Of more, each above the least is a pore; values below 0
    and 0 mark none. Raises PoreguiError for values that are neither.
    """
    flat = _single(values)
    distinct, inverse = np.unique(flat, return_inverse=True)
    index = inverse.reshape(flat.shape)
    if len(distinct) == 1 and distinct[0] > 0:
        raise PoreguiError(
            "all its pixels have the same value.", "Mark pores with one value, the rest with 0."
        )
    if len(distinct) <= 2:
        found, regions = cv2.connectedComponents((index > 0).astype(np.uint8), connectivity=8)
        return Marked(np.asarray(regions, np.int32), found - 1)
    background = max(1, int(np.count_nonzero(distinct <= 0)))
    labels = np.maximum(index - (background - 1), 0).astype(np.int32)
    count = len(distinct) - background
    if _are_scattered(labels, count):
        raise PoreguiError(
            f"its {len(distinct):,} values are scattered, so it is no label image.",
            "Give a binary image, or one with a value for each pore.",
        )
    return Marked(labels, count)


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """Return one number for each pixel, of colours one for each colour; NaN becomes 0."""
    if values.ndim == 3:
        red, green, blue = (values[..., channel].astype(np.int64) for channel in range(3))
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return red
        return (red << 32) + (green << 16) + blue
    if values.dtype.kind == "f":
        return np.nan_to_num(values, nan=0.0)
    return values


def _are_scattered(labels: Labels, count: int) -> bool:
    """Tell whether neighbours mostly differ, or most labels lie about in many parts."""
    left = labels[:, :-1]
    right = labels[:, 1:]
    pairs = (left > 0) & (right > 0)
    if np.count_nonzero(pairs & (left != right)) > _DIFFERING * np.count_nonzero(pairs):
        return True
    framed, grey = _framed(labels)
    traced = trace(framed, grey, np.full(count + 1, 0.5))
    return int(np.count_nonzero(traced.area > 0)) > _SCATTERED * count


def _framed(labels: Labels) -> tuple[Labels, NDArray[np.float32]]:
    framed = np.pad(labels, 1)
    return framed, (framed == 0).astype(np.float32)


def lines_around(marked: Marked) -> list[list[list[FloatArray]]]:
    """Return for each pore its connected parts, each an outer line and the lines of its holes, (N,
    2) in px.

    Lines run between the pixels of a pore and the others, corners cut, and enclose as many px² as
    there are pixels; between two pores that touch they are the sides of pixels.
    """
    framed, grey = _framed(marked.labels)
    half = np.full(marked.count + 1, 0.5)
    first = trace(framed, grey, half)
    traced = trace(framed, grey, half + _shifts(first, marked.count))
    height, width = marked.labels.shape
    points = np.clip(traced.polygons.points, 0, (width, height))
    polygons = np.split(points, traced.polygons.starts[1:-1])
    outer: list[list[FloatArray]] = [[] for _ in range(marked.count)]
    holes: list[list[FloatArray]] = [[] for _ in range(marked.count)]
    for line, label, area in zip(
        polygons, traced.label.tolist(), traced.area.tolist(), strict=True
    ):
        if area > 0:
            outer[label - 1].append(line)
        else:
            holes[label - 1].append(line)
    return [_parts(lines, inner) for lines, inner in zip(outer, holes, strict=True)]


def _shifts(traced: Traced, count: int) -> FloatArray:
    """Return how far beyond the sides of its pixels the lines of each label lie, (count + 1,), so
    that what the cut corners take away comes back.

    With d for that and n for outer lines less holes, they enclose the pixels - n/2 + L d + 2 n d²,
    where each side of a pixel adds 1 to L, or 1/2 where the line turns at it.
    """
    steps = np.hypot(*(traced.polygons.following() - traced.polygons.points).T)
    lengths = traced.polygons.sums(np.where(steps > _STRAIGHT, 1.0, 0.5))
    around = np.bincount(traced.label, weights=lengths, minlength=count + 1)
    net = np.bincount(traced.label, weights=np.sign(traced.area), minlength=count + 1)
    more = np.sqrt(around**2 + 4 * net**2) - around
    shifts = np.divide(more, 4 * net, out=np.zeros(count + 1), where=net != 0)
    return np.asarray(shifts + _NOT_LESS)


def _parts(outer: list[FloatArray], holes: list[FloatArray]) -> list[list[FloatArray]]:
    """Return the parts of one pore, each hole with the smallest line around it."""
    parts = [[line] for line in outer]
    if len(parts) == 1:
        parts[0] += holes
        return parts
    order = sorted(
        range(len(outer)), key=lambda index: float(np.prod(np.ptp(outer[index], axis=0)))
    )
    for hole in holes:
        x, y = (float(value) for value in hole[0])
        for index in order:
            if cv2.pointPolygonTest(outer[index].astype(np.float32), (x, y), False) >= 0:
                parts[index].append(hole)
                break
    return parts

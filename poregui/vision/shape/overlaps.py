"""Find which outlines of two sets lie upon each other, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.polygons import FloatArray, IntArray, Rings, ranges

_FINE = 96
"""Cells along the longer side of a pair that it is drawn into: coarser for large pores, finer for
small ones.
"""
_SHIFT = 4
_LARGEST_SCALE = 16.0


@dataclass(frozen=True)
class Overlaps:
    """Hold pairs of outlines that share area: `first` and `second` are places in the two sets, (n,)
    int64.

    `iou` is intersection over union, `of_first` and `of_second` the shared part of each, all (n,)
    from above 0 to 1.
    """

    first: IntArray
    second: IntArray
    iou: FloatArray
    of_first: FloatArray
    of_second: FloatArray


def overlaps(first: Sequence[NDArray[Any]], second: Sequence[NDArray[Any]]) -> Overlaps:
    """Return all pairs of an outline (N, 2) of each set that share area, in px of one micrograph.

    Pairs are found with a grid over their boxes and then drawn, about 100 cells across, so that the
    shares are right to a few hundredths; the time is proportional to the number of outlines. Raises
    ValueError for fewer than three points.
    """
    a = Rings.of(first)
    b = Rings.of(second)
    one, other = near_boxes(np.hstack(a.bounds()), np.hstack(b.bounds()))
    shared = np.array(
        [_shared(a, b, i, j) for i, j in zip(one.tolist(), other.tolist(), strict=True)]
    )
    shared = shared.reshape(-1, 3)
    kept = shared[:, 0] > 0
    one = one[kept]
    other = other[kept]
    shared = shared[kept]
    both = shared[:, 0]
    area = shared[:, 1]
    of = shared[:, 2]
    return Overlaps(one, other, both / (area + of - both), both / area, both / of)


def _shared(a: Rings, b: Rings, i: int, j: int) -> tuple[float, float, float]:
    """Return the shared area and both areas of a pair of rings, in cells of one drawing."""
    one = a.points[a.starts[i] : a.starts[i + 1]]
    other = b.points[b.starts[j] : b.starts[j + 1]]
    low = np.minimum(one.min(axis=0), other.min(axis=0))
    size = np.maximum(one.max(axis=0), other.max(axis=0)) - low
    scale = min(_FINE / max(float(size.max()), 1e-3), _LARGEST_SCALE)
    width, height = (int(length * scale) + 3 for length in size)
    drawn = []
    for points in (one, other):
        cells = np.rint(((points - low) * scale + 0.5) * (1 << _SHIFT)).astype(np.int32)
        drawn.append(
            cv2.fillPoly(np.zeros((height, width), np.uint8), [cells], 1, cv2.LINE_8, _SHIFT)
        )
    return (
        float(cv2.countNonZero(cv2.bitwise_and(*drawn))),
        float(cv2.countNonZero(drawn[0])),
        float(cv2.countNonZero(drawn[1])),
    )


def near_boxes(first: FloatArray, second: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the places of all pairs of boxes (n, 4) and (m, 4) of left, top, right, bottom that
    share area.
    """
    if not len(first) or not len(second):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sides = np.concatenate([first[:, 2:] - first[:, :2], second[:, 2:] - second[:, :2]])
    cell = max(1.0, 2 * float(np.median(sides.max(axis=1))))
    wide = int(max(first[:, 2].max(), second[:, 2].max()) // cell) + 2
    here, of_here = _cells(first, cell, wide)
    there, of_there = _cells(second, cell, wide)
    order = np.argsort(there, kind="stable")
    there = there[order]
    of_there = of_there[order]
    begin = np.searchsorted(there, here, "left")
    end = np.searchsorted(there, here, "right")
    one = np.repeat(of_here, end - begin)
    other = of_there[ranges(begin, end - begin)]
    pairs = np.unique(one * len(second) + other)
    one = pairs // len(second)
    other = pairs % len(second)
    a = first[one]
    b = second[other]
    meet = (np.minimum(a[:, 2:], b[:, 2:]) > np.maximum(a[:, :2], b[:, :2])).all(axis=1)
    return one[meet], other[meet]


def _cells(boxes: FloatArray, cell: float, wide: int) -> tuple[IntArray, IntArray]:
    """Return the number of each cell that each box reaches, and the box; boxes left of 0 count to
    the first cells.
    """
    low = np.maximum(boxes[:, :2] // cell, 0).astype(np.int64)
    high = np.maximum(boxes[:, 2:] // cell, 0).astype(np.int64)
    across = high[:, 0] - low[:, 0] + 1
    rows = high[:, 1] - low[:, 1] + 1
    box_of_row = np.repeat(np.arange(len(boxes)), rows)
    row = ranges(low[:, 1], rows)
    box = np.repeat(box_of_row, across[box_of_row])
    column = ranges(low[box_of_row, 0], across[box_of_row])
    return np.repeat(row, across[box_of_row]) * wide + column, box

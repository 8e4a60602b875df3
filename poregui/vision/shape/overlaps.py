"""Check outlines, find which of them lie upon each other, and the area that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Mask, Outline
from poregui.vision.shape.crossings import (
    crossing,
    not_zero,
    one_line,
    parts_of,
    positive,
    signed_area,
    without_repeats,
)
from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons, ranges, spans

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
    a = Polygons.of(first)
    b = Polygons.of(second)
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


def _shared(a: Polygons, b: Polygons, i: int, j: int) -> tuple[float, float, float]:
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


# ---- the door for outlines that detection did not make ---------------------------------------

SMALLEST_PX2 = 1.0
"""Area below which a line is no outline of a pore."""
_FARTHEST = 1e7
_ROUNDED = 1e-3
"""Area in px² that one px of a line may lose when it is laid on a lattice."""
_SPIKE_PX = 0.5
"""How far a line may run out and back beyond what it encloses."""
Change = Literal["", "crossed", "cut"]


@dataclass(frozen=True)
class CheckedOutline:
    """Hold an outline that crosses itself nowhere and lies in its image, and how it was changed.

    `crossed`: it encloses what the line went around; `cut`: what lay outside the image is
    gone. Where it can be none, `outline` is None and `problem` says why: what follows "The
    outline".
    """

    outline: Outline | None
    change: Change = ""
    problem: str = ""


def checked_outlines(
    lines: Sequence[NDArray[Any]], size: tuple[int, int] | None = None
) -> list[CheckedOutline]:
    """Return what becomes of lines (N, 2) in px on an image of `size` (width, height) px.

    A line that crosses or repeats itself encloses all that it goes around, once; seams into holes
    stay. None for a size: images of any size. Those that are right stay as they are, bit for bit.
    """
    fits = [_fits(line) for line in lines]
    known = [index for index, fit in enumerate(fits) if fit]
    polygons = Polygons.of([lines[index] for index in known])
    crosses = np.zeros(len(lines), np.bool_)
    crosses[known] = crossing(polygons)
    return [
        _checked(line, size, crosses=bool(crosses[index]))
        if fits[index]
        else CheckedOutline(None, problem="has no three points with finite numbers")
        for index, line in enumerate(lines)
    ]


def checked_outline(line: NDArray[Any], size: tuple[int, int] | None = None) -> Outline:
    """Return one checked outline (see `checked_outlines`).

    Raises PoreguiError where the line encloses nothing, is not finite, or lies outside the image.
    """
    (found,) = checked_outlines([line], size)
    if found.outline is None:
        raise PoreguiError(f"The outline {found.problem}.", "Draw it around the pore.")
    return found.outline


def with_holes(outer: NDArray[Any], holes: Sequence[NDArray[Any]]) -> list[FloatArray]:
    """Return the lines (N, 2) of an area without its holes, one for each part that is connected.

    Seams lead into the holes and back. Raises PoreguiError where lines cross too often.
    """
    if not holes:
        return [np.asarray(outer, np.float64)]
    solid = [polygon for part in parts_of([outer], not_zero) for polygon in part]
    empty = [
        polygon[::-1] for hole in holes for part in parts_of([hole], not_zero) for polygon in part
    ]
    return [one_line(part) for part in parts_of([*solid, *empty], positive)]


def united(lines: Sequence[NDArray[Any]]) -> list[list[FloatArray]]:
    """Return the connected areas that closed lines (N, 2) cover together, each its outer line and
    its holes. Raises PoreguiError where lines cross too often.
    """
    solid = [polygon for line in lines for part in parts_of([line], not_zero) for polygon in part]
    return parts_of(solid, positive)


def _fits(line: NDArray[Any]) -> bool:
    shaped = line.ndim == 2 and line.shape[-1] == 2 and len(line) >= 3
    return bool(shaped and (np.abs(line) < _FARTHEST).all())


def _checked(line: NDArray[Any], size: tuple[int, int] | None, *, crosses: bool) -> CheckedOutline:
    points = np.asarray(line, np.float64)
    beyond = size is not None and bool(((points < 0) | (points > size)).any())
    if size is not None and beyond:
        points = _clipped(points, size)
    if len(points) < 3:
        return CheckedOutline(None, problem="lies outside the image")
    change: Change = ""
    if crosses or beyond:
        parts = parts_of([points], not_zero)
        whole = one_line([polygon for part in parts for polygon in part]) if parts else points[:0]
        if beyond:
            change = "cut"
        elif abs(abs(signed_area(whole)) - abs(signed_area(points))) > _ROUNDED * _length(
            points
        ) or (len(whole) and np.abs(_extent(whole) - _extent(points)).max() > _SPIKE_PX):
            change = "crossed"
        if change:
            points = whole
    if abs(signed_area(points)) >= SMALLEST_PX2:
        return CheckedOutline(Outline.of(points), change)
    if beyond:
        return CheckedOutline(None, problem="lies outside the image")
    return CheckedOutline(None, problem="encloses less than one pixel")


def _extent(points: NDArray[Any]) -> FloatArray:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _length(points: NDArray[Any]) -> float:
    return float(np.hypot(*(points - np.roll(points, 1, axis=0)).T).sum())


def _clipped(points: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return the part of a ring that lies in an image, sides along its edges where it left it.

    I. E. Sutherland and G. W. Hodgman, Commun. ACM 17 (1974) 32.
    """
    for axis, edge, sign in ((0, 0, 1), (1, 0, 1), (0, size[0], -1), (1, size[1], -1)):
        if len(points) < 3:
            break
        inner = sign * (points[:, axis] - edge)
        after = np.roll(inner, -1)
        part = np.divide(inner, inner - after, out=np.zeros(len(inner)), where=inner != after)
        met = points + part[:, None] * (np.roll(points, -1, axis=0) - points)
        met[:, axis] = edge
        both = np.stack([points, met], axis=1)
        kept = np.stack([inner >= 0, (inner >= 0) != (after >= 0)], axis=1)
        points = without_repeats(both[kept])
    return points


# ---- area that is counted once ---------------------------------------------------------------

_ROWS_PER_PX = 16


def shared_area(outlines: Sequence[NDArray[Any]], masks: Sequence[Mask] = ()) -> float:
    """Return by how much the sum of the areas of outlines (N, 2) is above the area that they cover
    together outside of masks, in px².

    The part that several share is measured in cells of a sixteenth px; outlines that share nothing
    add exactly 0.
    """
    polygons = Polygons.of(outlines)
    covers = Polygons.of([np.array(mask.points, np.float64) for mask in masks])
    boxes = np.hstack(polygons.bounds())
    one, other = near_boxes(boxes, boxes)
    apart = one != other
    hidden, mask = near_boxes(boxes, np.hstack(covers.bounds()))
    near = np.unique(np.concatenate([one[apart], other[apart], hidden]))
    if not len(near):
        return 0.0
    lines = [outlines[index] for index in near.tolist()]
    over = [np.array(masks[index].points, np.float64) for index in np.unique(mask).tolist()]
    return _doubled([*lines, *over]) - (_doubled(over) if over else 0.0)


def _doubled(lines: Sequence[NDArray[Any]]) -> float:
    """Return the sum of areas less the area that is covered, in px²."""
    polygons = Polygons.of(lines)
    found = spans(Polygons(polygons.points * _ROWS_PER_PX, polygons.starts))
    if not len(found.row):
        return 0.0
    order = np.lexsort((found.left, found.row))
    row = found.row[order] - found.row.min()
    wide = int(found.right.max() - found.left.min()) + 1
    left = found.left[order] - found.left.min() + row * wide
    right = found.right[order] - found.left.min() + row * wide
    before = np.maximum.accumulate(np.concatenate(([left[0]], right[:-1])))
    again = np.clip(np.minimum(before, right) - left, 0, None)
    return float(again.sum()) / _ROWS_PER_PX**2

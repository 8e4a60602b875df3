"""Trace labelled regions along a grey level, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons

_STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""To the neighbour behind the upper, right, lower and left side of a pixel, (row, column)."""


@dataclass(frozen=True)
class Traced:
    """Hold rings and the label of each, (n,); `area` is signed: positive around a region, negative
    around a hole.
    """

    polygons: Polygons
    label: IntArray
    area: FloatArray


def trace(
    framed: NDArray[Any],
    grey: NDArray[np.float32],
    levels: FloatArray,
    edges: IntArray | None = None,
) -> Traced:
    """Return the lines around labelled regions, in px of the array without its frame, pixel (0, 0)
    covering 0 to 1.

    `framed` are labels, 0 outside, with a frame of one free pixel; regions are connected over
    corners as well. `grey` has the same frame and is dark inside; `levels` (labels + 1,) holds the
    grey at the edge of each region. Each side of a pixel that separates a region from another pixel
    gets one point, on the line between the two middles where the grey, linear between them, reaches
    the level: the line of marching squares (W. Lorensen and H. Cline, SIGGRAPH Comput. Graph. 21
    (1987) 163, in two dimensions). Between two regions it is the side itself, and where the level
    is not reached the nearer middle. `edges` are places in the flat array, in rising order, that
    hold all pixels at the edge of a region; without them all pixels are looked at.
    """
    flat = framed.reshape(-1)
    stride = framed.shape[1]
    offsets = [row * stride + column for row, column in _STEPS]
    pixel, side = _sides(flat, np.flatnonzero(flat > 0) if edges is None else edges, offsets)
    following = _following(flat, pixel, side, offsets)
    polygon, place = _along_polygons(following)
    order = np.argsort(polygon * (len(polygon) + 1) + place)
    owner = flat[pixel].astype(np.int64)
    points = _crossings(flat, grey.reshape(-1), levels, pixel, side, offsets, stride)[order]
    starts = np.flatnonzero(np.diff(polygon[order], prepend=-1))
    polygons = Polygons(points, np.append(starts, len(points)).astype(np.int64))
    (x, y), (u, v) = polygons.points.T, polygons.following().T
    return Traced(polygons, owner[order][starts], polygons.sums(x * v - u * y) / 2)


def _sides(flat: NDArray[Any], inside: IntArray, offsets: list[int]) -> tuple[IntArray, IntArray]:
    """Return pixel (place in the framed array) and side (0 to 3) of each side that ends a region,
    sorted by side.
    """
    pixels = [inside[flat[inside + offset] != flat[inside]] for offset in offsets]
    sides = [np.full(len(found), side) for side, found in enumerate(pixels)]
    return np.concatenate(pixels), np.concatenate(sides)


def _following(flat: NDArray[Any], pixel: IntArray, side: IntArray, offsets: list[int]) -> IntArray:
    """Return for each side the next one with the region on the right hand.

    At its end lies the pixel ahead and the one diagonally ahead: when that is of the region the
    line turns left to it, else straight on along the pixel ahead, else right around this pixel.
    """
    ahead = np.array(offsets)[(side + 1) % 4]
    outward = np.array(offsets)[side]
    label = flat[pixel]
    diagonal = flat[pixel + ahead + outward] == label
    straight = flat[pixel + ahead] == label
    next_pixel = np.where(
        diagonal, pixel + ahead + outward, np.where(straight, pixel + ahead, pixel)
    )
    next_side = np.where(diagonal, (side + 3) % 4, np.where(straight, side, (side + 1) % 4))
    size = len(flat)
    return np.searchsorted(side * size + pixel, next_side * size + next_pixel)


def _along_polygons(following: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each element of a permutation its cycle (the least member) and how far it is
    before that one's return.

    Both double the distance they look ahead in each round (pointer jumping), so that no element is
    visited in Python.
    """
    polygon = np.arange(len(following))
    jump = following
    while True:
        minimum = np.minimum(polygon, polygon[jump])
        if np.array_equal(minimum, polygon):
            break
        polygon = minimum
        jump = jump[jump]
    last = following == polygon
    place = np.where(last, 0, 1)
    jump = np.where(last, np.arange(len(following)), following)
    while True:
        further = place + place[jump]
        if np.array_equal(further, place):
            return polygon, -place
        place = further
        jump = jump[jump]


def _crossings(
    flat: NDArray[Any],
    grey: NDArray[np.float32],
    levels: FloatArray,
    pixel: IntArray,
    side: IntArray,
    offsets: list[int],
    stride: int,
) -> FloatArray:
    """Return where the line crosses from the middle of each pixel to the one behind its side, (M,
    2), x and y.
    """
    behind = pixel + np.array(offsets)[side]
    inner = grey[pixel].astype(np.float64)
    outer = grey[behind].astype(np.float64)
    rises = outer > inner
    part = np.divide(
        levels[flat[pixel]] - inner, outer - inner, out=np.full(len(pixel), 0.5), where=rises
    )
    part = np.where(flat[behind] == 0, np.clip(part, 0.0, 1.0), 0.5)
    steps = np.array(_STEPS, dtype=np.float64)[side]
    row, column = np.divmod(pixel, stride)
    return np.stack([column - 0.5 + part * steps[:, 1], row - 0.5 + part * steps[:, 0]], axis=1)

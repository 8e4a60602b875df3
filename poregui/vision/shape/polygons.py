"""Hold many closed outlines in one array and find the pixels inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_BLOCK = 1 << 15
"""Points whose numbers stay in the processor's cache: fresh memory costs more than the numbers."""


@dataclass(frozen=True)
class Polygons:
    """Hold closed polygons one after another.

    `points` is float64 (M, 2), x and y in px; ring i is `points[starts[i]:starts[i + 1]]`, its
    first point not repeated; `starts` is int64 (n + 1,).
    """

    points: FloatArray
    starts: IntArray

    @staticmethod
    def of(outlines: Sequence[NDArray[Any]]) -> Polygons:
        """Return the rings of outlines (N, 2), each of three points or more;
        ValueError for others.
        """
        lengths = np.array([len(outline) for outline in outlines], dtype=np.int64)
        if len(lengths) and lengths.min() < 3:
            raise ValueError("an outline needs at least three points")
        if len(outlines):
            points = np.concatenate(outlines)
        else:
            points = np.empty((0, 2))
        return Polygons(
            np.asarray(points, dtype=np.float64).reshape(-1, 2),
            np.concatenate(([0], np.cumsum(lengths))),
        )

    @property
    def count(self) -> int:
        """Return how many rings there are."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> IntArray:
        """Return the number of points of each ring, (n,)."""
        return np.diff(self.starts)

    @property
    def owner(self) -> IntArray:
        """Return the number of the ring of each point, (M,)."""
        return np.repeat(np.arange(self.count), self.lengths)

    def following(self) -> FloatArray:
        """Return the next point of each point along its ring, (M, 2)."""
        index = np.arange(1, len(self.points) + 1)
        if self.count:
            index[self.starts[1:] - 1] = self.starts[:-1]
        if self.count:
            return self.points[index]
        return self.points

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum over each ring of values (M,) or (M, k)."""
        if not self.count:
            return np.zeros((0, *values.shape[1:]))
        return np.asarray(np.add.reduceat(values, self.starts[:-1], axis=0))

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest (x, y) of each ring, (n, 2) each."""
        if not self.count:
            return np.zeros((0, 2)), np.zeros((0, 2))
        first = self.starts[:-1]
        return np.minimum.reduceat(self.points, first, axis=0), np.maximum.reduceat(
            self.points, first, axis=0
        )

    def blocks(self) -> list[slice]:
        """Return slices of rings with so few points that arrays of their numbers stay in the
        processor's cache.
        """
        block = self.starts[:-1] // _BLOCK
        if self.count:
            cuts = np.flatnonzero(np.diff(block, prepend=-1, append=-1)).tolist()
        else:
            cuts = []
        return [slice(first, end) for first, end in pairwise(cuts)]

    def block(self, part: slice) -> Polygons:
        """Return the rings of a slice."""
        starts = self.starts[part.start : part.stop + 1]
        return Polygons(self.points[starts[0] : starts[-1]], starts - starts[0])


def ranges(first: IntArray, lengths: IntArray) -> IntArray:
    """Return first[0], first[0] + 1, ... for `lengths[0]` numbers, then the same from first[1], and
    so on.
    """
    ends = np.cumsum(lengths)
    total = 0
    if len(ends):
        total = int(ends[-1])
    return np.arange(total) + np.repeat(first - ends + lengths, lengths)


_TILE = 2048
_PIXELS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Spans:
    """Hold runs of pixels: `polygon` they are of, `row`, first column `left` and first column after
    it `right`, (k,).
    """

    polygon: IntArray
    row: IntArray
    left: IntArray
    right: IntArray


def spans(polygons: Polygons) -> Spans:
    """Return the runs of pixels whose middles lie inside each ring, by the even-odd rule."""
    (x, y), (u, v) = polygons.points.T, polygons.following().T
    low = np.minimum(y, v)
    high = np.maximum(y, v)
    first = np.ceil(low - 0.5).astype(np.int64)
    counts = np.maximum(0, np.ceil(high - 0.5).astype(np.int64) - first)
    edge = np.repeat(np.arange(len(x)), counts)
    row = ranges(first, counts)
    across = x[edge] + (row + 0.5 - y[edge]) * (u[edge] - x[edge]) / (v[edge] - y[edge])
    polygon = polygons.owner[edge]
    order = np.lexsort((across, row, polygon))
    column = np.ceil(across[order] - 0.5).astype(np.int64)
    left = column[::2]
    right = column[1::2]
    kept = right > left
    return Spans(polygon[order][::2][kept], row[order][::2][kept], left[kept], right[kept])


def all_spans(polygons: Polygons) -> Spans:
    """Return the runs of many rings, block by block."""
    parts = [(part.start, spans(polygons.block(part))) for part in polygons.blocks()]
    return Spans(
        np.concatenate([found.polygon + first for first, found in parts]),
        np.concatenate([found.row for _, found in parts]),
        np.concatenate([found.left for _, found in parts]),
        np.concatenate([found.right for _, found in parts]),
    )


def mean_greys(
    polygons: Polygons,
    pixels: NDArray[Any] | Callable[[Box], NDArray[Any]] | None,
    size: tuple[int, int],
) -> FloatArray:
    """Return the mean grey of the pixels inside each ring, NaN where there are none; colours count
    alike.
    """
    if pixels is None or not polygons.count:
        return np.full(polygons.count, np.nan)
    width, height = size
    found = all_spans(polygons)
    row_fits = (found.row >= 0) & (found.row < height)
    left = np.clip(found.left, 0, width)
    right = np.clip(found.right, 0, width)
    kept = row_fits & (right > left)
    found = Spans(found.polygon[kept], found.row[kept], left[kept], right[kept])
    sums = np.zeros(polygons.count)
    counts = np.zeros(polygons.count)
    for part in _by_tile(found):
        _add(
            sums,
            counts,
            Spans(found.polygon[part], found.row[part], found.left[part], found.right[part]),
            pixels,
        )
    return np.asarray(
        np.divide(sums, counts, out=np.full(polygons.count, np.nan), where=counts > 0)
    )


def _by_tile(found: Spans) -> list[IntArray]:
    """Return groups of runs that start in the same tile of the image and are not too many pixels
    together.
    """
    tile = (found.row // _TILE) * (1 << 20) + found.left // _TILE
    order = np.argsort(tile, kind="stable")
    pixels = np.cumsum((found.right - found.left)[order]) // _PIXELS_AT_ONCE
    cuts = np.flatnonzero((np.diff(tile[order]) != 0) | (np.diff(pixels) != 0)) + 1
    return [part for part in np.split(order, cuts) if len(part)]


def _add(
    sums: FloatArray,
    counts: FloatArray,
    part: Spans,
    pixels: NDArray[Any] | Callable[[Box], NDArray[Any]],
) -> None:
    top = int(part.row.min())
    left = int(part.left.min())
    box = Box(left, top, int(part.right.max()) - left, int(part.row.max()) - top + 1)
    if callable(pixels):
        patch = pixels(box)
    else:
        patch = pixels[box.y : box.bottom, box.x : box.right]
    lengths = part.right - part.left
    index = ranges((part.row - top) * box.width + part.left - left, lengths)
    flat = patch.reshape(box.area, -1)
    if flat.shape[1] == 1:
        grey = flat[index, 0].astype(np.float64)
    else:
        grey = flat[index].mean(axis=1, dtype=np.float64)
    ends = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    np.add.at(sums, part.polygon, np.add.reduceat(grey, ends))
    np.add.at(counts, part.polygon, lengths)

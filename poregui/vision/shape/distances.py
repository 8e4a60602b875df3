"""Measure how far pores are from each other and from the specimen's surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons, ranges

_PARTS = 16
"""Pieces that each ring is cut into, and the corner in the middle of each stands for all of it."""
_AT_ONCE = 512
_SLACK = 1e-6


class Corners:
    """Hold rings cut into pieces, so that most corners of a pair need not be compared."""

    def __init__(self, polygons: Polygons) -> None:
        self._x, self._y = np.ascontiguousarray(polygons.points.T)
        cuts = np.arange(_PARTS + 1) * polygons.lengths[:, None] // _PARTS
        self._first = polygons.starts[:-1, None] + cuts[:, :-1]
        self._size = np.maximum(np.diff(cuts, axis=1), 1)
        middle = self._first + self._size // 2
        self._middle_x = self._x[middle]
        self._middle_y = self._y[middle]
        self._reach = np.concatenate(
            [np.zeros((0, _PARTS)), *(self._reach_of(part) for part in polygons.blocks())]
        )

    def _reach_of(self, part: slice) -> FloatArray:
        """Return how far the corners of each piece are from the middle one at most, (rings,
        pieces).
        """
        first = self._first[part].reshape(-1)
        size = self._size[part].reshape(-1)
        corners = ranges(first, size)
        piece = np.repeat(np.arange(len(first)), size)
        across = self._x[corners] - self._middle_x[part].reshape(-1)[piece]
        down = self._y[corners] - self._middle_y[part].reshape(-1)[piece]
        far = np.maximum.reduceat(across * across + down * down, np.cumsum(size) - size)
        return np.asarray(np.sqrt(far).reshape(-1, _PARTS))

    def nearest(self, ones: IntArray, others: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the places of the two nearest corners of each pair of rings, (n,) each, and their
        distance in px.

        Of equally near ones it is the first along the first ring, then along the other.
        """
        found = [
            self._some(ones[start : start + _AT_ONCE], others[start : start + _AT_ONCE])
            for start in range(0, len(ones), _AT_ONCE)
        ]
        here, there, squared = (np.concatenate(values) for values in zip(*found, strict=True))
        return here, there, np.sqrt(squared)

    def _some(self, ones: IntArray, others: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        away = (self._middle_x[ones][:, :, None] - self._middle_x[others][:, None, :]) ** 2
        away += (self._middle_y[ones][:, :, None] - self._middle_y[others][:, None, :]) ** 2
        np.sqrt(away, out=away)
        away -= self._reach[ones][:, :, None]
        away -= self._reach[others][:, None, :]
        away = away.reshape(len(ones), -1)
        bound = np.sqrt(
            self._compare(ones, others, np.arange(len(ones)), away.argmin(axis=1)).minimum
        )
        compared = self._compare(ones, others, *np.nonzero(away <= bound[:, None] + _SLACK))
        return compared.nearest()

    def _compare(
        self, ones: IntArray, others: IntArray, pair: IntArray, pieces: IntArray
    ) -> _Compared:
        """Compare all corners of two pieces of each pair of rings; `pair` rises and names each of
        them.
        """
        one = ones[pair] * _PARTS + pieces // _PARTS
        other = others[pair] * _PARTS + pieces % _PARTS
        first = self._first.reshape(-1)
        size = self._size.reshape(-1)
        rows = size[one]
        row = ranges(first[one], rows)
        columns = np.repeat(size[other], rows)
        there = ranges(np.repeat(first[other], rows), columns)
        across = np.repeat(self._x[row], columns) - self._x[there]
        down = np.repeat(self._y[row], columns) - self._y[there]
        across *= across
        down *= down
        across += down
        counts = np.bincount(pair, weights=rows * size[other]).astype(np.int64)
        return _Compared(row, columns, there, across, counts)


@dataclass(frozen=True)
class _Compared:
    """Hold squared distances of corners: each `row` against the next `columns` of `there`, `counts`
    for each pair.
    """

    row: IntArray
    columns: IntArray
    there: IntArray
    squared: FloatArray
    counts: IntArray

    @property
    def minimum(self) -> FloatArray:
        """Return the least squared distance of each pair, (n,)."""
        return np.asarray(np.minimum.reduceat(self.squared, np.cumsum(self.counts) - self.counts))

    def nearest(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the places of the nearest corners of each pair and their squared distance."""
        minimum = self.minimum
        hits = np.flatnonzero(self.squared == np.repeat(minimum, self.counts))
        pair = np.searchsorted(np.cumsum(self.counts), hits, side="right")
        here = self.row[np.searchsorted(np.cumsum(self.columns), hits, side="right")]
        order = np.lexsort((self.there[hits], here, pair))
        first = order[np.flatnonzero(np.diff(pair[order], prepend=-1))]
        return here[first], self.there[hits][first], minimum


_NEIGHBOURS = 6
_LONG = 400
"""Corners from which a ring gets a search tree of its own."""


def nearest_edges(polygons: Polygons) -> FloatArray:
    """Return for each ring the shortest distance from its edge to that of another, in px; NaN for a
    ring alone.

    It is the distance of the two nearest corners, or of one of them to the sides that meet at the
    other. Rings are looked up by the circles around them, one class of sizes (factor 2) at a time,
    so that the time per pore stays.
    """
    if polygons.count < 2:
        return np.full(polygons.count, np.nan)
    return _Neighbours(polygons).distances()


class _Neighbours:
    """Hold what is known of the nearest neighbours of rings while they are looked for."""

    def __init__(self, polygons: Polygons) -> None:
        low, high = polygons.bounds()
        self._polygons = polygons
        self._middle = (low + high) / 2
        self._radius = np.concatenate(
            [_radius(polygons.block(part), self._middle[part]) for part in polygons.blocks()]
        )
        self._best = np.full(polygons.count, np.inf)
        self._corners = Corners(polygons)
        self._trees: dict[int, Any] = {}
        self._keys = np.zeros(0, dtype=np.int64)
        self._nearest: list[IntArray] = []

    def distances(self) -> FloatArray:
        octave = np.floor(np.log2(np.maximum(self._radius, 1.0))).astype(np.int64)
        levels, counts = np.unique(octave, return_counts=True)
        for level in levels[np.argsort(-counts)]:
            self._look_among(np.flatnonzero(octave == level))
        return self._to_sides()

    def _look_among(self, others: IntArray) -> None:
        """Lower the distances of all rings to those from one class of sizes."""
        from scipy.spatial import cKDTree

        tree = cKDTree(self._middle[others])
        largest = float(self._radius[others].max())
        asking = np.arange(len(self._best))
        known = 0
        count = min(_NEIGHBOURS, len(others))
        while len(asking):
            away, neighbours = tree.query(self._middle[asking], k=np.arange(known + 1, count + 1))
            near = others[neighbours]
            self._compare(asking, near, away - self._radius[asking][:, None] - self._radius[near])
            if count == len(others):
                return
            asking = asking[away[:, -1] - self._radius[asking] - largest < self._best[asking]]
            known = count
            count = min(2 * count, len(others))

    def _compare(self, asking: IntArray, near: IntArray, minimum: FloatArray) -> None:
        """Measure the pairs whose circles leave room for a shorter distance than the one known, the
        nearest first.
        """
        order = np.argsort(minimum, axis=1)
        for rank in order.T:
            other = near[np.arange(len(asking)), rank]
            bound = minimum[np.arange(len(asking)), rank]
            open_ = (bound < self._best[asking]) & (other != asking)
            one = asking[open_]
            other = other[open_]
            keys = np.unique(np.minimum(one, other) * self._polygons.count + np.maximum(one, other))
            keys = np.setdiff1d(keys, self._keys, assume_unique=True)
            if len(keys):
                self._measure(keys)

    def _measure(self, keys: IntArray) -> None:
        """Find the two nearest corners of pairs, and note where they are."""
        one, other = np.divmod(keys, self._polygons.count)
        corners = np.zeros((len(keys), 2), dtype=np.int64)
        distance = np.zeros(len(keys))
        long = np.maximum(self._polygons.lengths[one], self._polygons.lengths[other]) > _LONG
        if not long.all():
            corners[~long, 0], corners[~long, 1], distance[~long] = self._corners.nearest(
                one[~long], other[~long]
            )
        for index in np.flatnonzero(long).tolist():
            corners[index] = here, there = self._in_tree(int(one[index]), int(other[index]))
            distance[index] = np.hypot(
                *(self._polygons.points[here] - self._polygons.points[there])
            )
        np.minimum.at(self._best, one, distance)
        np.minimum.at(self._best, other, distance)
        self._keys = np.concatenate([self._keys, keys])
        self._nearest.append(corners)

    def _points(self, polygon: int) -> FloatArray:
        return self._polygons.points[
            self._polygons.starts[polygon] : self._polygons.starts[polygon + 1]
        ]

    def _in_tree(self, one: int, other: int) -> tuple[int, int]:
        lengths = self._polygons.lengths
        starts = self._polygons.starts
        if lengths[other] < lengths[one]:
            there, here = self._in_tree(other, one)
            return here, there
        away, corner_of = self._tree(other).query(self._points(one))
        nearest = int(away.argmin())
        return int(starts[one]) + nearest, int(starts[other] + corner_of[nearest])

    def _tree(self, polygon: int) -> Any:
        from scipy.spatial import cKDTree

        if polygon not in self._trees:
            self._trees[polygon] = cKDTree(self._points(polygon))
        return self._trees[polygon]

    def _to_sides(self) -> FloatArray:
        """Return the shortest distances when the sides that meet at the nearest corners count as
        well.
        """
        pairs = np.stack(np.divmod(self._keys, self._polygons.count), axis=1)
        corners = np.concatenate(self._nearest)
        here = self._polygons.points[corners[:, 0]]
        there = self._polygons.points[corners[:, 1]]
        minimum = np.minimum(
            self._beside(here, pairs[:, 1], corners[:, 1]),
            self._beside(there, pairs[:, 0], corners[:, 0]),
        )
        best = np.full(self._polygons.count, np.inf)
        np.minimum.at(best, pairs[:, 0], minimum)
        np.minimum.at(best, pairs[:, 1], minimum)
        return best

    def _beside(self, point: FloatArray, polygon: IntArray, corner: IntArray) -> FloatArray:
        """Return the distance of points to the two sides of a ring that meet at a place."""
        points = self._polygons.points
        first = self._polygons.starts[polygon]
        end = self._polygons.starts[polygon + 1]
        after = np.where(corner + 1 == end, first, corner + 1)
        before = np.where(corner == first, end - 1, corner - 1)
        here = points[corner]
        return np.minimum(
            _to_segment(point, here, points[after]), _to_segment(point, here, points[before])
        )


def _radius(polygons: Polygons, middle: FloatArray) -> FloatArray:
    """Return the greatest distance of the corners of each ring from its middle."""
    away = np.hypot(*(polygons.points - np.repeat(middle, polygons.lengths, axis=0)).T)
    return np.asarray(np.maximum.reduceat(away, polygons.starts[:-1]))


def surface_distances(polygons: Polygons, surfaces: Sequence[NDArray[Any]]) -> FloatArray:
    """Return the shortest distance of each ring's corners to lines of (M, 2) points in px; NaN
    without a line.
    """
    lines = [np.asarray(line, dtype=np.float64) for line in surfaces if len(line) > 1]
    if not lines or not polygons.count:
        return np.full(polygons.count, np.nan)
    if sum(len(line) for line in lines) > _LONG:
        return _to_long_lines(polygons, lines)
    nearest = np.full(len(polygons.points), np.inf)
    for line in lines:
        for start, end in pairwise(line):
            np.minimum(nearest, _to_segment(polygons.points, start, end), out=nearest)
    return np.asarray(np.minimum.reduceat(nearest, polygons.starts[:-1]))


def _to_long_lines(polygons: Polygons, lines: list[FloatArray]) -> FloatArray:
    """Look the sides up by their ends first: those that meet at the nearest end are compared."""
    from scipy.spatial import cKDTree

    ends = np.concatenate(lines)
    last = np.cumsum([len(line) for line in lines]) - 1
    first = np.concatenate(([0], last[:-1] + 1))
    nearest_end = cKDTree(ends).query(polygons.points)[1]
    before = np.arange(len(ends)) - 1
    after = np.arange(len(ends)) + 1
    before[first], after[last] = first, last
    nearest = np.minimum(
        _to_segment(polygons.points, ends[nearest_end], ends[before[nearest_end]]),
        _to_segment(polygons.points, ends[nearest_end], ends[after[nearest_end]]),
    )
    return np.asarray(np.minimum.reduceat(nearest, polygons.starts[:-1]))


def _to_segment(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the distance of points (n, 2) to line segments, one or (n, 2)."""
    along = end - start
    to = points - start
    squared = (along**2).sum(axis=-1)
    fraction = np.clip((to * along).sum(axis=-1) / np.where(squared == 0, 1.0, squared), 0, 1)
    return np.asarray(np.hypot(*(to - fraction[:, None] * along).T))

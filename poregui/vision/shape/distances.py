"""Measure how far pores are from each other and from the specimen's surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.polygons import FloatArray, IntArray, Rings, ranges

_PARTS = 16
"""Pieces that each ring is cut into, and the corner in the middle of each stands for all of it."""
_AT_ONCE = 512
_SLACK = 1e-6


class Corners:
    """Hold rings cut into pieces, so that most corners of a pair need not be compared."""

    def __init__(self, rings: Rings) -> None:
        self._x, self._y = np.ascontiguousarray(rings.points.T)
        cuts = np.arange(_PARTS + 1) * rings.lengths[:, None] // _PARTS
        self._first = rings.starts[:-1, None] + cuts[:, :-1]
        self._size = np.maximum(np.diff(cuts, axis=1), 1)
        middle = self._first + self._size // 2
        self._middle_x = self._x[middle]
        self._middle_y = self._y[middle]
        self._reach = np.concatenate(
            [np.zeros((0, _PARTS)), *(self._reach_of(part) for part in rings.blocks())]
        )

    def _reach_of(self, part: slice) -> FloatArray:
        """Return how far the corners of each piece are from the middle one at most, (rings,
        pieces).
        """
        first = self._first[part].reshape(-1)
        size = self._size[part].reshape(-1)
        place = ranges(first, size)
        piece = np.repeat(np.arange(len(first)), size)
        across = self._x[place] - self._middle_x[part].reshape(-1)[piece]
        down = self._y[place] - self._middle_y[part].reshape(-1)[piece]
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
            self._compare(ones, others, np.arange(len(ones)), away.argmin(axis=1)).least
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
    def least(self) -> FloatArray:
        """Return the least squared distance of each pair, (n,)."""
        return np.asarray(np.minimum.reduceat(self.squared, np.cumsum(self.counts) - self.counts))

    def nearest(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the places of the nearest corners of each pair and their squared distance."""
        least = self.least
        hits = np.flatnonzero(self.squared == np.repeat(least, self.counts))
        pair = np.searchsorted(np.cumsum(self.counts), hits, side="right")
        here = self.row[np.searchsorted(np.cumsum(self.columns), hits, side="right")]
        order = np.lexsort((self.there[hits], here, pair))
        first = order[np.flatnonzero(np.diff(pair[order], prepend=-1))]
        return here[first], self.there[hits][first], least


_NEIGHBOURS = 6
_LONG = 400
"""Corners from which a ring gets a search tree of its own."""


def nearest_edges(rings: Rings) -> FloatArray:
    """Return for each ring the shortest distance from its edge to that of another, in px; NaN for a
    ring alone.

    It is the distance of the two nearest corners, or of one of them to the sides that meet at the
    other. Rings are looked up by the circles around them, one class of sizes (factor 2) at a time,
    so that the time per pore stays.
    """
    if rings.count < 2:
        return np.full(rings.count, np.nan)
    return _Neighbours(rings).distances()


class _Neighbours:
    """Hold what is known of the nearest neighbours of rings while they are looked for."""

    def __init__(self, rings: Rings) -> None:
        low, high = rings.bounds()
        self._rings = rings
        self._middle = (low + high) / 2
        self._radius = np.concatenate(
            [_radius(rings.block(part), self._middle[part]) for part in rings.blocks()]
        )
        self._best = np.full(rings.count, np.inf)
        self._corners = Corners(rings)
        self._trees: dict[int, Any] = {}
        self._keys = np.zeros(0, dtype=np.int64)
        self._places: list[IntArray] = []

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
            away, place = tree.query(self._middle[asking], k=np.arange(known + 1, count + 1))
            near = others[place]
            self._compare(asking, near, away - self._radius[asking][:, None] - self._radius[near])
            if count == len(others):
                return
            asking = asking[away[:, -1] - self._radius[asking] - largest < self._best[asking]]
            known = count
            count = min(2 * count, len(others))

    def _compare(self, asking: IntArray, near: IntArray, least: FloatArray) -> None:
        """Measure the pairs whose circles leave room for a shorter distance than the one known, the
        nearest first.
        """
        order = np.argsort(least, axis=1)
        for rank in order.T:
            other = near[np.arange(len(asking)), rank]
            bound = least[np.arange(len(asking)), rank]
            open_ = (bound < self._best[asking]) & (other != asking)
            one = asking[open_]
            other = other[open_]
            keys = np.unique(np.minimum(one, other) * self._rings.count + np.maximum(one, other))
            keys = np.setdiff1d(keys, self._keys, assume_unique=True)
            if len(keys):
                self._measure(keys)

    def _measure(self, keys: IntArray) -> None:
        """Find the two nearest corners of pairs, and note where they are."""
        one, other = np.divmod(keys, self._rings.count)
        place = np.zeros((len(keys), 2), dtype=np.int64)
        distance = np.zeros(len(keys))
        long = np.maximum(self._rings.lengths[one], self._rings.lengths[other]) > _LONG
        if not long.all():
            place[~long, 0], place[~long, 1], distance[~long] = self._corners.nearest(
                one[~long], other[~long]
            )
        for index in np.flatnonzero(long).tolist():
            place[index] = here, there = self._in_tree(int(one[index]), int(other[index]))
            distance[index] = np.hypot(*(self._rings.points[here] - self._rings.points[there]))
        np.minimum.at(self._best, one, distance)
        np.minimum.at(self._best, other, distance)
        self._keys = np.concatenate([self._keys, keys])
        self._places.append(place)

    def _points(self, ring: int) -> FloatArray:
        return self._rings.points[self._rings.starts[ring] : self._rings.starts[ring + 1]]

    def _in_tree(self, one: int, other: int) -> tuple[int, int]:
        lengths = self._rings.lengths
        starts = self._rings.starts
        if lengths[other] < lengths[one]:
            there, here = self._in_tree(other, one)
            return here, there
        away, place = self._tree(other).query(self._points(one))
        nearest = int(away.argmin())
        return int(starts[one]) + nearest, int(starts[other] + place[nearest])

    def _tree(self, ring: int) -> Any:
        from scipy.spatial import cKDTree

        if ring not in self._trees:
            self._trees[ring] = cKDTree(self._points(ring))
        return self._trees[ring]

    def _to_sides(self) -> FloatArray:
        """Return the shortest distances when the sides that meet at the nearest corners count as
        well.
        """
        pairs = np.stack(np.divmod(self._keys, self._rings.count), axis=1)
        places = np.concatenate(self._places)
        here = self._rings.points[places[:, 0]]
        there = self._rings.points[places[:, 1]]
        least = np.minimum(
            self._beside(here, pairs[:, 1], places[:, 1]),
            self._beside(there, pairs[:, 0], places[:, 0]),
        )
        best = np.full(self._rings.count, np.inf)
        np.minimum.at(best, pairs[:, 0], least)
        np.minimum.at(best, pairs[:, 1], least)
        return best

    def _beside(self, point: FloatArray, ring: IntArray, place: IntArray) -> FloatArray:
        """Return the distance of points to the two sides of a ring that meet at a place."""
        points = self._rings.points
        first = self._rings.starts[ring]
        end = self._rings.starts[ring + 1]
        after = np.where(place + 1 == end, first, place + 1)
        before = np.where(place == first, end - 1, place - 1)
        here = points[place]
        return np.minimum(
            _to_segment(point, here, points[after]), _to_segment(point, here, points[before])
        )


def _radius(rings: Rings, middle: FloatArray) -> FloatArray:
    """Return the greatest distance of the corners of each ring from its middle."""
    away = np.hypot(*(rings.points - np.repeat(middle, rings.lengths, axis=0)).T)
    return np.asarray(np.maximum.reduceat(away, rings.starts[:-1]))


def surface_distances(rings: Rings, surfaces: Sequence[NDArray[Any]]) -> FloatArray:
    """Return the shortest distance of each ring's corners to lines of (M, 2) points in px; NaN
    without a line.
    """
    lines = [np.asarray(line, dtype=np.float64) for line in surfaces if len(line) > 1]
    if not lines or not rings.count:
        return np.full(rings.count, np.nan)
    if sum(len(line) for line in lines) > _LONG:
        return _to_long_lines(rings, lines)
    nearest = np.full(len(rings.points), np.inf)
    for line in lines:
        for start, end in pairwise(line):
            np.minimum(nearest, _to_segment(rings.points, start, end), out=nearest)
    return np.asarray(np.minimum.reduceat(nearest, rings.starts[:-1]))


def _to_long_lines(rings: Rings, lines: list[FloatArray]) -> FloatArray:
    """Look the sides up by their ends first: those that meet at the nearest end are compared."""
    from scipy.spatial import cKDTree

    ends = np.concatenate(lines)
    last = np.cumsum([len(line) for line in lines]) - 1
    first = np.concatenate(([0], last[:-1] + 1))
    place = cKDTree(ends).query(rings.points)[1]
    before = np.arange(len(ends)) - 1
    after = np.arange(len(ends)) + 1
    before[first], after[last] = first, last
    nearest = np.minimum(
        _to_segment(rings.points, ends[place], ends[before[place]]),
        _to_segment(rings.points, ends[place], ends[after[place]]),
    )
    return np.asarray(np.minimum.reduceat(nearest, rings.starts[:-1]))


def _to_segment(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the distance of points (n, 2) to line segments, one or (n, 2)."""
    along = end - start
    to = points - start
    squared = (along**2).sum(axis=-1)
    part = np.clip((to * along).sum(axis=-1) / np.where(squared == 0, 1.0, squared), 0, 1)
    return np.asarray(np.hypot(*(to - part[:, None] * along).T))

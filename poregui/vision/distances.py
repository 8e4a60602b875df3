"""Measure how far pores are from each other and from the specimen's surface; changes with what those distances mean."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.rings import FloatArray, IntArray, Rings

_NEIGHBOURS = 6
_LONG = 400
"""Corners from which a ring gets a search tree of its own."""


def nearest_edges(rings: Rings) -> FloatArray:
    """Return for each ring the shortest distance from its edge to that of another, in px; NaN for a ring alone.

    It is the distance of the two nearest corners, or of one of them to the sides that meet at the other. Rings are
    looked up by the circles around them, one class of sizes (factor 2) at a time, so that the time per pore stays.
    """
    if rings.count < 2:
        return np.full(rings.count, np.nan)
    return _Neighbours(rings).distances()


class _Neighbours:
    """Hold what is known of the nearest neighbours of rings while they are looked for."""

    def __init__(self, rings: Rings) -> None:
        low, high = rings.bounds()
        self._parts = np.split(rings.points, rings.starts[1:-1])
        self._middle, self._radius = (low + high) / 2, np.hypot(*(high - low).T) / 2
        self._best = [np.inf] * rings.count
        self._trees: dict[int, Any] = {}

    def distances(self) -> FloatArray:
        octave = np.floor(np.log2(np.maximum(self._radius, 1.0))).astype(np.int64)
        levels, counts = np.unique(octave, return_counts=True)
        for level in levels[np.argsort(-counts)]:
            self._look_among(np.flatnonzero(octave == level))
        return np.array(self._best)

    def _look_among(self, others: IntArray) -> None:
        """Lower the distances of all rings to those from one class of sizes."""
        from scipy.spatial import cKDTree

        tree, largest = cKDTree(self._middle[others]), float(self._radius[others].max())
        asking, known, count = np.arange(len(self._best)), 0, min(_NEIGHBOURS, len(others))
        while len(asking):
            away, place = tree.query(self._middle[asking], k=np.arange(known + 1, count + 1))
            near = others[place]
            self._compare(asking, near, away - self._radius[asking][:, None] - self._radius[near])
            if count == len(others):
                return
            asking = asking[away[:, -1] - self._radius[asking] - largest < np.array(self._best)[asking]]
            known, count = count, min(2 * count, len(others))

    def _compare(self, asking: IntArray, near: IntArray, least: FloatArray) -> None:
        """Measure the pairs whose circles leave room for a shorter distance than the one known."""
        best = self._best
        for one, others, bounds in zip(asking.tolist(), near.tolist(), least.tolist(), strict=True):
            for other, bound in zip(others, bounds, strict=True):
                if other != one and bound < best[one]:
                    distance = self._distance(one, other)
                    best[one], best[other] = min(best[one], distance), min(best[other], distance)

    def _distance(self, one: int, other: int) -> float:
        from scipy.spatial.distance import cdist

        here, there = self._parts[one], self._parts[other]
        if len(there) < len(here):
            here, there, other = there, here, one
        if len(there) > _LONG:
            away, place = self._tree(other).query(here)
            row = int(away.argmin())
            column = int(place[row])
        else:
            row, column = divmod(int(cdist(here, there, "sqeuclidean").argmin()), len(there))
        return _near_corners(here, row, there, column)

    def _tree(self, ring: int) -> Any:
        from scipy.spatial import cKDTree

        if ring not in self._trees:
            self._trees[ring] = cKDTree(self._parts[ring])
        return self._trees[ring]


def _near_corners(here: FloatArray, row: int, there: FloatArray, column: int) -> float:
    """Return the distance of two nearest corners, or of one of them to the sides at the other when that is shorter."""
    corner, opposite = here[row].tolist(), there[column].tolist()
    return min(
        _to_side(corner, opposite, there[column - 1].tolist()),
        _to_side(corner, opposite, there[(column + 1) % len(there)].tolist()),
        _to_side(opposite, corner, here[row - 1].tolist()),
        _to_side(opposite, corner, here[(row + 1) % len(here)].tolist()),
    )


def _to_side(point: list[float], start: list[float], end: list[float]) -> float:
    """Return the distance of a point to a line segment."""
    along_x, along_y, to_x, to_y = end[0] - start[0], end[1] - start[1], point[0] - start[0], point[1] - start[1]
    squared = along_x * along_x + along_y * along_y
    part = min(1.0, max(0.0, (to_x * along_x + to_y * along_y) / squared)) if squared else 0.0
    return math.hypot(to_x - part * along_x, to_y - part * along_y)


def surface_distances(rings: Rings, surface: NDArray[Any] | None) -> FloatArray:
    """Return the shortest distance of each ring's corners to a line of (M, 2) points in px; NaN without one."""
    if surface is None or len(surface) < 2 or not rings.count:
        return np.full(rings.count, np.nan)
    line = np.asarray(surface, dtype=np.float64)
    nearest = np.full(len(rings.points), np.inf)
    for start, end in pairwise(line):
        np.minimum(nearest, _to_segment(rings.points, start, end), out=nearest)
    return np.asarray(np.minimum.reduceat(nearest, rings.starts[:-1]))


def _to_segment(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the distance of points (n, 2) to one line segment."""
    along, to = end - start, points - start
    squared = float(along @ along)
    part = np.clip(to @ along / squared, 0, 1) if squared else np.zeros(len(points))
    return np.asarray(np.hypot(*(to - part[:, None] * along).T))

"""Find the nearest corners of many pairs of outlines at once; changes with how corners are passed over unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poregui.vision.shape.rings import FloatArray, IntArray, Rings, ranges

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
        self._middle_x, self._middle_y = self._x[middle], self._y[middle]
        self._reach = np.concatenate([np.zeros((0, _PARTS)), *(self._reach_of(part) for part in rings.blocks())])

    def _reach_of(self, part: slice) -> FloatArray:
        """Return how far the corners of each piece are from the middle one at most, (rings, pieces)."""
        first, size = self._first[part].reshape(-1), self._size[part].reshape(-1)
        place, piece = ranges(first, size), np.repeat(np.arange(len(first)), size)
        across = self._x[place] - self._middle_x[part].reshape(-1)[piece]
        down = self._y[place] - self._middle_y[part].reshape(-1)[piece]
        far = np.maximum.reduceat(across * across + down * down, np.cumsum(size) - size)
        return np.asarray(np.sqrt(far).reshape(-1, _PARTS))

    def nearest(self, ones: IntArray, others: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the places of the two nearest corners of each pair of rings, (n,) each, and their distance in px.

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
        bound = np.sqrt(self._compare(ones, others, np.arange(len(ones)), away.argmin(axis=1)).least)
        compared = self._compare(ones, others, *np.nonzero(away <= bound[:, None] + _SLACK))
        return compared.nearest()

    def _compare(self, ones: IntArray, others: IntArray, pair: IntArray, pieces: IntArray) -> _Compared:
        """Compare all corners of two pieces of each pair of rings; `pair` rises and names each of them."""
        one, other = ones[pair] * _PARTS + pieces // _PARTS, others[pair] * _PARTS + pieces % _PARTS
        first, size = self._first.reshape(-1), self._size.reshape(-1)
        rows = size[one]
        row, columns = ranges(first[one], rows), np.repeat(size[other], rows)
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
    """Hold squared distances of corners: each `row` against the next `columns` of `there`, `counts` for each pair."""

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

"""Hold many closed outlines in one array, so that one pass yields numbers of all; changes with that layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_BLOCK = 1 << 15
"""Points whose numbers stay in the processor's cache: fresh memory costs more than the numbers."""


@dataclass(frozen=True)
class Rings:
    """Hold closed polygons one after another.

    `points` is float64 (M, 2), x and y in px; ring i is `points[starts[i]:starts[i + 1]]`, its first point not
    repeated; `starts` is int64 (n + 1,).
    """

    points: FloatArray
    starts: IntArray

    @staticmethod
    def of(outlines: Sequence[NDArray[Any]]) -> Rings:
        """Return the rings of outlines (N, 2), each of three points or more; ValueError for others."""
        lengths = np.array([len(outline) for outline in outlines], dtype=np.int64)
        if len(lengths) and lengths.min() < 3:
            raise ValueError("an outline needs at least three points")
        points = np.concatenate(outlines) if len(outlines) else np.empty((0, 2))
        return Rings(np.asarray(points, dtype=np.float64).reshape(-1, 2), np.concatenate(([0], np.cumsum(lengths))))

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
        return self.points[index] if self.count else self.points

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
        return np.minimum.reduceat(self.points, first, axis=0), np.maximum.reduceat(self.points, first, axis=0)

    def blocks(self) -> list[slice]:
        """Return slices of rings with so few points that arrays of their numbers stay in the processor's cache."""
        block = self.starts[:-1] // _BLOCK
        cuts = np.flatnonzero(np.diff(block, prepend=-1, append=-1)).tolist() if self.count else []
        return [slice(first, end) for first, end in pairwise(cuts)]

    def block(self, part: slice) -> Rings:
        """Return the rings of a slice."""
        starts = self.starts[part.start : part.stop + 1]
        return Rings(self.points[starts[0] : starts[-1]], starts - starts[0])


def ranges(first: IntArray, lengths: IntArray) -> IntArray:
    """Return first[0], first[0] + 1, ... for `lengths[0]` numbers, then the same from first[1], and so on."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(first - ends + lengths, lengths)

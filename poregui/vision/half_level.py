"""Find the grey halfway between each pore and the matrix around it; changes with where the edge of a pore lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.lighting import FloatImage
from poregui.vision.rings import FloatArray
from poregui.vision.segmenting import Labels

REACH = 3
"""How far in px the half level may lie outside the threshold."""
RING = 3
"""Width in px of the ring beyond it from which the grey of the matrix is taken."""
_BINS = 128
_FLOOR = 0.2
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Levels:
    """Hold greys per label, (labels + 1,): of the `matrix` around, of the `floor` of the pore, and of its `edge`."""

    matrix: FloatArray
    floor: FloatArray
    edge: FloatArray

    @property
    def contrast(self) -> FloatArray:
        """Return |matrix - floor| over the brighter of both."""
        top = np.maximum(np.maximum(np.abs(self.matrix), np.abs(self.floor)), 1e-9)
        return np.asarray(np.abs(self.matrix - self.floor) / top)


def grow(labels: Labels, steps: int) -> Labels:
    """Return the labels with each free pixel within some steps given to the region that is nearest."""
    grown = labels.astype(np.float32)
    for _ in range(steps):
        grown = np.where(grown == 0, cv2.dilate(grown, _SQUARE), grown)
    return grown.astype(np.int32)


def levels_of(grey: FloatImage, labels: Labels, near: Labels, count: int, smoothing: float) -> Levels:
    """Return the half level of each region, its floor the fifth of its pixels that is darkest (`grey` is dark inside).

    Smoothing by a Gaussian moves the half level of a closed line inwards: by the flow of curvature, whose area shrinks
    at the same rate whatever the shape (M. Gage, Duke Math. J. 50 (1983) 1225), it takes pi s² px² away. The level at
    which the line stays where it was is above by that area over the perimeter, times the slope 1 / (s sqrt(2 pi)).
    `near` are the labels grown by `REACH`.
    """
    ring = np.where(near == 0, grow(near, RING), 0)
    matrix = _quantile(grey, ring, count, 0.5)
    floor = _quantile(grey, labels, count, _FLOOR)
    crossings = _crossings(labels, count)
    perimeter = np.maximum(crossings * np.pi / 4, 1.0)
    part = np.clip(0.5 - smoothing * np.sqrt(np.pi / 2) / perimeter, 0.3, 0.5)
    return Levels(matrix, floor, matrix - part * (matrix - floor))


def within_level(grey: FloatImage, labels: Labels, near: Labels, levels: Levels) -> Labels:
    """Return the labels moved to where the grey is beyond the edge of each region, within `REACH` px of before."""
    core = cv2.erode((labels > 0).astype(np.uint8), _SQUARE, iterations=REACH - 1)
    edge = levels.edge.astype(np.float32)[near]
    return np.where((core > 0) | (grey < edge), near, 0).astype(np.int32)


def _crossings(labels: Labels, count: int) -> FloatArray:
    """Return how many sides of pixels end each label; times pi / 4 that is about the perimeter."""
    total = np.zeros(count + 1)
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        differ = one != other
        total += np.bincount(one[differ], minlength=count + 1) + np.bincount(other[differ], minlength=count + 1)
    return total


def _quantile(grey: FloatImage, labels: Labels, count: int, part: float) -> FloatArray:
    """Return a quantile of the greys of each label, (count + 1,), from histograms of 128 bins; 0 for one without."""
    place = np.flatnonzero(labels)
    if not len(place):
        return np.zeros(count + 1)
    label, value = labels.reshape(-1)[place], grey.reshape(-1)[place]
    low, high = float(value.min()), float(value.max())
    span = max(high - low, 1e-6)
    bins = np.minimum((value - low) * (_BINS / span), _BINS - 1).astype(np.int64)
    counts = np.bincount(label * _BINS + bins, minlength=(count + 1) * _BINS).reshape(count + 1, _BINS)
    rising = np.cumsum(counts, axis=1)
    wanted = part * rising[:, -1]
    at = np.minimum((rising < wanted[:, None]).sum(axis=1), _BINS - 1)
    rows: NDArray[np.int64] = np.arange(count + 1)
    here = counts[rows, at]
    before = rising[rows, at] - here
    inside = np.divide(wanted - before, here, out=np.full(count + 1, 0.5), where=here > 0)
    return np.where(rising[:, -1] > 0, low + (at + inside) * span / _BINS, 0.0)

"""Find the grey halfway between each pore and the matrix around it; changes with where the edge of a pore lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.lighting import FloatImage
from poregui.vision.rings import FloatArray, IntArray
from poregui.vision.segmenting import Labels

REACH = 3
"""How far in px the half level may lie outside the threshold."""
RING = 3
"""Width in px of the ring beyond it from which the grey of the matrix is taken."""
_BINS = 128
_FLOOR = 0.2
_SMALL = 250
"""Pixels below which only the darkest of a pore have reached its floor."""
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


@dataclass(frozen=True)
class Bands:
    """Hold places in the flat array of labels: `inside` of the regions, of them the `rim` within `REACH` px - 1 of the
    edge; `outside` the free ones within `REACH` px, and the `ring` of the matrix beyond. `near` are the labels grown
    over `outside`; `owner` the label that each place of the ring is nearest to.
    """

    near: Labels
    inside: IntArray
    rim: IntArray
    outside: IntArray
    ring: IntArray
    owner: NDArray[np.int32]


def bands_of(labels: Labels) -> Bands:
    """Return what lies within some px of the edges of regions, each place with the region that is nearest."""
    mask = np.pad((labels > 0).astype(np.uint8), 1)
    width = mask.shape[1]
    near = np.pad(labels, 1)
    flat = near.reshape(-1)
    outside = _grow(flat, cv2.dilate(mask, _SQUARE, iterations=REACH), REACH, width)
    further = flat.copy()
    ring = _grow(further, cv2.dilate(mask, _SQUARE, iterations=REACH + RING), RING, width)
    core = cv2.erode(mask, _SQUARE, iterations=REACH - 1)
    rim = np.flatnonzero((mask != core).reshape(-1))
    inside = np.flatnonzero(mask.reshape(-1).view(np.bool_))
    inside, rim, outside = (_unframed(places, width) for places in (inside, rim, outside))
    return Bands(np.ascontiguousarray(near[1:-1, 1:-1]), inside, rim, outside, _unframed(ring, width), further[ring])


def _grow(flat: NDArray[np.int32], reached: NDArray[Any], steps: int, width: int) -> IntArray:
    """Give free places that are reached to the region beside them, step by step, and return them."""
    reached[0] = reached[-1] = 0
    reached[:, 0] = reached[:, -1] = 0
    places = np.flatnonzero(np.logical_and(reached.reshape(-1), flat == 0))
    free = places
    for _ in range(steps):
        beside = flat[free - width - 1]
        for offset in (-width, 1 - width, -1, 1, width - 1, width, width + 1):
            np.maximum(beside, flat[free + offset], out=beside)
        flat[free] = beside
        free = free[beside == 0]
    return places


def _unframed(places: IntArray, width: int) -> IntArray:
    """Return places in the array without the frame of one px."""
    row, column = np.divmod(places, width)
    return (row - 1) * (width - 2) + column - 1


def levels_of(grey: FloatImage, labels: Labels, bands: Bands, count: int, smoothing: float) -> Levels:
    """Return the half level of each region, its floor the grey that a fifth of its pixels pass (`grey` is dark inside).

    Smoothing by a Gaussian moves the half level of a closed line inwards: by the flow of curvature, whose area shrinks
    at the same rate whatever the shape (M. Gage, Duke Math. J. 50 (1983) 1225), it takes pi s² px² away. The level at
    which the line stays where it was is above by that area over the perimeter, times the slope 1 / (s sqrt(2 pi)).
    Of small pores, few pixels reach the floor, and smoothing keeps the middle from it: both are made up for as if the
    pore was a disc.
    """
    flat, label = grey.reshape(-1), labels.reshape(-1)
    matrix = _quantile(flat[bands.ring], bands.owner, count, np.full(count + 1, 0.5))
    inner = label[bands.inside]
    pixels = np.bincount(inner, minlength=count + 1).astype(np.float64)
    seen = _quantile(flat[bands.inside], inner, count, _FLOOR * np.clip(pixels / _SMALL, 0.1, 1.0))
    floor = matrix - (matrix - seen) / _reached(pixels, smoothing)
    perimeter = np.maximum(_sides(labels, bands.rim, count) * np.pi / 4, 1.0)
    part = np.clip(0.5 - smoothing * np.sqrt(np.pi / 2) / perimeter, 0.3, 0.5)
    return Levels(matrix, floor, matrix - part * (matrix - floor))


def within_level(grey: FloatImage, bands: Bands, levels: Levels) -> Labels:
    """Return the labels moved to where the grey is beyond the edge of each region, within `REACH` px of before."""
    edge, moved = levels.edge.astype(np.float32), bands.near.copy()
    flat = moved.reshape(-1)
    for places in (bands.rim, bands.outside):
        flat[places[grey.reshape(-1)[places] >= edge[flat[places]]]] = 0
    return moved


def _reached(pixels: FloatArray, smoothing: float) -> FloatArray:
    """Return which part of its depth the middle of a disc of so many pixels keeps under a Gaussian."""
    if smoothing <= 0:
        return np.ones(len(pixels))
    return np.asarray(np.maximum(1 - np.exp(-pixels / (2 * np.pi * smoothing**2)), 1 / 3))


def _sides(labels: Labels, rim: IntArray, count: int) -> FloatArray:
    """Return how many sides of pixels end each label; times pi / 4 that is about the perimeter."""
    height, width = labels.shape
    label, (row, column) = labels.reshape(-1)[rim], np.divmod(rim, width)
    total = np.zeros(count + 1)
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        there = labels[np.clip(row + down, 0, height - 1), np.clip(column + across, 0, width - 1)]
        total += np.bincount(label[there != label], minlength=count + 1)
    return total


def _quantile(value: NDArray[np.float32], label: NDArray[np.int32], count: int, part: FloatArray) -> FloatArray:
    """Return a quantile of the values of each label, (count + 1,), from histograms of 128 bins; 0 for one without."""
    if not len(value):
        return np.zeros(count + 1)
    low, high = float(value.min()), float(value.max())
    span = max(high - low, 1e-6)
    bins = np.minimum((value - low) * (_BINS / span), _BINS - 1).astype(np.int64)
    counts = np.bincount(label * _BINS + bins, minlength=(count + 1) * _BINS).reshape(count + 1, _BINS)
    rising = np.cumsum(counts, axis=1)
    wanted = part * rising[:, -1]
    at = np.minimum((rising < wanted[:, None]).sum(axis=1), _BINS - 1)
    rows: IntArray = np.arange(count + 1)
    here = counts[rows, at]
    before = rising[rows, at] - here
    inside = np.divide(wanted - before, here, out=np.full(count + 1, 0.5), where=here > 0)
    return np.where(rising[:, -1] > 0, low + (at + inside) * span / _BINS, 0.0)

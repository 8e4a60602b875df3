"""Find the grey halfway between each pore and the matrix around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.pores.segmentation import FloatImage, Labels
from poregui.vision.shape.polygons import FloatArray, IntArray

REACH = 3
"""How far in px the half level may lie outside the threshold."""
ANNULUS = 1
"""Width in px of the ring beyond it from which the grey of the matrix is taken."""
_BINS = 256
_FLOOR = 0.3
_SMALL = 250
"""Pixels below which only the darkest of a pore have reached its floor."""
_SQUARE = np.ones((3, 3), np.uint8)
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


@dataclass(frozen=True)
class Levels:
    """Hold greys per label, (labels + 1,): of the `matrix` around, of the `floor` of the pore, and
    of its `edge`.
    """

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
    """Hold places in the flat array of framed labels, which are free along their own edge.

    `inside` of the regions, of them the `rim` within `REACH` - 1 px of the edge; `outside` the free
    ones within `REACH` px and `nearest` their nearest label; `annulus` the matrix beyond and
    `owner` its nearest label. `around` (H, W) is 1 within `REACH` px on both sides of the edges.
    """

    inside: IntArray
    rim: IntArray
    outside: IntArray
    nearest: NDArray[np.int32]
    annulus: IntArray
    owner: NDArray[np.int32]
    around: NDArray[np.uint8]

    def edges(self, framed: Labels) -> IntArray:
        """Return the places that may be at the edge of a region after it has moved, in rising
        order.
        """
        return _places(np.logical_and(self.around, framed))


def bands_of(framed: Labels, count: int) -> Bands:
    """Return what lies within some px of the edges of `count` regions, each place with the region
    that is nearest.
    """
    # dilation knows no wider integers, and these have the digits
    grown: NDArray[Any] = framed.astype(
        np.uint16 if count <= np.iinfo(np.uint16).max else np.float32
    )
    mask = (framed > 0).astype(np.uint8)
    for _ in range(REACH):
        _spread(grown, _SQUARE)
    reached = (grown > 0).astype(np.uint8)
    outside = _places(reached != mask)
    nearest = grown.reshape(-1)[outside].astype(np.int32)
    for _ in range(ANNULUS):
        _spread(grown, _CROSS)
    annulus = _places((grown > 0) != reached.view(np.bool_))
    owner = grown.reshape(-1)[annulus].astype(np.int32)
    core = cv2.erode(mask, _SQUARE, iterations=REACH - 1)
    around = cv2.subtract(reached, cv2.erode(core, _SQUARE))
    return Bands(
        _places(mask),
        _places(mask != core),
        outside,
        nearest,
        annulus,
        owner,
        np.asarray(around, np.uint8),
    )


def _places(chosen: NDArray[Any]) -> IntArray:
    return np.flatnonzero(chosen.reshape(-1).view(np.bool_))


def _spread(labels: NDArray[Any], kernel: NDArray[np.uint8]) -> None:
    """Give the free places beside regions to them, but for those in the frame; where several meet
    the last one wins.
    """
    free = (labels == 0).view(np.uint8)
    free[0] = free[-1] = 0
    free[:, 0] = free[:, -1] = 0
    cv2.copyTo(cv2.dilate(labels, kernel), free, labels)


def levels_of(
    grey: FloatImage,
    framed: Labels,
    bands: Bands,
    count: int,
    smoothing: float,
    span: tuple[float, float],
    middle: float,
) -> Levels:
    """Return the half level of each region, its floor the grey that three tenths of its pixels pass
    (`grey` is dark inside).

    Smoothing by a Gaussian moves the half level of a closed line inwards: by the flow of curvature,
    whose area shrinks at the same rate whatever the shape (M. Gage, Duke Math. J. 50 (1983) 1225),
    it takes pi s² px² away. The level at which the line stays where it was is above by that area
    over the perimeter, times the slope 1 / (s sqrt(2 pi)). Of small pores, few pixels reach the
    floor, and smoothing keeps the middle from it: both are made up for as if the pore was a disc.
    `grey` has the same frame as the labels, `span` is the range of greys of the whole micrograph
    and `middle` their median, the matrix of a region that others enclose all around.
    """
    flat = grey.reshape(-1)
    label = framed.reshape(-1)
    matrix = _quantile(flat[bands.annulus], bands.owner, count, np.full(count + 1, 0.5), span)
    enclosed = np.bincount(bands.owner, minlength=count + 1) == 0
    matrix[enclosed] = middle
    inner = label[bands.inside]
    pixels = np.bincount(inner, minlength=count + 1).astype(np.float64)
    seen = _quantile(
        flat[bands.inside], inner, count, _FLOOR * np.clip(pixels / _SMALL, 0.1, 1.0), span
    )
    floor = matrix - (matrix - seen) / _reached(pixels, smoothing)
    perimeter = np.maximum(_sides(framed, bands.rim, count) * np.pi / 4, 1.0)
    part = np.clip(0.5 - smoothing * np.sqrt(np.pi / 2) / perimeter, 0.3, 0.5)
    return Levels(matrix, floor, matrix - part * (matrix - floor))


def move_to_level(grey: FloatImage, framed: Labels, bands: Bands, levels: Levels) -> None:
    """Move the labels to where the grey is beyond the edge of each region, within `REACH` px of
    before.
    """
    edge = levels.edge.astype(np.float32)
    label = framed.reshape(-1)
    flat = grey.reshape(-1)
    beyond = flat[bands.outside] < edge[bands.nearest]
    label[bands.rim[flat[bands.rim] >= edge[label[bands.rim]]]] = 0
    label[bands.outside[beyond]] = bands.nearest[beyond]


def _reached(pixels: FloatArray, smoothing: float) -> FloatArray:
    """Return which part of its depth the middle of a disc of so many pixels
    keeps under a Gaussian.
    """
    if smoothing <= 0:
        return np.ones(len(pixels))
    return np.asarray(np.maximum(1 - np.exp(-pixels / (2 * np.pi * smoothing**2)), 1 / 3))


def _sides(framed: Labels, rim: IntArray, count: int) -> FloatArray:
    """Return how many sides of pixels end each label; times pi / 4 that is about the perimeter."""
    flat = framed.reshape(-1)
    width = framed.shape[1]
    label = flat[rim]
    total = np.zeros(count + 1)
    for offset in (-width, -1, 1, width):
        total += np.bincount(label[flat[rim + offset] != label], minlength=count + 1)
    return total


def _quantile(
    value: NDArray[np.float32],
    label: NDArray[np.int32],
    count: int,
    part: FloatArray,
    span: tuple[float, float],
) -> FloatArray:
    """Return a quantile of the values of each label, (count + 1,), from histograms of 256 bins; 0
    for one without.
    """
    low, high = span
    width = max(high - low, 1e-6) / _BINS
    bins = np.clip((value - low) / width, 0, _BINS - 1).astype(np.int64)
    counts = np.bincount(label * _BINS + bins, minlength=(count + 1) * _BINS).reshape(
        count + 1, _BINS
    )
    rising = np.cumsum(counts, axis=1)
    wanted = part * rising[:, -1]
    at = np.minimum((rising < wanted[:, None]).sum(axis=1), _BINS - 1)
    rows: IntArray = np.arange(count + 1)
    here = counts[rows, at]
    before = rising[rows, at] - here
    inside = np.divide(wanted - before, here, out=np.full(count + 1, 0.5), where=here > 0)
    return np.where(rising[:, -1] > 0, low + (at + inside) * width, 0.0)

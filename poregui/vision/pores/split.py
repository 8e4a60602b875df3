"""Cut regions at their waists, where pores touch."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.pores.segmentation import Labels
from poregui.vision.shape.polygons import FloatArray, IntArray

_SMOOTH = 1.0
_NARROWEST = 0.5
_WIDEST = 0.95
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def split(labels: Labels, strength: float) -> Labels:
    """Return the regions cut where they are narrower than the bodies on both sides, numbered anew.

    A watershed of the distance to the edge: each pixel belongs to the maximum that the steepest way
    up leads to (S. Beucher and C. Lantuejoul, 1979). Two basins are one pore unless the pass
    between them is lower than a part of the lower maximum, from 0.5 at `strength` 0 to 0.95 at 1:
    the half width of the waist over that of the narrower body.
    """
    mask = np.pad((labels > 0).astype(np.uint8), 1)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    smooth = np.asarray(cv2.GaussianBlur(depth, (0, 0), _SMOOTH))
    inside = np.flatnonzero(mask.reshape(-1).view(np.bool_))
    width = mask.shape[1]
    index = np.full(mask.size, -1, dtype=np.int32)
    index[inside] = np.arange(len(inside))
    height = smooth.reshape(-1)[inside].astype(np.float64)
    beside = [index[inside + row * width + column] for row, column in _AROUND]
    basin = _basins(height, beside)
    ratio = _NARROWEST + (_WIDEST - _NARROWEST) * strength
    merged = _merge(basin, *_passes(height, beside[4:], basin), height, ratio)[basin]
    kept = np.zeros(len(inside), dtype=np.bool_)
    kept[merged] = True
    cut = np.zeros(mask.size, dtype=np.int32)
    cut[inside] = np.cumsum(kept)[merged]
    return np.ascontiguousarray(cut.reshape(mask.shape)[1:-1, 1:-1])


def _basins(height: FloatArray, beside: list[NDArray[np.int32]]) -> IntArray:
    """Return for each pixel inside the maximum that it rises to; `beside` are the pixels around it,
    -1 for free.
    """
    steepest = np.zeros(len(height))
    target = np.arange(len(height))
    for (row, column), other in zip(_AROUND, beside, strict=True):
        slope = (height[other] - height) / np.hypot(row, column)
        rises = (slope > steepest) & (other >= 0)
        np.copyto(steepest, slope, where=rises)
        np.copyto(target, other, where=rises)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further


def _passes(
    height: FloatArray, beside: list[NDArray[np.int32]], basin: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs of basins that meet, (k,) each, and the height of the highest pass between
    them.
    """
    ones = []
    others = []
    heights = []
    for neighbour in beside:
        here = np.flatnonzero((basin[neighbour] != basin) & (neighbour >= 0))
        there = neighbour[here]
        ones.append(np.minimum(basin[here], basin[there]))
        others.append(np.maximum(basin[here], basin[there]))
        heights.append(np.minimum(height[here], height[there]))
    one = np.concatenate(ones)
    other = np.concatenate(others)
    passes = np.concatenate(heights)
    order = np.lexsort((passes, other, one))
    one = one[order]
    other = other[order]
    passes = passes[order]
    last = np.flatnonzero((np.diff(one, append=-1) != 0) | (np.diff(other, append=-1) != 0))
    return one[last], other[last], passes[last]


def _merge(
    basin: IntArray,
    one: IntArray,
    other: IntArray,
    height: FloatArray,
    depth: FloatArray,
    ratio: float,
) -> IntArray:
    """Return for each maximum the one that it is merged into, the highest passes first."""
    parent = np.arange(len(basin))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    for index in np.argsort(-height):
        low, high = sorted(
            (root(int(one[index])), root(int(other[index]))), key=lambda node: depth[node]
        )
        if low != high and height[index] >= ratio * depth[low]:
            parent[low] = high
    maxima = np.unique(basin)
    parent[maxima] = [root(int(node)) for node in maxima]
    return parent

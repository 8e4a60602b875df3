"""Cut regions at their waists, where pores touch; changes with what counts as a waist."""

from __future__ import annotations

import cv2
import numpy as np

from poregui.vision.rings import FloatArray, IntArray
from poregui.vision.segmenting import Labels

_SMOOTH = 1.0
_NARROWEST, _WIDEST = 0.5, 0.95
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def split(labels: Labels, strength: float) -> Labels:
    """Return the regions cut where they are narrower than the bodies on both sides, numbered anew.

    A watershed of the distance to the edge: each pixel belongs to the maximum that the steepest way up leads to (S.
    Beucher and C. Lantuejoul, 1979). Two basins are one pore unless the pass between them is lower than a part of the
    lower maximum, from 0.5 at `strength` 0 to 0.95 at 1: the half width of the waist over that of the narrower body.
    """
    mask = np.pad((labels > 0).astype(np.uint8), 1)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    depth = np.where(mask > 0, cv2.GaussianBlur(depth, (0, 0), _SMOOTH), -1.0)
    flat, width = depth.reshape(-1).astype(np.float64), depth.shape[1]
    inside = np.flatnonzero(mask.reshape(-1).view(np.bool_))
    place = np.zeros(len(flat), dtype=np.int64)
    place[inside] = np.arange(len(inside))
    basin = _basins(flat, inside, place, width)
    ratio = _NARROWEST + (_WIDEST - _NARROWEST) * strength
    merged = _merge(basin, *_passes(flat, inside, place, basin, width), flat[inside], ratio)
    cut = np.zeros(len(flat), dtype=np.int32)
    cut[inside] = np.unique(merged[basin], return_inverse=True)[1] + 1
    return np.ascontiguousarray(cut.reshape(depth.shape)[1:-1, 1:-1])


def _basins(flat: FloatArray, inside: IntArray, place: IntArray, width: int) -> IntArray:
    """Return for each pixel inside the number of the maximum that it rises to."""
    steepest, target = np.zeros(len(inside)), np.arange(len(inside))
    for row, column in _AROUND:
        beside = inside + row * width + column
        slope = (flat[beside] - flat[inside]) / np.hypot(row, column)
        rises = (slope > steepest) & (flat[beside] >= 0)
        steepest, target = np.where(rises, slope, steepest), np.where(rises, place[beside], target)
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further


def _passes(
    flat: FloatArray, inside: IntArray, place: IntArray, basin: IntArray, width: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the pairs of basins that meet, (k,) each, and the height of the highest pass between them."""
    ones, others, heights = [], [], []
    for row, column in _AROUND[4:]:
        beside = inside + row * width + column
        met = flat[beside] >= 0
        one, other = basin[met], basin[place[beside[met]]]
        height = np.minimum(flat[inside[met]], flat[beside[met]])
        differ = one != other
        ones.append(np.minimum(one, other)[differ])
        others.append(np.maximum(one, other)[differ])
        heights.append(height[differ])
    one, other, height = np.concatenate(ones), np.concatenate(others), np.concatenate(heights)
    order = np.lexsort((height, other, one))
    one, other, height = one[order], other[order], height[order]
    last = np.flatnonzero((np.diff(one, append=-1) != 0) | (np.diff(other, append=-1) != 0))
    return one[last], other[last], height[last]


def _merge(
    basin: IntArray, one: IntArray, other: IntArray, height: FloatArray, depth: FloatArray, ratio: float
) -> IntArray:
    """Return for each maximum the one that it is merged into, the highest passes first."""
    parent = np.arange(len(basin))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    for index in np.argsort(-height):
        low, high = sorted((root(int(one[index])), root(int(other[index]))), key=lambda node: depth[node])
        if low != high and height[index] >= ratio * depth[low]:
            parent[low] = high
    maxima = np.unique(basin)
    parent[maxima] = [root(int(node)) for node in maxima]
    return parent

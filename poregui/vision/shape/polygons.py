"""Find the pixels whose middles lie inside outlines, without painting the image; changes with how that is decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.shape.rings import FloatArray, IntArray, Rings, ranges

_TILE = 2048
_PIXELS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Spans:
    """Hold runs of pixels: `ring` they are of, `row`, first column `left` and first column after it `right`, (k,)."""

    ring: IntArray
    row: IntArray
    left: IntArray
    right: IntArray


def spans(rings: Rings) -> Spans:
    """Return the runs of pixels whose middles lie inside each ring, by the even-odd rule."""
    (x, y), (u, v) = rings.points.T, rings.following().T
    low, high = np.minimum(y, v), np.maximum(y, v)
    first = np.ceil(low - 0.5).astype(np.int64)
    counts = np.maximum(0, np.ceil(high - 0.5).astype(np.int64) - first)
    edge = np.repeat(np.arange(len(x)), counts)
    row = ranges(first, counts)
    across = x[edge] + (row + 0.5 - y[edge]) * (u[edge] - x[edge]) / (v[edge] - y[edge])
    ring = rings.owner[edge]
    order = np.lexsort((across, row, ring))
    column = np.ceil(across[order] - 0.5).astype(np.int64)
    left, right = column[::2], column[1::2]
    kept = right > left
    return Spans(ring[order][::2][kept], row[order][::2][kept], left[kept], right[kept])


def _all_spans(rings: Rings) -> Spans:
    """Return the runs of many rings, block by block."""
    parts = [(part.start, spans(rings.block(part))) for part in rings.blocks()]
    return Spans(
        np.concatenate([found.ring + first for first, found in parts]),
        np.concatenate([found.row for _, found in parts]),
        np.concatenate([found.left for _, found in parts]),
        np.concatenate([found.right for _, found in parts]),
    )


def mean_greys(
    rings: Rings, pixels: NDArray[Any] | Callable[[Box], NDArray[Any]] | None, size: tuple[int, int]
) -> FloatArray:
    """Return the mean grey of the pixels inside each ring, NaN where there are none; colours count alike."""
    if pixels is None or not rings.count:
        return np.full(rings.count, np.nan)
    width, height = size
    found = _all_spans(rings)
    row_fits = (found.row >= 0) & (found.row < height)
    left, right = np.clip(found.left, 0, width), np.clip(found.right, 0, width)
    kept = row_fits & (right > left)
    found = Spans(found.ring[kept], found.row[kept], left[kept], right[kept])
    sums, counts = np.zeros(rings.count), np.zeros(rings.count)
    for part in _by_tile(found):
        _add(sums, counts, Spans(found.ring[part], found.row[part], found.left[part], found.right[part]), pixels)
    return np.asarray(np.divide(sums, counts, out=np.full(rings.count, np.nan), where=counts > 0))


def _by_tile(found: Spans) -> list[IntArray]:
    """Return groups of runs that start in the same tile of the image and are not too many pixels together."""
    tile = (found.row // _TILE) * (1 << 20) + found.left // _TILE
    order = np.argsort(tile, kind="stable")
    pixels = np.cumsum((found.right - found.left)[order]) // _PIXELS_AT_ONCE
    cuts = np.flatnonzero((np.diff(tile[order]) != 0) | (np.diff(pixels) != 0)) + 1
    return [part for part in np.split(order, cuts) if len(part)]


def _add(
    sums: FloatArray, counts: FloatArray, part: Spans, pixels: NDArray[Any] | Callable[[Box], NDArray[Any]]
) -> None:
    top, left = int(part.row.min()), int(part.left.min())
    box = Box(left, top, int(part.right.max()) - left, int(part.row.max()) - top + 1)
    patch = pixels(box) if callable(pixels) else pixels[box.y : box.bottom, box.x : box.right]
    lengths = part.right - part.left
    index = ranges((part.row - top) * box.width + part.left - left, lengths)
    flat = patch.reshape(box.area, -1)
    grey = flat[index, 0].astype(np.float64) if flat.shape[1] == 1 else flat[index].mean(axis=1, dtype=np.float64)
    ends = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    np.add.at(sums, part.ring, np.add.reduceat(grey, ends))
    np.add.at(counts, part.ring, lengths)

"""Decide which pixels of a window are pore and which pore they are of; changes with thresholds, holes and waists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.vision.pores.lighting import FloatImage
from poregui.vision.shape.rings import IntArray

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Regions:
    """Hold connected regions: `labels` int32 (H, W), 0 outside, and for each label from 1 its box and pixels.

    `boxes` is (n, 4): x, y, width, height; `pixels` (n,).
    """

    labels: Labels
    boxes: IntArray
    pixels: IntArray

    @property
    def count(self) -> int:
        """Return how many regions there are."""
        return len(self.pixels)


def otsu(grey: NDArray[Any]) -> float:
    """Return the grey that parts a histogram best: N. Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62.

    It maximises the variance between the two classes, over 512 bins; between bins of equal worth it is the middle.
    """
    values = grey.reshape(-1)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return low
    counts, edges = np.histogram(values, bins=512, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    below, weighted = np.cumsum(counts)[:-1], np.cumsum(counts * middles)[:-1]
    above, total = counts.sum() - below, float((counts * middles).sum())
    valid = (below > 0) & (above > 0)
    apart = weighted / np.maximum(below, 1) - (total - weighted) / np.maximum(above, 1)
    worth = np.where(valid, below * above * apart**2, -1.0)
    best = np.flatnonzero(worth >= worth.max() * (1 - 1e-12))
    return float(edges[1:-1][best].mean())


def pore_pixels(grey: FloatImage, recipe: DetectionRecipe, threshold: float, window: int) -> NDArray[np.uint8]:
    """Return 1 where a smoothed grey is beyond the threshold, else 0; `window` is the side of the local one in px."""
    dark = recipe.polarity == "dark"
    if recipe.method != "local":
        return (grey < threshold if dark else grey > threshold).astype(np.uint8)
    mean = cv2.blur(grey, (window, window), borderType=cv2.BORDER_REFLECT_101)
    part = recipe.offset / 100
    return (grey < mean * (1 - part) if dark else grey > mean * (1 + part)).astype(np.uint8)


def fill_holes(pores: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels together with the holes that they enclose."""
    framed = np.pad(pores, 1)
    cv2.floodFill(framed, None, (0, 0), 2, flags=4)
    return (framed[1:-1, 1:-1] != 2).astype(np.uint8)


def regions_of(pores: NDArray[np.uint8]) -> Regions:
    """Return the regions of pixels that are connected over sides or corners."""
    found, labels = cv2.connectedComponents(pores, connectivity=8, ltype=cv2.CV_32S)
    inside = np.flatnonzero(np.ascontiguousarray(pores).reshape(-1).view(np.bool_))
    return _with_boxes(np.asarray(labels, np.int32), inside, found - 1)


def _with_boxes(labels: Labels, inside: IntArray, count: int) -> Regions:
    """Return regions with boxes and pixels, from runs of the places `inside`: OpenCV takes longer to count pixels."""
    width = labels.shape[1]
    starts = np.flatnonzero((np.diff(inside, prepend=-2) != 1) | (inside % width == 0))
    lengths = np.diff(starts, append=len(inside))
    region = labels.reshape(-1)[inside[starts]] - 1
    row, column = np.divmod(inside[starts], width)
    low, high = np.full((2, count), labels.size), np.zeros((2, count), dtype=np.int64)
    for axis, (first, end) in enumerate(((column, column + lengths), (row, row + 1))):
        np.minimum.at(low[axis], region, first)
        np.maximum.at(high[axis], region, end)
    pixels = np.bincount(region, weights=lengths, minlength=count).astype(np.int64)
    return Regions(labels, np.stack([*low, *(high - low)], axis=1), pixels)


def keep(regions: Regions, chosen: NDArray[np.bool_]) -> Regions:
    """Return the chosen regions (n,), numbered anew."""
    if chosen.all():
        return regions
    number = np.zeros(regions.count + 1, dtype=np.int32)
    number[1:][chosen] = np.arange(1, np.count_nonzero(chosen) + 1)
    return Regions(number[regions.labels], regions.boxes[chosen], regions.pixels[chosen])

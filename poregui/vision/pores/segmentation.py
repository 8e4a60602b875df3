"""Even out the light of a window and decide which pixels are pore, and of which pore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box
from poregui.vision.io.pixel_values import trusted_range
from poregui.vision.shape.polygons import IntArray

FloatImage = NDArray[np.float32]
_COARSE = 6.0
"""The radius of the background in pixels of the small image that it is looked for in."""
_DARKEST = 0.05
"""The least light over its mean that is made up for."""


def grey_of(pixels: NDArray[Any]) -> FloatImage:
    """Return (H, W) float32 from (H, W) or (H, W, channels); colours by the weights of ITU-R
    BT.601, alpha left out.
    """
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    if pixels.shape[2] < 3:
        return pixels[..., 0].astype(np.float32)
    weights = np.array([[0.299, 0.587, 0.114]], np.float32)
    return np.asarray(
        cv2.transform(np.ascontiguousarray(pixels[..., :3]).astype(np.float32), weights), np.float32
    )


@dataclass(frozen=True)
class Light:
    """Hold the light of the matrix at low resolution: `gain` brings each place to the same level.

    `gain` is float32 (h, w) for an image of `width` x `height` px; or None where the light is taken
    as it is.
    """

    gain: FloatImage | None
    width: int
    height: int

    def correct(self, grey: FloatImage, box: Box) -> FloatImage:
        """Return the greys of a box of the image under even light."""
        if self.gain is None:
            return grey
        rows, columns = self.gain.shape
        x = (
            (np.arange(box.x, box.right, dtype=np.float32) + 0.5) * (columns / self.width) - 0.5
        ).astype(np.float32)
        y = (
            (np.arange(box.y, box.bottom, dtype=np.float32) + 0.5) * (rows / self.height) - 0.5
        ).astype(np.float32)
        across = np.broadcast_to(x, grey.shape)
        down = np.broadcast_to(y[:, None], grey.shape)
        gain = cv2.remap(self.gain, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(grey * gain, np.float32)


def light_of(
    small: FloatImage,
    masked: NDArray[np.bool_] | None,
    radius: float,
    width: int,
    height: int,
) -> Light:
    """Return the light of the matrix from a small copy of an image of `width` x `height` px.

    Pores are dark in it. A grey closing with a disc of `radius` px of the image removes them, a
    Gaussian smooths what is left. `masked` pixels of the copy do not count.
    """
    if masked is not None and not masked.all():
        small = np.where(masked, np.median(small[~masked]), small).astype(np.float32)
    shrink = max(1.0, radius * small.shape[1] / width / _COARSE)
    size = (max(1, round(small.shape[1] / shrink)), max(1, round(small.shape[0] / shrink)))
    coarse = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    reach = max(1, round(radius * size[0] / width))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    without = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, disc)
    smooth = cv2.GaussianBlur(without, (0, 0), max(reach / 2, 0.5), borderType=cv2.BORDER_REPLICATE)
    level = float(smooth.mean())
    floor = max(_DARKEST * level, 1e-6)
    return Light((level / np.maximum(smooth, floor)).astype(np.float32), width, height)


def closed(grey: FloatImage, radius: int) -> FloatImage:
    """Return greys (H, W) without what is dark and holds no square of 2 `radius` + 1 px."""
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, square), np.float32)


Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Regions:
    """Hold connected regions: `labels` int32 (H, W), 0 outside, and for each label from 1 its box
    and pixels.

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
    """Return the grey that parts a histogram best: N. Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979)
    62.

    It maximises the variance between the two classes, over 512 bins; between bins of equal worth it
    is the middle.
    """
    values = grey.reshape(-1)
    low, high = trusted_range(values)
    if high <= low:
        return low
    if values.min() < low or values.max() > high:
        values = np.clip(values, low, high)
    counts, edges = np.histogram(values, bins=512, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    weighted = np.cumsum(counts * middles)[:-1]
    above = counts.sum() - below
    total = float((counts * middles).sum())
    valid = (below > 0) & (above > 0)
    apart = weighted / np.maximum(below, 1) - (total - weighted) / np.maximum(above, 1)
    worth = np.where(valid, below * above * apart**2, -1.0)
    best = np.flatnonzero(worth >= worth.max() * (1 - 1e-12))
    return float(edges[1:-1][best].mean())


def pore_pixels(
    grey: FloatImage, recipe: DetectionRecipe, threshold: float, window: int
) -> NDArray[np.uint8]:
    """Return 1 where a smoothed grey, dark in pores, is below the threshold, else 0; `window` is
    the side of the local one in px.
    """
    return (grey < threshold_at(grey, recipe, threshold, window)).astype(np.uint8)


def threshold_at(
    grey: FloatImage, recipe: DetectionRecipe, threshold: float, window: int
) -> FloatImage | np.float32:
    """Return the threshold of each pixel (H, W), or the one of all."""
    if recipe.method != "local":
        return np.float32(threshold)
    mean = cv2.blur(grey, (window, window), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(mean * (1 - recipe.offset / 100), np.float32)


def fill_holes(pores: NDArray[np.uint8], most: float) -> NDArray[np.uint8]:
    """Return the pixels together with the holes of up to `most` px that they enclose; a larger one
    is a specimen within its mount.
    """
    framed = np.pad(pores, 1)
    cv2.floodFill(framed, None, (0, 0), 2, flags=4)
    filled = np.asarray(framed[1:-1, 1:-1] != 2, np.uint8)
    holes = filled - pores
    if np.count_nonzero(holes) > most:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
        large = stats[:, cv2.CC_STAT_AREA] > most
        large[0] = False
        filled[large[labels]] = 0
    return filled


def regions_of(pores: NDArray[np.uint8]) -> Regions:
    """Return the regions of pixels that are connected over sides or corners."""
    found, labels = cv2.connectedComponents(pores, connectivity=8, ltype=cv2.CV_32S)
    inside = np.flatnonzero(np.ascontiguousarray(pores).reshape(-1).view(np.bool_))
    return _with_boxes(np.asarray(labels, np.int32), inside, found - 1)


def _with_boxes(labels: Labels, inside: IntArray, count: int) -> Regions:
    """Return regions with boxes and pixels, from runs of the places `inside`: OpenCV takes longer
    to count pixels.
    """
    width = labels.shape[1]
    starts = np.flatnonzero((np.diff(inside, prepend=-2) != 1) | (inside % width == 0))
    lengths = np.diff(starts, append=len(inside))
    region = labels.reshape(-1)[inside[starts]] - 1
    row, column = np.divmod(inside[starts], width)
    low = np.full((2, count), labels.size)
    high = np.zeros((2, count), dtype=np.int64)
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

"""Measure shape and texture of the pore in a ready-made crop, for people and networks.

The shape numbers feed the baseline that a network is compared with, and the search for labels that
do not fit a shape. They are rough: one threshold, the largest piece near the middle. Measurements
for people are made on the micrograph. The texture numbers feed the suggestions only; they are cheap
(below a millisecond) and the same for a crop however it is turned or mirrored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.patches import scale_grey, set_channels

NAMES = (
    "Equivalent diameter", "Length", "Width", "Aspect ratio", "Circularity", "Solidity", "Extent",
    "Filled share", "Pieces", "Contrast", "Inner contrast", "Edge sharpness", "Brightness",
    "Crop size",
)  # fmt: skip
LENGTHS = ("Equivalent diameter", "Length", "Width", "Crop size")
"""The numbers that are lengths, in um or px; the others are shares and ratios."""
_BLUR = 0.8
ENOUGH_PIXELS = 2000
_FEW = 0.02
_FEWEST_PIXELS = 4
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_MIN_CONTRAST = 0.02
_MARGIN = 2
"""Pixels about the pore that its outline and the slopes at its edge depend on."""
_SPECK = 0.02
"""Pieces below this share of the largest one are noise."""


def shape_numbers(
    crop: NDArray[Any], low: float, high: float, um_per_px: float | None
) -> NDArray[np.float64]:
    """Return the numbers called `NAMES`, (14,) float64, NaN where no pore stands out from the
    ground.

    `crop` is (height, width) or (height, width, channels), `low` and `high` its grey range; lengths
    are in um when a scale is given, else in px. The ground is the median of the border, the pore
    what lies beyond Otsu's threshold on the side that departs most from it.
    """
    return shape_numbers_of(
        np.ascontiguousarray(set_channels(scale_grey(crop, low, high), 1)[..., 0]), um_per_px
    )


def shape_numbers_of(grey: NDArray[np.float32], um_per_px: float | None) -> NDArray[np.float64]:
    """Return what `shape_numbers` does of a crop that was brought to one grey from 0 to 1, (height,
    width).
    """
    scale = 1.0
    if um_per_px is not None:
        scale = um_per_px
    height, width = grey.shape
    found = np.full(len(NAMES), np.nan)
    found[-1] = math.sqrt(height * width) * scale
    ground = _median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    found[-2] = ground
    depth = _depth(grey, ground)
    top = float(cv2.minMaxLoc(depth)[1])
    pore = _pore(depth, top)
    if pore is not None:
        found[:-2] = _measured(pore, top, scale)
    return found


@dataclass(frozen=True)
class _Pore:
    """Hold the part of a crop about its pore: depth, the pore as 0 and 1, and how many pieces the
    whole crop has.
    """

    depth: NDArray[np.float32]
    mask: NDArray[np.uint8]
    pieces: int


def _median(border: NDArray[np.float32]) -> float:
    upper = len(border) // 2  # their number is even: each corner counts twice
    middle = np.partition(border, (upper - 1, upper))
    return (float(middle[upper - 1]) + float(middle[upper])) / 2


def _depth(grey: NDArray[np.float32], ground: float) -> NDArray[np.float32]:
    """Return how far each pixel departs from the ground, positive on the side of the pore."""
    smooth = cv2.GaussianBlur(grey, (0, 0), _BLUR)
    step = max(
        1, int(math.sqrt(smooth.size / ENOUGH_PIXELS))
    )  # a part of a large crop gives the same ranks
    depth = np.asarray(ground - smooth, np.float32)
    if is_dark(depth, step):
        return depth
    return -depth


def is_dark(depth: NDArray[np.float32], step: int) -> bool:
    """Tell whether the 2nd of 100 greys, counted from black, is as far from the ground as the 98th,
    or farther.

    Where more than 2 of 100 on one side depart further than every pixel on the other, neither needs
    to be looked for.
    """
    some = depth[::step, ::step].ravel()
    few = round(_FEW * (some.size - 1))
    minimum, most, _, _ = cv2.minMaxLoc(depth)
    if np.count_nonzero(some > -minimum) > few:
        return True
    if np.count_nonzero(some < -most) > few:
        return False
    ranks = few, round((1 - _FEW) * (some.size - 1))
    ordered = np.partition(some, ranks)
    return bool(ordered[ranks[1]] >= -ordered[ranks[0]])


def _pore(depth: NDArray[np.float32], top: float) -> _Pore | None:
    """Return the largest piece, weighted towards the middle; None where nothing stands out."""
    if top < _MIN_CONTRAST:
        return None
    steps = cv2.convertScaleAbs(np.maximum(depth, 0.0), alpha=255 / top)
    threshold, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    _, above = cv2.threshold(steps, max(threshold, 1.0), 1, cv2.THRESH_BINARY)
    count, labels = cv2.connectedComponents(above, connectivity=8)
    if count < 2:
        return None
    best = 1
    pieces = 1
    if count == 2:  # no need to measure pieces, which takes three times as long as finding them
        (left, top_row, width, height), area = cv2.boundingRect(above), cv2.countNonZero(above)
    else:
        _, labels, stats, centres = cv2.connectedComponentsWithStats(above, connectivity=8)
        best, pieces = _weighed(stats, centres, depth.shape)
        left, top_row, width, height, area = stats[best].tolist()
    if area < _FEWEST_PIXELS:
        return None
    rows = slice(max(0, top_row - _MARGIN), top_row + height + _MARGIN)
    columns = slice(max(0, left - _MARGIN), left + width + _MARGIN)
    if count == 2:
        mask = above[rows, columns].copy()
    else:
        mask = (labels[rows, columns] == best).view(np.uint8)
    return _Pore(depth[rows, columns].copy(), np.asarray(mask, np.uint8), pieces)


def _weighed(stats: NDArray[Any], centres: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, int]:
    """Return which of several pieces weighs most, the middle counting more, and how many are more
    than noise.
    """
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    middle = np.array([shape[1] / 2, shape[0] / 2])
    away = np.hypot(*(centres[1:] - middle).T) / np.hypot(*middle)
    best = int(np.argmax(areas * (1.2 - away))) + 1
    return best, int((areas >= _SPECK * areas.max()).sum())


def _measured(pore: _Pore, top: float, scale: float) -> list[float]:
    depth = pore.depth
    mask = pore.mask
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    filled = cv2.drawContours(np.zeros_like(mask), [outline], -1, 1, thickness=cv2.FILLED)
    area = float(cv2.countNonZero(filled))
    dark = float(cv2.countNonZero(mask))
    hull = cv2.convexHull(outline)
    # A line through pixel middles runs half a pixel inside the pore.
    hull_area = float(cv2.contourArea(hull)) + cv2.arcLength(hull, True) / 2 + 1
    perimeter = cv2.arcLength(outline, True) + math.pi
    sides = [side + 1 for side in cv2.minAreaRect(hull)[1]]
    length = max(sides)
    width = min(sides)
    mean, spread = cv2.meanStdDev(depth, mask=mask)
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, _NEIGHBOURS)
    across = cv2.Sobel(depth, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(depth, cv2.CV_32F, 0, 1)
    slope = np.sqrt(
        across * across + down * down
    )  # cv2.magnitude rounds by where in memory a pixel lies
    return [
        math.sqrt(4 * area / math.pi) * scale,
        length * scale,
        width * scale,
        length / width,
        min(1.0, 4 * math.pi * area / perimeter**2),
        min(1.0, area / hull_area),
        area / (length * width),
        dark / area,
        float(pore.pieces),
        float(mean[0, 0]),
        float(spread[0, 0]) / top,
        cv2.mean(slope, mask=edge)[0] / 8 / top,
    ]


WIDTH = len(NAMES) + 1
"""The numbers, and 1 where no pore was found, else 0."""
_LOGARITHMS = [NAMES.index(name) for name in (*LENGTHS, "Aspect ratio", "Pieces")]
SMALLEST = 1e-3


def shape_input(
    crop: NDArray[Any], low: float, high: float, um_per_px: float | None
) -> NDArray[np.float32]:
    """Return what a network is told of the shape in a crop, (`WIDTH`,) float32 without NaN.

    `crop`, `low`, `high` and `um_per_px` are as in `crop_shapes.shape_numbers`. Lengths, aspect
    ratio and pieces come as natural logarithms, numbers that could not be measured as 0. Turning or
    mirroring a crop leaves them as they are but for the sampling of a large crop.
    """
    numbers = shape_numbers(crop, low, high, um_per_px).tolist()
    for index in _LOGARITHMS:
        if not math.isnan(numbers[index]):
            numbers[index] = math.log(max(numbers[index], SMALLEST))
    nothing = math.isnan(numbers[0])
    return np.array(
        [*(0.0 if math.isnan(number) else number for number in numbers), float(nothing)], np.float32
    )


_SIDE = 32
_LARGEST = 64
"""Longer side in px above which a crop is made smaller first."""
_ANNULI = (0.25, 0.5, 0.75, 1.0)
_PERCENTILES = (2, 10, 25, 50, 75, 90, 98)
_SCALES = (1.0, 2.0, 4.0)
_DARK = (0.3, 0.5, 0.7)

TEXTURES = (
    *(f"Ring {number}" for number in range(1, len(_ANNULI) + 1)),
    *(f"Spread of ring {number}" for number in range(1, len(_ANNULI) + 1)),
    *(f"Percentile {share}" for share in _PERCENTILES),
    *(f"Slope at {scale:g} px" for scale in _SCALES),
    *(f"Roughness at {scale:g} px" for scale in _SCALES),
    *(f"Darker than {share:g}" for share in _DARK),
    "Slope spread", "Elongation of the dark", "Off the middle", "Spread of the dark",
    "Grain inside",
)  # fmt: skip


def texture_numbers(crop: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return the numbers called `TEXTURES`, float64, of a crop (height, width) or (height, width,
    channels).

    `low` and `high` are the grey range that becomes 0 to 1. Grey is counted from the ground, the
    median of the border. Always finite.
    """
    grey = _limited(
        np.ascontiguousarray(set_channels(scale_grey(crop, low, high), 1)[..., 0], np.float32)
    )
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    depth = float(np.median(border)) - grey
    small = np.asarray(cv2.resize(depth, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32)
    found = [*_annuli(small), *np.percentile(depth, _PERCENTILES)]
    slopes, roughness = zip(*(_at_scale(depth, scale) for scale in _SCALES), strict=True)
    top = max(float(np.percentile(depth, 98)), 0.02)
    found += [*slopes, *roughness, *(float((depth > share * top).mean()) for share in _DARK)]
    gradient = np.hypot(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1))
    found.append(float(gradient.std() / (gradient.mean() + 1e-6)))
    found += _moments(np.clip(small / top, 0.0, 1.0))
    inside = depth[depth > 0.5 * top]
    found.append(float(inside.std() / top) if inside.size > 1 else 0.0)
    return np.asarray(found, np.float64)


def _limited(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = grey.shape
    shrink = _LARGEST / max(height, width)
    if shrink >= 1:
        return grey
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _annuli(small: NDArray[np.float32]) -> list[float]:
    """Return mean and spread of grey in rings around the middle, from the inside out."""
    way = (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    radius = np.hypot(*np.meshgrid(way, way))
    inner = 0.0
    parts = []
    for outer in _ANNULI:
        parts.append(small[(radius >= inner) & (radius < outer)])
        inner = outer
    return [float(part.mean()) for part in parts] + [float(part.std()) for part in parts]


def _at_scale(depth: NDArray[np.float32], sigma: float) -> tuple[float, float]:
    smooth = cv2.GaussianBlur(depth, (0, 0), sigma)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return float(slope.mean()) / 8, float(cv2.Laplacian(smooth, cv2.CV_32F).std())


def _moments(weight: NDArray[np.float32]) -> list[float]:
    """Return elongation, distance from the middle and spread of what is dark,
    in sides of the crop.
    """
    total = float(weight.sum())
    if total < 1e-6:
        return [1.0, 0.0, 0.0]
    way = (np.arange(_SIDE) + 0.5) / _SIDE - 0.5
    x = float((weight.sum(0) * way).sum()) / total
    y = float((weight.sum(1) * way).sum()) / total
    xx = float((weight.sum(0) * (way - x) ** 2).sum()) / total
    yy = float((weight.sum(1) * (way - y) ** 2).sum()) / total
    xy = float((weight * np.outer(way - y, way - x)).sum()) / total
    middle = (xx + yy) / 2
    apart = float(np.hypot((xx - yy) / 2, xy))
    long = np.sqrt(middle + apart)
    short = np.sqrt(max(middle - apart, 1e-6))
    return [float(long / short), float(np.hypot(x, y)), float(np.sqrt(long * short))]

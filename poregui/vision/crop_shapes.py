"""Measure the shape of the pore in a ready-made crop, from its pixels alone; changes with the numbers that are taken.

These numbers feed the baseline that a network is held against, and the search for labels that do not fit a shape. They
are rough: one threshold, the largest piece near the middle. Measurements for people are made on the micrograph.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.patches import scale_grey, set_channels

NAMES = (
    "Equivalent diameter", "Length", "Width", "Aspect ratio", "Circularity", "Solidity", "Extent", "Filled share",
    "Pieces", "Contrast", "Inner contrast", "Edge sharpness", "Brightness", "Crop size",
)  # fmt: skip
LENGTHS = ("Equivalent diameter", "Length", "Width", "Crop size")
"""The numbers that are lengths, in um or px; the others are shares and ratios."""
_BLUR = 0.8
_ENOUGH_PIXELS = 5000
_FEWEST_PIXELS = 4
_LEAST_CONTRAST = 0.02
_SPECK = 0.02
"""Pieces below this share of the largest one are noise."""


def shape_numbers(crop: NDArray[Any], low: float, high: float, um_per_px: float | None) -> NDArray[np.float64]:
    """Return the numbers called `NAMES`, (14,) float64, NaN where no pore stands out from the ground.

    `crop` is (height, width) or (height, width, channels), `low` and `high` its grey range; lengths are in um when a
    scale is given, else in px. The ground is the median of the border, the pore what lies beyond Otsu's threshold on
    the side that departs most from it.
    """
    grey = set_channels(scale_grey(crop, low, high), 1)[..., 0]
    scale = 1.0 if um_per_px is None else um_per_px
    height, width = grey.shape
    found = np.full(len(NAMES), np.nan)
    found[-1] = math.sqrt(height * width) * scale
    ground = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    found[-2] = ground
    depth = _depth(grey, ground)
    mask, pieces = _pore(depth)
    if mask is not None:
        found[:-2] = _measured(depth, mask, pieces, scale)
    return found


def _depth(grey: NDArray[np.float32], ground: float) -> NDArray[np.float32]:
    """Return how far each pixel departs from the ground, positive on the side of the pore."""
    smooth = cv2.GaussianBlur(np.ascontiguousarray(grey), (0, 0), _BLUR)
    step = max(1, int(math.sqrt(smooth.size / _ENOUGH_PIXELS)))  # a part of a large crop gives the same percentiles
    low, high = np.percentile(smooth[::step, ::step], (2, 98))
    dark, bright = ground - low, high - ground
    return np.asarray(ground - smooth if dark >= bright else smooth - ground, np.float32)


def _pore(depth: NDArray[np.float32]) -> tuple[NDArray[np.uint8] | None, int]:
    """Return the largest piece, weighted towards the middle, as (height, width) of 0 and 1, and how many there are."""
    top = float(depth.max())
    if top < _LEAST_CONTRAST:
        return None, 0
    steps = (np.clip(depth / top, 0.0, 1.0) * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above = (steps > max(threshold, 1.0)).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count < 2:
        return None, 0
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    middle = np.array([depth.shape[1] / 2, depth.shape[0] / 2])
    away = np.hypot(*(centres[1:] - middle).T) / np.hypot(*middle)
    best = int(np.argmax(areas * (1.2 - away)))
    if areas[best] < _FEWEST_PIXELS:
        return None, 0
    return np.asarray(labels == best + 1, np.uint8), int((areas >= _SPECK * areas.max()).sum())


def _measured(depth: NDArray[np.float32], mask: NDArray[np.uint8], pieces: int, scale: float) -> list[float]:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    filled = cv2.drawContours(np.zeros_like(mask), [outline], -1, 1, thickness=cv2.FILLED)
    area, dark = float(filled.sum()), float(mask.sum())
    hull = cv2.convexHull(outline)
    # A line through pixel middles runs half a pixel inside the pore.
    hull_area = float(cv2.contourArea(hull)) + cv2.arcLength(hull, True) / 2 + 1
    perimeter = cv2.arcLength(outline, True) + math.pi
    sides = [side + 1 for side in cv2.minAreaRect(outline)[1]]
    length, width = max(sides), min(sides)
    inside, top = depth[mask > 0], float(depth.max())
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    slope = np.hypot(cv2.Sobel(depth, cv2.CV_32F, 1, 0), cv2.Sobel(depth, cv2.CV_32F, 0, 1)) / 8
    return [
        math.sqrt(4 * area / math.pi) * scale,
        length * scale,
        width * scale,
        length / width,
        min(1.0, 4 * math.pi * area / perimeter**2),
        min(1.0, area / hull_area),
        area / (length * width),
        dark / area,
        float(pieces),
        float(inside.mean()),
        float(inside.std()) / top,
        float(slope[edge].mean()) / top,
    ]

"""Describe the grey of a crop by a few numbers, beside its shape.

The numbers feed the suggestions while labelling only. They are cheap (below a millisecond), and the
same for a crop however it is turned or mirrored.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.patches import scale_grey, set_channels

_SIDE = 32
_LARGEST = 64
"""Longer side in px above which a crop is made smaller first."""
_RINGS = (0.25, 0.5, 0.75, 1.0)
_PERCENTILES = (2, 10, 25, 50, 75, 90, 98)
_SCALES = (1.0, 2.0, 4.0)
_DARK = (0.3, 0.5, 0.7)

TEXTURES = (
    *(f"Ring {number}" for number in range(1, len(_RINGS) + 1)),
    *(f"Spread of ring {number}" for number in range(1, len(_RINGS) + 1)),
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
    found = [*_rings(small), *np.percentile(depth, _PERCENTILES)]
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


def _rings(small: NDArray[np.float32]) -> list[float]:
    """Return mean and spread of grey in rings around the middle, from the inside out."""
    way = (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    radius = np.hypot(*np.meshgrid(way, way))
    inner = 0.0
    parts = []
    for outer in _RINGS:
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

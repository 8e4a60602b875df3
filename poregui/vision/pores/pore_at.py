"""Find the dark pore under a point of a micrograph; changes with how a click becomes the box of a crop."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import Pyramid

MARGIN = 1.8
"""The side of the crop over the longer side of the pore."""
SMALLEST = 24
"""Shortest side in px of a crop that is put by a click."""
_WINDOWS = (96, 288, 864)
_FEWEST_PIXELS = 4
_NOISE = 3.0
"""How many robust standard deviations of the matrix a pore is darker than it."""
_LEAST_CONTRAST = 0.08
"""The least darkness of a pore as a fraction of the grey range."""


def pore_box(image: NDArray[Any], x: float, y: float, *, low: float, high: float, reach: float) -> Box | None:
    """Return the box of the dark, connected pore within `reach` px of a point, or None where there is none.

    `image` is (H, W) or (H, W, 3), uint8 or uint16, `low` and `high` its grey range. The pore is what lies below the
    middle between its darkest grey near the point and the median of the matrix around.
    """
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        return None
    matrix, noise = _matrix(image, x, y)
    for side in _WINDOWS:
        window = Box.around(x, y, side).clipped(width, height)
        assert window is not None
        grey = _grey(image[window.y : window.bottom, window.x : window.right])
        seed = _darkest(grey, x - window.x, y - window.y, reach)
        darkness = matrix - float(grey[seed])
        if darkness < max(_NOISE * noise, _LEAST_CONTRAST * (high - low)):
            return None
        found = _component(grey < matrix - darkness / 2, seed)
        if found is not None and not _cut_off(found, window, width, height):
            return Box(window.x + found.x, window.y + found.y, found.width, found.height)
    return None


def pore_near(image: Pyramid, x: float, y: float, *, reach: float) -> Box | None:
    """Return what `pore_box` does, of an image of any size: only the surroundings of the point are read.

    Raises ImageError where the file is damaged.
    """
    window = Box.around(x, y, _WINDOWS[-1] + 4).clipped(image.width, image.height)
    if window is None or not (0 <= x < image.width and 0 <= y < image.height):
        return None
    part = image.read(0, window)
    found = pore_box(part, x - window.x, y - window.y, low=image.grey_low, high=image.grey_high, reach=reach)
    return Box(window.x + found.x, window.y + found.y, found.width, found.height) if found is not None else None


def crop_around(pore: Box, width: int, height: int) -> Box:
    """Return the square crop of a pore inside an image of `width` x `height` px: `MARGIN` times its longer side."""
    side = max(SMALLEST, round(MARGIN * max(pore.width, pore.height)))
    return Box.around(*pore.centre, side).moved_inside(width, height)


def _grey(part: NDArray[Any]) -> NDArray[np.float32]:
    grey = part.astype(np.float32)
    if grey.ndim == 3:
        grey = grey.mean(axis=2)
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(grey), (0, 0), 0.8), np.float32)


def _matrix(image: NDArray[Any], x: float, y: float) -> tuple[float, float]:
    """Return the median grey around a point and the robust standard deviation above it, where no pores are."""
    height, width = image.shape[:2]
    window = Box.around(x, y, _WINDOWS[-1]).clipped(width, height)
    assert window is not None
    grey = _grey(image[window.y : window.bottom : 3, window.x : window.right : 3])
    middle = float(np.median(grey))
    bright = grey[grey >= middle]
    return middle, 1.4826 * float(np.median(bright - middle))


def _darkest(grey: NDArray[np.float32], x: float, y: float, reach: float) -> tuple[int, int]:
    rows, columns = np.ogrid[: grey.shape[0], : grey.shape[1]]
    near = (rows - y) ** 2 + (columns - x) ** 2 <= max(reach, 1.0) ** 2
    place = int(np.argmin(np.where(near, grey, np.inf)))
    return place // grey.shape[1], place % grey.shape[1]


def _component(dark: NDArray[np.bool_], seed: tuple[int, int]) -> Box | None:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    label = int(labels[seed])
    if label == 0:
        return None
    left, top, wide, high, area = (int(value) for value in stats[label])
    return Box(left, top, wide, high) if area >= _FEWEST_PIXELS else None


def _cut_off(found: Box, window: Box, width: int, height: int) -> bool:
    """Tell whether the window, and not the image, ends the component."""
    return (
        (found.x == 0 and window.x > 0)
        or (found.y == 0 and window.y > 0)
        or (found.right == window.width and window.right < width)
        or (found.bottom == window.height and window.bottom < height)
    )

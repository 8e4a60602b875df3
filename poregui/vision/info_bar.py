"""Find the bar with writing that microscopes burn into images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import Pyramid

_PART = 0.25
"""Largest share of the image's height that a bar takes."""
_MIN_ROWS = 0.02
_MIN_PX = 16
"""Rows in which writing can be read; thinner dark rims with a few bright grains are a part of the
image.
"""
_LARGEST = 60_000_000
"""Pixels that are looked at; images that are larger carry no bar."""
_NEAR = 8
"""Greys of 255 by which a bar's ground may vary (JPEG)."""
_FAR = 90
"""Greys of 255 between the ground and writing."""
_MIN_ROW = 0.45
_MOST_ABOVE = 0.3
_LAST_ROWS = 0.85
"""Share of ground in the last rows of a bar, where nothing is written."""
_MIN_FLAT = 0.4
"""Share of a bar that has the very grey of its ground; dark parts of an image have noise."""
_MIN_WRITING = 0.01
_MOST_WRITING = 0.4
_GAP = 4
"""Rows (lines, thick writing) that may interrupt the ground."""


def find_info_bar(image: Pyramid) -> Box | None:
    """Return the box in px of an info bar at the bottom or the top, over the full width, or None.

    A bar has a ground of one grey with some writing of another, and ends at a sharp line.
    """
    high = int(image.height * _PART * 1.3)
    if high < 8 or high * image.width > _LARGEST:
        return None
    low = image.grey_low
    span = max(image.grey_high - image.grey_low, 1e-9)
    for at_top in (False, True):
        y = 0 if at_top else image.height - high
        rows = _greys(image.read(0, Box(0, y, image.width, high)), low, span)
        found = _bar_rows(rows[::-1] if not at_top else rows, image.height)
        if found:
            return Box(0, 0 if at_top else image.height - found, image.width, found)
    return None


def _greys(pixels: NDArray[Any], low: float, span: float) -> NDArray[np.int16]:
    """Return (h, w) greys from 0 to 255."""
    grey = pixels
    if pixels.ndim != 2:
        grey = pixels.mean(axis=2)
    return np.clip((grey.astype(np.float32) - low) * (255 / span), 0, 255).astype(np.int16)


def _bar_rows(rows: NDArray[np.int16], height: int) -> int:
    """Return how many rows from the first one on are a bar; 0 when there is none."""
    edge = rows[: max(4, int(height * _MIN_ROWS))]
    ground = int(np.bincount(edge.ravel(), minlength=256).argmax())
    share = (np.abs(rows - ground) <= _NEAR).mean(axis=1)
    is_ground = np.flatnonzero(share >= _MIN_ROW)
    if len(is_ground) == 0 or is_ground[0] > _GAP:
        return 0
    breaks = np.flatnonzero(np.diff(is_ground) > _GAP + 1)
    end = int(is_ground[breaks[0]] if len(breaks) else is_ground[-1]) + 1
    if not max(_MIN_PX, height * _MIN_ROWS) <= end <= height * _PART or end + _GAP >= len(rows):
        return 0
    beyond = share[end + _GAP : end + _GAP + max(8, end // 2)]
    writing = float((np.abs(rows[:end] - ground) >= _FAR).mean())
    is_flat = float((np.abs(rows[:end] - ground) <= 1).mean()) >= _MIN_FLAT
    is_sharp = (
        len(beyond) > 0
        and np.median(beyond) <= _MOST_ABOVE
        and share[max(0, end - 5) : end].max() >= _LAST_ROWS
    )
    if not (is_flat and is_sharp and _MIN_WRITING <= writing <= _MOST_WRITING):
        return 0
    return end

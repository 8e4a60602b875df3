"""Draw hundreds of closed lines with dark rims as one picture; changes with how the lines look.

Qt's painter takes 0.4 s for the rims and dashes of 600 outlines, and would for each step of a pan; this takes 15 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from poregui.vision.shape.rings import Rings

_FRACTION = 4
"""Bits behind the point of coordinates that OpenCV draws at."""
_RIM = 130
"""How opaque the dark rim of a line is, of 255."""
_ON, _OFF = 4.5, 3.75
_DASH_POINTS = 4
"""Length of a dash and of the gap behind it, in px at a ratio of 1, and points that a dash is drawn through."""
_TIMES = 2
"""How often a line is drawn over itself: once, its edges are too faint."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Hold closed lines, in px of the picture, that look alike."""

    rings: Rings
    colour: QColor
    dashed: bool = False


def line_picture(groups: Sequence[Lines], width: int, height: int, ratio: float) -> QImage:
    """Return `width` x `height` px of lines on nothing; `ratio` is how many px are one of an ordinary screen."""
    pixels: NDArray[Any] = np.zeros((height, width, 4), np.uint8)
    rim: NDArray[Any] = np.zeros((height, width), np.uint8)
    for group in groups:
        whole = _fixed(group.rings.points)
        rings = [whole[start:end] for start, end in zip(group.rings.starts, group.rings.starts[1:], strict=False)]
        cv2.polylines(rim, rings, True, 255, 1, cv2.LINE_AA, _FRACTION)
        lines = list(_fixed(_dashes(group.rings, ratio))) if group.dashed else rings
        colour = (group.colour.red(), group.colour.green(), group.colour.blue(), 255)
        for _ in range(_TIMES):
            cv2.polylines(pixels, lines, not group.dashed, colour, 1, cv2.LINE_AA, _FRACTION)
    thick = 1 + 2 * round(0.8 * (ratio - 1))
    if thick > 1:
        pixels = cv2.dilate(pixels, _disc(thick))
    rim = cv2.dilate(rim, _disc(thick + 2 * max(1, round(0.7 * ratio))))
    cover = np.ascontiguousarray(pixels[..., 3])
    pixels[..., 3] = cv2.add(cover, cv2.multiply(rim, 255 - cover, scale=_RIM / 255**2))
    image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGBA8888_Premultiplied)
    return image.copy()  # the pixels above are not kept


def _dashes(rings: Rings, ratio: float) -> NDArray[np.float64]:
    """Return (dashes, points, 2) in px: as many on each ring as fit evenly, one at least."""
    # Each ring with its first point again at its end, and how far along all rings together each point lies.
    order = np.insert(np.arange(len(rings.points)), rings.starts[1:], rings.starts[:-1])
    corners = rings.points[order]
    ends = rings.starts[1:] + np.arange(1, rings.count + 1)
    steps = np.hypot(*np.diff(corners, axis=0, prepend=corners[:1]).T)
    steps[ends[:-1]] = 0.0  # from one ring to the next
    along = np.cumsum(steps)
    begins = along[np.concatenate([[0], ends[:-1]])]
    lengths = along[ends - 1] - begins
    counts = np.maximum(1, np.rint(lengths / ((_ON + _OFF) * ratio))).astype(np.int64)
    owner = np.repeat(np.arange(rings.count), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    pitch = (lengths / counts)[owner]
    first = begins[owner] + number * pitch
    places = first[:, None] + pitch[:, None] * np.linspace(0, _ON / (_ON + _OFF), _DASH_POINTS)
    return np.stack([np.interp(places, along, corners[:, axis]) for axis in (0, 1)], axis=-1)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return coordinates as OpenCV takes them, whose px have their middle at whole numbers."""
    return np.asarray(np.rint((points - 0.5) * (1 << _FRACTION)), np.int32)


def _disc(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)

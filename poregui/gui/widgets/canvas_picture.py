"""Turn arrays of grey or colour values into pictures that Qt draws quickly; changes with how pixels become visible."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

_STRIP = 256
"""Rows that are mapped at once, so that the window's thread is let in between."""
_COARSEST = 768
"""The longer side in px below which no coarser level is made."""


def to_eight_bits(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return (H, W) or (H, W, 3) uint8 where `low` became 0 and `high` became 255.

    An uint8 array whose range is the full one comes back as it is.
    """
    if array.dtype == np.uint8 and low <= 0 and high >= 255:
        return np.ascontiguousarray(array)
    table = _table(array.dtype.itemsize * 8, float(low), float(high))
    mapped = np.empty(array.shape, np.uint8)
    for top in range(0, len(array), _STRIP):
        mapped[top : top + _STRIP] = table[array[top : top + _STRIP]]
    return mapped


@lru_cache(maxsize=16)
def _table(bits: int, low: float, high: float) -> NDArray[np.uint8]:
    values = (np.arange(2**bits, dtype=np.float32) - low) * (255 / max(high - low, 1e-9))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_qimage(array: NDArray[Any], low: float = 0, high: float = 255) -> QImage:
    """Return a picture of its own of (H, W) or (H, W, 3) uint8 or uint16 values, `low` black and `high` white."""
    return _wrapped(to_eight_bits(array, low, high)).copy()


def _wrapped(array: NDArray[np.uint8]) -> QImage:
    height, width = array.shape[:2]
    form = QImage.Format.Format_Grayscale8 if array.ndim == 2 else QImage.Format.Format_RGB888
    return QImage(array.data, width, height, array.strides[0], form)


@dataclass(frozen=True)
class Level:
    """Hold a picture `factor` times smaller than the image, and the array whose memory it shows."""

    factor: float
    image: QImage
    array: NDArray[np.uint8]


@dataclass(frozen=True)
class CanvasPicture:
    """Hold an image of `width` x `height` px at full size and in halves of it, so that any zoom is drawn at once."""

    width: int
    height: int
    levels: tuple[Level, ...]

    @property
    def nbytes(self) -> int:
        """Return the memory of all levels in bytes."""
        return sum(level.array.nbytes for level in self.levels)

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point (px) lies on the image."""
        return 0 <= x < self.width and 0 <= y < self.height

    def draw(self, painter: QPainter, target: QRectF, source: QRectF) -> None:
        """Draw `source` (px of the image) into `target`, from the level that fits the magnification."""
        shrinks = source.width() / max(target.width(), 1e-9)
        level = max(
            (one for one in self.levels if one.factor <= max(shrinks, 1.0) * 1.01),
            key=lambda one: one.factor,
        )
        factor = level.factor
        part = QRectF(source.x() / factor, source.y() / factor, source.width() / factor, source.height() / factor)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks > 0.5)
        painter.drawImage(target, level.image, part)


def build_picture(array: NDArray[Any], low: float = 0, high: float = 255) -> CanvasPicture:
    """Return the levels of an image (H, W) or (H, W, 3), uint8 or uint16; takes about a second for 64 megapixels."""
    current = to_eight_bits(array, low, high)
    height, width = current.shape[:2]
    levels = [Level(1.0, _wrapped(current), current)]
    while max(current.shape[:2]) > _COARSEST:
        half = (max(1, current.shape[1] // 2), max(1, current.shape[0] // 2))
        current = np.ascontiguousarray(cv2.resize(current, half, interpolation=cv2.INTER_AREA))
        levels.append(Level(levels[-1].factor * 2, _wrapped(current), current))
    return CanvasPicture(width, height, tuple(levels))

"""Turn arrays of grey or colour values into pictures that Qt draws quickly."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

_STRIP = 256
"""Rows that are mapped at once, so that the window's thread is let in between."""


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
    """Return a picture of its own of (H, W) or (H, W, 3) uint8 or uint16 values, `low` black and
    `high` white.
    """
    return _wrapped(to_eight_bits(array, low, high)).copy()


def _wrapped(array: NDArray[np.uint8]) -> QImage:
    height, width = array.shape[:2]
    if array.ndim == 2:
        form = QImage.Format.Format_Grayscale8
    else:
        form = QImage.Format.Format_RGB888
    return QImage(array.data, width, height, array.strides[0], form)

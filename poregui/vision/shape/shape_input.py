"""Bring the shape numbers of a crop to the input of a network; changes with how a network is told shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.crop_shapes import LENGTHS, NAMES, shape_numbers

WIDTH = len(NAMES) + 1
"""The numbers, and 1 where no pore was found, else 0."""
_LOGARITHMS = [NAMES.index(name) for name in (*LENGTHS, "Aspect ratio", "Pieces")]
_SMALLEST = 1e-3


def shape_input(crop: NDArray[Any], low: float, high: float, um_per_px: float | None) -> NDArray[np.float32]:
    """Return what a network is told of the shape in a crop, (`WIDTH`,) float32 without NaN.

    `crop`, `low`, `high` and `um_per_px` are as in `crop_shapes.shape_numbers`. Lengths, aspect ratio and pieces come
    as natural logarithms, numbers that could not be measured as 0. Turning or mirroring a crop leaves them as they are
    but for the sampling of a large crop.
    """
    numbers = shape_numbers(crop, low, high, um_per_px).tolist()
    for place in _LOGARITHMS:
        if not math.isnan(numbers[place]):
            numbers[place] = math.log(max(numbers[place], _SMALLEST))
    nothing = math.isnan(numbers[0])
    return np.array([*(0.0 if math.isnan(one) else one for one in numbers), float(nothing)], np.float32)

"""Compute intervals and agreement of counted answers; every formula names its source."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054


def wilson_interval(right: int, total: int, z: float = Z95) -> tuple[float, float] | None:
    """Return the score interval of a proportion, or None when nothing was counted.

    Both ends are fractions from 0 to 1. Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209, without continuity
    correction.
    """
    if total <= 0:
        return None
    share = right / total
    spread = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / spread
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / spread
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == total else min(1.0, middle + half)
    return low, high


def confusion_matrix(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Count predictions per true class.

    `truth` and `predicted` are (n,) whole numbers from 0 to `classes` - 1. Returns (classes, classes), rows are the
    truth, columns the prediction.
    """
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)

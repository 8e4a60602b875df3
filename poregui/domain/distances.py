"""Sum up distances of pores; changes with what is told of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DistanceSummary:
    """Hold the least distance, its 10, 50 and 90 per cent points and how many pores have one; in the unit given."""

    pores: int
    least: float
    low: float
    middle: float
    high: float


def distance_summary(values: NDArray[np.float64]) -> DistanceSummary | None:
    """Return the summary of (n,) distances, NaN where one is not known; None where none is.

    The points are interpolated linearly between the ordered distances (R. J. Hyndman and Y. Fan, The American
    Statistician 50 (1996) 361, definition 7).
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, middle, high = (float(v) for v in np.quantile(known, [0.1, 0.5, 0.9]))
    return DistanceSummary(len(known), float(known.min()), low, middle, high)

"""Draw the trade of one class against the others: ROC and precision-recall curves from probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Hold a curve of one class: `x`, `y` and `thresholds` (points,) float64, and its area.

    ROC: `x` false-positive share, `y` true-positive share. Precision-recall: `x` recall, `y` precision.
    """

    x: Floats
    y: Floats
    thresholds: Floats
    area: float


def roc_curve(positive: NDArray[np.bool_], score: Floats) -> Curve | None:
    """Return the ROC curve of (n,) scores, from (0, 0) at an infinite threshold to (1, 1); equal scores share a point.

    `area` is by the trapezoid rule, the probability that a positive crop scores above a negative one. None when all
    crops or none are positive.
    """
    counted = _counted(positive, score)
    if counted is None or counted.false[-1] == 0:
        return None
    x = np.concatenate([[0.0], counted.false / counted.false[-1]])
    y = np.concatenate([[0.0], counted.true / counted.true[-1]])
    thresholds = np.concatenate([[np.inf], counted.thresholds])
    return Curve(x, y, thresholds, float(np.trapezoid(y, x)))


def precision_recall_curve(positive: NDArray[np.bool_], score: Floats) -> Curve | None:
    """Return precision over recall of (n,) scores, from (0, 1) on, recall rising.

    `area` is the average precision: precision summed over the steps of recall, without interpolation. None when no crop
    is positive.
    """
    counted = _counted(positive, score)
    if counted is None:
        return None
    recall = counted.true / counted.true[-1]
    precision = counted.true / (counted.true + counted.false)
    area = float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())
    x, y = np.concatenate([[0.0], recall]), np.concatenate([[1.0], precision])
    return Curve(x, y, np.concatenate([[np.inf], counted.thresholds]), area)


@dataclass(frozen=True)
class _Counted:
    """Hold how many positive and negative crops score at or above each threshold, the highest first."""

    true: Floats
    false: Floats
    thresholds: Floats


def _counted(positive: NDArray[np.bool_], score: Floats) -> _Counted | None:
    if not positive.any():
        return None
    order = np.argsort(-score, kind="stable")
    sorted_scores, hits = score[order], positive[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(sorted_scores) - 1)
    true = np.cumsum(hits)[ends].astype(np.float64)
    return _Counted(true, ends + 1 - true, sorted_scores[ends].astype(np.float64))

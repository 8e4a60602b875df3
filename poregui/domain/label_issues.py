"""Find labels that are probably wrong: by answers of networks that never saw the crop, and by
unusual shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST_SHAPES = 8
"""Crops of a class from which on its usual shape is known."""
_NORMAL_SPREAD = 1.4826
_SMALLEST_SPREAD = 0.05


@dataclass(frozen=True)
class ConfidentLearning:
    """Hold what confident learning says of (n,) labels.

    `likely` (n,) bool marks labels that are probably wrong, `proposed` (n,) the more fitting place
    of a class, `doubt` (n,) from 0 to 1 orders the crops (1 minus the probability of the label),
    `joint` (classes, classes) counts crops by label (rows) and by the class that they confidently
    are (columns).
    """

    likely: NDArray[np.bool_]
    proposed: NDArray[np.int64]
    doubt: Floats
    joint: NDArray[np.int64]

    @property
    def expected_errors(self) -> int:
        """Return how many labels are probably wrong."""
        return int(self.likely.sum())


def confident_learning(probabilities: Floats, labels: NDArray[np.int64]) -> ConfidentLearning:
    """Judge (n,) labels by (n, classes) probabilities of networks that were not trained on the
    crop.

    A crop confidently is the class whose probability is at least the mean that crops labelled so
    reach, the most probable of several (C. Northcutt, L. Jiang, I. Chuang, J. Artif. Intell. Res.
    70 (2021) 1373). The order is by the probability of the label alone, which found at least as
    many flipped labels as margins and thresholds did.
    """
    count, classes = probabilities.shape
    usual = np.array([_mean(probabilities[labels == index, index]) for index in range(classes)])
    confident = probabilities >= usual
    best = np.where(confident, probabilities, -1.0).argmax(axis=1)
    is_something = confident.any(axis=1)
    others = probabilities.copy()
    others[np.arange(count), labels] = -1.0
    joint = np.bincount(
        labels[is_something] * classes + best[is_something], minlength=classes * classes
    )
    return ConfidentLearning(
        likely=is_something & (best != labels),
        proposed=others.argmax(axis=1),
        doubt=1.0 - probabilities[np.arange(count), labels],
        joint=joint.reshape(classes, classes).astype(np.int64),
    )


@dataclass(frozen=True)
class Unusual:
    """Hold how far shapes lie from what is usual for their label.

    `distance` (n,) is 1 at the edge of the usual (the class's own 95th percentile), NaN where a
    class has too few crops to know; `nearest` (n,) is the class whose usual shape fits best.
    """

    distance: Floats
    nearest: NDArray[np.int64]

    @property
    def marked(self) -> NDArray[np.bool_]:
        """Tell which shapes are at least twice as far out as usual and fit another class better."""
        return np.asarray(np.nan_to_num(self.distance) >= 2.0)


def unusual_shapes(numbers: Floats, labels: NDArray[np.int64], classes: int) -> Unusual:
    """Compare (n, numbers) shape numbers, NaN where one could not be measured, with those of
    equally labelled crops.

    The distance is the root mean square of robust z-scores (median and 1.4826 times the median
    absolute deviation of the class), divided by its 95th percentile within the class.
    """
    scores = np.full((len(labels), classes), np.nan)
    for index in range(classes):
        own = labels == index
        if own.sum() < FEWEST_SHAPES:
            continue
        middle = _column_median(numbers[own])
        spread = np.maximum(
            _NORMAL_SPREAD * _column_median(np.abs(numbers[own] - middle)), _SMALLEST_SPREAD
        )
        z = (numbers - middle) / spread
        root = np.sqrt(
            np.nanmean(np.where(np.isfinite(z), z * z, np.nan), axis=1, where=np.isfinite(z))
        )
        if np.isfinite(root[own]).any():
            edge = float(np.nanquantile(root[own], 0.95))
        else:
            edge = np.nan
        scores[:, index] = root / max(edge, 1e-9)
    known = np.where(np.isfinite(scores), scores, np.inf)
    return Unusual(scores[np.arange(len(labels)), labels], known.argmin(axis=1))


def _mean(values: Floats) -> float:
    if len(values):
        return float(values.mean())
    return np.inf


def _column_median(values: Floats) -> Floats:
    """Return the median of each column over its finite values, 0 for a column without any."""
    return np.array(
        [
            np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0
            for column in values.T
        ]
    )

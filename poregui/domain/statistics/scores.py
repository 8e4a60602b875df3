"""Compute averages over classes, kappa, curves and calibration; compare two runs.

Functions of matrices take (..., classes, classes) counts, rows are the truth, and return (...)
float64, NaN where the number does not exist. Definitions are those of scikit-learn; every other
formula names its source.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import wilson_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Averages:
    """Hold precision, recall and F1 averaged over classes, as fractions; None when nothing was
    counted.
    """

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Scores:
    """Hold the numbers of a whole confusion matrix as fractions (kappa from -1 to 1), None where
    there is none.

    `macro` gives every class that occurs the same say, `weighted` every crop.
    """

    accuracy: float | None
    balanced_accuracy: float | None
    kappa: float | None
    macro: Averages
    weighted: Averages

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def scores(matrix: npt.ArrayLike) -> Scores:
    """Return the numbers of one (classes, classes) confusion matrix."""
    counts = np.asarray(matrix, np.float64)
    precision, recall, f1 = _per_class(counts)
    support = counts.sum(axis=1)
    occurs = (support + counts.sum(axis=0)) > 0
    return Scores(
        accuracy=_number(accuracy(counts)),
        balanced_accuracy=_number(balanced_accuracy(counts)),
        kappa=_number(kappa(counts)),
        macro=Averages(*(_average(one, occurs.astype(float)) for one in (precision, recall, f1))),
        weighted=Averages(*(_average(one, support) for one in (precision, recall, f1))),
    )


def accuracy(matrices: npt.ArrayLike) -> Floats:
    """Return the share of right predictions."""
    counts = np.asarray(matrices, np.float64)
    return _divide(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def balanced_accuracy(matrices: npt.ArrayLike) -> Floats:
    """Return the mean recall of the classes that have crops."""
    counts = np.asarray(matrices, np.float64)
    support = counts.sum(axis=-1)
    recall = _divide(np.diagonal(counts, axis1=-2, axis2=-1), support)
    return _divide(np.where(support > 0, recall, 0.0).sum(axis=-1), (support > 0).sum(axis=-1))


def macro_f1(matrices: npt.ArrayLike) -> Floats:
    """Return the mean F1 of the classes that occur in truth or prediction."""
    counts = np.asarray(matrices, np.float64)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    f1 = _divide(2 * np.diagonal(counts, axis1=-2, axis2=-1), total)
    return _divide(np.where(total > 0, f1, 0.0).sum(axis=-1), (total > 0).sum(axis=-1))


def kappa(matrices: npt.ArrayLike) -> Floats:
    """Return Cohen's kappa (J. Cohen, Educ. Psychol. Meas. 20 (1960) 37): agreement beyond chance,
    at most 1.

    NaN when nothing was counted or all of it is one class, for both sides, so that chance agrees
    fully.
    """
    counts = np.asarray(matrices, np.float64)
    total = counts.sum(axis=(-2, -1))
    chance = _divide((counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1), total * total)
    return _divide(accuracy(counts) - chance, 1 - chance)


def _per_class(counts: Floats) -> tuple[Floats, Floats, Floats]:
    hits = np.diag(counts)
    support = counts.sum(axis=1)
    claimed = counts.sum(axis=0)
    nothing = np.zeros_like(hits)
    precision = np.where(
        claimed > 0, _divide(hits, claimed), nothing
    )  # never claimed: 0, as scikit-learn has it
    recall = np.where(support > 0, _divide(hits, support), nothing)
    f1 = np.where(support + claimed > 0, _divide(2 * hits, support + claimed), nothing)
    return precision, recall, f1


def _average(values: Floats, weights: Floats) -> float | None:
    total = float(weights.sum())
    if total:
        return float((values * weights).sum() / total)
    return None


def _divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    over = np.asarray(above, np.float64)
    under = np.asarray(below, np.float64)
    gap = np.full(np.broadcast_shapes(over.shape, under.shape), np.nan)
    return np.divide(over, under, out=gap, where=under > 0)


def _number(value: Floats) -> float | None:
    if np.isfinite(value):
        return float(value)
    return None


@dataclass(frozen=True)
class Pairing:
    """Hold how two runs did on the same crops, and McNemar's exact two-sided p-value of the
    difference.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def pair(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Pairing:
    """Return the pairing of two (n,) arrays that say which crops each run predicted correctly."""
    one = int((first & ~second).sum())
    two = int((second & ~first).sum())
    return Pairing(
        int((first & second).sum()),
        one,
        two,
        int((~first & ~second).sum()),
        mcnemar_exact(one, two),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value that two equally good runs differ at least so much; 1 when they
    never differ.

    Only crops count that one run got right and the other wrong: were both equally good, each would
    fall to either with probability 1/2, so the smaller number is binomial (Q. McNemar,
    Psychometrika 12 (1947) 153; exact form). Computed in whole numbers.
    """
    total = only_first + only_second
    smaller = min(only_first, only_second)
    term = summed = 1
    for k in range(smaller):
        term = term * (total - k) // (k + 1)
        summed += term
    return min(1.0, 2 * summed / 2**total)


@dataclass(frozen=True)
class Curve:
    """Hold a curve of one class: `x`, `y` and `thresholds` (points,) float64, and its area.

    ROC: `x` false-positive share, `y` true-positive share. Precision-recall: `x` recall, `y`
    precision.
    """

    x: Floats
    y: Floats
    thresholds: Floats
    area: float


def roc_curve(positive: NDArray[np.bool_], score: Floats) -> Curve | None:
    """Return the ROC curve of (n,) scores, from (0, 0) at an infinite threshold to (1, 1); equal
    scores share a point.

    `area` is by the trapezoid rule, the probability that a positive crop scores above a negative
    one. None when all crops or none are positive.
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

    `area` is the average precision: precision summed over the steps of recall, without
    interpolation. None when no crop is positive.
    """
    counted = _counted(positive, score)
    if counted is None:
        return None
    recall = counted.true / counted.true[-1]
    precision = counted.true / (counted.true + counted.false)
    area = float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())
    x = np.concatenate([[0.0], recall])
    y = np.concatenate([[1.0], precision])
    return Curve(x, y, np.concatenate([[np.inf], counted.thresholds]), area)


@dataclass(frozen=True)
class _Counted:
    """Hold how many positive and negative crops score at or above each threshold, the highest
    first.
    """

    true: Floats
    false: Floats
    thresholds: Floats


def _counted(positive: NDArray[np.bool_], score: Floats) -> _Counted | None:
    if not positive.any():
        return None
    order = np.argsort(-score, kind="stable")
    sorted_scores = score[order]
    hits = positive[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(sorted_scores) - 1)
    true = np.cumsum(hits)[ends].astype(np.float64)
    return _Counted(true, ends + 1 - true, sorted_scores[ends].astype(np.float64))


FEWEST_TO_FIT = 20
"""Validation crops from which on a temperature is fitted."""
COLDEST = 0.05
HOTTEST = 20.0
_SMALLEST = 1e-12


@dataclass(frozen=True)
class CalibrationBin:
    """Hold the predictions whose confidence lies above `low` up to `high`: how many, how sure, how
    often right.

    `interval` is Wilson's of `accuracy`.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """Hold the calibration curve (bins that have crops only) and the expected calibration error, a
    fraction.
    """

    bins: tuple[CalibrationBin, ...]
    error: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def calibration(probabilities: Floats, truth: NDArray[np.int64], bins: int = 10) -> Calibration:
    """Return how (n, classes) probabilities hold against (n,) true places, in `bins` equal steps of
    confidence.

    The error is the mean distance of confidence and accuracy, weighted by the crops of each bin (M.
    P. Naeini et al., AAAI 2015; C. Guo et al., ICML 2017); None without crops.
    """
    if not len(truth):
        return Calibration((), None)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = index == number
        count = int(inside.sum())
        hits = int(right[inside].sum())
        if count:
            interval = wilson_interval(hits, count)
            assert interval is not None
            mean = float(confidence[inside].mean())
            found.append(
                CalibrationBin(
                    number / bins, (number + 1) / bins, count, mean, hits / count, interval
                )
            )
    error = sum(one.count * abs(one.confidence - one.accuracy) for one in found) / len(truth)
    return Calibration(tuple(found), error)


def log_loss(probabilities: Floats, truth: NDArray[np.int64]) -> float | None:
    """Return the mean cross-entropy of (n, classes) probabilities in nats; None without crops."""
    if not len(truth):
        return None
    of_truth = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(of_truth, _SMALLEST)).mean())


def fit_temperature(probabilities: Floats, truth: NDArray[np.int64]) -> float | None:
    """Return the temperature that makes (n, classes) probabilities of *validation* crops least
    surprising.

    Minimises the cross-entropy of softmax(log p / T) (C. Guo et al., ICML 2017), convex in 1/T, by
    bisection of its slope between `COLDEST` and `HOTTEST`. Above 1: the network is too sure. None
    for fewer than `FEWEST_TO_FIT` crops.
    """
    if len(truth) < FEWEST_TO_FIT:
        return None
    logs = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    of_truth = logs[np.arange(len(truth)), truth]

    def slope(inverse: float) -> float:
        return float((_softmax(logs * inverse) * logs).sum() - of_truth.sum())

    low = 1 / HOTTEST
    high = 1 / COLDEST
    for _ in range(60):
        middle = (low + high) / 2
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return 2 / (low + high)


def at_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return (n, classes) probabilities at a temperature: above 1 softer, below 1 sharper; the
    order stays.
    """
    return _softmax(np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST)) / temperature)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))

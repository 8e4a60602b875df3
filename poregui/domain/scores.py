"""Compute the numbers that a confusion matrix gives as a whole: averages over classes and agreement beyond chance.

Functions of matrices take (..., classes, classes) counts, rows are the truth, and return (...) float64, NaN where the
number does not exist. Definitions are those of scikit-learn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Averages:
    """Hold precision, recall and F1 averaged over classes, as fractions; None when nothing was counted."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Scores:
    """Hold the numbers of a whole confusion matrix as fractions (kappa from -1 to 1), None where there is none.

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
    """Return the share of right answers."""
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
    """Return Cohen's kappa (J. Cohen, Educ. Psychol. Meas. 20 (1960) 37): agreement beyond chance, at most 1.

    NaN when nothing was counted or all of it is one class, for both sides, so that chance agrees fully.
    """
    counts = np.asarray(matrices, np.float64)
    total = counts.sum(axis=(-2, -1))
    chance = _divide((counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1), total * total)
    return _divide(accuracy(counts) - chance, 1 - chance)


def _per_class(counts: Floats) -> tuple[Floats, Floats, Floats]:
    hits, support, claimed = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    nothing = np.zeros_like(hits)
    precision = np.where(claimed > 0, _divide(hits, claimed), nothing)  # never claimed: 0, as scikit-learn has it
    recall = np.where(support > 0, _divide(hits, support), nothing)
    f1 = np.where(support + claimed > 0, _divide(2 * hits, support + claimed), nothing)
    return precision, recall, f1


def _average(values: Floats, weights: Floats) -> float | None:
    total = float(weights.sum())
    return float((values * weights).sum() / total) if total else None


def _divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    over, under = np.asarray(above, np.float64), np.asarray(below, np.float64)
    gap = np.full(np.broadcast_shapes(over.shape, under.shape), np.nan)
    return np.divide(over, under, out=gap, where=under > 0)


def _number(value: Floats) -> float | None:
    return float(value) if np.isfinite(value) else None

"""Compare predictions with labels: confusion matrix, accuracy, labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import confusion_matrix, wilson_interval


@dataclass(frozen=True)
class Prediction:
    """Hold the class probabilities (summing to 1, in the order of the run's classes) that a run
    gave to a crop.
    """

    crop_id: int
    probabilities: tuple[float, ...]

    @property
    def index(self) -> int:
        """Return the place of the most probable class; the first one of equals."""
        return self.probabilities.index(max(self.probabilities))

    @property
    def confidence(self) -> float:
        """Return the probability of the predicted class."""
        return max(self.probabilities)


@dataclass(frozen=True)
class ClassScore:
    """Hold precision, recall and F1 of one class as fractions, None where nothing was counted."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    recall_interval95: tuple[float, float] | None
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Hold what predictions are worth against labels.

    `matrix` is (classes, classes) counts, rows are the truth. `accuracy` is None when no crop was
    counted.
    """

    classes: tuple[str, ...]
    matrix: NDArray[np.int64]
    accuracy: float | None
    interval: tuple[float, float] | None
    per_class: tuple[ClassScore, ...]

    @property
    def n(self) -> int:
        """Return how many crops were counted."""
        return int(self.matrix.sum())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON, under the names of the command line."""
        return {
            "classes": list(self.classes),
            "confusion_matrix": self.matrix.tolist(),
            "accuracy": self.accuracy,
            "accuracy_interval95": self.interval and list(self.interval),
            "per_class": [
                {
                    "class": score.name,
                    "precision": score.precision,
                    "recall": score.recall,
                    "f1": score.f1,
                    "recall_interval95": score.recall_interval95 and list(score.recall_interval95),
                    "support": score.support,
                }
                for score in self.per_class
            ],
            "n_test": self.n,
        }


def evaluate(
    classes: tuple[str, ...], truth: NDArray[np.int64], predicted: NDArray[np.int64]
) -> Evaluation:
    """Return the evaluation of (n,) predicted places in `classes` against (n,) true ones."""
    return from_matrix(classes, confusion_matrix(truth, predicted, len(classes)))


def from_matrix(classes: tuple[str, ...], matrix: NDArray[np.int64]) -> Evaluation:
    """Return the evaluation that a confusion matrix (rows are the truth) gives."""
    right = int(np.trace(matrix))
    total = int(matrix.sum())
    return Evaluation(
        classes=classes,
        matrix=matrix,
        accuracy=_ratio(right, total),
        interval=wilson_interval(right, total),
        per_class=tuple(_score(classes[i], matrix, i) for i in range(len(classes))),
    )


def _score(name: str, matrix: NDArray[np.int64], i: int) -> ClassScore:
    hits = int(matrix[i, i])
    support = int(matrix[i].sum())
    claimed = int(matrix[:, i].sum())
    precision = _ratio(hits, claimed)
    recall = _ratio(hits, support)
    f1 = _ratio(2 * hits, support + claimed)
    return ClassScore(name, precision, recall, f1, wilson_interval(hits, support), support)


def _ratio(hits: int, total: int) -> float | None:
    if not total:
        return None
    return hits / total


_MOST_NAMES = 200


@dataclass(frozen=True)
class Share:
    """Hold how many of `count` crops were predicted correctly, with Wilson's interval of the share.

    `indices` (count,) are the crops among those that were divided.
    """

    name: str
    count: int
    right: int
    interval: tuple[float, float]
    indices: NDArray[np.intp] = field(compare=False, repr=False)

    @property
    def accuracy(self) -> float:
        """Return the share of right predictions."""
        return self.right / self.count

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        values = {
            "name": self.name,
            "count": self.count,
            "right": self.right,
            "interval": self.interval,
        }
        return {**values, "accuracy": self.accuracy}


@dataclass(frozen=True)
class Breakdown:
    """Hold the shares of one property of crops: `title` such as `Size`, `unit` such as `um` or
    nothing.
    """

    title: str
    unit: str
    shares: tuple[Share, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "by": self.title,
            "unit": self.unit,
            "shares": [share.to_json() for share in self.shares],
        }


def by_number(
    title: str, unit: str, values: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 4
) -> Breakdown | None:
    """Divide (n,) right or wrong predictions by a number into `bins` parts of about equal count,
    NaN left out.

    None when the number is the same for all, or known for none.
    """
    known = np.flatnonzero(np.isfinite(values))
    values = values[known]
    if not len(values) or values.min() == values.max():
        return None
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    index = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    shares = [
        _share(
            f"{_short(edges[number])} to {_short(edges[number + 1])}", right, known[index == number]
        )
        for number in range(len(edges) - 1)
        if (index == number).any()
    ]
    if len(shares) > 1:
        return Breakdown(title, unit, tuple(shares))
    return None


def by_name(
    title: str, names: Sequence[str], right: NDArray[np.bool_], unit: str = ""
) -> Breakdown | None:
    """Divide (n,) right or wrong predictions by a name, the worst first; None when there is only
    one or far too many.
    """
    known = sorted(set(names))
    if not 1 < len(known) <= _MOST_NAMES:
        return None
    index = {name: number for number, name in enumerate(known)}
    held = np.array([index[name] for name in names])
    shares = [
        _share(name, right, np.flatnonzero(held == number)) for number, name in enumerate(known)
    ]
    return Breakdown(
        title, unit, tuple(sorted(shares, key=lambda share: (share.accuracy, share.name)))
    )


def _share(name: str, right: NDArray[np.bool_], indices: NDArray[np.intp]) -> Share:
    hits = int(right[indices].sum())
    interval = wilson_interval(hits, len(indices))
    assert interval is not None
    return Share(name, len(indices), hits, interval, indices)


def _short(value: float) -> str:
    if abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:.0f}"


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


def can_judge(probabilities: Floats, labels: NDArray[np.int64]) -> bool:
    """Tell whether (n, classes) predictions agree with (n,) labels so well that they may doubt
    some.

    They must be right more often than wrong, and more often than classes drawn as often as they
    were predicted and labelled would be (J. Cohen, Educ. Psychol. Meas. 20 (1960) 37) by more than
    chance explains: the lower end of the 95 % interval lies above.
    """
    count, classes = probabilities.shape
    predictions = probabilities.argmax(axis=1)
    right = int((predictions == labels).sum())
    ends = wilson_interval(right, count)
    if ends is None:
        return False
    predicted_shares = np.bincount(predictions, minlength=classes) / count
    labelled = np.bincount(labels, minlength=classes) / count
    return 2 * right > count and ends[0] > float(predicted_shares @ labelled)


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

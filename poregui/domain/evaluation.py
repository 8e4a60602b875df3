"""Hold predictions against labels: the confusion matrix and the numbers that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics import confusion_matrix, wilson_interval


@dataclass(frozen=True)
class Prediction:
    """Hold the class probabilities (summing to 1, in the order of the run's classes) that a run gave to a crop."""

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

    `matrix` is (classes, classes) counts, rows are the truth. `accuracy` is None when no crop was counted.
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
            "accuracy_interval95": list(self.interval) if self.interval else None,
            "per_class": [
                {
                    "class": score.name,
                    "precision": score.precision,
                    "recall": score.recall,
                    "f1": score.f1,
                    "recall_interval95": list(score.recall_interval95) if score.recall_interval95 else None,
                    "support": score.support,
                }
                for score in self.per_class
            ],
            "n_test": self.n,
        }


def evaluate(classes: tuple[str, ...], truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> Evaluation:
    """Return the evaluation of (n,) predicted places in `classes` against (n,) true ones."""
    return from_matrix(classes, confusion_matrix(truth, predicted, len(classes)))


def from_matrix(classes: tuple[str, ...], matrix: NDArray[np.int64]) -> Evaluation:
    """Return the evaluation that a confusion matrix (rows are the truth) gives."""
    right, total = int(np.trace(matrix)), int(matrix.sum())
    return Evaluation(
        classes=classes,
        matrix=matrix,
        accuracy=right / total if total else None,
        interval=wilson_interval(right, total),
        per_class=tuple(_score(classes[i], matrix, i) for i in range(len(classes))),
    )


def _score(name: str, matrix: NDArray[np.int64], i: int) -> ClassScore:
    hits, support, claimed = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
    precision = hits / claimed if claimed else None
    recall = hits / support if support else None
    f1 = 2 * hits / (support + claimed) if support + claimed else None
    return ClassScore(name, precision, recall, f1, wilson_interval(hits, support), support)

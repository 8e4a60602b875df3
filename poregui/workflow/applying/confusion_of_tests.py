"""Carry the predictions of the test crops of a run, so that a bare model
corrects as its run does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SplitName
from poregui.domain.statistics.intervals import confusion_matrix
from poregui.domain.statistics.porosity import weighted_counts
from poregui.domain.statistics.scores import at_temperature, fit_temperature
from poregui.store.run_folder import RunFolder


@dataclass(frozen=True)
class ConfidenceCounts:
    """Hold what a wanted confidence meant for the test crops of a run: the share classified, and
    how many were right.

    Both are fractions; `accuracy` is None when no crop was classified, `n` counts the test crops.
    """

    coverage: float
    accuracy: float | None
    n: int


@dataclass(frozen=True, eq=False)
class TestedCrops:
    """Hold the (n,) test crops of a run: places of their `labels`, (n, classes) `predictions`,
    `diameters` of their pores.

    Diameters are in any one unit, NaN where a shape is not known; None for a run that measured
    none.
    """

    __test__ = False  # pytest takes the name for a test

    labels: NDArray[np.int64]
    predictions: NDArray[np.float64]
    diameters: NDArray[np.float64] | None = None

    def at(self, temperature: float | None) -> TestedCrops:
        """Return the crops with predictions at a temperature (see `at_temperature`), None: as the
        network gave them.
        """
        if temperature is None:
            return self
        return replace(self, predictions=at_temperature(self.predictions, temperature))

    def confusion(self, min_confidence: float = 0.0) -> NDArray[np.int64]:
        """Return the (classes, classes) counts of crops classified with at least a confidence, rows
        the truth.
        """
        kept = self._kept(min_confidence)
        return confusion_matrix(
            self.labels[kept], self.predictions[kept].argmax(axis=1), self.predictions.shape[1]
        )

    def area_confusion(self, min_confidence: float = 0.0) -> NDArray[np.float64] | None:
        """Return the same weighed by the area of the pores (see `weighted_counts`), None where no
        size is known.
        """
        if self.diameters is None:
            return None
        kept = self._kept(min_confidence) & np.isfinite(self.diameters) & (self.diameters > 0)
        weights = np.asarray(self.diameters[kept] ** 2, np.float64)
        predictions = self.predictions[kept]
        return weighted_counts(
            self.labels[kept], predictions.argmax(axis=1), weights, predictions.shape[1]
        )

    def confidence_counts(self, min_confidence: float) -> ConfidenceCounts:
        """Return what the crops say about a confidence."""
        kept = self._kept(min_confidence)
        right = self.predictions[kept].argmax(axis=1) == self.labels[kept]
        n = len(self.labels)
        return ConfidenceCounts(
            int(kept.sum()) / max(n, 1), float(right.mean()) if kept.any() else None, n
        )

    def _kept(self, min_confidence: float) -> NDArray[np.bool_]:
        return np.asarray(self.predictions.max(axis=1, initial=0.0) >= min_confidence, np.bool_)

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON."""
        if self.diameters is None:
            sizes = None
        else:
            sizes = [None if d != d else d for d in self.diameters.tolist()]
        return {
            "labels": self.labels.tolist(),
            "answers": self.predictions.tolist(),
            "diameters": sizes,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any], classes: int) -> TestedCrops:
        """Return what `to_json` wrote.

        Raises KeyError, TypeError or ValueError when it is damaged.
        """
        labels = np.array(values["labels"], np.int64)
        predictions = np.array(values["answers"], np.float64).reshape(len(labels), classes)
        sizes = values["diameters"]
        if sizes is None:
            diameters = None
        else:
            diameters = np.array([np.nan if d is None else d for d in sizes], np.float64)
        if (diameters is not None and diameters.shape != labels.shape) or not np.isin(
            labels, range(classes)
        ).all():
            raise ValueError("the test crops do not fit together")
        return TestedCrops(labels, predictions, diameters)


def tested_crops(run: RunFolder) -> TestedCrops:
    """Return the test crops of a run with the labels that it was frozen with, predicted as the
    network did.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    ids, labels, predictions = _answered(run, "test")
    return TestedCrops(labels, predictions, _diameters(run, ids))


def temperature_of(run: RunFolder) -> float | None:
    """Return the temperature that calibrates a run on its validation crops, with the labels that it
    was frozen with.

    None where these are too few (see `fit_temperature`), or all were predicted correctly, for then
    any sharper one would fit them better. Raises ProjectError as `tested_crops`.
    """
    _, labels, predictions = _answered(run, "validation")
    if (predictions.argmax(axis=1) == labels).all():
        return None
    return fit_temperature(predictions, labels)


def _answered(
    run: RunFolder, split: SplitName
) -> tuple[list[int], NDArray[np.int64], NDArray[np.float64]]:
    """Return the (n,) ids of the crops of a split, their (n,) labels and (n, classes)
    predictions.
    """
    dataset = run.read_dataset()
    label_of = {crop.crop_id: crop.label for crop in dataset.crops if crop.split == split}
    predictions = [
        prediction for prediction in run.read_predictions(dataset) if prediction.crop_id in label_of
    ]
    probabilities = np.array(
        [prediction.probabilities for prediction in predictions], np.float64
    ).reshape(len(predictions), len(dataset.classes))
    ids = [prediction.crop_id for prediction in predictions]
    return ids, np.array([label_of[i] for i in ids], np.int64), probabilities


def _diameters(run: RunFolder, ids: list[int]) -> NDArray[np.float64] | None:
    shapes = run.read_shapes()
    if shapes is None:
        return None
    columns, known, values = shapes
    index = next(
        (k for k, name in enumerate(columns) if name.startswith("Equivalent diameter")), None
    )
    if index is None:
        return None
    size = dict(zip(known.tolist(), values[:, index].tolist(), strict=True))
    return np.array([size.get(i, np.nan) for i in ids], np.float64)

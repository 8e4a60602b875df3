"""Put together every number of a run with its interval, for the window, the command line and the
report alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.dataset import SplitName
from poregui.domain.evaluation import (
    Breakdown,
    Evaluation,
    by_name,
    by_number,
    evaluate,
)
from poregui.domain.statistics.intervals import (
    HeadlineInterval,
    Statistic,
    bootstrap_over_groups,
    interval_of,
    matrices_of_groups,
)
from poregui.domain.statistics.scores import (
    Calibration,
    Curve,
    Scores,
    at_temperature,
    balanced_accuracy,
    calibration,
    fit_temperature,
    kappa,
    log_loss,
    macro_f1,
    precision_recall_curve,
    roc_curve,
    scores,
)
from poregui.domain.statistics.splits import kind_of
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.evaluating.shape_baseline import ShapeTable

Interval = tuple[float, float]
_RESAMPLED: dict[str, Statistic] = {
    "balanced_accuracy": balanced_accuracy,
    "kappa": kappa,
    "macro_f1": macro_f1,
}


@dataclass(frozen=True)
class Numbers:
    """Hold every number of one split of a run with the labels as they are now.

    `intervals` are bootstraps over specimens of `balanced_accuracy`, `kappa` and `macro_f1`, absent
    where specimens are too few. `pores_only` is the accuracy over true pores, where *not a pore* is
    an output. The temperature is fitted on validation crops only.
    """

    evaluation: Evaluation
    scores: Scores
    interval: HeadlineInterval | None
    intervals: Mapping[str, Interval]
    pores_only: Evaluation | None
    log_loss: float | None
    calibration: Calibration
    temperature: float | None
    calibration_at_temperature: Calibration | None
    breakdowns: tuple[Breakdown, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        scaled = self.calibration_at_temperature
        return {
            **self.scores.to_json(),
            "accuracy_interval_over_groups": self.interval and self.interval.to_json(),
            "intervals95": {name: list(ends) for name, ends in self.intervals.items()},
            "accuracy_of_pores": self.pores_only and self.pores_only.accuracy,
            "log_loss": self.log_loss,
            "calibration": self.calibration.to_json(),
            "temperature": self.temperature,
            "calibration_error_at_temperature": scaled and scaled.error,
            "breakdowns": [breakdown.to_json() for breakdown in self.breakdowns],
        }


@dataclass(frozen=True)
class ClassCurves:
    """Hold the curves of one class against the others, None where the class or its contrary has no
    crops.
    """

    name: str
    roc: Curve | None
    precision_recall: Curve | None

    @property
    def roc_area(self) -> float | None:
        """Return the area under the ROC curve."""
        if self.roc is None:
            return None
        return self.roc.area

    @property
    def average_precision(self) -> float | None:
        """Return the area under the precision-recall curve."""
        if self.precision_recall is None:
            return None
        return self.precision_recall.area

    def to_json(self) -> dict[str, Any]:
        """Return the areas as a dictionary fit for JSON."""
        return {
            "class": self.name,
            "roc_area": self.roc_area,
            "average_precision": self.average_precision,
        }


def numbers(
    predictions: Predictions,
    split: SplitName = "test",
    shapes: ShapeTable | None = None,
    group_names: Mapping[str, str] | None = None,
) -> Numbers:
    """Return every number of a split; `shapes` adds the breakdown by pore size and brightness,
    `group_names` names.
    """
    counted = predictions.only(predictions.counted(split))
    validated = predictions.only(predictions.counted("validation"))
    evaluation = predictions.evaluation(split)
    temperature = fit_temperature(validated.probabilities, validated.truth)
    if temperature is not None and len(counted):
        scaled = at_temperature(counted.probabilities, temperature)
        calibrated = calibration(scaled, counted.truth)
    else:
        calibrated = None
    groups = [crop.group for crop in counted.crops]
    return Numbers(
        evaluation=evaluation,
        scores=scores(evaluation.matrix),
        interval=interval_of(counted.right, groups),
        intervals=_intervals(counted, groups),
        pores_only=_pores_only(counted),
        log_loss=log_loss(counted.probabilities, counted.truth),
        calibration=calibration(counted.probabilities, counted.truth),
        temperature=temperature,
        calibration_at_temperature=calibrated,
        breakdowns=_breakdowns(counted, groups, shapes, group_names or {}),
    )


def curves(predictions: Predictions, split: SplitName = "test") -> tuple[ClassCurves, ...]:
    """Return ROC and precision-recall curves of every class against the others, with the labels as
    they are now.
    """
    rows = predictions.counted(split)
    found = []
    for index, name in enumerate(predictions.classes):
        positive = predictions.truth[rows] == index
        score = predictions.probabilities[rows, index]
        found.append(
            ClassCurves(name, roc_curve(positive, score), precision_recall_curve(positive, score))
        )
    return tuple(found)


def _breakdowns(
    counted: Predictions,
    groups: list[str],
    shapes: ShapeTable | None,
    group_names: Mapping[str, str],
) -> tuple[Breakdown, ...]:
    """Return the accuracy of crops by size, specimen, magnification and brightness, whatever is
    known and varies.
    """
    right = counted.right
    sizes, unit = counted.sizes(np.arange(len(counted)))
    found = [by_number("Crop size", unit, sizes, right)]
    if shapes is not None:
        measured = shapes.rows_of(counted.ids.tolist())
        for title, name in (
            ("Pore size", "Equivalent diameter"),
            ("Background brightness", "Brightness"),
        ):
            found.append(
                by_number(title, shapes.unit(name), measured[:, shapes.names.index(name)], right)
            )
    names = {
        group: group_names.get(group, group.removeprefix("source:").replace(":", " "))
        for group in set(groups)
    }
    kind = kind_of(list(names) or ["crop:0"])
    if kind != "crop":
        title = "Micrograph"
        if kind in ("specimen", "source"):
            title = kind.capitalize()
        found.append(by_name(title, [names[group] for group in groups], right))
    known = [_scale_text(crop.um_per_px) for crop in counted.crops]
    found.append(by_name("Pixel size", known, right, unit="um/px"))
    return tuple(one for one in found if one is not None)


def _scale_text(um_per_px: float | None) -> str:
    if not um_per_px:
        return "unknown"
    return f"{um_per_px:.4g}"


def _intervals(counted: Predictions, groups: list[str]) -> dict[str, Interval]:
    names = set(groups)
    if not names or len(names) == len(groups):
        return {}
    classes = len(counted.classes)
    matrices = matrices_of_groups(counted.truth, counted.predicted, groups, classes)
    found = {
        name: bootstrap_over_groups(matrices, statistic) for name, statistic in _RESAMPLED.items()
    }
    return {name: ends for name, ends in found.items() if ends is not None}


def _pores_only(counted: Predictions) -> Evaluation | None:
    if NOT_A_PORE not in counted.class_ids:
        return None
    pores = counted.truth != counted.class_ids.index(NOT_A_PORE)
    return evaluate(counted.classes, counted.truth[pores], counted.predicted[pores])

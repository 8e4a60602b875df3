"""Put together every number of a run with its interval, for the window, the command line and the
report alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.calibration import (
    Calibration,
    at_temperature,
    calibration,
    fit_temperature,
    log_loss,
)
from poregui.domain.classes import NOT_A_PORE
from poregui.domain.dataset import Part
from poregui.domain.evaluation import (
    Breakdown,
    Evaluation,
    by_name,
    by_number,
    evaluate,
    from_matrix,
)
from poregui.domain.intervals import (
    HeadlineInterval,
    Statistic,
    bootstrap_over_groups,
    confusion_matrix,
    interval_of,
    matrices_of_groups,
)
from poregui.domain.scores import (
    Curve,
    Scores,
    balanced_accuracy,
    kappa,
    macro_f1,
    precision_recall_curve,
    roc_curve,
    scores,
)
from poregui.domain.splits import kind_of
from poregui.workflow.evaluating.evaluate import Judged, RunReview
from poregui.workflow.evaluating.shape_baseline import ShapeTable

Interval = tuple[float, float]
_RESAMPLED: dict[str, Statistic] = {
    "balanced_accuracy": balanced_accuracy,
    "kappa": kappa,
    "macro_f1": macro_f1,
}


@dataclass(frozen=True)
class Numbers:
    """Hold every number of one part of a run with the labels as they are now.

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
        warmed = self.calibration_at_temperature
        return {
            **self.scores.to_json(),
            "accuracy_interval_over_groups": self.interval.to_json() if self.interval else None,
            "intervals95": {name: list(ends) for name, ends in self.intervals.items()},
            "accuracy_of_pores": self.pores_only.accuracy if self.pores_only else None,
            "log_loss": self.log_loss,
            "calibration": self.calibration.to_json(),
            "temperature": self.temperature,
            "calibration_error_at_temperature": warmed.error if warmed else None,
            "breakdowns": [one.to_json() for one in self.breakdowns],
        }


@dataclass(frozen=True)
class ClassCurves:
    """Hold the curves of one class against the others, None where the class or its contrary has no
    crops.
    """

    name: str
    roc: Curve | None
    precision_recall: Curve | None


def numbers(
    reviewed: RunReview,
    part: Part = "test",
    shapes: ShapeTable | None = None,
    group_names: Mapping[str, str] | None = None,
) -> Numbers:
    """Return every number of a part; `shapes` adds the breakdown by pore size and brightness,
    `group_names` names.
    """
    rows = _Rows.of(reviewed, part)
    validated = _Rows.of(reviewed, "validation")
    evaluation = from_matrix(
        reviewed.classes, confusion_matrix(rows.truth, rows.predicted, len(reviewed.classes))
    )
    temperature = fit_temperature(validated.answers, validated.truth)
    if temperature is not None and len(rows.truth):
        warmed = at_temperature(rows.answers, temperature)
    else:
        warmed = None
    return Numbers(
        evaluation=evaluation,
        scores=scores(evaluation.matrix),
        interval=interval_of(rows.right, rows.groups),
        intervals=_intervals(rows, len(reviewed.classes)),
        pores_only=_pores_only(reviewed, rows),
        log_loss=log_loss(rows.answers, rows.truth),
        calibration=calibration(rows.answers, rows.truth),
        temperature=temperature,
        calibration_at_temperature=calibration(warmed, rows.truth) if warmed is not None else None,
        breakdowns=_breakdowns(rows, shapes, group_names or {}),
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Hold the counted crops of a part: (n, classes) answers, (n,) true and predicted places, right
    or not, groups.
    """

    judged: list[Judged]
    answers: NDArray[np.float64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    right: NDArray[np.bool_]
    groups: list[str]

    @staticmethod
    def of(reviewed: RunReview, part: Part) -> _Rows:
        judged = reviewed.counted(part)
        answers = np.array([j.prediction.probabilities for j in judged], np.float64)
        answers = answers.reshape(-1, len(reviewed.classes))
        truth = np.array([j.truth for j in judged], np.int64)
        predicted = answers.argmax(axis=1).astype(np.int64)
        return _Rows(
            judged, answers, truth, predicted, predicted == truth, [j.crop.group for j in judged]
        )


def curves(reviewed: RunReview, part: Part = "test") -> tuple[ClassCurves, ...]:
    """Return ROC and precision-recall curves of every class against the others, with the labels as
    they are now.
    """
    rows = _Rows.of(reviewed, part)
    found = []
    for place, name in enumerate(reviewed.classes):
        positive = rows.truth == place
        score = rows.answers[:, place]
        found.append(
            ClassCurves(name, roc_curve(positive, score), precision_recall_curve(positive, score))
        )
    return tuple(found)


def _breakdowns(
    rows: _Rows, shapes: ShapeTable | None, group_names: Mapping[str, str]
) -> tuple[Breakdown, ...]:
    """Return the accuracy of crops by size, specimen, magnification and brightness, whatever is
    known and varies.
    """
    crops = [j.crop for j in rows.judged]
    right = rows.right
    scales = np.array([crop.um_per_px or np.nan for crop in crops], np.float64)
    calibrated = bool(len(crops)) and bool(np.isfinite(scales).all())
    sizes = (
        np.array([(crop.width, crop.height) for crop in crops], np.float64)
        .reshape(-1, 2)
        .max(axis=1, initial=0)
    )
    found = [
        by_number(
            "Crop size",
            "um" if calibrated else "px",
            sizes * scales if calibrated else sizes,
            right,
        )
    ]
    if shapes is not None:
        measured = shapes.rows_of([crop.crop_id for crop in crops])
        for title, name in (
            ("Pore size", "Equivalent diameter"),
            ("Brightness of the ground", "Brightness"),
        ):
            found.append(
                by_number(title, shapes.unit(name), measured[:, shapes.names.index(name)], right)
            )
    names = {
        group: group_names.get(group, group.removeprefix("source:").replace(":", " "))
        for group in set(rows.groups)
    }
    kind = kind_of(list(names)) if names else "crop"
    if kind != "crop":
        if kind in ("specimen", "source"):
            title = kind.capitalize()
        else:
            title = "Micrograph"
        found.append(by_name(title, [names[group] for group in rows.groups], right))
    words = {scale: f"{scale:.4g}" for scale in set(scales[np.isfinite(scales)].tolist())}
    known = [words.get(scale, "unknown") for scale in scales.tolist()]
    found.append(by_name("Magnification", known, right, unit="um per px"))
    return tuple(one for one in found if one is not None)


def _intervals(rows: _Rows, classes: int) -> dict[str, Interval]:
    names = set(rows.groups)
    if not names or len(names) == len(rows.groups):
        return {}
    matrices = matrices_of_groups(rows.truth, rows.predicted, rows.groups, classes)
    found = {
        name: bootstrap_over_groups(matrices, statistic) for name, statistic in _RESAMPLED.items()
    }
    return {name: ends for name, ends in found.items() if ends is not None}


def _pores_only(reviewed: RunReview, rows: _Rows) -> Evaluation | None:
    if NOT_A_PORE not in reviewed.class_ids:
        return None
    pores = rows.truth != reviewed.class_ids.index(NOT_A_PORE)
    return evaluate(reviewed.classes, rows.truth[pores], rows.predicted[pores])

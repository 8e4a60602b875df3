"""Set pooled and grouped cross-validations of a project side by side."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.intervals import student_t_quantile, wilson_interval
from poregui.domain.statistics.splits import kind_of
from poregui.domain.wording import noun, percent
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder


@dataclass(frozen=True)
class CrossValidation:
    """Hold one finished cross-validation as it was when it ended.

    `grouped`: crops of one group (`kind`: specimen, micrograph...) never stood on both sides.
    `folds` are accuracy and number of crops of each fold; `mean` and `spread` (standard deviation
    over folds, None for one) are over folds, `mean_interval` a t interval of the mean over grouped
    folds; `pooled` counts all crops as one.
    """

    run: int
    preset: str
    grouped: bool
    kind: str
    folds: tuple[tuple[float, int], ...]
    mean: float
    spread: float | None
    mean_interval: tuple[float, float] | None
    pooled: float
    pooled_interval: tuple[float, float]
    dataset_crops: frozenset[int]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "run": self.run,
            "preset": self.preset,
            "grouped": self.grouped,
            "by": self.kind if self.grouped else "crop",
            "folds": [{"accuracy": accuracy, "n": n} for accuracy, n in self.folds],
            "mean_accuracy": self.mean,
            "spread": self.spread,
            "mean_interval95": self.mean_interval and list(self.mean_interval),
            "pooled_accuracy": self.pooled,
            "pooled_interval95": list(self.pooled_interval),
        }


def cross_validation(run: RunFolder) -> CrossValidation | None:
    """Return a cross-validation; None for a run that trained one network or is not finished.

    Raises ProjectError when the folder is damaged.
    """
    if not run.read_folds():
        return None
    metrics = run.read_metrics()
    if "folds" not in metrics:
        return None
    dataset = run.read_dataset()
    kind = kind_of([crop.group for crop in dataset.crops])
    folds = tuple(
        (float(fold["accuracy"]), int(fold["n"]))
        for fold in metrics["folds"]
        if fold["accuracy"] is not None
    )
    accuracies = [accuracy for accuracy, _ in folds]
    total = sum(n for _, n in folds)
    interval = wilson_interval(round(sum(accuracy * n for accuracy, n in folds)), total)
    if interval is None or metrics["pooled_accuracy"] is None:
        return None
    mean = float(np.mean(accuracies))
    spread: float | None = None
    if len(folds) > 1:
        spread = float(np.std(accuracies, ddof=1))
    mean_interval: tuple[float, float] | None = None
    if kind != "crop":
        mean_interval = _mean_interval(mean, spread, len(folds))
    return CrossValidation(
        run=run.number,
        preset=str(metrics.get("preset", "")),
        grouped=kind != "crop",
        kind=kind,
        folds=folds,
        mean=mean,
        spread=spread,
        mean_interval=mean_interval,
        pooled=float(metrics["pooled_accuracy"]),
        pooled_interval=interval,
        dataset_crops=frozenset(crop.crop_id for crop in dataset.crops),
    )


def _mean_interval(mean: float, spread: float | None, count: int) -> tuple[float, float] | None:
    if spread is None:
        return None
    half = student_t_quantile(0.975, count - 1) * spread / float(np.sqrt(count))
    return max(0.0, mean - half), min(1.0, mean + half)


def cross_validations(project: Project) -> tuple[CrossValidation, ...]:
    """Return the finished cross-validations of a project, the newest first; damaged ones are passed
    over.
    """
    found = []
    for run in reversed(project.runs()):
        with suppress(PoreguiError):
            found.append(cross_validation(run))
    return tuple(one for one in found if one is not None)


@dataclass(frozen=True)
class PooledBesideGrouped:
    """Hold the newest cross-validation by whole groups and the newest one crop by crop of the same
    crops and preset.
    """

    grouped: CrossValidation
    ungrouped: CrossValidation

    def to_json(self) -> dict[str, Any]:
        """Return both as a dictionary fit for JSON."""
        return {
            "grouped": self.grouped.to_json(),
            "torn": self.ungrouped.to_json(),
            "sentence": self.sentence,
        }

    @property
    def sentence(self) -> str:
        """Return what the pair says, in words."""
        kind = self.grouped.kind
        gain = self.ungrouped.pooled - self.grouped.pooled
        text = (
            f"On unseen {noun(2, kind)} the network reaches {percent(self.grouped.pooled)}; with "
            f"crops of one {kind} in training and test sets {percent(self.ungrouped.pooled)}"
        )
        if gain <= 0:
            return f"{text}: knowing the {kind} did not help."
        return f"{text}: {100 * gain:.1f} percentage points come from knowing the {kind}."


def pooled_beside_grouped(project: Project) -> PooledBesideGrouped | None:
    """Return the newest pair of cross-validations that differ only in whether groups were kept
    whole; None without.
    """
    known = cross_validations(project)
    for grouped in (one for one in known if one.grouped):
        for ungrouped in (one for one in known if not one.grouped):
            if (
                ungrouped.dataset_crops == grouped.dataset_crops
                and ungrouped.preset == grouped.preset
            ):
                return PooledBesideGrouped(grouped, ungrouped)
    return None

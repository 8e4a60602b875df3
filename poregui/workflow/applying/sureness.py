"""Ask for more or less confidence after the work is done: which pores stay, and how often the rest was right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confusion_of_tests import TestedCrops, temperature_of, tested_crops
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.result_table import LEFT, PoreTable


@dataclass(frozen=True)
class Sureness:
    """Hold what a wanted confidence meant for the test crops of a run: the share answered, and how many were right.

    Both are fractions; `accuracy` is None when no crop was answered, `n` counts the test crops.
    """

    coverage: float
    accuracy: float | None
    n: int


def sureness(run: RunFolder, least: float) -> Sureness:
    """Return what the test crops of a run say about a calibrated confidence."""
    return sureness_among(tested_crops(run).at(temperature_of(run)), least)


def sureness_among(tested: TestedCrops, least: float) -> Sureness:
    """Return what test crops with calibrated answers say about a confidence."""
    kept = tested.answers.max(axis=1, initial=0.0) >= least
    right = tested.answers[kept].argmax(axis=1) == tested.labels[kept]
    n = len(tested.labels)
    return Sureness(int(kept.sum()) / max(n, 1), float(right.mean()) if kept.any() else None, n)


def at_confidence(result: FieldResult, table: PoreTable, least: float) -> FieldResult:
    """Return the sums of a micrograph with pores below a confidence left to a person, and people's answers taken."""
    classes = len(result.areas)
    chosen = table.chosen(least)
    kept = chosen >= 0
    return replace(
        result,
        areas=tuple(np.bincount(chosen[kept], table.areas[kept], classes).tolist()),
        counts=tuple(np.bincount(chosen[kept], minlength=classes).tolist()),
        left=int((chosen == LEFT).sum()),
        left_area=float(table.areas[chosen == LEFT].sum()),
    )

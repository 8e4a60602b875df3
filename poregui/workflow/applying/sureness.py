"""Ask for more or less confidence after the work is done: which pores stay, and how often the rest was right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.table import LEFT, PoreTable


@dataclass(frozen=True)
class Sureness:
    """Hold what a wanted confidence meant for the test crops of a run: the share answered, and how many were right.

    Both are fractions; `accuracy` is None when no crop was answered, `n` counts the test crops.
    """

    coverage: float
    accuracy: float | None
    n: int


def sureness(run: RunFolder, least: float) -> Sureness:
    """Return what the test crops of a run say about a confidence."""
    label = {crop.crop_id: crop.label for crop in run.read_dataset().crops if crop.part == "test"}
    tested = [one for one in run.read_predictions() if one.crop_id in label]
    kept = [one for one in tested if max(one.probabilities) >= least]
    right = sum(int(np.argmax(one.probabilities)) == label[one.crop_id] for one in kept)
    return Sureness(len(kept) / max(len(tested), 1), right / len(kept) if kept else None, len(tested))


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


def with_people(result: FieldResult, table: PoreTable, least: float) -> FieldResult:
    """Return the sums of a micrograph as they were written, or with answers of people and unlike pores kept."""
    return at_confidence(result, table, least) if len(table.answered) or table.keep_unlike else result

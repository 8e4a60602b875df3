"""Compare two runs on the crops that both predicted unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import Z95, student_t_quantile
from poregui.domain.statistics.scores import Pairing, pair
from poregui.domain.statistics.splits import kind_of
from poregui.domain.wording import count, noun, percent
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import Predictions, review
from poregui.workflow.evaluating.run_statistics import ClassCurves, curves

_UNLIKELY = 0.05


@dataclass(frozen=True)
class Flip:
    """Hold one crop that two runs predict differently: names and ids of classes, and whether each
    run is right.
    """

    crop_id: int
    name: str
    truth: str
    first: str
    second: str
    first_right: bool
    second_right: bool
    first_confidence: float
    second_confidence: float
    first_id: int
    second_id: int


@dataclass(frozen=True)
class Comparison:
    """Hold two runs on the test crops that both share and that have a label which both know.

    `left_out` counts test crops of either that the other cannot judge. `difference` is the accuracy
    of the second minus that of the first, with its 95 % interval over specimens where there are two
    at least. `flipped` are the crops with different predictions: first those that only the second
    got right, then only the first, then neither.
    """

    first: Predictions
    second: Predictions
    shared: int
    left_out: int
    accuracy_first: float | None
    accuracy_second: float | None
    pairing: Pairing
    difference_interval: tuple[float, float] | None
    groups: int
    flipped: tuple[Flip, ...]
    curves_first: tuple[ClassCurves, ...]
    curves_second: tuple[ClassCurves, ...]
    notes: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Return the accuracy of the second run minus that of the first."""
        if self.accuracy_first is None or self.accuracy_second is None:
            return None
        return self.accuracy_second - self.accuracy_first

    @property
    def sentence(self) -> str:
        """Return what the comparison says, in words."""
        one = f"run {self.first.run}"
        two = f"run {self.second.run}"
        if self.accuracy_first is None or self.accuracy_second is None or self.difference is None:
            names = f"{one.capitalize()} and {two}"
            return f"{names} have no test crop in common with a label that both know."
        text = (
            f"On the {count(self.shared, 'test crop')} in both runs, {one} reaches "
            f"{percent(self.accuracy_first)} and {two} {percent(self.accuracy_second)}"
        )
        p = f"McNemar p = {self.pairing.p_value:.2g}"
        if self.pairing.p_value >= _UNLIKELY:
            return f"{text}; the difference may be due to chance ({p})."
        better = one
        if self.difference > 0:
            better = two
        return f"{text}; {better} is better ({p})."

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a dictionary fit for JSON."""
        return {
            "runs": [self.first.run, self.second.run],
            "shared": self.shared,
            "left_out": self.left_out,
            "accuracy": [self.accuracy_first, self.accuracy_second],
            "difference": self.difference,
            "difference_interval95": self.difference_interval and list(self.difference_interval),
            "groups": self.groups,
            "mcnemar": self.pairing.to_json(),
            "flipped": [asdict(flip) for flip in self.flipped],
            "areas": [
                [one.to_json() for one in self.curves_first],
                [one.to_json() for one in self.curves_second],
            ],
            "notes": list(self.notes),
        }


def compare(project: Project, first: RunFolder, second: RunFolder) -> Comparison:
    """Return two runs beside each other with the labels as they are now.

    Raises ProjectError when a run has no predictions or is damaged.
    """
    return compare_predictions(review(project, first), review(project, second))


def compare_predictions(first: Predictions, second: Predictions) -> Comparison:
    """Return two runs beside each other, already read."""
    rows_first = first.counted()
    rows_second = second.counted()
    counted = len(rows_first) + len(rows_second)
    rows_first = rows_first[np.isin(first.ids[rows_first], second.ids[rows_second])]
    ids = first.ids[rows_first].tolist()
    ours = first.only(rows_first)
    theirs = second.only(np.array([second.rows[crop_id] for crop_id in ids], np.intp))
    right = np.stack([ours.right, theirs.right], axis=1)
    shares: Sequence[float | None] = (None, None)
    if ids:
        shares = right.mean(axis=0).tolist()
    groups = [crop.group for crop in ours.crops]
    return Comparison(
        first=first,
        second=second,
        shared=len(ids),
        left_out=counted - 2 * len(ids),
        accuracy_first=shares[0],
        accuracy_second=shares[1],
        pairing=pair(right[:, 0], right[:, 1]),
        difference_interval=_difference_interval(right, groups),
        groups=len(set(groups)),
        flipped=_flips(ours, theirs),
        curves_first=curves(ours),
        curves_second=curves(theirs),
        notes=_notes(first, second),
    )


def _flips(first: Predictions, second: Predictions) -> tuple[Flip, ...]:
    """Return where two runs differ; the rows of both are the same crops in the same order."""
    ids_first = np.array(first.class_ids)[first.predicted]
    ids_second = np.array(second.class_ids)[second.predicted]
    differ = np.flatnonzero(ids_first != ids_second)
    order = (first.ids[differ], ~first.right[differ], ~second.right[differ])
    rows = differ[np.lexsort(order)]
    ours = first.only(rows)
    theirs = second.only(rows)
    columns = zip(
        [first.classes[index] for index in ours.truth],
        [first.classes[index] for index in ours.predicted],
        [second.classes[index] for index in theirs.predicted],
        ours.right.tolist(),
        theirs.right.tolist(),
        ours.confidence.tolist(),
        theirs.confidence.tolist(),
        ids_first[rows].tolist(),
        ids_second[rows].tolist(),
        strict=True,
    )
    crops = zip(ours.crops, columns, strict=True)
    return tuple(Flip(crop.crop_id, crop.name, *values) for crop, values in crops)


def _difference_interval(right: NDArray[np.bool_], groups: list[str]) -> tuple[float, float] | None:
    """Return the 95 % t interval of the paired difference over groups, or over crops where each is
    its own group.

    A ratio estimator as in `interval_over_groups`, never narrower than the normal interval over
    crops; None for fewer than two groups.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        return None
    index_of = {name: i for i, name in enumerate(names)}
    rows = np.array([index_of[group] for group in groups])
    gained = right[:, 1].astype(np.float64) - right[:, 0]
    count = len(names)
    total = len(groups)
    sums = np.bincount(rows, gained, count)
    sizes = np.bincount(rows, minlength=count)
    middle = float(gained.mean())
    error = float(np.sqrt(count / (count - 1) * ((sums - middle * sizes) ** 2).sum())) / total
    half = max(
        student_t_quantile(0.975, count - 1) * error,
        Z95 * float(gained.std()) / float(np.sqrt(total)),
    )
    return max(-1.0, middle - half), min(1.0, middle + half)


def _notes(first: Predictions, second: Predictions) -> tuple[str, ...]:
    notes = []
    if set(first.class_ids) != set(second.class_ids):
        notes.append(
            "The two runs have different classes; only crops of their common classes are compared."
        )
    for one, other in ((first, second), (second, first)):
        learned = one.ids[~one.in_split("test")]
        seen = int(np.isin(other.ids[other.in_split("test")], learned).sum())
        if seen:
            notes.append(
                f"{count(seen, 'test crop')} of run {other.run} {noun(seen, 'was', 'were')} used "
                f"for training in run {one.run} and {noun(seen, 'is', 'are')} left out."
            )
    if kind_of([crop.group for crop in first.crops] or ["crop:0"]) == "crop":
        notes.append("Specimens are unknown; the interval treats crops as independent.")
    return tuple(notes)

"""Compare two runs on the crops that both answered unseen; changes with what a comparison says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.agreement import Pairing, pair
from poregui.domain.intervals import student_t_quantile
from poregui.domain.splits import kind_of
from poregui.domain.statistics import Z95
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluate import Judged, RunReview, review
from poregui.workflow.numbers import ClassCurves, curves

_UNLIKELY = 0.05


@dataclass(frozen=True)
class Flip:
    """Hold one crop that two runs answer differently: names and ids of classes, and whether each run is right."""

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

    `left_out` counts test crops of either that the other cannot judge. `difference` is the accuracy of the second minus
    that of the first, with its 95 % interval over specimens where there are two at least. `flipped` are the crops with
    different answers: first those that only the second got right, then only the first, then neither.
    """

    first: RunReview
    second: RunReview
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
        one, two = f"run {self.first.run}", f"run {self.second.run}"
        if self.accuracy_first is None or self.accuracy_second is None or self.difference is None:
            return f"{one.capitalize()} and {two} share no test crop with a label that both know."
        told = (
            f"On the {self.shared} test crops that both share {one} is right in {100 * self.accuracy_first:.1f} % "
            f"and {two} in {100 * self.accuracy_second:.1f} %"
        )
        p = f"McNemar p = {self.pairing.p_value:.2g}"
        if self.pairing.p_value >= _UNLIKELY:
            return f"{told}; the difference can be chance ({p})."
        return f"{told}; {two if self.difference > 0 else one} is better ({p})."

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a dictionary fit for JSON."""
        return {
            "runs": [self.first.run, self.second.run],
            "shared": self.shared,
            "left_out": self.left_out,
            "accuracy": [self.accuracy_first, self.accuracy_second],
            "difference": self.difference,
            "difference_interval95": list(self.difference_interval) if self.difference_interval else None,
            "groups": self.groups,
            "mcnemar": self.pairing.to_json(),
            "flipped": [asdict(flip) for flip in self.flipped],
            "areas": [_areas(self.curves_first), _areas(self.curves_second)],
            "notes": list(self.notes),
        }


def _areas(of: tuple[ClassCurves, ...]) -> list[dict[str, Any]]:
    return [
        {
            "class": one.name,
            "roc_area": one.roc.area if one.roc else None,
            "average_precision": one.precision_recall.area if one.precision_recall else None,
        }
        for one in of
    ]


def compare(project: Project, first: RunFolder, second: RunFolder) -> Comparison:
    """Return two runs beside each other with the labels as they are now.

    Raises ProjectError when a run has no predictions or is damaged.
    """
    return compare_reviews(review(project, first), review(project, second))


def compare_reviews(first: RunReview, second: RunReview) -> Comparison:
    """Return two runs beside each other, already read."""
    ours = {j.crop_id: j for j in first.counted()}
    theirs = {j.crop_id: j for j in second.counted()}
    ids = [crop_id for crop_id in ours if crop_id in theirs]
    pairs = [(ours[i], theirs[i]) for i in ids]
    right = np.array([[a.right, b.right] for a, b in pairs], bool).reshape(-1, 2)
    shares = right.mean(axis=0).tolist() if len(ids) else (None, None)
    groups = [a.crop.group for a, _ in pairs]
    interval = _difference_interval(right, groups)
    kept = frozenset(ids)
    return Comparison(
        first=first,
        second=second,
        shared=len(ids),
        left_out=len(ours) + len(theirs) - 2 * len(ids),
        accuracy_first=shares[0],
        accuracy_second=shares[1],
        pairing=pair(right[:, 0], right[:, 1]),
        difference_interval=interval,
        groups=len(set(groups)),
        flipped=_flips(first, second, pairs),
        curves_first=curves(_only(first, kept)),
        curves_second=curves(_only(second, kept)),
        notes=_notes(first, second),
    )


def _only(reviewed: RunReview, kept: frozenset[int]) -> RunReview:
    return replace(reviewed, judged=tuple(j for j in reviewed.judged if j.crop_id in kept))


def _flips(first: RunReview, second: RunReview, pairs: list[tuple[Judged, Judged]]) -> tuple[Flip, ...]:
    found = []
    for a, b in pairs:
        if first.class_ids[a.prediction.index] == second.class_ids[b.prediction.index]:
            continue
        assert a.truth is not None
        found.append(
            Flip(
                crop_id=a.crop_id,
                name=a.name,
                truth=first.classes[a.truth],
                first=first.classes[a.prediction.index],
                second=second.classes[b.prediction.index],
                first_right=a.right,
                second_right=b.right,
                first_confidence=a.prediction.confidence,
                second_confidence=b.prediction.confidence,
                first_id=first.class_ids[a.prediction.index],
                second_id=second.class_ids[b.prediction.index],
            )
        )
    return tuple(sorted(found, key=lambda flip: (not flip.second_right, not flip.first_right, flip.crop_id)))


def _difference_interval(right: NDArray[np.bool_], groups: list[str]) -> tuple[float, float] | None:
    """Return the 95 % t interval of the paired difference over groups, or over crops where each is its own group.

    A ratio estimator as in `interval_over_groups`, never narrower than the normal interval over crops; None for fewer
    than two groups.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        return None
    place = {name: i for i, name in enumerate(names)}
    rows = np.array([place[group] for group in groups])
    gained = right[:, 1].astype(np.float64) - right[:, 0]
    count, total = len(names), len(groups)
    sums, sizes = np.bincount(rows, gained, count), np.bincount(rows, minlength=count)
    middle = float(gained.mean())
    error = float(np.sqrt(count / (count - 1) * ((sums - middle * sizes) ** 2).sum())) / total
    half = max(student_t_quantile(0.975, count - 1) * error, Z95 * float(gained.std()) / float(np.sqrt(total)))
    return max(-1.0, middle - half), min(1.0, middle + half)


def _notes(first: RunReview, second: RunReview) -> tuple[str, ...]:
    notes = []
    if set(first.class_ids) != set(second.class_ids):
        notes.append("The two runs do not know the same classes; only crops of classes that both know are compared.")
    for one, other in ((first, second), (second, first)):
        learned = {j.crop_id for j in one.judged if j.part != "test"}
        seen = sum(j.crop_id in learned for j in other.judged if j.part == "test")
        if seen:
            notes.append(f"{seen} test crops of run {other.run} were trained on by run {one.run}; they are left out.")
    if kind_of([j.crop.group for j in first.judged] or ["crop:0"]) == "crop":
        notes.append("Specimens are not known; the interval takes crops as independent.")
    return tuple(notes)

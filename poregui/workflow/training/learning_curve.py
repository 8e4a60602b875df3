"""Estimate how much more labels would help, and say it in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.wording import points, points_span
from poregui.workflow.suggesting.suggestion_model import group_folds, predictions_of

Floats = NDArray[np.float64]
FEWEST_TO_ASK = 40
"""Labels from which on a curve says anything."""
SHARES = (0.6, 0.8, 1.0)
"""Smaller shares lie where a curve is steep, and promise too much of what is to come."""
FOLDS = 5
REPEATS = 5
RESAMPLES = 1000
_FEWEST_OF_CLASS = 10


@dataclass(frozen=True)
class MoreLabels:
    """Say what `more` crops of a label would add to the accuracy: `gain` with its 95 % `interval`,
    as fractions.

    Both may be negative. The intervals of all classes are wide enough to hold together (C. E.
    Bonferroni's bound), for one looks at the class that seems to help most.
    """

    label: int
    more: int
    gain: float
    interval: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class LearningCurve:
    """Hold the accuracy for unseen groups at growing numbers of labels, and what more of each class
    would add.

    `counts` and `accuracies` are of shares of all labels; `gains` begins with the class that helps
    most a crop.
    """

    counts: tuple[int, ...]
    accuracies: tuple[float, ...]
    gains: tuple[MoreLabels, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def learning_curve(
    rows: Floats,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> LearningCurve | None:
    """Return the curve of (n,) labels on (n, features) rows; None for too few labels, or when
    `stop` says so.

    Each crop is predicted by models of other groups (grouped cross-validation) that were given a
    share of the labels, of all classes or of one. Accuracy is taken to grow as a - b / n, which is
    fitted and read off beyond the labels that are there (after C. Cortes et al., NIPS 1993). The
    interval comes from drawing whole groups anew with replacement.
    """
    classes, class_indices = np.unique(labels, return_inverse=True)
    if len(labels) < FEWEST_TO_ASK or len(classes) < 2:
        return None
    work = _Work(
        rows,
        class_indices.astype(np.int64),
        groups,
        group_folds(class_indices, groups, FOLDS, seed),
        seed,
    )
    hits = work.hits(None, stop)
    if hits is None:
        return None
    gains = []
    for class_index, name in enumerate(classes.tolist()):
        count = int((class_indices == class_index).sum())
        if count < _FEWEST_OF_CLASS:
            continue
        of_class = work.hits(class_index, stop)
        if of_class is None:
            return None
        gains.append(_gain(name, count, of_class, work.group_of, 0.05 / len(classes), seed))
    gains.sort(key=lambda one: -one.gain / one.more)
    counts = tuple(round(share * len(labels)) for share in SHARES)
    return LearningCurve(counts, tuple(float(mean) for mean in hits.mean(axis=1)), tuple(gains))


class _Work:
    def __init__(
        self,
        rows: Floats,
        class_indices: NDArray[np.int64],
        groups: Sequence[str],
        folds: NDArray[np.int64],
        seed: int,
    ) -> None:
        self._rows = rows
        self._class_indices = class_indices
        self._folds = folds
        self._seed = seed
        self.group_of: NDArray[np.int64] = np.unique(np.array(groups), return_inverse=True)[1]
        if self.group_of.max() == 0:
            self.group_of = np.arange(len(class_indices))

    def hits(self, thinned: int | None, stop: Callable[[], bool]) -> Floats | None:
        """Return (shares, n) how often each crop was predicted right, a share of a class (None:
        of all) known.
        """
        found = np.zeros((len(SHARES), len(self._class_indices)))
        for repeat in range(REPEATS):
            random = np.random.default_rng([self._seed, repeat])
            for fold in range(int(self._folds.max()) + 1):
                if stop():
                    return None
                tested = self._folds == fold
                known = random.permutation(np.flatnonzero(~tested))
                for row, share in enumerate(SHARES):
                    kept = self._thin(known, thinned, share)
                    predictions = predictions_of(
                        self._rows[kept], self._class_indices[kept], self._rows[tested]
                    )
                    found[row, tested] += predictions == self._class_indices[tested]
        return found / REPEATS

    def _thin(
        self, known: NDArray[np.int64], thinned: int | None, share: float
    ) -> NDArray[np.int64]:
        if thinned is None:
            concerned = known
        else:
            concerned = known[self._class_indices[known] == thinned]
        gone = concerned[max(1, round(share * len(concerned))) :]
        return np.setdiff1d(known, gone)


def _gain(
    label: int, count: int, hits: Floats, group_of: NDArray[np.int64], outside: float, seed: int
) -> MoreLabels:
    more = max(20, round(count / 2 / 10) * 10)
    inverse = 1 / (count * np.array(SHARES))
    ahead = 1 / count - 1 / (count + more)
    groups = int(group_of.max()) + 1
    sums = np.stack([np.bincount(group_of, row, groups) for row in hits])
    sizes = np.bincount(group_of, minlength=groups).astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    resampled = (drawn @ sums.T) / np.maximum(drawn @ sizes, 1)[:, None]
    gains = np.array([_slope(inverse, accuracies) * ahead for accuracies in resampled])
    low, high = np.percentile(gains, (50 * outside, 100 - 50 * outside))
    return MoreLabels(
        label, more, float(_slope(inverse, hits.mean(axis=1)) * ahead), (float(low), float(high))
    )


def _slope(inverse: Floats, accuracies: Floats) -> float:
    """Return b of accuracy = a - b * inverse by least squares.

    It may be negative: more of one class can cost more crops of the others than it wins, and noise
    has two signs.
    """
    apart = inverse - inverse.mean()
    return float(-(apart * (accuracies - accuracies.mean())).sum() / (apart**2).sum())


_WORTH_SAYING = 0.002
GAIN_CAVEAT = (
    "Estimated from the present labels by leaving specimens out.\n"
    "On the sample project these 95 % CIs contained the true gain\n"
    "in only 84 of 100 cases; treat them as a rough guide."
)
"""Stands where the estimates are shown; the figure is that of `scripts/bench.py promises` in
ARCHITECTURE.md.
"""


def advice(curve: Mapping[str, Any] | None, names: Mapping[int, str]) -> str:
    """Return `60 more Lack of Fusion: +1.5 points (95 % CI +0.2 to +3.1).` from the JSON of a
    LearningCurve.

    Empty without a curve. Where the interval of no class lies above nothing, that is said with how
    much it may be.
    """
    if not curve or not curve["gains"]:
        return ""
    helping = [one for one in curve["gains"] if one["interval"][0] > 0]
    best = helping[0] if helping else curve["gains"][0]
    low, high = best["interval"]
    name = names.get(best["label"], "such")
    if high < _WORTH_SAYING:
        return (
            f"More labels would hardly improve the suggestions ({best['more']} more {name}: at "
            f"most {points(high)})."
        )
    if not helping:
        return (
            f"More labels may not help ({best['more']} more {name}: {points_span(low, high)} "
            "points)."
        )
    return f"{best['more']} more {name}: {points(best['gain'])} (95 % CI {points_span(low, high)})."


def lines_of_classes(curve: Mapping[str, Any] | None, names: Mapping[int, str]) -> list[str]:
    """Return a line for each class: `20 more Gas: +0.4 points (95 % CI -0.4 to +1.2)`; none
    without a curve.
    """
    return [
        f"{one['more']} more {names.get(one['label'], 'such')}: {points(one['gain'])} (95 % CI "
        f"{points_span(*one['interval'])})"
        for one in (curve["gains"] if curve else ())
    ]

"""Read what shapes alone answered for the crops of a run, and hold the network beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poregui.domain.agreement import Pairing, pair
from poregui.domain.dataset import Part
from poregui.domain.evaluation import Evaluation, Prediction, evaluate
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluate import RunReview


@dataclass(frozen=True)
class Baseline:
    """Hold the answers of a forest on shape numbers: for the test crops, and out of fold for all crops, by crop id.

    `importances` are the numbers by their share in the forest's decisions, the greatest first.
    """

    test: Mapping[int, Prediction]
    out_of_fold: Mapping[int, Prediction]
    accuracy_as_trained: float | None
    importances: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class BesideBaseline:
    """Hold network and shape baseline on the same crops with the labels as they are now; `network` is the first."""

    network: Evaluation
    baseline: Evaluation
    pairing: Pairing

    @property
    def sentence(self) -> str:
        """Return what the comparison says, in words."""
        if self.network.accuracy is None or self.baseline.accuracy is None:
            return "No crop has answers of both the network and the shape baseline."
        ahead = self.network.accuracy - self.baseline.accuracy
        told = (
            f"On the same {self.network.n} crops a forest on size and shape alone reaches "
            f"{100 * self.baseline.accuracy:.1f} %, the network {100 * self.network.accuracy:.1f} %"
        )
        if self.pairing.p_value >= 0.05:
            return f"{told}; the difference can be chance (McNemar p = {self.pairing.p_value:.2g})."
        better = "the network" if ahead > 0 else "the forest"
        return f"{told}; {better} is better (McNemar p = {self.pairing.p_value:.2g})."

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "accuracy": self.baseline.accuracy,
            "accuracy_interval95": list(self.baseline.interval) if self.baseline.interval else None,
            "network_accuracy": self.network.accuracy,
            "confusion_matrix": self.baseline.matrix.tolist(),
            "n": self.baseline.n,
            "pairing": self.pairing.to_json(),
        }


def read_baseline(run: RunFolder) -> Baseline | None:
    """Return the shape baseline of a run; None where none was made. Raises ProjectError when the file is damaged."""
    told = run.read_baseline()
    if told is None:
        return None
    importances = sorted(told["importances"].items(), key=lambda one: -one[1])
    return Baseline(
        test=_predictions(told["test"]),
        out_of_fold=_predictions(told["out_of_fold"]),
        accuracy_as_trained=told["accuracy_as_trained"],
        importances=tuple((str(name), float(share)) for name, share in importances),
    )


def _predictions(rows: Sequence[Sequence[float]]) -> dict[int, Prediction]:
    return {int(row[0]): Prediction(int(row[0]), tuple(float(p) for p in row[1:])) for row in rows}


def beside_baseline(reviewed: RunReview, baseline: Baseline, part: Part = "test") -> BesideBaseline:
    """Return network and baseline on the crops that both answered unseen, with the labels as they are now."""
    judged = [j for j in reviewed.counted(part) if j.crop_id in baseline.test]
    truth = np.array([j.truth for j in judged], np.int64)
    network = np.array([j.prediction.index for j in judged], np.int64)
    forest = np.array([baseline.test[j.crop_id].index for j in judged], np.int64)
    return BesideBaseline(
        evaluate(reviewed.classes, truth, network),
        evaluate(reviewed.classes, truth, forest),
        pair(network == truth, forest == truth),
    )

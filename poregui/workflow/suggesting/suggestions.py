"""Hold what the suggester says of each crop, and pass it between processes."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import wilson_interval
from poregui.domain.wording import fraction_of, percent

ACCEPT_FROM = 0.8
"""Probability from which suggestions may be accepted many at once."""


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Hold calibrated (n, labels) float32 `probabilities` of crops `crop_ids` (n,), ascending; NaN
    where not known yet.

    `labels` are the labels of the columns, `order` the ids of the unlabelled crops that teach most,
    `count` the labels learnt from, `accuracy` the share of them that models of other specimens
    found (None: not known), `run` the number of the run whose features were used beside size, shape
    and texture. `accuracy` is that of `checked` labels of `groups` groups; `over` says what these
    are: `specimen`, `micrograph`, `source`, `crop` or `mixed`. `chance` is what saying the
    commonest label of them always would find.
    """

    crop_ids: NDArray[np.int64]
    labels: tuple[int, ...]
    probabilities: NDArray[np.float32]
    order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    count: int = 0
    accuracy: float | None = None
    run: int | None = None
    checked: int = 0
    groups: int = 0
    over: str = "crop"
    chance: float = 0.0

    @property
    def found_words(self) -> str:
        """Return how many labels models of other groups found, such as `92.2 % of 115 in other
        specimens`; empty where nobody knows.
        """
        if self.accuracy is None or not self.checked:
            return ""
        found = fraction_of(self.accuracy, self.checked)
        if self.groups > 1:
            return f"{found} in {_OTHERS.get(self.over, 'other crops')}"
        if self.over in _ALONE:
            return f"{found} in the same {self.over} (others are not known)"
        return f"{found} in other crops"

    @property
    def why_not_many(self) -> str:
        """Say why suggestions are not to be accepted many at once, empty where they may be: they
        are better than chance by the 95 % interval of their accuracy.
        """
        if self.accuracy is None or not self.checked:
            return "How good suggestions are is not known yet: label more crops by hand."
        interval = wilson_interval(round(self.accuracy * self.checked), self.checked)
        if interval is not None and interval[0] > self.chance:
            return ""
        return (
            f"Suggestions are not surely better than chance ({self.found_words}; "
            f"chance {percent(self.chance)}): label more crops by hand."
        )

    def of(self, crop_id: int) -> tuple[int, float] | None:
        """Return the likeliest label of a crop and its probability; None for a crop that nothing is
        known of.
        """
        index = int(np.searchsorted(self.crop_ids, crop_id))
        if index == len(self.crop_ids) or self.crop_ids[index] != crop_id:
            return None
        row = self.probabilities[index]
        best = int(row.argmax())
        if np.isnan(row[best]):
            return None
        return (self.labels[best], float(row[best]))

    def best_of(self, crop_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return (n,) likeliest labels and (n,) probabilities of crops; 0 and NaN where nothing is
        known.
        """
        labels = np.zeros(len(crop_ids), np.int64)
        confidence = np.full(len(crop_ids), np.nan, np.float32)
        if len(self.crop_ids):
            indices = np.minimum(np.searchsorted(self.crop_ids, crop_ids), len(self.crop_ids) - 1)
            known = (self.crop_ids[indices] == crop_ids) & np.isfinite(
                self.probabilities[indices, 0]
            )
            rows = self.probabilities[indices[known]]
            labels[known] = np.array(self.labels, np.int64)[rows.argmax(axis=1)]
            confidence[known] = rows.max(axis=1)
        return labels, confidence

    def probability_of(self, crop_ids: NDArray[np.int64], label: int) -> NDArray[np.float32]:
        """Return (n,) probabilities of a label; NaN where nothing is known of the crop or of the
        label.
        """
        found = np.full(len(crop_ids), np.nan, np.float32)
        if len(self.crop_ids) and label in self.labels:
            indices = np.minimum(np.searchsorted(self.crop_ids, crop_ids), len(self.crop_ids) - 1)
            known = self.crop_ids[indices] == crop_ids
            found[known] = self.probabilities[indices[known], self.labels.index(label)]
        return found

    def uncertainty_of(self, crop_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (n,) 1 minus the lead of the likeliest label over the next; NaN where nothing is
        known.
        """
        found = np.full(len(crop_ids), np.nan, np.float32)
        if len(self.crop_ids):
            indices = np.minimum(np.searchsorted(self.crop_ids, crop_ids), len(self.crop_ids) - 1)
            known = self.crop_ids[indices] == crop_ids
            top = np.partition(self.probabilities[indices[known]], -2, axis=1)[:, -2:]
            found[known] = 1 - (top[:, 1] - top[:, 0])
        return found

    def to_json(self) -> dict[str, Any]:
        """Return all of it fit for one line of JSON."""
        return {
            "crop_ids": _packed(self.crop_ids),
            "labels": list(self.labels),
            "probabilities": _packed(self.probabilities),
            "order": _packed(self.order),
            "count": self.count,
            "accuracy": self.accuracy,
            "run": self.run,
            "judged": self.checked,
            "groups": self.groups,
            "over": self.over,
            "chance": self.chance,
        }

    @staticmethod
    def from_json(received: dict[str, Any]) -> Suggestions:
        """Return what `to_json` was given. Raises ValueError or KeyError for anything else."""
        labels = tuple(int(label) for label in received["labels"])
        return Suggestions(
            _unpacked(received["crop_ids"], np.int64),
            labels,
            _unpacked(received["probabilities"], np.float32).reshape(-1, len(labels)),
            _unpacked(received["order"], np.int64),
            int(received["count"]),
            received["accuracy"],
            received.get("run"),
            int(received["judged"]),
            int(received["groups"]),
            str(received["over"]),
            float(received["chance"]),
        )


_OTHERS = {
    "specimen": "other specimens",
    "micrograph": "other micrographs",
    "source": "other sources",
    "mixed": "other specimens and micrographs",
}
_ALONE = ("specimen", "micrograph", "source")


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _unpacked(text: str, dtype: Any) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype)

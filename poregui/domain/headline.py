"""Choose the interval that stands beside an accuracy, over specimens where they are known, and say what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.intervals import interval_over_groups
from poregui.domain.splits import kind_of
from poregui.domain.statistics import wilson_interval

FEWEST_GROUPS_TO_TRUST = 4
_GROUP_WORDS = {
    "specimen": "specimens",
    "micrograph": "micrographs",
    "source": "sources",
    "mixed": "specimens and micrographs",
}


@dataclass(frozen=True)
class HeadlineInterval:
    """Hold the 95 % interval that stands beside an accuracy, and what it counts.

    `counts` is `crops` (Wilson's interval) or what the crops were grouped by (`specimens`...); `groups` is how many.
    `warning` is a sentence, or empty.
    """

    low: float
    high: float
    counts: str
    groups: int
    warning: str = ""

    @property
    def words(self) -> str:
        """Return what it counts, such as `4 specimens`; empty where it counts crops."""
        return "" if self.counts == "crops" else f"{self.groups} {self.counts}"

    def to_json(self) -> dict[str, Any]:
        """Return the interval as a dictionary fit for JSON."""
        return {"low": self.low, "high": self.high, "over": self.counts, "groups": self.groups, "warning": self.warning}


def interval_of(right: NDArray[np.bool_], groups: Sequence[str]) -> HeadlineInterval | None:
    """Return the interval to show beside an accuracy, for (n,) right or wrong answers and the groups of their crops.

    Over specimens (micrographs, sources) where they are known; crops of none count one by one. With a single specimen
    the interval is Wilson's and warns: it holds for further crops of that specimen, not for the next one. None for no
    crop.
    """
    plain = wilson_interval(int(right.sum()), len(right))
    if plain is None:
        return None
    names = set(groups)
    kind = kind_of(list(names))
    if kind == "crop" or len(names) == len(groups) > 1:
        return HeadlineInterval(*plain, "crops", len(groups))
    found = interval_over_groups(right, groups)
    if found is None:
        one = kind if kind in ("specimen", "source") else "micrograph"
        warning = f"All these crops are of one {one}: the interval says nothing about the next {one}."
        return HeadlineInterval(*plain, "crops", len(groups), warning)
    words = _GROUP_WORDS.get(kind, "groups")
    return HeadlineInterval(found.low, found.high, words, found.groups, _too_few(found.groups, words))


def _too_few(groups: int, words: str) -> str:
    if groups >= FEWEST_GROUPS_TO_TRUST:
        return ""
    return f"{groups} {words} say little about the next one: test more, or cross-validate, which tests all of them."

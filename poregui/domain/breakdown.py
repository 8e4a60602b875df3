"""Divide answers by what crops are, such as size or specimen, to show weaknesses; changes with how bins are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics import wilson_interval

_MOST_NAMES = 200


@dataclass(frozen=True)
class Share:
    """Hold how many of `count` crops were answered rightly, with Wilson's interval of the share.

    `places` (count,) are the crops among those that were divided.
    """

    name: str
    count: int
    right: int
    interval: tuple[float, float]
    places: NDArray[np.intp] = field(compare=False, repr=False)

    @property
    def accuracy(self) -> float:
        """Return the share of right answers."""
        return self.right / self.count

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        numbers = {"name": self.name, "count": self.count, "right": self.right, "interval": self.interval}
        return {**numbers, "accuracy": self.accuracy}


@dataclass(frozen=True)
class Breakdown:
    """Hold the shares of one property of crops: `title` such as `Size`, `unit` such as `um` or nothing."""

    title: str
    unit: str
    shares: tuple[Share, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "by": self.title,
            "unit": self.unit,
            "shares": [share.to_json() for share in self.shares],
        }


def by_number(
    title: str, unit: str, values: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 4
) -> Breakdown | None:
    """Divide (n,) right or wrong answers by a number into `bins` parts of about equal count, NaN left out.

    None when the number is the same for all, or known for none.
    """
    known = np.flatnonzero(np.isfinite(values))
    values = values[known]
    if not len(values) or values.min() == values.max():
        return None
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    shares = [
        _share(f"{_short(edges[number])} to {_short(edges[number + 1])}", right, known[place == number])
        for number in range(len(edges) - 1)
        if (place == number).any()
    ]
    return Breakdown(title, unit, tuple(shares)) if len(shares) > 1 else None


def by_name(title: str, names: Sequence[str], right: NDArray[np.bool_], unit: str = "") -> Breakdown | None:
    """Divide (n,) right or wrong answers by a name, the worst first; None when there is only one or far too many."""
    known = sorted(set(names))
    if not 1 < len(known) <= _MOST_NAMES:
        return None
    place = {name: number for number, name in enumerate(known)}
    held = np.array([place[name] for name in names])
    shares = [_share(name, right, np.flatnonzero(held == number)) for number, name in enumerate(known)]
    return Breakdown(title, unit, tuple(sorted(shares, key=lambda share: (share.accuracy, share.name))))


def _share(name: str, right: NDArray[np.bool_], places: NDArray[np.intp]) -> Share:
    hits = int(right[places].sum())
    interval = wilson_interval(hits, len(places))
    assert interval is not None
    return Share(name, len(places), hits, interval, places)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"

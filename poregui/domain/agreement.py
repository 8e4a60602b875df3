"""Compare two runs on the crops that both answered: who is right where the other is wrong, and is that chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairing:
    """Hold how two runs did on the same crops, and McNemar's exact two-sided p-value of the difference."""

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def pair(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Pairing:
    """Return the pairing of two (n,) arrays that say which crops each run answered rightly."""
    one, two = int((first & ~second).sum()), int((second & ~first).sum())
    return Pairing(int((first & second).sum()), one, two, int((~first & ~second).sum()), mcnemar_exact(one, two))


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value that two equally good runs differ at least so much; 1 when they never differ.

    Only crops count that one run got right and the other wrong: were both equally good, each would fall to either with
    probability 1/2, so the smaller number is binomial (Q. McNemar, Psychometrika 12 (1947) 153; exact form). Computed
    in whole numbers.
    """
    total, smaller = only_first + only_second, min(only_first, only_second)
    term = summed = 1
    for k in range(smaller):
        term = term * (total - k) // (k + 1)
        summed += term
    return min(1.0, 2 * summed / 2**total)

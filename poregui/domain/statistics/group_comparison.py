"""Compare groups of specimens: difference and ratio of means, a permutation test, and its power.

The unit is the specimen: its fields are averaged before, for they resemble each other. What the
intervals and tests hold in simulations is in docs/decisions/comparing-specimens.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import student_t_quantile

Floats = NDArray[np.float64]
_MOST_EXACT = 20_000
_DRAWN = 9_999
_SAME = 1e-9
_BLOCK = 1000


@dataclass(frozen=True)
class GroupContrast:
    """Hold the second of two groups of specimens against the first: difference (unit of the values)
    and ratio of means, each with its 95 % interval, None where nothing can be said, and the p of
    `permutation_p`.

    `factor80` is the ratio that studies of this size would find in 80 of 100.
    """

    difference: float
    difference_interval: tuple[float, float] | None
    ratio: float | None
    ratio_interval: tuple[float, float] | None
    p: float | None
    factor80: float | None


def compare_groups(first: Floats, second: Floats, *, seed: int = 0) -> GroupContrast:
    """Return the contrast of (n,) and (m,) specimens; the values are 0 or above.

    The difference has Welch's interval, mean difference +- t s (B. L. Welch, Biometrika 34 (1947)
    28). The ratio's is that interval on the log scale by the delta method, with Welch's degrees of
    freedom of the relative errors. Raises ValueError for an empty group.
    """
    if not len(first) or not len(second):
        raise ValueError("each group needs a specimen")
    means = float(first.mean()), float(second.mean())
    ratio = means[1] / means[0] if min(means) > 0 else None
    difference = means[1] - means[0]
    if min(len(first), len(second)) < 2:
        return GroupContrast(difference, None, ratio, None, None, None)
    errors = [float(group.var(ddof=1)) / len(group) for group in (first, second)]
    half = _half_width(errors, (len(first), len(second)))
    ratio_interval = None
    factor = None
    if ratio is not None:
        relative = [error / mean**2 for error, mean in zip(errors, means, strict=True)]
        reach = _half_width(relative, (len(first), len(second)))
        ratio_interval = (ratio * math.exp(-reach), ratio * math.exp(reach))
        factor = _factor80(relative, (len(first), len(second)))
    p = permutation_p(first, second, seed=seed)
    interval = (difference - half, difference + half)
    return GroupContrast(difference, interval, ratio, ratio_interval, p, factor)


def _freedom(errors: Sequence[float], counts: Sequence[int]) -> int:
    """Return Welch's degrees of freedom, rounded down."""
    below = sum(error**2 / (count - 1) for error, count in zip(errors, counts, strict=True))
    if below <= 0:
        return max(1, sum(counts) - 2)
    return max(1, int(sum(errors) ** 2 / below))


def _half_width(errors: Sequence[float], counts: Sequence[int]) -> float:
    t = student_t_quantile(0.975, _freedom(errors, counts))
    return min(t * math.sqrt(sum(errors)), _FARTHEST)


_FARTHEST = 500.0


def _factor80(relative: Sequence[float], counts: Sequence[int]) -> float:
    """Return the ratio whose logarithm is (t of 97.5 % + t of 80 %) of its standard error."""
    freedom = _freedom(relative, counts)
    reach = student_t_quantile(0.975, freedom) + student_t_quantile(0.8, freedom)
    return math.exp(min(reach * math.sqrt(sum(relative)), _FARTHEST))


def permutation_p(first: Floats, second: Floats, *, seed: int = 0) -> float:
    """Return the two-sided p of a permutation test of (n,) and (m,) specimens on Welch's t.

    All ways to deal the specimens to both groups count where there are at most 20,000, else 9,999
    drawn ones and the one seen. The studentised statistic keeps the level where the groups vary
    differently (A. Janssen, Statistics & Probability Letters 36 (1997) 9).
    """
    values = np.concatenate([first, second])
    count = len(first)
    seen = _statistic(values[None, :], count)[0]
    if math.comb(len(values), count) <= _MOST_EXACT:
        chosen = np.array(list(combinations(range(len(values)), count)), np.int64)
        return float(np.mean(_statistics(values, chosen) >= seen * (1 - _SAME)))
    drawn = np.random.default_rng(seed).random((_DRAWN, len(values))).argsort(axis=1)[:, :count]
    above = np.count_nonzero(_statistics(values, drawn) >= seen * (1 - _SAME))
    return float((above + 1) / (_DRAWN + 1))


def _statistics(values: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Return |t| for each row of indices of the first group."""
    found = []
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        inside = np.zeros((len(block), len(values)), bool)
        np.put_along_axis(inside, block, True, axis=1)
        order = np.argsort(~inside, axis=1, kind="stable")
        found.append(_statistic(values[order], block.shape[1]))
    return np.concatenate(found)


def _statistic(rows: Floats, count: int) -> Floats:
    """Return |t| of the first `count` of each row against the others; that of the means alone where
    a group has one specimen.
    """
    one = rows[:, :count]
    other = rows[:, count:]
    difference = np.abs(other.mean(axis=1) - one.mean(axis=1))
    if min(one.shape[1], other.shape[1]) < 2:
        return np.asarray(difference, np.float64)
    error = one.var(axis=1, ddof=1) / one.shape[1] + other.var(axis=1, ddof=1) / other.shape[1]
    tiny = np.finfo(np.float64).tiny
    return np.asarray(difference / np.sqrt(np.maximum(error, tiny)), np.float64)


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (S. Holm, Scandinavian Journal of Statistics 6
    (1979) 65), in the order given.
    """
    found = [1.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        found[index] = highest
    return found


@dataclass(frozen=True)
class RankTrend:
    """Hold Spearman's rank correlation of (n,) specimens with a number, and its permutation p."""

    rho: float
    p: float


def rank_trend(x: Floats, y: Floats, *, seed: int = 0) -> RankTrend | None:
    """Return whether y rises or falls with x; None for fewer than 4 specimens or equal values."""
    if len(x) < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    ranks = [_ranks(x), _ranks(y)]
    a, b = (one - one.mean() for one in ranks)
    scale = math.sqrt(float((a**2).sum() * (b**2).sum()))
    rho = float(a @ b) / scale
    drawn = np.random.default_rng(seed).random((_DRAWN, len(x))).argsort(axis=1)
    found = np.abs(b[drawn] @ a) / scale
    above = np.count_nonzero(found >= abs(rho) * (1 - _SAME))
    return RankTrend(rho, float((above + 1) / (_DRAWN + 1)))


def _ranks(values: Floats) -> Floats:
    """Return ranks from 0, equal values sharing their mean rank."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[index], np.float64)

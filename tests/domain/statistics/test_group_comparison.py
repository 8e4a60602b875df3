"""Hold that comparing specimens says what it promises: coverage, level, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.statistics.group_comparison import (
    compare_groups,
    holm,
    permutation_p,
    rank_trend,
)


def specimens(rng: np.random.Generator, count: int, mean: float, sigma: float = 0.5) -> np.ndarray:
    """Return skewed specimens, each the mean of four fields that resemble each other."""
    own = mean * np.exp(rng.normal(-(sigma**2) / 2, sigma, count))
    return (own[:, None] * np.exp(rng.normal(-0.08, 0.4, (count, 4)))).mean(axis=1)


def test_welch_and_permutation_agree_with_values_computed_by_hand() -> None:
    found = compare_groups(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0]))
    assert (found.difference, found.ratio, found.p) == (4.0, 3.0, 0.1)
    assert found.difference_interval == pytest.approx((4 - 2.267, 4 + 2.267), abs=1e-3)


def test_one_specimen_says_nothing_about_the_next() -> None:
    found = compare_groups(np.array([1.0]), np.array([5.0, 6.0]))
    assert (found.difference_interval, found.ratio_interval, found.p) == (None, None, None)
    assert compare_groups(np.zeros(3), np.ones(3)).ratio is None


def test_holm_corrects_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_trend_of_ranks_is_found_and_none_is_made_of_ties() -> None:
    x = np.arange(8.0)
    found = rank_trend(x, x**3)
    assert found is not None
    assert found.rho == pytest.approx(1.0)
    assert found.p < 0.01
    assert rank_trend(x, np.ones(8)) is None


def _held(studies: int, count: int) -> tuple[float, float, float]:
    """Return how often difference and ratio are held, and equal groups called different."""
    rng = np.random.default_rng(20)
    held = np.zeros(3)
    for _ in range(studies):
        first = specimens(rng, count, 1.0)
        found = compare_groups(first, specimens(rng, count, 2.0))
        assert found.difference_interval is not None
        assert found.ratio_interval is not None
        held[0] += found.difference_interval[0] <= 1 <= found.difference_interval[1]
        held[1] += found.ratio_interval[0] <= 2 <= found.ratio_interval[1]
        held[2] += permutation_p(first, specimens(rng, count, 1.0)) <= 0.05
    difference, ratio, level = (held / studies).tolist()
    return difference, ratio, level


def test_intervals_hold_the_truth_of_skewed_specimens_with_nested_fields() -> None:
    difference, ratio, level = _held(150, 6)
    assert min(difference, ratio) >= 0.89
    assert level <= 0.10


@pytest.mark.soak
@pytest.mark.parametrize("count", [6, 12])
def test_intervals_hold_93_to_97_of_100_and_the_level_is_3_to_7(count: int) -> None:
    difference, ratio, level = _held(2500, count)
    assert 0.93 <= difference <= 0.97
    assert 0.93 <= ratio <= 0.97
    assert 0.03 <= level <= 0.07

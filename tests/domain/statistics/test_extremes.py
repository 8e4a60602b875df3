"""Hold that the largest pore of a larger area lies where the interval says."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.statistics.extremes import gumbel_largest, peaks_largest


def test_gumbel_finds_the_parameters_that_maxima_were_drawn_from() -> None:
    rng = np.random.default_rng(0)
    maxima = 20 - 4 * np.log(rng.standard_exponential(600))
    found = gumbel_largest(maxima.tolist(), [0.5] * 600, 500)
    assert found.location == pytest.approx(20, abs=0.7)
    assert found.scale == pytest.approx(4, abs=0.8)
    assert found.largest == pytest.approx(20 + 4 * np.log(1000), rel=0.05)
    assert found.low < found.largest < found.high


def test_fields_without_a_pore_and_of_other_sizes_count_as_what_they_are() -> None:
    rng = np.random.default_rng(1)
    areas = np.where(np.arange(600) % 2, 1.0, 4.0)
    usual = np.log(areas / areas.mean())
    maxima = 8 + 4 * (usual - np.log(rng.standard_exponential(600)))
    maxima = np.where(maxima < 6, 0.0, maxima)
    found = gumbel_largest(maxima.tolist(), areas.tolist(), 100)
    assert found.location == pytest.approx(8, abs=0.8)
    assert found.scale == pytest.approx(4, abs=0.7)


def test_few_fields_and_small_areas_are_refused() -> None:
    with pytest.raises(ValueError, match="few fields"):
        gumbel_largest([3.0, 4.0, 0.0] * 4, [1.0] * 12, 1000)
    with pytest.raises(ValueError, match="larger than a field"):
        gumbel_largest(np.arange(1.0, 13).tolist(), [1.0] * 12, 1)
    with pytest.raises(ValueError, match="few pores"):
        peaks_largest([1.0, 2.0] * 20, 10, 100)


def test_a_distribution_that_does_not_fit_is_found_out() -> None:
    rng = np.random.default_rng(2)
    two_kinds = np.concatenate([rng.normal(5, 0.2, 40), rng.normal(90, 2, 20)])
    assert gumbel_largest(two_kinds.tolist(), [1.0] * 60, 600).fit_p < 0.05


def _held(studies: int, fields: int = 24) -> tuple[float, float]:
    """Return how often both intervals hold the largest pore drawn for ten times the area."""
    rng = np.random.default_rng(283)
    held = np.zeros(2)
    for _ in range(studies):
        drawn = [5 + rng.exponential(5, rng.poisson(40)) for _ in range(fields)]
        largest = 5 + rng.exponential(5, rng.poisson(400 * fields)).max()
        maxima = [float(one.max(initial=0)) for one in drawn]
        block = gumbel_largest(maxima, [1.0] * fields, 10 * fields)
        peaks = peaks_largest(np.concatenate(drawn).tolist(), fields, 10 * fields)
        held += [block.low <= largest <= block.high, peaks.low <= largest <= peaks.high]
    gumbel, pot = (held / studies).tolist()
    return gumbel, pot


def test_intervals_hold_the_largest_of_ten_times_the_area() -> None:
    assert min(_held(12)) >= 0.75


@pytest.mark.soak
def test_intervals_hold_the_largest_in_90_of_100_studies() -> None:
    gumbel, pot = _held(400)
    assert gumbel >= 0.9
    assert pot >= 0.9

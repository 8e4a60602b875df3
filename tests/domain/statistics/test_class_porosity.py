"""Hold the estimate of porosity per class: corrected for confusion, with intervals that keep what
they promise.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from poregui.domain.statistics.porosity import (
    correction,
    estimate_classes,
    mean_interval,
    size_distribution,
    weighted_counts,
)

RATES = np.array([[0.9, 0.07, 0.03], [0.08, 0.87, 0.05], [0.02, 0.08, 0.9]])
TRUTH = np.array([0.05, 0.10, 0.42])


def _study(
    random: np.random.Generator, specimens: int, sigma: float, pores: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Return area per cent per specimen and predicted class, and the confusion matrix of 60 test
    crops a class.
    """
    true = TRUTH * random.lognormal(-(sigma**2) / 2, sigma, (specimens, 3))
    observed = np.zeros((specimens, 3))
    for k in range(3):
        areas = random.lognormal(0, 0.6, (specimens, pores))
        areas *= (true[:, k] / areas.sum(axis=1))[:, np.newaxis]
        predicted = (random.random((specimens, pores, 1)) > RATES[k].cumsum()[:-1]).sum(axis=-1)
        for j in range(3):
            observed[:, j] += np.where(predicted == j, areas, 0).sum(axis=1)
    return observed, np.stack([random.multinomial(60, RATES[k]) for k in range(3)])


@pytest.mark.soak
def test_with_twenty_skewed_specimens_the_intervals_hold_the_truth_in_nine_of_ten_studies() -> None:
    random = np.random.default_rng(7)
    repeats, hits = 2000, np.zeros(3)
    for repeat in range(repeats):
        observed, confusion = _study(random, 20, 1.0)
        found = estimate_classes(observed, correction(confusion), seed=repeat)
        hits += [one.low <= truth <= one.high for one, truth in zip(found, TRUTH, strict=True)]
    assert (hits / repeats).min() >= 0.90


@pytest.mark.parametrize(
    ("specimens", "sigma", "promised"), [(2, 0.5, 0.91), (4, 0.5, 0.90), (4, 1.0, 0.77)]
)
def test_with_few_specimens_the_intervals_hold_the_truth_as_often_as_is_said(
    specimens: int, sigma: float, promised: float
) -> None:
    random = np.random.default_rng(11)
    hits = np.zeros(3)
    for repeat in range(400):
        observed, confusion = _study(random, specimens, sigma)
        found = estimate_classes(observed, correction(confusion), seed=repeat)
        hits += [one.low <= truth <= one.high for one, truth in zip(found, TRUTH, strict=True)]
    assert (hits / 400).min() >= promised


def test_one_specimen_has_an_estimate_and_no_interval() -> None:
    (first, *_) = estimate_classes(
        np.array([[1.0, 2.0, 3.0]]), correction(np.eye(3, dtype=int) * 20)
    )
    assert (first.plain, first.low, first.high) == (1.0, None, None)
    assert first.corrected == pytest.approx(1.0)


def test_the_correction_undoes_a_known_confusion() -> None:
    counts = np.array([[90, 10, 0], [5, 95, 0], [0, 20, 80]])
    true = np.array([3.0, 1.0, 2.0])
    observed = (counts / 100).T @ true
    fixed = correction(counts)
    assert fixed.possible
    np.testing.assert_allclose(fixed.apply(observed), true)
    assert fixed.apply(observed).sum() == pytest.approx(observed.sum())


def test_the_corrected_mean_is_free_of_the_bias_that_the_plain_one_has() -> None:
    random = np.random.default_rng(3)
    plain, corrected = np.zeros(3), np.zeros(3)
    for repeat in range(300):
        observed, confusion = _study(random, 30, 0.5)
        found = estimate_classes(observed, correction(confusion), seed=repeat)
        plain += [one.plain for one in found]
        corrected += [one.corrected for one in found]
    assert abs(plain[0] / 300 / TRUTH[0] - 1) > 0.15
    np.testing.assert_allclose(corrected / 300, TRUTH, rtol=0.05)


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([[30, 30], [30, 30]], "confuses"),
        ([[30, 1], [0, 4]], "fewer than 5"),
        (np.zeros((0, 0), dtype=int), "fewer than 5"),
    ],
)
def test_no_correction_is_made_where_the_test_cannot_carry_it(counts: list, why: str) -> None:
    fixed = correction(np.asarray(counts))
    assert not fixed.possible
    assert why in fixed.why_not
    if len(counts):
        np.testing.assert_array_equal(fixed.apply(np.array([1.0, 2.0])), [1.0, 2.0])
        (one, _) = estimate_classes(np.array([[1.0, 2.0], [3.0, 2.0]]), fixed)
        assert one.plain == one.corrected == 2.0


def test_crops_that_count_by_area_sum_to_their_effective_number() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    even = weighted_counts(truth, predicted, np.full(5, 7.0), 2)
    np.testing.assert_allclose(even, [[2, 1], [0, 2]])
    one_large = weighted_counts(truth, predicted, np.array([100.0, 1, 1, 2, 2]), 2)
    assert one_large[0].sum() == pytest.approx(102**2 / 10_002)
    assert one_large[0, 0] / one_large[0].sum() == pytest.approx(101 / 102)
    assert weighted_counts(truth[:0], predicted[:0], np.zeros(0), 2).tolist() == [[0, 0], [0, 0]]


def test_areas_are_corrected_by_the_area_that_was_confused() -> None:
    random = np.random.default_rng(4)
    areas = random.lognormal(0, 1, (2, 4000))
    wrong = random.random((2, 4000)) < 0.3 * np.exp(-areas)  # small pores are confused more often
    truth = np.repeat([0, 1], 4000)
    predicted = np.where(wrong.ravel(), 1 - truth, truth)
    observed = np.bincount(predicted[::2], areas.ravel()[::2], 2)
    true = np.bincount(truth[::2], areas.ravel()[::2], 2)
    half = slice(1, None, 2)
    by_area = correction(weighted_counts(truth[half], predicted[half], areas.ravel()[half], 2))
    np.testing.assert_allclose(by_area.apply(observed), true, rtol=0.02)


def test_more_test_crops_make_the_interval_narrower() -> None:
    observed = np.array([[1.0, 2.0], [1.2, 2.1], [0.9, 1.8]])
    few = estimate_classes(observed, correction(np.array([[8, 2], [2, 8]])))
    many = estimate_classes(observed, correction(np.array([[800, 200], [200, 800]])))
    for wide, narrow in zip(few, many, strict=True):
        assert wide.high - wide.low > narrow.high - narrow.low


def test_below_eight_units_the_interval_is_students() -> None:
    values = np.array([0.2, 0.5, 0.9, 0.4])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx((low, high), rel=1e-4)
    assert mean_interval(values[:1]) is None
    assert mean_interval(np.array([0.3, 0.3])) == (0.3, 0.3)


def test_the_studentised_interval_reaches_farther_on_the_side_of_the_skew() -> None:
    values = np.random.default_rng(5).lognormal(0, 1, 25)
    low, high = mean_interval(values, seed=1)
    plain_low, plain_high = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
    assert low > plain_low
    assert high > plain_high


def test_sizes_are_told_by_number_and_by_area() -> None:
    areas = np.pi / 4 * np.array([10.0] * 9 + [100.0]) ** 2
    sizes = size_distribution(areas)
    assert sizes.pores == 10
    assert sizes.number == pytest.approx((10, 10, 10))
    assert sizes.area == pytest.approx((100, 100, 100)) or sizes.area == pytest.approx(
        (10, 100, 100)
    )
    assert sizes.largest == pytest.approx(100)
    assert sizes.root_area == pytest.approx(np.sqrt(np.pi / 4) * 100)
    assert size_distribution(np.zeros(0)).number is None


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60))
def test_quantiles_of_sizes_lie_in_order_among_the_pores(areas: list[float]) -> None:
    sizes = size_distribution(np.array(areas))
    diameters = 2 * np.sqrt(np.array(areas) / np.pi)
    for low, middle, high in (sizes.number, sizes.area):
        assert diameters.min() <= low <= middle <= high <= sizes.largest
    assert sizes.area[1] >= sizes.number[1]

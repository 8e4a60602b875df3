"""Hold the numbers of an evaluation against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn import calibration as sk_calibration
from sklearn import metrics

from poregui.domain.evaluation import by_name, by_number
from poregui.domain.statistics.intervals import (
    FEWEST_TO_RESAMPLE,
    bootstrap_over_groups,
    confusion_matrix,
    interval_over_groups,
    matrices_of_groups,
    student_t_cdf,
    student_t_quantile,
    wilson_interval,
)
from poregui.domain.statistics.scores import (
    accuracy,
    at_temperature,
    balanced_accuracy,
    calibration,
    fit_temperature,
    kappa,
    log_loss,
    macro_f1,
    mcnemar_exact,
    pair,
    precision_recall_curve,
    roc_curve,
    scores,
)

SEEDS = range(8)


def predictions(
    seed: int, n: int = 300, classes: int = 3, sharp: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, classes) probabilities, a little too sure, and the (n,) true places."""
    random = np.random.default_rng(seed)
    truth = random.choice(classes, n, p=random.dirichlet(np.full(classes, 5.0)))
    logits = random.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1.5
    powers = np.exp(sharp * logits)
    return powers / powers.sum(axis=1, keepdims=True), truth


# ---- averages and agreement -----------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_averages_and_kappa_are_those_of_scikit_learn(seed: int) -> None:
    probabilities, truth = predictions(seed)
    predicted = probabilities.argmax(axis=1)
    found = scores(confusion_matrix(truth, predicted, 3))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert found.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(truth, predicted)
    )
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(truth, predicted))
    for how, ours in (("macro", found.macro), ("weighted", found.weighted)):
        theirs = metrics.precision_recall_fscore_support(
            truth, predicted, average=how, zero_division=0
        )[:3]
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs)


def test_a_class_that_never_occurs_is_left_out_and_one_never_predicted_counts_as_nothing() -> None:
    truth, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 1, 0, 0])
    found = scores(confusion_matrix(truth, predicted, 4))
    theirs = metrics.precision_recall_fscore_support(
        truth, predicted, average="macro", zero_division=0
    )[:3]
    assert (found.macro.precision, found.macro.recall, found.macro.f1) == pytest.approx(theirs)
    assert found.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(truth, predicted)
    )


def test_nothing_counted_gives_no_number_and_no_warning() -> None:
    found = scores(np.zeros((3, 3), int))
    assert (
        found.accuracy,
        found.balanced_accuracy,
        found.kappa,
        found.macro.f1,
        found.weighted.f1,
    ) == (None,) * 5


def test_kappa_does_not_exist_where_all_is_one_class() -> None:
    assert scores([[5, 0], [0, 0]]).kappa is None
    assert scores([[5, 0], [0, 0]]).accuracy == 1


def test_many_matrices_are_counted_as_one_by_one() -> None:
    many = np.random.default_rng(0).integers(0, 20, (4, 5, 3, 3))
    for of in (accuracy, balanced_accuracy, kappa, macro_f1):
        assert of(many)[2, 3] == pytest.approx(float(of(many[2, 3])))
    assert scores(many[0, 0]).macro.f1 == pytest.approx(float(macro_f1(many[0, 0])))


@pytest.mark.parametrize(("one", "two"), [(0, 0), (3, 0), (1, 8), (12, 12), (40, 61), (300, 220)])
def test_mcnemar_is_the_exact_binomial_test(one: int, two: int) -> None:
    expected = stats.binomtest(one, one + two, 0.5).pvalue if one + two else 1.0
    assert mcnemar_exact(one, two) == pytest.approx(expected)


def test_mcnemar_of_very_many_crops_stays_a_number() -> None:
    assert mcnemar_exact(10_000, 10_000) == 1
    assert mcnemar_exact(9_000, 11_000) == pytest.approx(
        stats.binomtest(9_000, 20_000, 0.5).pvalue, rel=1e-6
    )


def test_a_pairing_counts_who_was_right_where() -> None:
    found = pair(
        np.array([True, True, False, False, True]), np.array([True, False, True, False, False])
    )
    assert (found.both_right, found.only_first, found.only_second, found.both_wrong) == (1, 2, 1, 1)


# ---- curves ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("digits", [1, 12])
def test_roc_and_its_area_are_those_of_scikit_learn_with_ties_too(seed: int, digits: int) -> None:
    probabilities, truth = predictions(seed)
    score = probabilities[:, 1].round(digits)
    curve = roc_curve(truth == 1, score)
    assert curve is not None
    x, y, thresholds = metrics.roc_curve(truth == 1, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert curve.area == pytest.approx(metrics.roc_auc_score(truth == 1, score))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("digits", [1, 12])
def test_precision_over_recall_and_its_area_are_those_of_scikit_learn(
    seed: int, digits: int
) -> None:
    probabilities, truth = predictions(seed)
    score = probabilities[:, 2].round(digits)
    curve = precision_recall_curve(truth == 2, score)
    assert curve is not None
    precision, recall, thresholds = metrics.precision_recall_curve(truth == 2, score)
    np.testing.assert_allclose(curve.y, precision[::-1])
    np.testing.assert_allclose(curve.x, recall[::-1])
    np.testing.assert_allclose(curve.thresholds[1:], thresholds[::-1])
    assert curve.area == pytest.approx(metrics.average_precision_score(truth == 2, score))


def test_a_class_without_crops_has_no_curve() -> None:
    score = np.array([0.2, 0.8])
    assert roc_curve(np.array([False, False]), score) is None
    assert precision_recall_curve(np.array([False, False]), score) is None
    assert roc_curve(np.array([True, True]), score) is None


# ---- calibration ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_calibration_curve_is_that_of_scikit_learn(seed: int) -> None:
    probabilities, truth = predictions(seed)
    right, confidence = probabilities.argmax(axis=1) == truth, probabilities.max(axis=1)
    found = calibration(probabilities, truth)
    share, mean = sk_calibration.calibration_curve(right, confidence, n_bins=10)
    np.testing.assert_allclose([one.accuracy for one in found.bins], share)
    np.testing.assert_allclose([one.confidence for one in found.bins], mean)
    assert sum(one.count for one in found.bins) == len(truth)
    counts = np.array([one.count for one in found.bins])
    assert found.error == pytest.approx(float((counts * abs(share - mean)).sum() / counts.sum()))
    assert log_loss(probabilities, truth) == pytest.approx(metrics.log_loss(truth, probabilities))


def test_without_crops_there_is_no_calibration() -> None:
    assert calibration(np.empty((0, 3)), np.empty(0, int)).error is None
    assert log_loss(np.empty((0, 3)), np.empty(0, int)) is None


@pytest.mark.parametrize("sharp", [0.5, 2.0, 6.0])
def test_the_temperature_is_the_one_that_surprises_least(sharp: float) -> None:
    probabilities, truth = predictions(1, sharp=sharp)
    found = fit_temperature(probabilities, truth)
    assert found is not None

    def loss(logarithm: float) -> float:
        return float(
            metrics.log_loss(truth, at_temperature(probabilities, float(np.exp(logarithm))))
        )

    best = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8})
    assert found == pytest.approx(float(np.exp(best.x)), rel=1e-4)


def test_a_temperature_softens_an_overconfident_network_and_changes_no_answer() -> None:
    probabilities, truth = predictions(2, n=2000, sharp=4.0)
    temperature = fit_temperature(probabilities[:1000], truth[:1000])
    assert temperature is not None
    assert temperature > 2
    softened = at_temperature(probabilities[1000:], temperature)
    np.testing.assert_array_equal(softened.argmax(axis=1), probabilities[1000:].argmax(axis=1))
    before, after = (
        calibration(probabilities[1000:], truth[1000:]),
        calibration(softened, truth[1000:]),
    )
    assert before.error is not None
    assert after.error is not None
    assert after.error < before.error / 2


def test_too_few_validation_crops_give_no_temperature() -> None:
    probabilities, truth = predictions(3, n=19)
    assert fit_temperature(probabilities, truth) is None


# ---- intervals ------------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "total"), [(0, 9), (9, 9), (7, 9), (93, 121), (480, 600)])
def test_wilson_is_that_of_scipy(right: int, total: int) -> None:
    theirs = stats.binomtest(right, total).proportion_ci(0.95, "wilson")
    assert wilson_interval(right, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 20, 101])
def test_student_is_that_of_scipy(freedom: int) -> None:
    for t in (-3.0, -0.4, 0.0, 1.2, 40.0):
        assert student_t_cdf(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), abs=1e-12)
    assert student_t_quantile(0.975, freedom) == pytest.approx(
        stats.t.ppf(0.975, freedom), rel=1e-9
    )


def test_one_specimen_gives_no_interval_over_specimens() -> None:
    assert interval_over_groups(np.ones(50, bool), ["S1"] * 50) is None
    assert interval_over_groups(np.zeros(0, bool), []) is None


def test_an_interval_over_specimens_is_never_narrower_than_one_over_crops() -> None:
    for seed in SEEDS:
        right = np.random.default_rng(seed).random(80) < 0.85
        plain = wilson_interval(int(right.sum()), 80)
        found = interval_over_groups(right, list(np.arange(80) % 5))
        assert found is not None
        assert plain is not None
        assert found.low <= plain[0]
        assert found.high >= plain[1]
        assert found.groups == 5


@pytest.mark.parametrize("groups", [2, 4, 12])
def test_an_interval_over_specimens_holds_the_truth_where_specimens_differ(groups: int) -> None:
    random, held, crops_held = np.random.default_rng(groups), 0, 0
    for _ in range(300):
        sizes = random.integers(8, 40, groups)
        shares = random.beta(0.85 * 12, 0.15 * 12, groups)  # an intraclass correlation of 0.08
        right = np.concatenate(
            [random.random(n) < share for n, share in zip(sizes, shares, strict=True)]
        )
        found = interval_over_groups(right, np.repeat(np.arange(groups), sizes).tolist())
        plain = wilson_interval(int(right.sum()), len(right))
        assert found is not None
        assert plain is not None
        held += found.low <= 0.85 <= found.high
        crops_held += plain[0] <= 0.85 <= plain[1]
    assert held / 300 >= 0.92
    assert crops_held / 300 <= 0.88, (
        "were crops independent here, the interval over specimens would be no use"
    )


def test_groups_all_right_still_leave_doubt() -> None:
    found = interval_over_groups(np.ones(30, bool), list(np.arange(30) % 3))
    plain = wilson_interval(30, 30)
    assert found is not None
    assert plain is not None
    assert (found.low, found.high) == pytest.approx(plain)


def test_the_bootstrap_over_specimens_draws_whole_specimens() -> None:
    random = np.random.default_rng(4)
    truth = random.integers(0, 3, 400)
    predicted = np.where(random.random(400) < 0.8, truth, random.integers(0, 3, 400))
    groups = random.integers(0, 10, 400)
    matrices = matrices_of_groups(truth, predicted, groups.tolist(), 3)
    assert matrices.shape == (10, 3, 3)
    np.testing.assert_array_equal(matrices.sum(axis=0), confusion_matrix(truth, predicted, 3))
    found = bootstrap_over_groups(matrices, balanced_accuracy)
    assert found is not None
    whole = float(balanced_accuracy(matrices.sum(axis=0)))
    assert found[0] < whole < found[1]
    draws = [matrices[random.integers(0, 10, 10)].sum(axis=0) for _ in range(4000)]
    tail = stats.norm.cdf(-np.sqrt(10 / 9) * stats.t.ppf(0.975, 9))
    theirs = np.quantile(balanced_accuracy(np.array(draws)), [tail, 1 - tail])
    np.testing.assert_allclose(found, theirs, atol=0.012)


def test_the_bootstrap_asks_for_specimens_enough() -> None:
    few = np.full((FEWEST_TO_RESAMPLE - 1, 2, 2), 3)
    assert bootstrap_over_groups(few, balanced_accuracy) is None


# ---- breakdowns -----------------------------------------------------------------------------


def test_a_breakdown_by_number_counts_every_known_crop_once() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, np.nan])
    right = np.array([True] * 4 + [False] * 4 + [True])
    found = by_number("Size", "um", values, right)
    assert found is not None
    assert [(share.count, share.right) for share in found.shares] == [
        (2, 2),
        (2, 2),
        (2, 0),
        (2, 0),
    ]
    assert sorted(np.concatenate([share.indices for share in found.shares])) == list(range(8))
    assert [values[share.indices].max() for share in found.shares] == [2, 4, 6, 8]
    assert by_number("Size", "um", np.ones(5), np.ones(5, bool)) is None
    assert by_number("Size", "um", np.full(5, np.nan), np.ones(5, bool)) is None


def test_a_breakdown_by_name_begins_with_the_worst() -> None:
    found = by_name("Specimen", ["a", "b", "b", "a"], np.array([True, False, True, True]))
    assert found is not None
    assert [(share.name, share.accuracy) for share in found.shares] == [("b", 0.5), ("a", 1.0)]
    assert by_name("Specimen", ["a", "a"], np.array([True, False])) is None

"""Tests of agreement between raters: against other formulas, by simulation, and at its edges."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from poregui.domain.statistics.agreement import (
    MISSING,
    ceiling,
    class_agreement,
    half_width,
    joint_agreement,
    pair_agreement,
    where_kappa_parts,
)
from poregui.domain.statistics.jackknife import Estimate, difference

CLASSES = 3


def simulated(
    rng: np.random.Generator,
    specimens: int,
    right: tuple[float, ...],
    prevalence: float = 0.5,
    likeness: float = 0.1,
    missing: float = 0.0,
    crops: tuple[int, int] = (8, 40),
) -> tuple[np.ndarray, list[str]]:
    """Return (crops, raters) ratings whose errors go into both other classes alike, and groups.

    The shares of classes differ between specimens with intraclass correlation `likeness`.
    """
    shares = np.array([prevalence, (1 - prevalence) / 2, (1 - prevalence) / 2])
    ratings = []
    groups: list[str] = []
    for specimen in range(specimens):
        number = int(rng.integers(*crops))
        truth = rng.choice(CLASSES, number, p=rng.dirichlet(shares * (1 / likeness - 1)))
        wrong = (truth[:, None] + rng.integers(1, CLASSES, (number, len(right)))) % CLASSES
        hits = rng.random((number, len(right))) < right
        rated = np.where(hits, truth[:, None], wrong)
        rated[rng.random(rated.shape) < missing] = MISSING
        ratings.append(rated)
        groups += [f"specimen:{specimen}"] * number
    return np.concatenate(ratings), groups


def expected(prevalence: float, right: tuple[float, ...]) -> dict[str, float]:
    """Return the coefficients of raters of known confusion, for infinitely many crops."""
    shares = np.array([prevalence, (1 - prevalence) / 2, (1 - prevalence) / 2])
    given = [np.full((3, 3), (1 - p) / 2) + np.eye(3) * (p - (1 - p) / 2) for p in right]
    uses = [shares @ one for one in given]
    joint = [np.einsum("t,ta,tb->ab", shares, a, b) for a, b in combinations(given, 2)]
    agreement = float(np.mean([np.trace(one) for one in joint]))
    mean = np.mean(uses, axis=0)
    chance = float((mean**2).sum())
    gwet = float((mean * (1 - mean)).sum() / 2)
    by_two = float(uses[0] @ uses[1])
    first = float(np.trace(joint[0]))
    return {
        "agreement": agreement,
        "fleiss_kappa": (agreement - chance) / (1 - chance),
        "alpha": (agreement - chance) / (1 - chance),
        "ac1": (agreement - gwet) / (1 - gwet),
        "kappa": (first - by_two) / (1 - by_two),
    }


# ---- oracles: pair by pair, where the module counts coincidences ----------------------------


def alpha_by_pairs(ratings: np.ndarray) -> float:
    """Return Krippendorff's alpha as 1 - observed / expected disagreement, pair by pair."""
    units = [[r for r in row if r != MISSING] for row in ratings.tolist()]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [rating for unit in units for rating in unit]
    observed = 0.0
    for unit in units:
        unlike = sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j)
        observed += unlike / (len(unit) - 1)
    counts = Counter(pooled)
    total = len(pooled)
    same = sum(number * (number - 1) for number in counts.values())
    return 1 - (observed / total) / (1 - same / (total * (total - 1)))


def by_pairs(ratings: np.ndarray, *, gwet: bool) -> float:
    """Return Fleiss' kappa, or AC1, from the share of agreeing pairs of each crop."""
    shares = []
    uses = []
    for row in ratings.tolist():
        given = [rating for rating in row if rating != MISSING]
        if len(given) > 1:
            pairs = list(combinations(given, 2))
            shares.append(sum(a == b for a, b in pairs) / len(pairs))
            uses.append([given.count(c) / len(given) for c in range(CLASSES)])
    observed = sum(shares) / len(shares)
    mean = [sum(column) / len(uses) for column in zip(*uses, strict=True)]
    if gwet:
        chance = sum(p * (1 - p) for p in mean) / (CLASSES - 1)
    else:
        chance = sum(p * p for p in mean)
    return (observed - chance) / (1 - chance)


@pytest.mark.parametrize("seed", range(20))
def test_every_coefficient_is_that_of_another_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raters = int(rng.integers(2, 6))
    ratings, groups = simulated(rng, 5, tuple(rng.uniform(0.5, 1, raters)), 0.7, missing=0.2)
    pair = pair_agreement(ratings[:, 0], ratings[:, 1], groups, CLASSES)
    both = (ratings[:, :2] != MISSING).all(axis=1)
    first, second = ratings[both, 0], ratings[both, 1]
    assert pair.n == both.sum()
    assert pair.agreement.value == pytest.approx((first == second).mean(), abs=1e-9)
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)
    assert pair.ac1.value == pytest.approx(by_pairs(ratings[:, :2], gwet=True), abs=1e-9)
    joint = joint_agreement(ratings, groups, CLASSES)
    assert joint.fleiss_kappa.value == pytest.approx(by_pairs(ratings, gwet=False), abs=1e-9)
    assert joint.alpha.value == pytest.approx(alpha_by_pairs(ratings), abs=1e-9)
    assert joint.ac1.value == pytest.approx(by_pairs(ratings, gwet=True), abs=1e-9)


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    rows = [
        "1 1 . 1", "2 2 3 2", "3 3 3 3", "3 3 3 3", "2 2 2 2", "1 2 3 4",
        "4 4 4 4", "1 1 2 1", "2 2 2 2", ". 5 5 5", ". . 1 1", ". . 3 .",
    ]  # fmt: skip
    ratings = np.array(
        [[MISSING if cell == "." else int(cell) - 1 for cell in row.split()] for row in rows]
    )
    found = joint_agreement(ratings, [f"crop:{i}" for i in range(len(rows))], 5)
    assert found.n == 11
    assert found.alpha.value == pytest.approx(0.743, abs=5e-4)


def test_a_class_has_the_agreement_of_itself_against_all_others() -> None:
    ratings, groups = simulated(np.random.default_rng(3), 6, (0.9, 0.8), 0.6)
    matrix = pair_agreement(ratings[:, 0], ratings[:, 1], groups, CLASSES).matrix
    for index, one in enumerate(class_agreement(ratings, groups, CLASSES)):
        both = matrix[index].sum() + matrix[:, index].sum()
        assert one.agreement.value == pytest.approx(2 * matrix[index, index] / both, abs=1e-9)
        assert one.n == both - matrix[index, index]
        against = np.where(ratings == index, 0, 1)
        assert one.kappa.value == pytest.approx(
            joint_agreement(against, groups, 2).fleiss_kappa.value, abs=1e-9
        )


def test_kappa_does_not_exist_where_everybody_uses_one_class_and_ac1_does() -> None:
    ratings = np.zeros((12, 2), np.int64)
    found = pair_agreement(
        ratings[:, 0], ratings[:, 1], [f"specimen:{i % 3}" for i in range(12)], 3
    )
    assert found.kappa == Estimate(None)
    assert found.ac1.value == 1
    assert found.ac1.interval is not None
    assert found.ac1.interval[0] < 1
    assert "does not exist" in where_kappa_parts(found, ["Gas", "Keyhole", "Lack"])


def test_a_sentence_says_where_kappa_parts_from_ac1_because_one_class_dominates() -> None:
    groups = [f"specimen:{i % 5}" for i in range(100)]
    one = np.array([0] * 92 + [1] * 4 + [0] * 4)
    other = np.array([0] * 92 + [0] * 4 + [1] * 4)
    found = where_kappa_parts(pair_agreement(one, other, groups, 2), ["Gas", "Keyhole"])
    assert "96 % of the labels are Gas" in found
    assert "Kappa is -0.04" in found
    even = np.array([0, 1] * 50)
    assert where_kappa_parts(pair_agreement(even, even, groups, 2), ["Gas", "Keyhole"]) == ""


def test_nothing_rated_twice_gives_no_number_and_no_fault() -> None:
    ratings = np.array([[0, MISSING], [MISSING, 1]])
    assert pair_agreement(ratings[:, 0], ratings[:, 1], ["a:1", "a:2"], 2).kappa == Estimate(None)
    joint = joint_agreement(ratings, ["a:1", "a:2"], 2)
    assert (joint.n, joint.alpha, joint.agreement) == (0, Estimate(None), Estimate(None))
    assert [one.n for one in class_agreement(ratings, ["a:1", "a:2"], 2)] == [0, 0]


def test_intervals_count_specimens_and_warn_of_a_single_one() -> None:
    ratings, groups = simulated(np.random.default_rng(5), 8, (0.9, 0.8))
    over = pair_agreement(ratings[:, 0], ratings[:, 1], groups, CLASSES).over
    assert (over.kind, over.groups, over.warning) == ("specimens", 8, "")
    one = pair_agreement(ratings[:, 0], ratings[:, 1], ["specimen:1"] * len(groups), CLASSES).over
    assert one.kind == "crops"
    assert "one specimen" in one.warning


def test_a_difference_of_two_agreements_has_the_interval_of_paired_crops() -> None:
    groups = [f"specimen:{i % 10}" for i in range(200)]
    rng = np.random.default_rng(1)
    first = rng.random(200) < 0.9
    found = difference(first, first, groups)
    assert found == Estimate(0.0, (0.0, 0.0))
    gain = difference(first, np.zeros(200, bool), groups)
    assert gain.interval is not None
    assert gain.value is not None
    assert gain.interval[0] < gain.value < gain.interval[1] <= 1
    assert gain.value == pytest.approx(first.mean())


def test_the_ceiling_is_how_often_somebody_is_right_who_agrees_so_often_with_herself() -> None:
    right = 0.9
    share = right**2 + (1 - right) ** 2 / 2
    found = ceiling(Estimate(share, (share, 1.0)), 3)
    assert found.value == pytest.approx(0.9)
    assert found.interval == (pytest.approx(0.9), 1.0)
    assert ceiling(Estimate(0.1), 3).value == pytest.approx(1 / 3)


def test_the_ceiling_holds_the_truth_in_its_interval_for_raters_who_err_at_known_rates() -> None:
    rng = np.random.default_rng(11)
    held = []
    for _ in range(200):
        ratings, groups = simulated(rng, 12, (0.88, 0.88), crops=(10, 20))
        pair = pair_agreement(ratings[:, 0], ratings[:, 1], groups, CLASSES)
        low, high = ceiling(pair.agreement, CLASSES).interval or (0, 0)
        held.append(low <= 0.88 <= high)
    assert 0.9 <= np.mean(held) <= 0.99


def test_more_crops_buy_more_precision() -> None:
    assert half_width(0) is None
    few, many = half_width(30), half_width(300)
    assert few is not None
    assert many is not None
    assert 0.1 < few < 0.12
    assert many < few / 2.5


def coverage(trials: int, specimens: int, prevalence: float, likeness: float, seed: int) -> dict:
    """Return how often each interval held the truth."""
    right = (0.9, 0.85, 0.8, 0.9)
    rng = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {}
    for _ in range(trials):
        ratings, groups = simulated(rng, specimens, right, prevalence, likeness)
        pair = pair_agreement(ratings[:, 0], ratings[:, 1], groups, CLASSES)
        joint = joint_agreement(ratings, groups, CLASSES)
        truth = expected(prevalence, right)
        found = {
            "kappa": pair.kappa,
            "fleiss_kappa": joint.fleiss_kappa,
            "alpha": joint.alpha,
            "ac1": joint.ac1,
            "agreement": joint.agreement,
        }
        for name, one in found.items():
            if one.interval is not None:
                low, high = one.interval
                held.setdefault(name, []).append(low <= truth[name] <= high)
    return {name: float(np.mean(flags)) for name, flags in held.items()}


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    for name, share in coverage(60, 12, 0.7, 0.1, 1).items():
        assert share >= 0.88, name


@pytest.mark.soak
@pytest.mark.parametrize("specimens", [10, 20, 40])
@pytest.mark.parametrize(("prevalence", "likeness"), [(0.34, 0.05), (0.7, 0.1), (0.9, 0.05)])
def test_intervals_hold_the_truth_in_93_to_97_of_100_studies(
    specimens: int, prevalence: float, likeness: float
) -> None:
    for name, share in coverage(1000, specimens, prevalence, likeness, specimens).items():
        assert 0.925 <= share <= 0.975, name

"""Hold that what checked windows say is right, and that its intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.statistics.finding_check import (
    CheckedValue,
    CheckResult,
    WindowCount,
    area_bias_interval,
    check_result,
    gauge,
)

RECALL = 0.85
FALSE = 0.1
DENSITY = 6.0
PORE_PX = 80.0
SIDE_PX = 128.0
AREA = 100 * DENSITY * PORE_PX / SIDE_PX**2


def drawn_windows(
    rng: np.random.Generator, specimens: int, micrographs: int, windows: int
) -> list[WindowCount]:
    """Return answers for windows of specimens that differ in how many pores they have, and how many
    of them are found.
    """
    made = []
    for s in range(specimens):
        density = DENSITY * rng.gamma(16, 1 / 16)
        recall = rng.beta(30 * RECALL, 30 * (1 - RECALL))
        for m in range(micrographs):
            for _ in range(windows):
                true = rng.poisson(density)
                right = rng.binomial(true, recall)
                false = rng.poisson(FALSE * density)
                sizes = rng.gamma(4, PORE_PX / 4, true + false)
                grid = rng.binomial(64, min(1.0, sizes[:true].sum() / SIDE_PX**2))
                made.append(
                    WindowCount(
                        *(f"S{s}", f"S{s}M{m}", SIDE_PX**2),
                        found=right + false,
                        false=false,
                        missed=true - right,
                        found_px=float(sizes[:right].sum() + sizes[true:].sum()),
                        false_px=float(sizes[true:].sum()),
                        missed_px=float(sizes[right:true].sum()),
                        points=64,
                        hits=float(grid),
                        marked=True,
                        counted=True,
                    )
                )
    return made


def found_area(windows: list[WindowCount]) -> float:
    return 100 * DENSITY * PORE_PX * (RECALL + FALSE) / SIDE_PX**2


def held(estimate: CheckedValue | None, truth: float) -> bool:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


def coverage(trials: int, specimens: int, micrographs: int, windows: int) -> dict[str, float]:
    """Return how often each interval holds the truth, where micrographs are many more."""
    rng = np.random.default_rng(5)
    hits = dict.fromkeys(("recall", "precision", "point_area", "corrected"), 0)
    truths = {
        "recall": RECALL,
        "precision": RECALL / (RECALL + FALSE),
        "point_area": AREA,
        "corrected": AREA,
    }
    for _ in range(trials):
        checked = drawn_windows(rng, specimens, micrographs, windows)
        result = check_result(checked, found_area(checked))
        for name, truth in truths.items():
            hits[name] += held(getattr(result, name), truth)
    return {name: number / trials for name, number in hits.items()}


@pytest.mark.parametrize("design", [(6, 1, 4), (1, 4, 6), (1, 1, 16)])
def test_intervals_hold_the_truth_in_a_small_simulation(design: tuple[int, int, int]) -> None:
    least = 0.85
    if design[0] == 1:
        least = 0.3  # the intervals are of this specimen alone, and the truth is of all
    assert min(coverage(40, *design).values()) >= least


@pytest.mark.soak
@pytest.mark.parametrize("design", [(3, 1, 8), (4, 2, 5), (6, 1, 5), (12, 1, 3), (30, 1, 2)])
def test_intervals_over_specimens_hold_the_truth(design: tuple[int, int, int]) -> None:
    found = coverage(2000, *design)
    assert min(found.values()) >= 0.90, found


@pytest.mark.soak
@pytest.mark.parametrize("windows", [5, 10, 30])
def test_intervals_over_windows_hold_the_truth_of_their_micrograph(windows: int) -> None:
    rng = np.random.default_rng(2)
    hits = {"recall": 0, "missed_area": 0, "false_area": 0}
    for _ in range(1500):
        checked = []
        for _ in range(windows):
            right, missed, false = rng.poisson((5.1, 0.9, 0.6))
            sizes = [rng.gamma(4, PORE_PX / 4, n).sum() for n in (right, missed, false)]
            checked.append(
                WindowCount(
                    *("", "M", SIDE_PX**2, right + false, false, missed, sizes[0] + sizes[2]),
                    false_px=sizes[2],
                    missed_px=sizes[1],
                    marked=True,
                )
            )
        result = check_result(checked, 1.0)
        hits["recall"] += held(result.recall, 0.85)
        hits["missed_area"] += held(result.missed_area, 100 * 0.9 * PORE_PX / SIDE_PX**2)
        hits["false_area"] += held(result.false_area, 100 * 0.6 * PORE_PX / SIDE_PX**2)
    assert min(hits.values()) >= 0.92 * 1500, hits


def window(specimen: str = "", micrograph: str = "M", **values: float) -> WindowCount:
    return WindowCount(specimen, micrograph, 10_000.0, marked=True, **values)


def test_sums_over_windows_give_recall_precision_and_corrected_area() -> None:
    windows = [
        window(found=8, false=1, missed=1, found_px=800, false_px=50, missed_px=150),
        window(found=4, false=0, missed=2, found_px=400, missed_px=100),
        window(),
    ]
    result = check_result(windows, 4.0)
    assert result.recall is not None
    assert result.precision is not None
    assert result.corrected is not None
    assert result.recall.value == pytest.approx(11 / 14)
    assert result.precision.value == pytest.approx(11 / 12)
    assert result.corrected.value == pytest.approx(4.0 + 100 * (250 - 50) / 30_000)
    assert result.sentence.startswith("In 3 checked windows: recall 78.6 % (95 % CI ")


def test_no_missed_pore_in_few_windows_leaves_room_for_some() -> None:
    result = check_result([window(found=5, found_px=500)] * 4, 5.0)
    assert result.missed_area is not None
    assert result.missed_area.value == 0
    assert result.missed_area.high == pytest.approx(100 * 3.84 * 100 / 40_000, rel=0.01)
    assert result.recall is not None
    assert result.recall.low == pytest.approx(0.84, abs=0.01)


def test_the_highest_level_of_three_or_more_is_counted_and_said() -> None:
    specimens = check_result([window(f"S{n}", f"M{n}", found=3) for n in range(3)])
    micrographs = check_result([window("S", f"M{n}", found=3) for n in range(4)])
    windows = check_result([window("S", "M", found=3)] * 5)
    levels = [
        one.recall and (one.recall.over, one.recall.groups)
        for one in (specimens, micrographs, windows)
    ]
    assert levels == [("specimen", 3), ("micrograph", 4), ("window", 5)]
    assert specimens.warning == ""
    assert "with 1 specimen they say nothing about further ones" in micrographs.warning
    assert "they hold for 1 micrograph" in windows.warning
    assert "Only 1 window" in check_result([window(found=1)]).warning


def test_a_point_count_is_that_of_astm_e562_with_halves() -> None:
    counts = [2.5, 4.0, 3.0, 1.5]
    result = check_result(
        [WindowCount("", "M", 1e4, points=100, hits=hits, counted=True) for hits in counts]
    )
    assert result.point_area is not None
    assert result.point_area.value == pytest.approx(np.mean(counts))
    assert result.accuracy == pytest.approx(
        100 * (result.point_area.high - result.point_area.low) / 2 / np.mean(counts)
    )
    assert result.recall is None


def test_nothing_checked_says_so() -> None:
    assert check_result([]) == CheckResult(0)
    assert check_result([]).sentence == "No window is checked yet."
    empty = check_result([window()])
    assert (empty.recall, empty.precision) == (None, None)


def test_the_area_bias_has_an_interval_over_groups() -> None:
    areas = np.array([1e4, 1e4, 2e4])
    ends = area_bias_interval(np.array([100.0, 200.0, 300.0]), areas)
    assert ends is not None
    assert ends[0] < 100 * 600 / 4e4 < ends[1]
    assert np.mean(ends) == pytest.approx(1.5)
    assert area_bias_interval(np.array([100.0]), np.array([1e4])) is None
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        drawn = area_bias_interval(1e4 * rng.normal(0.01, 0.004, 4), np.full(4, 1e4))
        assert drawn is not None
        hits += drawn[0] <= 1.0 <= drawn[1]
    assert hits >= 0.92 * 300


def simulated(rng: np.random.Generator, person: float, error: float, times: int) -> np.ndarray:
    return (
        rng.normal(0, 2.0, (40, 1, 1))
        + rng.normal(0, person, (1, 8, 1))
        + rng.normal(0, error, (40, 8, times))
    )


def test_a_gauge_separates_windows_people_and_repetitions() -> None:
    rng = np.random.default_rng(0)
    found = [gauge(simulated(rng, 0.5, 0.3, 2)) for _ in range(40)]
    assert np.mean([one.repeatability for one in found if one]) == pytest.approx(0.3, rel=0.03)
    assert np.mean([one.reproducibility for one in found if one]) == pytest.approx(0.5, rel=0.15)
    assert np.mean([one.windows for one in found if one]) == pytest.approx(2.0, rel=0.05)
    once = gauge(simulated(rng, 0.5, 0.3, 1))
    assert once is not None
    assert not once.repeated
    assert once.repeatability == pytest.approx(0.3, rel=0.1)


def test_a_gauge_of_one_person_or_of_equal_answers_says_no_more_than_there_is() -> None:
    assert gauge(np.zeros((5, 1, 1))) is None
    same = gauge(np.zeros((5, 2, 1)))
    assert same is not None
    assert (same.repeatability, same.share) == (0.0, None)

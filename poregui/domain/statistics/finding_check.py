"""Estimate how well pores were found from windows that a person checked, with 95 % intervals.

Windows are drawn blind in micrographs of specimens. Windows of one specimen resemble each other, so
that intervals count the highest level of which there are three or more: specimens, else
micrographs, else windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.intervals import (
    Z95,
    interval_of_sums,
    student_t_quantile,
    wilson_interval,
)
from poregui.domain.wording import count, interval, percent

Floats = NDArray[np.float64]
FEWEST_GROUPS = 3
"""Specimens, or micrographs, from which on an interval counts them and not what is in them."""
_LEVELS = ("specimen", "micrograph", "window")


@dataclass(frozen=True)
class WindowCount:
    """Hold what one person said of one window, in px² and numbers.

    `found` pores have an outline whose middle lies in it; of them `false` are none; `missed` have
    no outline. Areas are those of whole pores. `hits` of `points` grid points lie in a pore, half
    ones on its edge. `marked` and `counted` tell which of both ways was answered.
    """

    specimen: str
    micrograph: str
    area_px: float
    found: int = 0
    false: int = 0
    missed: int = 0
    found_px: float = 0.0
    false_px: float = 0.0
    missed_px: float = 0.0
    points: int = 0
    hits: float = 0.0
    marked: bool = False
    counted: bool = False


@dataclass(frozen=True)
class CheckedValue:
    """Hold a number with its 95 % interval; `over` names what the interval counts."""

    value: float
    low: float | None
    high: float | None
    over: str
    groups: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        ends = None if self.low is None else [self.low, self.high]
        return {
            "value": self.value,
            "interval95": ends,
            "over": self.over,
            "groups": self.groups,
        }

    def text(self, unit: str = "%", factor: float = 1.0, digits: int = 1) -> str:
        """Return the number with its interval, times a factor."""
        shown = f"{factor * self.value:.{digits}f} {unit}".rstrip()
        if self.low is None or self.high is None:
            return shown
        return f"{shown} ({interval(factor * self.low, factor * self.high, unit, digits)})"


@dataclass(frozen=True)
class CheckResult:
    """Hold what checked windows say: shares as fractions, areas in per cent of the field.

    `point_area` is the area of pores by the point grid. `missed_area` and `false_area` are what
    outlines lack and have too much of, `area` is what they have; `corrected` takes up both. None
    where nothing was answered that says it. `accuracy` is the relative accuracy of the point count
    in the manner of ASTM E562, in per cent.
    """

    windows: int
    recall: CheckedValue | None = None
    precision: CheckedValue | None = None
    point_area: CheckedValue | None = None
    accuracy: float | None = None
    area: float | None = None
    missed_area: CheckedValue | None = None
    false_area: CheckedValue | None = None
    corrected: CheckedValue | None = None
    warning: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        names = ("recall", "precision", "point_area", "missed_area", "false_area", "corrected")
        estimates = {name: getattr(self, name) for name in names}
        values = {name: one and one.to_json() for name, one in estimates.items()}
        return {
            "windows": self.windows,
            **values,
            "relative_accuracy": self.accuracy,
            "area_percent": self.area,
            "warning": self.warning,
        }

    @property
    def short(self) -> str:
        """Return recall, precision and point count in a few words; empty where none is known."""
        parts = []
        if self.recall is not None:
            parts.append(f"recall {percent(self.recall.value)}")
        if self.precision is not None:
            parts.append(f"precision {percent(self.precision.value)}")
        if self.point_area is not None:
            parts.append(f"point count {self.point_area.value:.2f} %")
        return ", ".join(parts)

    @property
    def sentence(self) -> str:
        """Say the result in one sentence."""
        parts = []
        if self.recall is not None:
            parts.append(f"recall {self.recall.text(factor=100)}")
        if self.precision is not None:
            parts.append(f"precision {self.precision.text(factor=100)}")
        if self.point_area is not None:
            parts.append(f"pores by point count {self.point_area.text(digits=2)} of the area")
        if self.corrected is not None and self.area is not None:
            parts.append(
                f"porosity {self.area:.2f} % as found, {self.corrected.text(digits=2)} corrected"
            )
        if not parts:
            return "No window is checked yet."
        text = f"In {count(self.windows, 'checked window')}: {', '.join(parts)}."
        return text


def check_result(windows: Sequence[WindowCount], area: float | None = None) -> CheckResult:
    """Return what checked windows say of finding whose outlines cover `area` per cent of the field.

    Recall and precision are ratios of sums over windows, their intervals those of
    `interval_over_groups`. The area that is missed and false is a ratio of sums per area of windows
    (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, 6.4) with Student's t over groups, and never
    narrower than the Poisson interval of so few pores (score interval) allows. What outlines have
    too large or too small a line is not in it; the point count has it.
    """
    marked = [one for one in windows if one.marked]
    counted = [one for one in windows if one.counted and one.points]
    values: dict[str, Any] = {}
    if marked:
        right = _column(marked, "found") - _column(marked, "false")
        values["recall"] = _ratio(marked, right, right + _column(marked, "missed"))
        values["precision"] = _ratio(marked, right, _column(marked, "found"))
        values |= _areas(marked, area)
    if counted:
        shares = _ratio(counted, _column(counted, "hits"), _column(counted, "points"))
        values["point_area"] = None if shares is None else _in_percent(shares)
        values["accuracy"] = _relative_accuracy(values["point_area"])
    used = sum(one.marked or one.counted for one in windows)
    warning = _warning([one for one in windows if one.marked or one.counted])
    return CheckResult(used, area=area, warning=warning, **values)


def _column(windows: Sequence[WindowCount], name: str) -> Floats:
    return np.array([getattr(one, name) for one in windows], np.float64)


def _groups(windows: Sequence[WindowCount]) -> tuple[str, NDArray[np.int64], int]:
    """Return the level that is counted, the group of each window, and how many there are."""
    keys = {
        "specimen": [one.specimen or one.micrograph for one in windows],
        "micrograph": [one.micrograph for one in windows],
        "window": [str(number) for number in range(len(windows))],
    }
    if not any(one.specimen for one in windows):
        del keys["specimen"]
    for level, names in keys.items():
        known = {name: number for number, name in enumerate(dict.fromkeys(names))}
        if len(known) >= FEWEST_GROUPS or level == "window":
            return level, np.array([known[name] for name in names], np.int64), len(known)
    raise AssertionError("windows are always a level")


def _ratio(windows: Sequence[WindowCount], part: Floats, whole: Floats) -> CheckedValue | None:
    """Return a sum over another as a share from 0 to 1; None where the other is 0."""
    total = float(whole.sum())
    if total <= 0:
        return None
    level, group, groups = _groups(windows)
    hits = np.bincount(group, part, groups).astype(np.float64)
    sizes = np.bincount(group, whole, groups).astype(np.float64)
    found = interval_of_sums(hits, sizes)
    ends = (found.low, found.high) if found else wilson_interval(float(part.sum()), total)
    assert ends is not None
    return CheckedValue(float(part.sum()) / total, *ends, level, groups)


def _in_percent(share: CheckedValue) -> CheckedValue:
    assert share.low is not None
    assert share.high is not None
    return CheckedValue(
        100 * share.value, 100 * share.low, 100 * share.high, share.over, share.groups
    )


def _relative_accuracy(area: CheckedValue | None) -> float | None:
    if area is None or area.low is None or area.high is None or area.value <= 0:
        return None
    return 100 * (area.high - area.low) / 2 / area.value


def _areas(windows: Sequence[WindowCount], area: float | None) -> dict[str, Any]:
    """Return missed and false area, and the area of the outlines corrected by them."""
    missed = _column(windows, "missed_px")
    false = _column(windows, "false_px")
    number_missed = int(_column(windows, "missed").sum())
    number_false = int(_column(windows, "false").sum())
    typical = _mean_pore(windows)
    floor_missed = _poisson_reach(number_missed, missed, typical)
    floor_false = _poisson_reach(number_false, false, typical)
    found = {
        "missed_area": _share_of_area(windows, missed, floor_missed),
        "false_area": _share_of_area(windows, false, floor_false),
    }
    if area is None:
        return found
    both = (
        math.hypot(floor_missed[0], floor_false[1]),
        math.hypot(floor_missed[1], floor_false[0]),
    )
    change = _share_of_area(windows, missed - false, both, from_zero=False)
    low = None if change.low is None else max(0.0, area + change.low)
    high = None if change.high is None else max(0.0, area + change.high)
    corrected = CheckedValue(max(0.0, area + change.value), low, high, change.over, change.groups)
    return {**found, "corrected": corrected}


def _mean_pore(windows: Sequence[WindowCount]) -> float:
    """Return the mean area of a pore that was found or missed in px², 0 for none."""
    number = _column(windows, "found").sum() + _column(windows, "missed").sum()
    area = _column(windows, "found_px").sum() + _column(windows, "missed_px").sum()
    return float(area / number) if number else 0.0


def _poisson_reach(number: int, areas: Floats, typical: float) -> tuple[float, float]:
    """Return how far below and above their sum the areas of so many pores may lie by chance, in
    px²: the score interval of a Poisson count, times the mean area.
    """
    mean = float(areas.sum()) / number if number else typical
    below = number + Z95**2 / 2 - Z95 * math.sqrt(number + Z95**2 / 4)
    above = number + Z95**2 / 2 + Z95 * math.sqrt(number + Z95**2 / 4)
    return (number - below) * mean, (above - number) * mean


def _share_of_area(
    windows: Sequence[WindowCount],
    areas: Floats,
    floor: tuple[float, float],
    *,
    from_zero: bool = True,
) -> CheckedValue:
    """Return areas over that of the windows in per cent, and at least `floor` px² each way."""
    level, group, groups = _groups(windows)
    sizes = np.bincount(group, _column(windows, "area_px"), groups).astype(np.float64)
    sums = np.bincount(group, areas, groups).astype(np.float64)
    share, reach = _share_and_reach(sums, sizes)
    whole = float(sizes.sum())
    low = share - max(reach, floor[0] / whole)
    if from_zero:
        low = max(0.0, low)
    high = share + max(reach, floor[1] / whole)
    return CheckedValue(100 * share, 100 * low, 100 * high, level, groups)


def _share_and_reach(areas: Floats, wholes: Floats) -> tuple[float, float]:
    """Return the share of (groups,) areas in their wholes, and how far its 95 % interval reaches
    either way; 0 for a single group.
    """
    groups = len(areas)
    whole = float(wholes.sum())
    share = float(areas.sum()) / whole
    if groups < 2:
        return share, 0.0
    spread = groups / (groups - 1) * float(((areas - share * wholes) ** 2).sum())
    return share, student_t_quantile(0.975, groups - 1) * math.sqrt(spread) / whole


def area_bias_interval(differences: Floats, areas: Floats) -> tuple[float, float] | None:
    """Return the 95 % interval of found less true area in per cent of the field, over (groups,)
    specimens or micrographs with found less true areas and fields of their own, both in px².

    None for fewer than two groups: one says nothing about the next.
    """
    if len(areas) < 2 or areas.sum() <= 0:
        return None
    share, reach = _share_and_reach(differences, areas)
    return 100 * (share - reach), 100 * (share + reach)


def _warning(windows: Sequence[WindowCount]) -> str:
    if not windows:
        return ""
    level, _, groups = _groups(windows)
    specimens = len({one.specimen for one in windows if one.specimen})
    if level == "window":
        micrographs = count(len({one.micrograph for one in windows}), "micrograph")
        text = f"The intervals count windows: they hold for {micrographs}, not for others."
        if groups < FEWEST_GROUPS:
            text = f"Only {count(groups, 'window')} checked: the intervals say little. Check more."
        return text
    if level == "micrograph" and specimens:
        return (
            f"The intervals count micrographs: with {count(specimens, 'specimen')} they say "
            "nothing about further ones."
        )
    return ""


@dataclass(frozen=True)
class Gauge:
    """Hold how much answers differ that were given for the same windows, as standard deviations.

    `repeatability` is that of one person who answers again (of the rest of the analysis where
    nobody did, `repeated` is then False), `reproducibility` that between people or recipes,
    `windows` that between windows. `share` is the part of the whole variation that is not of the
    windows, in per cent.
    """

    windows: float
    repeatability: float
    reproducibility: float
    share: float | None
    repeated: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        return {
            "windows": self.windows,
            "repeatability": self.repeatability,
            "reproducibility": self.reproducibility,
            "share_percent": self.share,
            "repeated": self.repeated,
        }


def gauge(values: Floats) -> Gauge | None:
    """Return the analysis of (windows, people, times) numbers; None below two windows or people.

    A two-way analysis of variance with random effects and interaction, which counts to
    reproducibility (gauge R&R in the manner of ASTM E2782); components below 0 count as 0. The
    share is that of standard deviations.
    """
    count_w, count_p, times = values.shape
    if count_w < 2 or count_p < 2:
        return None
    middle = values.mean()
    of_window = values.mean(axis=(1, 2))
    of_person = values.mean(axis=(0, 2))
    cell = values.mean(axis=2)
    rest = cell - of_window[:, None] - of_person[None, :] + middle
    mixed = times * float((rest**2).sum()) / ((count_w - 1) * (count_p - 1))
    repeated = times > 1
    if repeated:
        within = float(((values - cell[..., None]) ** 2).sum()) / (count_w * count_p * (times - 1))
        interaction = max(0.0, (mixed - within) / times)
    else:
        within = mixed
        interaction = 0.0
    square_p = count_w * times * float(((of_person - middle) ** 2).sum()) / (count_p - 1)
    square_w = count_p * times * float(((of_window - middle) ** 2).sum()) / (count_w - 1)
    person = max(0.0, (square_p - mixed) / (count_w * times))
    window = max(0.0, (square_w - mixed) / (count_p * times))
    between = person + interaction
    whole = window + within + between
    share = 100 * math.sqrt((within + between) / whole) if whole > 0 else None
    return Gauge(math.sqrt(window), math.sqrt(within), math.sqrt(between), share, repeated)

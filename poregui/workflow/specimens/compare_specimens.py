"""Compare what pores specimens have with what was done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from poregui.domain.attributes import Attribute
from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.group_comparison import (
    GroupContrast,
    RankTrend,
    compare_groups,
    holm,
    rank_trend,
)
from poregui.domain.statistics.porosity import mean_interval
from poregui.domain.wording import count
from poregui.workflow.specimens.specimen_fields import FieldSet, SpecimenField, by_specimen
from poregui.workflow.specimens.specimen_table import SpecimenTable

FEWEST_TO_TRUST = 6
"""Specimens a group from which the intervals held 93 to 97 % in simulations."""
_MOST_LEVELS = 6


@dataclass(frozen=True)
class Quantity:
    """Hold what is compared: its title, its unit, and its value in one field (None: unknown)."""

    title: str
    unit: str
    value: Callable[[SpecimenField], float | None]


QUANTITIES: Mapping[str, Quantity] = {
    "porosity": Quantity("porosity", "area %", lambda field: field.percent),
    "count": Quantity("pores per mm²", "1/mm²", lambda field: field.per_mm2),
    "largest": Quantity("largest pore of a field, √area", "µm", lambda field: field.largest_um),
}


@dataclass(frozen=True)
class SpecimenPoint:
    """Hold one specimen: its attribute (`x`), the mean of its fields and the 95 % interval of that,
    None for a single field.
    """

    specimen: str
    x: float | str
    value: float
    interval95: tuple[float, float] | None
    n_fields: int


@dataclass(frozen=True)
class SpecimenGroup:
    """Hold the specimens of one category: the mean over specimens with its 95 % interval."""

    name: str
    points: tuple[SpecimenPoint, ...]
    mean: float
    interval95: tuple[float, float] | None


@dataclass(frozen=True)
class GroupPair:
    """Hold the contrast of two groups, `p_holm` corrected for the number of pairs."""

    first: str
    second: str
    contrast: GroupContrast
    p_holm: float | None


@dataclass(frozen=True)
class SpecimenComparison:
    """Hold the specimens against an attribute: `kind` is `points` for numbers and dates, `groups`
    for others.
    """

    kind: str
    attribute: Attribute
    quantity: Quantity
    class_name: str
    source: str
    points: tuple[SpecimenPoint, ...]
    groups: tuple[SpecimenGroup, ...]
    pairs: tuple[GroupPair, ...]
    trend: RankTrend | None
    power: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "by": self.attribute.heading,
            "of": self.quantity.title,
            "unit": self.quantity.unit,
            "class": self.class_name or None,
            "source": self.source,
            "points": [vars(one) for one in self.points],
            "groups": [_group_json(one) for one in self.groups],
            "pairs": [_pair_json(one) for one in self.pairs],
            "trend": None if self.trend is None else vars(self.trend),
            "power": self.power,
            "notes": list(self.notes),
        }
        if len(self.pairs) == 1:
            pair = values["pairs"][0]
            values |= {key: pair[key] for key in ("difference", "ratio")}
        return values


def _group_json(group: SpecimenGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "mean": group.mean,
        "interval95": group.interval95,
        "n_specimens": len(group.points),
        "n_fields": sum(one.n_fields for one in group.points),
        "specimens": [vars(one) for one in group.points],
    }


def _pair_json(pair: GroupPair) -> dict[str, Any]:
    found = pair.contrast
    p = {"p": found.p, "p_holm": pair.p_holm}
    return {
        "first": pair.first,
        "second": pair.second,
        "difference": {"value": found.difference, "interval95": found.difference_interval, **p},
        "ratio": {"value": found.ratio, "interval95": found.ratio_interval, **p},
    }


def compare_specimens(
    table: SpecimenTable, fields: FieldSet, by: str, of: str = "porosity", class_name: str = ""
) -> SpecimenComparison:
    """Return specimens compared by an attribute.

    Each specimen counts once, with the mean of its fields. Raises PoreguiError for an unknown
    attribute, without a specimen that has one, and for sizes where a pixel size is unknown.
    """
    attribute = table.attribute(by)
    quantity = QUANTITIES[of]
    points, notes = _points(table, fields, attribute, quantity)
    groups = _groups(points, attribute)
    pairs = _pairs(groups)
    continuous = attribute.kind in ("number", "date")
    few = [one for one in groups if len(one.points) < FEWEST_TO_TRUST]
    if pairs and few:
        notes.append(
            f"A group has fewer than {FEWEST_TO_TRUST} specimens: differences are hard to see, and "
            "the intervals are wide."
        )
    return SpecimenComparison(
        "points" if continuous else "groups",
        attribute,
        quantity,
        class_name,
        fields.source,
        points,
        groups,
        pairs,
        _trend(points, attribute),
        _power(groups, pairs),
        tuple(notes),
    )


def _points(
    table: SpecimenTable, fields: FieldSet, attribute: Attribute, quantity: Quantity
) -> tuple[tuple[SpecimenPoint, ...], list[str]]:
    known = {one.name: table.value(one, attribute) for one in table.specimens}
    notes = list(fields.notes)
    points = []
    without = 0
    for name, own in by_specimen(fields.fields).items():
        x = known.get(name)
        if x is None:
            without += 1
            continue
        points.append(_point(name, x, own, quantity))
    if without:
        notes.append(f"{count(without, 'specimen')} without {attribute.name} left out.")
    if not points:
        remedy = f"Give {attribute.name} to specimens whose micrographs have pores."
        raise PoreguiError(f"No specimen with pores has a value of {attribute.name}.", remedy)
    return tuple(points), notes


def _point(
    name: str, x: float | str, fields: Sequence[SpecimenField], quantity: Quantity
) -> SpecimenPoint:
    values = [quantity.value(field) for field in fields]
    numbers = np.array([one for one in values if one is not None], np.float64)
    if len(numbers) < len(values):
        raise PoreguiError(
            f"A micrograph of {name} has no pixel size.", "Give it one, or compare porosity."
        )
    ends = mean_interval(numbers)
    interval = None if ends is None else (max(0.0, ends[0]), ends[1])
    return SpecimenPoint(name, x, max(0.0, float(numbers.mean())), interval, len(numbers))


def _groups(points: Sequence[SpecimenPoint], attribute: Attribute) -> tuple[SpecimenGroup, ...]:
    """Return the groups of categories, or of numbers of which each comes again."""
    found: dict[float | str, list[SpecimenPoint]] = {}
    for point in points:
        found.setdefault(point.x, []).append(point)
    if attribute.kind in ("number", "date"):
        again = min(len(one) for one in found.values()) > 1
        if not again or len(found) > _MOST_LEVELS:
            return ()
    return tuple(_group(x, found[x], attribute) for x in sorted(found, key=_order))


def _order(x: float | str) -> tuple[float, str]:
    if isinstance(x, float):
        return x, ""
    return 0.0, x


def _group(x: float | str, points: list[SpecimenPoint], attribute: Attribute) -> SpecimenGroup:
    values = np.array([one.value for one in points])
    name = f"{x:g} {attribute.unit}".strip() if isinstance(x, float) else x
    ends = mean_interval(values)
    interval = None if ends is None else (max(0.0, ends[0]), ends[1])
    return SpecimenGroup(name, tuple(points), float(values.mean()), interval)


def _pairs(groups: Sequence[SpecimenGroup]) -> tuple[GroupPair, ...]:
    contrasts = [(a, b, compare_groups(_values(a), _values(b))) for a, b in combinations(groups, 2)]
    tested = [one.p for _, _, one in contrasts if one.p is not None]
    corrected = iter(holm(tested))
    return tuple(
        GroupPair(a.name, b.name, one, None if one.p is None else next(corrected))
        for a, b, one in contrasts
    )


def _values(group: SpecimenGroup) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([one.value for one in group.points], np.float64)


def _trend(points: Sequence[SpecimenPoint], attribute: Attribute) -> RankTrend | None:
    if attribute.kind not in ("number", "date"):
        return None
    levels = sorted({one.x for one in points}, key=_order)
    x = np.array([levels.index(one.x) for one in points], np.float64)
    return rank_trend(x, np.array([one.value for one in points], np.float64))


def _power(groups: Sequence[SpecimenGroup], pairs: Sequence[GroupPair]) -> str:
    """Return in one sentence what studies of this size would have seen; empty for no pair."""
    if len(pairs) != 1 or pairs[0].contrast.factor80 is None:
        return ""
    first, second = (len(one.points) for one in groups)
    return (
        f"With {first} and {second} specimens a factor of {pairs[0].contrast.factor80:.2g} would "
        "have been seen in 80 of 100 studies."
    )

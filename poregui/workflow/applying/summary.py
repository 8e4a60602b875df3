"""Sum up porosity per class over fields and specimens, corrected for confusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.measurement import DistanceSummary, distance_summary
from poregui.domain.micrograph_names import Named, unique_names
from poregui.domain.statistics.porosity import (
    ClassEstimate,
    Correction,
    Porosity,
    SizeDistribution,
    correction,
    estimate_classes,
    porosity,
    size_distribution,
)
from poregui.domain.wording import count, noun
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.human_labels import unmatched_text
from poregui.workflow.applying.inputs import AppliedModel, is_pore
from poregui.workflow.applying.result_table import PoreTable
from poregui.workflow.applying.sensitivity import SHIFTS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassSummary:
    """Hold the numbers of one class: area per cent of the fields, pores per mm2 (None: some scale
    is unknown), sizes.

    `sizes` are in um, or in px where some scale is unknown, and so are the distances from the edge
    of a pore to that of the `nearest` other one and to the `surface` of the specimen; None where
    there is neither.
    """

    name: str
    is_pore: bool
    area: ClassEstimate
    density: ClassEstimate | None
    sizes: SizeDistribution
    nearest: DistanceSummary | None = None
    surface: DistanceSummary | None = None


@dataclass(frozen=True)
class ShiftedAreas:
    """Hold the area per cent of all pores, and of each class, that a threshold shifted by `shift`
    per cent would find.

    Those of the classes are corrected where the others are.
    """

    shift: int
    total: float
    classes: tuple[float, ...]


@dataclass(frozen=True)
class GroupSummary:
    """Hold the numbers of one specimen, or of all: `unit` is what the intervals are over, `field`
    or `specimen`.

    `out_of_distribution` is how many pores are unlike all that the network was trained on, without
    those that a person named, None where it cannot tell; `unlike_kept` says that they count as it
    answered them.
    """

    name: str
    fields: int
    unit: str
    units: int
    porosity: Porosity | None
    classes: tuple[ClassSummary, ...]
    left: int
    left_percent: float
    sensitivity: tuple[ShiftedAreas, ...] = ()
    out_of_distribution: int | None = None
    unlike_kept: bool = False


@dataclass(frozen=True)
class Summary:
    """Hold what was found on all micrographs: each specimen by its fields, and all specimens
    together.

    `corrected` tells whether the areas are corrected for confusion, and `why_not` why they are not.
    `temperature` is that of the network's predictions, None where nobody fitted one. `class_ids`
    are those of `classes` in the project that it was applied in, or where it was trained.
    """

    model: str
    classes: tuple[str, ...]
    specimens: tuple[GroupSummary, ...]
    whole: GroupSummary
    size_unit: str
    corrected: bool
    why_not: str
    warnings: tuple[str, ...]
    temperature: float | None = None
    class_ids: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON."""
        values = asdict(self)
        for group in (*values["specimens"], values["whole"]):
            group["unlike"] = group.pop("out_of_distribution")
        return values


@dataclass(frozen=True)
class _Field:
    """Hold one field ready to be summed: amounts per class, and areas and distances of the single
    pores of each.

    `certain` and `certain_densities` are the part of the amounts that people named.

    `out_of_distribution` is how many pores unlike all training crops nobody named yet, None where
    that cannot be told; `kept` says that they count.

    `shifted` (shifts, classes + 1) are the area per cent at shifted thresholds, the last one what
    is left to a person.
    """

    result: FieldResult
    percents: Floats
    densities: Floats | None
    pore_areas: tuple[Floats, ...]
    nearest: tuple[Floats, ...]
    surface: tuple[Floats, ...]
    shifted: Floats | None
    certain: Floats
    certain_densities: Floats
    out_of_distribution: int | None
    kept: bool


def summarise(
    model: AppliedModel,
    results: Sequence[FieldResult],
    tables: Sequence[PoreTable],
    *,
    min_confidence: float = 0.0,
) -> Summary:
    """Return the numbers of all results; micrographs without a specimen count as specimens of their
    own.

    `tables` are the pores of each result, in the same order; sizes are those of pores that were
    predicted with a confidence of `min_confidence`, as in the results.

    Raises ValueError without a result, and when the results are of other classes than the model's.
    """
    if not results:
        raise ValueError("there is nothing to sum up")
    if any(len(result.areas) != len(model.classes) for result in results):
        raise ValueError("the results are not of this model")
    correct = _corrections(model)
    scaled = all(result.um_per_px is not None for result in results)
    fields = [
        _field(one, table, scaled, min_confidence)
        for one, table in zip(results, tables, strict=True)
    ]
    groups: dict[str, list[_Field]] = {}
    for name, one in zip(groups_of(results), fields, strict=True):
        groups.setdefault(name, []).append(one)
    summed = tuple(
        _group(name, own, [[one] for one in own], "field", model.classes, correct)
        for name, own in groups.items()
    )
    whole = _group("All", fields, list(groups.values()), "specimen", model.classes, correct)
    return Summary(
        model.name,
        model.classes,
        summed,
        whole,
        "um" if scaled else "px",
        correct.areas.possible,
        correct.areas.why_not,
        tuple(filter(None, (unmatched_text(tables), *model.notes, *_remarks(results)))),
        model.temperature,
        model.class_ids,
    )


def sensitivity_text(group: GroupSummary) -> str:
    """Say how the area of all pores moves with the threshold; empty where nobody looked."""
    if not group.sensitivity or group.porosity is None:
        return ""
    near = [one.total for one in group.sensitivity if abs(one.shift) == 5]
    far = [one.total for one in group.sensitivity]
    return (
        f"Porosity with the threshold shifted by up to ±5 %: {_span(near, group.porosity.mean)}; "
        f"by up to ±10 %: {_span(far, group.porosity.mean)}."
    )


def out_of_distribution_text(group: GroupSummary) -> str:
    """Say how many pores are unlike all that was trained on, or that nobody can tell; empty where
    there are none.
    """
    if group.out_of_distribution is None:
        return (
            "This network stores no training features, so unusual pores cannot be detected. Train "
            "again."
        )
    if not group.out_of_distribution:
        return ""
    look = noun(group.out_of_distribution, "looks", "look")
    what = f"{count(group.out_of_distribution, 'pore')} {look} unusual (outside the training data)"
    if group.unlike_kept:
        return f"{what}, but counted as predicted."
    return f"{what}, so left unclassified."


def calibration_text(summary: Summary) -> str:
    """Say where confidence is taken as the network gives it; empty where it is calibrated."""
    if summary.temperature is not None:
        return ""
    return (
        "Confidence is not calibrated: there were too few validation crops, or no errors among "
        "them."
    )


def _span(totals: list[float], middle: float) -> str:
    low, high = (f"{end:.4g}" for end in (min(*totals, middle), max(*totals, middle)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def groups_of(results: Sequence[FieldResult]) -> list[str]:
    """Return the specimen of each result; those without one are specimens of their own, called by
    their micrograph.
    """
    specimens = {result.specimen for result in results if result.specimen}
    names = unique_names([Named(result.file.replace("\\", "/"), result.name) for result in results])
    alone = [f"{name} (no specimen)" if name in specimens else name for name in names]
    return [one.specimen or name for one, name in zip(results, alone, strict=True)]


def _remarks(results: Sequence[FieldResult]) -> tuple[str, ...]:
    """Return each remark once, behind the micrographs that it is about; the first ones are of
    images that are there twice."""
    named: dict[str, list[str]] = {}
    for result in results:
        for text in dict.fromkeys(result.warnings):
            named.setdefault(text, []).append(result.name)
    return (*_twice(results), *(f"{_first(names)}: {text}" for text, names in named.items()))


def _twice(results: Sequence[FieldResult]) -> tuple[str, ...]:
    """Say which micrographs are one image in several files."""
    same: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.sha256:
            same.setdefault((result.sha256, result.plane), []).append(result.name)
    return tuple(
        f"{', '.join(names)} are the same image, counted {len(names)} times: keep only one."
        for names in same.values()
        if len(names) > 1
    )


def _first(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


@dataclass(frozen=True)
class _Corrections:
    """Hold how areas and how counts are corrected."""

    areas: Correction
    counts: Correction


def _corrections(model: AppliedModel) -> _Corrections:
    by_count = _correction(model.confusion, len(model.classes))
    by_area = _correction(model.area_confusion, len(model.classes))
    return _Corrections(by_area if by_area.possible else by_count, by_count)


def _correction(counts: NDArray[Any] | None, classes: int) -> Correction:
    if counts is None:
        return Correction(
            np.zeros((classes, classes)), np.eye(classes), False, "the model brings no test"
        )
    return correction(counts)


def _field(result: FieldResult, table: PoreTable, scaled: bool, min_confidence: float) -> _Field:
    area = max(result.field_area_px, 1.0)
    percents = 100 * np.array(result.areas, np.float64) / area
    densities = None
    if scaled and result.um_per_px is not None:
        scale = result.um_per_px
    else:
        scale = 1.0
    if scaled:
        densities = np.array(result.counts, np.float64) / (area * scale**2 / 1e6)
    chosen = table.chosen(min_confidence)
    classes = len(result.areas)
    areas = tuple(table.areas[chosen == index] * scale**2 for index in range(classes))
    if scaled or table.unit == "px" or result.um_per_px is None:
        ratio = 1.0
    else:
        ratio = 1 / result.um_per_px
    nearest, surface = (
        tuple(
            values[chosen == index] * ratio if len(values) == len(chosen) else np.empty(0)
            for index in range(classes)
        )
        for values in (table.nearest, table.surface)
    )
    shifted = None
    if table.sensed is not None:
        now = np.append(percents, 100 * result.left_area / area)
        shifted = np.array(
            [now + table.sensed.change(shift, classes, min_confidence) for shift in SHIFTS]
        )
    own = chosen[table.certain]
    certain = 100 * np.bincount(own, table.areas[table.certain], classes) / area
    dense = np.bincount(own, minlength=classes) / (area * scale**2 / 1e6)
    return _Field(
        result,
        percents,
        densities,
        areas,
        nearest,
        surface,
        shifted,
        certain,
        dense,
        _left_out_of_distribution(result, table),
        table.keep_out_of_distribution,
    )


def _left_out_of_distribution(result: FieldResult, table: PoreTable) -> int | None:
    if result.out_of_distribution is None:
        return None
    named = set((np.flatnonzero(table.by_person) + 1).tolist())
    return len(set(result.out_of_distribution) - named)


def _group(
    name: str,
    fields: list[_Field],
    units: list[list[_Field]],
    unit: str,
    classes: tuple[str, ...],
    correct: _Corrections,
) -> GroupSummary:
    """Sum up fields; each unit (a field, or the fields of a specimen) counts alike in means and
    intervals.
    """
    weights = [
        np.array([field.result.field_area_px for field in unit_fields]) for unit_fields in units
    ]
    certain = _means(units, weights, lambda one: one.certain)
    areas = estimate_classes(
        _means(units, weights, lambda one: one.percents), correct.areas, certain=certain
    )
    dense: tuple[ClassEstimate | None, ...] = (None,) * len(classes)
    values = [[one.densities for one in own if one.densities is not None] for own in units]
    if sum(map(len, values)) == len(fields):
        dense = estimate_classes(
            np.array([np.average(own, 0, w) for own, w in zip(values, weights, strict=True)]),
            correct.counts,
            certain=_means(units, weights, lambda one: one.certain_densities),
        )
    pores = [is_pore(pore_class) for pore_class in classes]
    of_unit = [sum(_pore_area(one, pores) for one in own) for own in units]
    rows = tuple(_class(label, k, fields, areas[k], dense[k]) for k, label in enumerate(classes))
    total = sum(field.result.field_area_px for field in fields)
    return GroupSummary(
        name=name,
        fields=len(fields),
        unit=unit,
        units=len(units),
        porosity=porosity(of_unit, [max(float(w.sum()), 1.0) for w in weights]),
        classes=rows,
        left=sum(field.result.left for field in fields),
        left_percent=100 * sum(field.result.left_area for field in fields) / max(total, 1.0),
        sensitivity=_sensitivity(units, weights, pores, correct.areas),
        out_of_distribution=_sum_of_known([field.out_of_distribution for field in fields]),
        unlike_kept=any(field.kept for field in fields),
    )


def _sum_of_known(numbers: Sequence[int | None]) -> int | None:
    """Return the sum, None where some number is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _means(
    units: list[list[_Field]], weights: list[Floats], of: Callable[[_Field], Floats]
) -> Floats:
    """Return (units, classes) means over the fields of each unit, weighed by their areas."""
    return np.array(
        [np.average([of(one) for one in own], 0, w) for own, w in zip(units, weights, strict=True)]
    )


def _class(
    label: str, index: int, fields: list[_Field], area: ClassEstimate, density: ClassEstimate | None
) -> ClassSummary:
    return ClassSummary(
        label,
        is_pore(label),
        area,
        density,
        size_distribution(np.concatenate([field.pore_areas[index] for field in fields])),
        distance_summary(np.concatenate([field.nearest[index] for field in fields])),
        distance_summary(np.concatenate([field.surface[index] for field in fields])),
    )


def _sensitivity(
    units: list[list[_Field]], weights: list[Floats], pores: list[bool], correct: Correction
) -> tuple[ShiftedAreas, ...]:
    """Return the means over units at shifted thresholds; nothing where a field was not looked at
    with them.
    """
    of_units = []
    for own, weight in zip(units, weights, strict=True):
        shifted = [one.shifted for one in own if one.shifted is not None]
        if len(shifted) < len(own):
            return ()
        of_units.append(np.average(shifted, 0, weight))
    mean = np.mean(of_units, axis=0)
    certain = _means(units, weights, lambda one: one.certain).mean(axis=0)
    corrected = np.maximum(correct.apply(mean[:, :-1] - certain) + certain, 0.0)
    totals = mean @ np.array([*pores, True], np.float64)
    return tuple(
        ShiftedAreas(shift, max(0.0, float(total)), tuple(row.tolist()))
        for shift, total, row in zip(SHIFTS, totals, corrected, strict=True)
    )


def _pore_area(field: _Field, pores: list[bool]) -> float:
    """Return the area of everything that is a pore, with what was left to a person."""
    own = sum(area for area, is_one in zip(field.result.areas, pores, strict=True) if is_one)
    return own + field.result.left_area

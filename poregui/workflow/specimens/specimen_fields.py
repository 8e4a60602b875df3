"""Bring together the pores of each field of each specimen, of one class or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.porosity import Correction, correction
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.field import AppliedField
from poregui.workflow.applying.inputs import AppliedModel, model_of_run, results_of_run, to_apply
from poregui.workflow.applying.result_table import REMOVED
from poregui.workflow.applying.study import ApplyStudy
from poregui.workflow.detecting.measuring import MeasuredField, measure_project

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class SpecimenField:
    """Hold one field: its specimen, its area in px², the pixel size (None: unknown), and of the
    pores that count their `areas` (n,) in px² and the area per cent that they cover.
    """

    micrograph: str
    specimen: str
    field_area_px: float
    um_per_px: float | None
    areas: Floats
    percent: float

    @property
    def area_mm2(self) -> float | None:
        """Return the area of the field in mm², None without a pixel size."""
        if self.um_per_px is None:
            return None
        return self.field_area_px * self.um_per_px**2 / 1e6

    @property
    def per_mm2(self) -> float | None:
        """Return how many pores there are on a mm², None without a pixel size."""
        area = self.area_mm2
        return None if area is None else len(self.areas) / area

    @property
    def largest_um(self) -> float | None:
        """Return the square root of the largest pore's area in µm, 0 without a pore; None without a
        pixel size.
        """
        if self.um_per_px is None:
            return None
        return self.um_per_px * float(np.sqrt(self.areas.max(initial=0.0)))


@dataclass(frozen=True)
class FieldSet:
    """Hold the fields of specimens, where their pores come from (`labels` or `run 3`), and what a
    person should know of them.
    """

    fields: tuple[SpecimenField, ...]
    source: str
    notes: tuple[str, ...] = ()


def fields_of(
    project: Project,
    class_name: str = "",
    run: RunFolder | None = None,
    progress: Progress = lambda done, total, text: None,
) -> FieldSet:
    """Return the fields with a specimen, with the pores of a class or (empty) all of them.

    Pores are those of the project's outlines and labels, or what `run` found on the micrographs
    that it was applied to. Raises PoreguiError for an unknown class, and without such a field.
    """
    if run is None:
        found = _of_labels(project, class_name, progress)
    else:
        found = _of_run(project, class_name, run)
    own = tuple(field for field in found.fields if field.specimen)
    notes = list(found.notes)
    if len(own) < len(found.fields):
        left = len(found.fields) - len(own)
        notes.append(f"{count(left, 'micrograph')} without a specimen left out.")
    if not own:
        remedy = "Find pores in micrographs of named specimens, or apply a network to them."
        raise PoreguiError("No micrograph with pores has a specimen.", remedy)
    return replace(found, fields=own, notes=tuple(notes))


def _of_labels(project: Project, class_name: str, progress: Progress) -> FieldSet:
    classes = {one.name.casefold(): one.id for one in project.classes(retired=True)}
    wanted = None
    if class_name:
        wanted = _class_index(class_name, classes)
    names = {one.id: one.name for one in project.specimens()}
    labels = project.labels()
    measured = measure_project(project, progress)
    fields = tuple(_measured(one, wanted, labels, names) for one in measured)
    without = sum(labels.get(crop) is None for one in measured for crop in one.crop_ids.tolist())
    notes: tuple[str, ...] = ()
    if wanted is not None and without:
        notes = (f"{count(without, 'pore')} without a label counted in no class.",)
    return FieldSet(fields, "labels", notes)


def _class_index(name: str, classes: dict[str, int]) -> int:
    found = classes.get(name.strip().casefold())
    if found is None:
        known = ", ".join(classes)
        raise PoreguiError(f"There is no class {name}.", f"Choose one of: {known}.")
    return found


def _measured(
    one: MeasuredField,
    wanted: int | None,
    labels: dict[int, int | None],
    names: dict[int, str],
) -> SpecimenField:
    areas = np.asarray(one.measured.columns["area_px"], np.float64)
    covered = one.pore_area_px
    if wanted is not None:
        chosen = np.array([labels.get(i) == wanted for i in one.crop_ids.tolist()], bool)
        total = float(areas.sum())
        areas = areas[chosen]
        covered = float(areas.sum()) * (one.pore_area_px / total if total else 1.0)
    micrograph = one.micrograph
    return SpecimenField(
        micrograph.shown_name,
        names.get(micrograph.specimen_id or 0, ""),
        one.field_area_px,
        micrograph.um_per_px,
        areas,
        100 * covered / one.field_area_px,
    )


def _of_run(project: Project, class_name: str, run: RunFolder) -> FieldSet:
    model = model_of_run(project, run)
    files = dict.fromkeys(project.micrograph_file(one) for one in project.micrographs())
    out = results_of_run(project.folder, run)
    fields = to_apply(list(files), project)
    study = ApplyStudy.open(model, fields, out).with_labels(project).there()
    if not study.fields:
        raise PoreguiError(
            f"Run {run.number} was not applied to micrographs of this project.",
            "Apply it on the Apply page first.",
        )
    model = study.model
    index = None
    if class_name:
        known = {name.casefold(): i for i, name in enumerate(model.classes)}
        index = _class_index(class_name, known)
    view = study.at(0.0)
    correct = _correction(view.model)
    found = tuple(_applied(one, index, correct) for one in view.fields)
    notes = list(study.changed)
    if index is not None:
        how = "are corrected" if correct.possible else "are not corrected"
        notes.append(f"Areas of classes {how} for confusion; counts and sizes are as predicted.")
    return FieldSet(found, f"run {run.number}", tuple(notes))


def _correction(model: AppliedModel) -> Correction:
    classes = len(model.classes)
    if model.area_confusion is None:
        return Correction(np.zeros((classes, classes)), np.eye(classes), False)
    return correction(model.area_confusion)


def _applied(one: AppliedField, index: int | None, correct: Correction) -> SpecimenField:
    result = one.result
    chosen = one.pores.chosen(0.0)
    area = max(result.field_area_px, 1.0)
    amounts = np.array(result.areas, np.float64)
    if index is None:
        areas = one.pores.areas[chosen != REMOVED]
        covered = float(areas.sum())
    else:
        areas = one.pores.areas[chosen == index]
        certain = _certain(one, chosen, len(amounts))
        covered = float((correct.apply(amounts - certain) + certain)[index])
    return SpecimenField(
        result.name, result.specimen, area, result.um_per_px, areas, 100 * covered / area
    )


def _certain(one: AppliedField, chosen: NDArray[np.int64], classes: int) -> Floats:
    """Return the area of each class that people named, which is not corrected."""
    named = one.pores.certain & (chosen >= 0)
    return np.bincount(chosen[named], one.pores.areas[named], classes).astype(np.float64)


def by_specimen(fields: Sequence[SpecimenField]) -> dict[str, list[SpecimenField]]:
    """Return the fields of each specimen, specimens by name."""
    found: dict[str, list[SpecimenField]] = {}
    for field in sorted(fields, key=lambda one: one.specimen):
        found.setdefault(field.specimen, []).append(field)
    return found

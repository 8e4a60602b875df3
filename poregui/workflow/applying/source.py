"""Find what is applied (a run, or a bare model) and to which micrographs; changes with what can be given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE_NAME, default_classes
from poregui.domain.correction import weighted_counts
from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.masks import Mask
from poregui.domain.plane import FIRST, Plane
from poregui.domain.records import Micrograph
from poregui.domain.statistics import confusion_matrix
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.field import FieldTask
from poregui.workflow.evaluate import find_run
from poregui.workflow.formats.names import file_names
from poregui.workflow.import_folders import find_pictures

RECIPE_KEY = "detection_recipe"
"""Under which a project keeps its detection recipe."""


@dataclass(frozen=True)
class AppliedModel:
    """Hold a network as files, with what its test says: `confusion` (classes, classes), None where nobody knows it.

    `confusion` counts test crops answered with at least the wanted confidence, rows the truth; `area_confusion` weighs
    them by the area of their pores (see `weighted_counts`), None where that is not known.
    """

    name: str
    model: Path
    sidecar: Path
    classes: tuple[str, ...]
    colours: tuple[str, ...]
    confusion: NDArray[np.int64] | None
    recipe: DetectionRecipe
    area_confusion: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class ToApply:
    """Hold one micrograph to work on: where it lies, whose it is, and what a person said of it."""

    file: Path
    specimen: str
    um_per_px: float | None = None
    masks: tuple[Mask, ...] = ()
    plane: Plane = FIRST


def run_with_network(project: Project, number: int | None) -> RunFolder:
    """Return the run of a number, or the newest one with a network. Raises ProjectError when there is none."""
    if number is not None:
        return find_run(project, number)
    newest = next((run for run in reversed(project.runs()) if run.onnx_file.exists()), None)
    return newest if newest is not None else find_run(project, None)


def model_of_run(project: Project, run: RunFolder, *, least: float = 0.0) -> AppliedModel:
    """Return the network of a run with the recipe of its project. Raises ProjectError when it has none."""
    if not (run.onnx_file.exists() and run.sidecar_file.exists()):
        raise ProjectError(
            f"Run {run.path.name} has no network.", "Choose a run that finished, not a cross-validation."
        )
    dataset = run.read_dataset()
    colours = {c.id: c.colour for c in project.classes(retired=True)}
    text = project.meta(RECIPE_KEY)
    tested = _tested(run, least)
    return AppliedModel(
        name=f"run {run.number} of {project.name}",
        model=run.onnx_file,
        sidecar=run.sidecar_file,
        classes=dataset.classes,
        colours=tuple(colours.get(i, "#808080") for i in dataset.class_ids),
        confusion=confusion_matrix(tested.truth, tested.predicted, len(dataset.classes)),
        recipe=detection_recipe_from_json(json.loads(text)) if text else DetectionRecipe(),
        area_confusion=_area_confusion(run, tested, len(dataset.classes)),
    )


@dataclass(frozen=True)
class _Tested:
    """Hold the test crops that were answered with the wanted confidence, (n,) each."""

    ids: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]


def _tested(run: RunFolder, least: float) -> _Tested:
    label = {crop.crop_id: crop.label for crop in run.read_dataset().crops if crop.part == "test"}
    rows = [
        (one.crop_id, label[one.crop_id], int(np.argmax(one.probabilities)))
        for one in run.read_predictions()
        if one.crop_id in label and max(one.probabilities) >= least
    ]
    return _Tested(*np.array(rows, np.int64).reshape(-1, 3).T)


def _area_confusion(run: RunFolder, tested: _Tested, classes: int) -> NDArray[np.float64] | None:
    """Return the confusion by pore area; None for runs that did not measure shapes, or where a shape is not known."""
    shapes = run.read_shapes()
    if shapes is None:
        return None
    columns, ids, values = shapes
    diameter = next((k for k, name in enumerate(columns) if name.startswith("Equivalent diameter")), None)
    if diameter is None:
        return None
    size = dict(zip(ids.tolist(), values[:, diameter].tolist(), strict=True))
    diameters = np.array([size.get(i, np.nan) for i in tested.ids.tolist()])
    known = np.isfinite(diameters) & (diameters > 0)
    return weighted_counts(tested.truth[known], tested.predicted[known], diameters[known] ** 2, classes)


def model_of_file(model: Path, recipe: DetectionRecipe | None = None) -> AppliedModel:
    """Return a bare model.onnx with the model.json beside it. Raises ProjectError when one is missing or damaged."""
    sidecar = model.with_suffix(".json")
    try:
        told = json.loads(sidecar.read_text(encoding="utf-8"))
        classes = tuple(str(name) for name in told["classes"])
        counts = told.get("confusion")
        confusion = None if counts is None else np.array(counts, np.int64).reshape(len(classes), len(classes))
        weighed = told.get("area_confusion")
        by_area = None if weighed is None else np.array(weighed, np.float64).reshape(len(classes), len(classes))
        if recipe is None:
            recipe = detection_recipe_from_json(told["detection"]) if "detection" in told else DetectionRecipe()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(
            f"{sidecar} is missing or damaged.", "Put the model.json of the same export beside the model."
        ) from error
    if not model.exists():
        raise ProjectError(f"{model} is missing.", "Choose the model.onnx of an export.")
    shades = [c.colour for c in default_classes(tuple(f"class {i}" for i in range(max(2, len(classes)))))]
    return AppliedModel(model.stem, model, sidecar, classes, tuple(shades[: len(classes)]), confusion, recipe, by_area)


def micrographs_of(
    paths: Sequence[Path], project: Project | None, um_per_px: float | None, specimen: str | None
) -> list[ToApply]:
    """Return the pictures of files and folders; what a project knows of one goes before what its file says.

    A scale or specimen that is given goes before both. Raises PoreguiError when there is no picture.
    """
    found, _ = find_pictures(paths, "micrographs")
    files = [one.file for one in found]
    if not files:
        named = ", ".join(str(path) for path in paths)
        raise PoreguiError(f"There is no picture in {named}.", "Give image files, or folders that hold some.")
    return to_apply(files, project, um_per_px, specimen)


def to_apply(
    files: Sequence[Path], project: Project | None, um_per_px: float | None = None, specimen: str | None = None
) -> list[ToApply]:
    """Return what is known of image files, whether they are there or not, as `micrographs_of` does."""
    known = _known(project) if project is not None else {}
    return [_to_apply(file, known, um_per_px, specimen) for file in files]


def _known(project: Project) -> dict[Path, tuple[Micrograph, str]]:
    names = {s.id: s.name for s in project.specimens()}
    return {project.micrograph_file(m).resolve(): (m, names.get(m.specimen_id or 0, "")) for m in project.micrographs()}


def _to_apply(
    file: Path, known: dict[Path, tuple[Micrograph, str]], um_per_px: float | None, specimen: str | None
) -> ToApply:
    there = known.get(file.resolve())
    plain = ToApply(file, specimen or "", um_per_px)
    if there is None:
        return plain
    micrograph, own = there
    scale = um_per_px if um_per_px is not None else micrograph.um_per_px
    return replace(
        plain, specimen=specimen or own, um_per_px=scale, masks=micrograph.masks, plane=Plane.parse(micrograph.plane)
    )


def tasks_of(model: AppliedModel, fields: Sequence[ToApply], out: Path, *, least: float = 0.0) -> list[FieldTask]:
    """Return one task a micrograph, each with a folder of its own below `out`."""
    names = file_names([one.file.name for one in fields], "")
    return [
        FieldTask(
            file=one.file,
            folder=out / "fields" / name,
            specimen=one.specimen,
            model=model.model,
            sidecar=model.sidecar,
            recipe=model.recipe,
            um_per_px=one.um_per_px,
            masks=one.masks,
            plane=one.plane,
            least=least,
            colours=model.colours,
        )
        for one, name in zip(fields, names, strict=True)
    ]


def is_pore(name: str) -> bool:
    """Tell whether a class of a network is a kind of pore."""
    return name != NOT_A_PORE_NAME

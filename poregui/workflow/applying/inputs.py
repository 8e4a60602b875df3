"""Find what is applied (a run, or a bare model) and to which micrographs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import check_sidecar
from poregui.domain.classes import NOT_A_PORE_NAME, default_classes
from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json, recipe_rows
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.geometry import Mask
from poregui.domain.micrograph_names import Named, unique_names
from poregui.domain.records import FIRST, Line, Micrograph, Plane, check_pixel_size
from poregui.store.finder_folder import FinderFolder
from poregui.store.project import Project
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confusion_of_tests import TestedCrops, temperature_of, tested_crops
from poregui.workflow.applying.field import FieldTask
from poregui.workflow.applying.result_folders import FIELDS, names_of, own_folders
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.detecting.learned_finder import (
    finder_beside,
    finder_facts,
    finder_facts_from_json,
    finder_numbered,
    finder_of_project,
    finder_text,
)
from poregui.workflow.editing.micrograph_edits import frame_of, project_build_direction
from poregui.workflow.evaluating.class_identity import (
    ClassesHere,
    classes_of_network,
    classes_of_run,
)
from poregui.workflow.evaluating.newest_run import chosen_run
from poregui.workflow.evaluating.predict import why_no_network
from poregui.workflow.importing.folders import find_images
from poregui.workflow.importing.image_identity import micrographs_by_file

_COLOUR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class AppliedModel:
    """Hold a network as files, with what its test says: `confusion` (classes, classes), None where
    nobody knows it.

    `confusion` counts test crops predicted with at least the wanted confidence (see `at`), rows the
    truth; `area_confusion` weighs them by the area of their pores (see `weighted_counts`), None
    where that is not known. `tested` are those crops, None where they are not kept. `temperature`
    calibrates its predictions (see `at_temperature`); None: nobody fitted one, and they are taken
    as they are.

    `class_ids` are those of its classes where it was trained, or in the project that it is applied
    in (see `model_in_project`), `class_uids` what tells them from those of other projects, empty
    where nobody knows. `notes` are sentences about classes that the project has no more. `finder`
    is the folder of the learned finder that finds the pores and `finder_facts` what tells it from
    others; None where the threshold of the recipe finds them. `twin` is another file that says the
    same of the network as `sidecar`, None for none.
    """

    name: str
    model: Path
    sidecar: Path
    classes: tuple[str, ...]
    colours: tuple[str, ...]
    confusion: NDArray[np.int64] | None
    recipe: DetectionRecipe
    area_confusion: NDArray[np.float64] | None = None
    temperature: float | None = None
    class_ids: tuple[int, ...] = ()
    class_uids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tested: TestedCrops | None = None
    finder: Path | None = None
    finder_facts: Mapping[str, Any] | None = None
    twin: Path | None = None

    @property
    def finding(self) -> tuple[tuple[str, str], ...]:
        """Return how pores are found, as labels and values."""
        return recipe_rows(self.recipe, finder_text(self.finder_facts) if self.finder_facts else "")

    def by_finder(self, folder: FinderFolder | None) -> AppliedModel:
        """Return it with pores found by a finder, or by the threshold of its recipe."""
        if folder is None:
            return replace(self, finder=None, finder_facts=None)
        return replace(self, finder=folder.path, finder_facts=finder_facts(folder))

    def at(self, min_confidence: float) -> AppliedModel:
        """Return it with the confusion of test crops predicted with at least a confidence.

        A confusion that came without its crops stands for every confidence.
        """
        if self.tested is None:
            return self
        return replace(
            self,
            confusion=self.tested.confusion(min_confidence),
            area_confusion=self.tested.area_confusion(min_confidence),
        )


@dataclass(frozen=True)
class ToApply:
    """Hold one micrograph to work on: where it lies, whose it is, and what a person said of it.

    `sha256` and `shown_name` are what a project says that its file holds and calls it, empty
    without one.
    """

    file: Path
    specimen: str
    um_per_px: float | None = None
    masks: tuple[Mask, ...] = ()
    plane: Plane = FIRST
    build_direction_deg: float | None = None
    surfaces: tuple[Line, ...] | None = None
    sha256: str = ""
    shown_name: str = ""


RESULTS = "applied"
"""Where a project keeps what runs found in its micrographs."""


def results_of_run(project: Path, run: RunFolder) -> Path:
    """Return where the window keeps what a run found, in the folder of a project."""
    return project / RESULTS / f"run-{run.path.name}"


def run_with_network(project: Project, number: int | None) -> RunFolder:
    """Return the run of a number, or the newest one with a network.

    Raises ProjectError when there is none.
    """
    return chosen_run(project, number, network=True)[0]


def model_of_run(project: Project, run: RunFolder, finder: int | None = None) -> AppliedModel:
    """Return the network of a run with the recipe and the finder of its project, and its classes as
    they are called now.

    `finder` is the number of another finder, 0 for a threshold. Raises ProjectError when it has
    none, or when the finder is damaged or gone.
    """
    if not run.has_network:
        raise why_no_network(run)
    run.read_sidecar()
    run.read_network()
    dataset = run.read_dataset()
    here = classes_of_run(project, dataset)
    if here.foreign:
        here = classes_of_network(
            project, f"run {run.number}", dataset.classes, dataset.class_ids, dataset.class_uids
        )
    uids = project.class_uids()
    colours = {c.id: c.colour for c in project.classes(retired=True)}
    temperature = temperature_of(run)
    tested = tested_crops(run).at(temperature)
    return AppliedModel(
        name=f"run {run.number} of {project.name}",
        model=run.onnx_file,
        sidecar=run.sidecar_file,
        classes=here.names,
        colours=tuple(colours.get(i, "#808080") for i in here.ids),
        confusion=tested.confusion(),
        recipe=detection_recipe(project),
        area_confusion=tested.area_confusion(),
        temperature=temperature,
        class_ids=here.ids,
        class_uids=tuple(uids.get(class_id, "") for class_id in here.ids),
        notes=here.notes,
        tested=tested,
    ).by_finder(_finder(project, finder))


def _finder(project: Project, number: int | None) -> FinderFolder | None:
    if number is None:
        return finder_of_project(project)
    return finder_numbered(project, number) if number else None


def named_now(model: AppliedModel, here: ClassesHere) -> AppliedModel:
    """Return a network with the ids and names that its classes have in a project."""
    return replace(model, classes=here.names, class_ids=here.ids, notes=here.notes)


def model_in_project(model: AppliedModel, project: Project) -> AppliedModel:
    """Return a network that came from elsewhere with its classes as the project knows them.

    Raises PoreguiError when not every one of them is found there, or it is not clear which one it
    is.
    """
    return named_now(
        model,
        classes_of_network(project, model.name, model.classes, model.class_ids, model.class_uids),
    )


def model_of_file(model: Path, recipe: DetectionRecipe | None = None) -> AppliedModel:
    """Return a bare model.onnx with the model.json beside it. Raises ProjectError when one is
    missing or damaged.

    Without the `tested` crops of an export the sidecar may hold `confusion` and `area_confusion`,
    which stand for every confidence.
    """
    sidecar = model.with_suffix(".json")
    try:
        values = check_sidecar(parse_json(read_whole(sidecar, follow=True)))
        classes = tuple(values["classes"])
        temperature = _temperature(values)
        tested = None
        if "tested" in values:
            tested = TestedCrops.from_json(values["tested"], len(classes)).at(temperature)
        confusion = _matrix(values.get("confusion"), len(classes), np.int64)
        by_area = _matrix(values.get("area_confusion"), len(classes), np.float64)
        if recipe is None:
            if "detection" in values:
                recipe = detection_recipe_from_json(values["detection"])
            else:
                recipe = DetectionRecipe()
        colours = tuple(str(colour) for colour in values.get("colours", ()))
        if len(colours) != len(classes) or not all(_COLOUR.fullmatch(colour) for colour in colours):
            plain = default_classes(tuple(f"class {i}" for i in range(max(2, len(classes)))))
            colours = tuple(one.colour for one in plain[: len(classes)])
        name = str(values.get("name", model.stem))
        ids, uids = _identities(values, classes)
        facts = finder_facts_from_json(values["finder"]) if values.get("finder") else None
    except BROKEN as error:
        raise ProjectError(
            f"{sidecar} is missing or damaged.",
            "Put the model.json of the same export beside the model.",
        ) from error
    if not model.exists():
        raise ProjectError(f"{model} is missing.", "Choose the model.onnx of an export.")
    return AppliedModel(
        name,
        model,
        sidecar,
        classes,
        colours,
        confusion,
        recipe,
        by_area,
        temperature,
        ids,
        uids,
        tested=tested,
        finder=None if facts is None else finder_beside(model, facts),
        finder_facts=facts,
    ).at(0.0)


def _identities(
    sidecar: Mapping[str, Any], classes: Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the ids of the classes of a sidecar and their uids, of which older ones have none.

    Raises KeyError, TypeError or ValueError when they are not one a class.
    """
    ids = tuple(int(one) for one in sidecar["class_ids"])
    uids = tuple(str(one) for one in sidecar.get("class_uids", ()))
    if (
        len(set(ids)) != len(classes)
        or len(ids) != len(classes)
        or len(uids) not in (0, len(classes))
    ):
        raise ValueError("the classes do not fit together")
    return ids, uids


def _temperature(sidecar: Mapping[str, Any]) -> float | None:
    """Return the temperature of a sidecar, None for one without.

    Raises ValueError or TypeError for anything else.
    """
    temperature = sidecar.get("temperature")
    if temperature is not None and not 0 < float(temperature) < float("inf"):
        raise ValueError("no temperature")
    return None if temperature is None else float(temperature)


def _matrix(rows: Any, classes: int, kind: type[np.generic]) -> NDArray[Any] | None:
    return None if rows is None else np.array(rows, kind).reshape(classes, classes)


def micrographs_of(
    paths: Sequence[Path], project: Project | None, um_per_px: float | None, specimen: str | None
) -> list[ToApply]:
    """Return the images of files and folders; what a project knows of one goes before what its
    file says.

    A scale or specimen that is given goes before both. Raises PoreguiError when there is no
    image.
    """
    found, _ = find_images(paths, "micrographs")
    files = [one.file for one in found]
    if not files:
        named = ", ".join(str(path) for path in paths)
        raise PoreguiError(
            f"There is no image in {named}.", "Give image files, or folders that contain some."
        )
    if um_per_px is not None:
        check_pixel_size(um_per_px)
    return to_apply(files, project, um_per_px, specimen)


def to_apply(
    files: Sequence[Path],
    project: Project | None,
    um_per_px: float | None = None,
    specimen: str | None = None,
) -> list[ToApply]:
    """Return what is known of image files, whether they are there or not, as `micrographs_of` does.

    Of a file that holds several micrographs of the project there is each.
    """
    if project is None:
        return [ToApply(file, specimen or "", um_per_px) for file in files]
    known = _known(project)
    up = project_build_direction(project)
    plain = [ToApply(file, specimen or "", um_per_px, build_direction_deg=up) for file in files]
    return [
        found for one in plain for found in _as_known(one, known.get(one.file.resolve(), []), up)
    ]


def _known(project: Project) -> dict[Path, list[tuple[Micrograph, str]]]:
    names = {s.id: s.name for s in project.specimens()}
    known: dict[Path, list[tuple[Micrograph, str]]] = {}
    for one in micrographs_by_file(project):
        known.setdefault(project.micrograph_file(one).resolve(), []).append(
            (one, names.get(one.specimen_id or 0, ""))
        )
    return known


def _as_known(
    plain: ToApply, there: list[tuple[Micrograph, str]], up: float | None
) -> list[ToApply]:
    """Return what the project knows of the micrographs of a file; what was given goes before it."""
    return [
        replace(
            plain,
            specimen=plain.specimen or own,
            um_per_px=plain.um_per_px if plain.um_per_px is not None else micrograph.um_per_px,
            masks=micrograph.masks,
            plane=Plane.parse(micrograph.plane),
            build_direction_deg=frame_of(micrograph, None, up).build_direction_deg,
            surfaces=micrograph.surfaces,
            sha256=micrograph.sha256,
            shown_name=micrograph.unique_name,
        )
        for micrograph, own in there
    ] or [plain]


def names_beside(files: Sequence[Path], others: Sequence[Path] = ()) -> list[str]:
    """Return how files are called among themselves and others."""
    images = [Named(one.as_posix(), one.name) for one in (*files, *others)]
    return unique_names(images)[: len(files)]


def tasks_of(
    model: AppliedModel, fields: Sequence[ToApply], out: Path, *, min_confidence: float = 0.0
) -> list[FieldTask]:
    """Return one task a micrograph, each with a folder of its own below `out`.

    The folder is one that holds results of that micrograph, or else of none (see `own_folders`).
    """
    plain = [
        FieldTask(
            file=field.file,
            folder=out,
            specimen=field.specimen,
            model=model.model,
            sidecar=model.sidecar,
            recipe=model.recipe,
            um_per_px=field.um_per_px,
            masks=field.masks,
            plane=field.plane,
            min_confidence=min_confidence,
            colours=model.colours,
            build_direction_deg=field.build_direction_deg,
            surfaces=field.surfaces,
            temperature=model.temperature or 1.0,
            classes=model.classes,
            shown_name=field.shown_name,
            sha256=field.sha256,
            finder=model.finder,
            twin=model.twin,
        )
        for field in fields
    ]
    named = [
        replace(one, shown_name=name) for one, name in zip(plain, names_of(plain), strict=True)
    ]
    return [
        replace(one, folder=folder)
        for one, folder in zip(named, own_folders(named, out / FIELDS), strict=True)
    ]


def is_pore(name: str) -> bool:
    """Tell whether a class of a network is a kind of pore."""
    return name != NOT_A_PORE_NAME

"""Apply a network to one micrograph and write what was found beside, then in place; runs in a
process of its own.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import FIRST, Line, Plane
from poregui.domain.statistics.scores import at_temperature
from poregui.store.files import file_hash, write_json
from poregui.store.finder_folder import FinderFolder
from poregui.store.run_files import BROKEN
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.pores.detection import Detected, detect_by
from poregui.vision.pores.finder import look
from poregui.vision.pores.plan import Plan, make_plan, source_of
from poregui.vision.pores.specimen_area import ends_in_view
from poregui.vision.shape.measurement import Measured, measure
from poregui.workflow.applying.classify import (
    NetworkFiles,
    predictions_of,
    resampled_text,
    resampling,
)
from poregui.workflow.applying.overlay import FieldImage, read_image
from poregui.workflow.applying.result_files import (
    SUMS,
    fault_in,
    marks_of,
    outlines_of,
    read_sums,
    seal,
    unseal,
    write_outlines,
    write_overlay,
    write_pores,
)
from poregui.workflow.applying.result_table import PoreTable
from poregui.workflow.applying.sensitivity import Shifted, find_shifted, sense, write_sensitivity
from poregui.workflow.detecting.learned_finder import open_finder
from poregui.workflow.detecting.removals import doubts_of
from poregui.workflow.evaluating.predict import Predictor
from poregui.workflow.exporting.formats.shapes import ImageShapes
from poregui.workflow.importing.image_identity import other_image

FORMAT = 9
"""Changes when results of older versions must be made anew."""
Progress = Callable[[int, int, str], None]
_AGAIN = "Its pores were found again."
_FOUND = 35
_ANSWERED = 90
"""Per cent of the work that are done when all pores are found, and when the network has answered
for all.
"""


@dataclass(frozen=True)
class FieldTask:
    """Hold all that a process needs to work on one micrograph, and nothing that another one must
    not have.

    `folder` is where its results go. `um_per_px` goes before what the file says. `min_confidence`
    is the confidence below which a pore is left to a person at first (see `mark_field`). `colours`
    are those of the network's classes, '#rrggbb', in their order; `threads` are those, or the
    processes, that the network may use. `build_direction_deg` and `surfaces` are as in Micrograph;
    without the latter the surface is looked for. All probabilities are those of the network at
    `temperature` (see `at_temperature`). `classes` is how its classes are called in the files,
    empty: as it calls them; results do not depend on it, for `mark_field` sees to names.
    `shown_name` is what the micrograph is called among those that are applied with it, empty for
    its own name; `sha256` is what its file is to hold, empty where no project says so. `finder` is
    the folder of the learned finder that stands for the threshold of the recipe, None for none.
    Results that were found with the description `twin` of the same network count as well.
    """

    file: Path
    folder: Path
    specimen: str
    model: Path
    sidecar: Path
    recipe: DetectionRecipe
    um_per_px: float | None = None
    masks: tuple[Mask, ...] = ()
    min_confidence: float = 0.0
    colours: tuple[str, ...] = ()
    plane: Plane = FIRST
    threads: int = 1
    build_direction_deg: float | None = None
    surfaces: tuple[Line, ...] | None = None
    temperature: float = 1.0
    classes: tuple[str, ...] = ()
    shown_name: str = ""
    sha256: str = ""
    finder: Path | None = None
    twin: Path | None = None

    @property
    def name(self) -> str:
        """Return the name of the micrograph, with the page, channel or slice where it is not the
        first.

        It has folders before it where another one that is applied bears it too.
        """
        return self.shown_name or self.own_name

    @property
    def own_name(self) -> str:
        """Return the name whatever others there are."""
        if self.plane != FIRST:
            return f"{self.file.name} ({self.plane.text})"
        return self.file.name

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from every other micrograph: its file and plane."""
        return str(self.file), str(self.plane)

    @property
    def result_file(self) -> Path:
        """Return the file that is written last: where it is, the results are whole."""
        return self.folder / SUMS

    def fingerprint(self, sha256: str) -> str:
        """Return a hash over all that finding, measuring and classifying depend on; `mark_field`
        sees to the rest.

        `sha256` is that of the file.
        """
        parts = {
            "format": FORMAT,
            "file": sha256,
            "model": file_hash(self.model),
            "sidecar": file_hash(self.sidecar),
            "recipe": self.recipe.to_json(),
            "um_per_px": self.um_per_px,
            "specimen": self.specimen,
            "masks": [asdict(mask) for mask in self.masks],
            "colours": self.colours,
            "plane": str(self.plane),
            "build_direction_deg": self.build_direction_deg,
            "surfaces": self.surfaces,
            "temperature": self.temperature,
        }
        if self.finder is not None:
            folder = FinderFolder(self.finder)
            parts["finder"] = [file_hash(folder.onnx_file), file_hash(folder.sidecar_file)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class FieldResult:
    """Hold the sums of one micrograph; areas in square px, per class in the order of the network's
    classes.

    `left` are pores below the wanted confidence; they belong to no class. `resampled` is the factor
    by which crops were resized to the network's scale, None where they were not.
    `out_of_distribution` are the numbers of the pores that are unlike all that the network was
    trained on, of which it was asked; None where it cannot tell.
    """

    name: str
    specimen: str
    file: str
    sha256: str
    fingerprint: str
    width: int
    height: int
    um_per_px: float | None
    field_area_px: float
    pores: int
    areas: tuple[float, ...]
    counts: tuple[int, ...]
    left: int
    left_area: float
    resampled: float | None
    seconds: float
    warnings: tuple[str, ...] = ()
    plane: str = ""
    out_of_distribution: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON, in the names of field.json."""
        values = asdict(self)
        values["unlike"] = values.pop("out_of_distribution")
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FieldResult:
        """Return what field.json holds."""
        own = dict(values)
        return cls(out_of_distribution=own.pop("unlike", None), **own)


@dataclass(frozen=True, eq=False)
class AppliedField:
    """Hold one micrograph that was worked on: its task, its sums, and its single pores."""

    task: FieldTask
    result: FieldResult
    pores: PoreTable

    def image(self) -> FieldImage | None:
        """Return what its image is drawn from, None where that is gone or shows other pores."""
        found = read_image(self.task.folder)
        if found is None or len(found.counts) != len(self.pores.areas):
            return None
        return found


@dataclass(frozen=True)
class FieldProblem:
    """Say why a micrograph could not be worked on."""

    name: str
    reason: str


def apply_field(
    task: FieldTask, progress: Progress = lambda done, total, text: None
) -> FieldResult:
    """Find, measure and classify the pores of a micrograph and write all that is known of them,
    field.json last.

    `progress` hears (done, total, text) of the whole; an exception that it raises ends the work
    with nothing half written. Raises PoreguiError when the file cannot be read or holds another
    image than the project knows, a length in um meets an unknown scale, or the disk is full.
    """
    began = time.monotonic()
    changed = why_changed(task)
    sha256 = file_hash(task.file)
    if task.sha256 and sha256 != task.sha256:
        raise other_image(task.name)
    fingerprint = task.fingerprint(sha256)
    network = NetworkFiles.of(task.model, task.sidecar)
    predictor = network.predictor()
    with open_pyramid(task.file, plane=task.plane) as image, ThreadPoolExecutor(1) as beside:
        scale = task.um_per_px
        if scale is None:
            scale = image.um_per_px
        factor = resampling(predictor, scale)
        size = (image.width, image.height)
        finding = _Finding.of(task, image, scale, _part(progress, 0, _FOUND))
        found = finding.found
        aside = _Aside.begun(beside, replace(task, sha256=sha256), finding, image, scale)
        ask = partial(_predictions, image, network, task, scale, factor)
        predictions, out_of_distribution = ask(found, _part(progress, _FOUND, _ANSWERED))
        progress(_ANSWERED, 100, "Writing")
        table = PoreTable(found.areas, predictions, out_of_distribution=out_of_distribution)
        _write(task, table, aside, beside, predictor)
        write_sensitivity(
            sense(found, predictions, aside.shifted.result(), partial(_chances, ask)), task.folder
        )
        warnings = image.warnings
    known = out_of_distribution if predictor.reference is not None else None
    result = replace(
        _result(task, found, table.chosen(task.min_confidence), known, len(predictor.classes)),
        sha256=sha256,
        fingerprint=fingerprint,
        width=size[0],
        height=size[1],
        um_per_px=scale,
        resampled=factor,
        seconds=time.monotonic() - began,
        warnings=tuple(warnings)
        + doubts_of(found, task.recipe)
        + resampled_text(factor, scale)
        + ((f"{changed} {_AGAIN}",) if changed else ()),
    )
    write_json(task.result_file, result.to_json())
    seal(task.folder)
    return result


@dataclass(frozen=True, eq=False)
class _Finding:
    """Hold the pores that were found in a micrograph, the plan by which they were, and what leaves
    out of pores that a shifted threshold finds those of which a learned finder is not sure.
    """

    found: Detected
    plan: Plan
    sure: Callable[[Detected], Detected] = lambda found: found

    @staticmethod
    def of(task: FieldTask, image: Pyramid, scale: float | None, progress: Progress) -> _Finding:
        source = source_of(image)
        if task.finder is None:
            plan = replace(
                make_plan(source, task.recipe, scale, task.masks),
                specimen_ends=ends_in_view(task.surfaces),
            )
            return _Finding(detect_by(plan, progress), plan)
        finder = open_finder(FinderFolder(task.finder), threads=task.threads).finder
        looked = look(finder, source, task.recipe, scale, task.masks, progress)
        return _Finding(looked.pores(), looked.plan, looked.sure)


@dataclass(frozen=True)
class _Aside:
    """Hold what is made of the pores that were found while the network answers: none of it needs
    its answers.
    """

    measured: Future[Measured]
    shifted: Future[tuple[Shifted, ...]]
    outlines: Future[tuple[ImageShapes, list[str]]]
    image: Future[FieldImage]

    @staticmethod
    def begun(
        beside: Executor, task: FieldTask, finding: _Finding, image: Pyramid, scale: float | None
    ) -> _Aside:
        size = (image.width, image.height)
        read = partial(image.read, 0)
        found = finding.found
        return _Aside(
            beside.submit(_measured, task, found, read, scale, size),
            beside.submit(find_shifted, found, finding.plan, scale, finding.sure),
            beside.submit(_outlines, task, image, scale, found),
            beside.submit(lambda: FieldImage.of(image.overview(), size, found.outlines)),
        )


def _write(
    task: FieldTask, table: PoreTable, aside: _Aside, beside: Executor, predictor: Predictor
) -> None:
    """Write outlines, table and image of the pores, each beside and then in its place."""
    classes = task.classes or predictor.classes
    image = aside.image.result()
    task.folder.mkdir(parents=True, exist_ok=True)
    unseal(task.folder)
    drawing = beside.submit(
        write_overlay, task.folder, image, table, task.colours, task.min_confidence
    )
    marks = marks_of(table, classes, task.min_confidence)
    colours = dict(zip(classes, task.colours, strict=False))
    write_outlines(task.folder, aside.outlines.result(), marks, colours)
    write_pores(
        task.folder,
        aside.measured.result(),
        classes,
        table,
        task.min_confidence,
        knows=predictor.reference is not None,
    )
    image.write(task.folder)
    drawing.result()


def _outlines(
    task: FieldTask, image: Pyramid, scale: float | None, found: Detected
) -> tuple[ImageShapes, list[str]]:
    """Return the outlines of a micrograph with what tells it from others of its name."""
    shapes, lines = outlines_of(image, scale, found)
    placed = replace(shapes, path=task.file.as_posix(), sha256=task.sha256, plane=str(task.plane))
    return placed, lines


def _part(progress: Progress, low: int, high: int) -> Progress:
    """Return what hears of a part of the work and tells of the whole, in per cent from `low` to
    `high`.
    """
    return lambda done, total, text: progress(low + (high - low) * done // max(total, 1), 100, text)


def _measured(
    task: FieldTask,
    found: Detected,
    read: Callable[[Box], NDArray[Any]],
    scale: float | None,
    size: tuple[int, int],
) -> Measured:
    drawn = task.surfaces
    return measure(
        found.outlines,
        read,
        scale,
        size=size,
        masks=task.masks,
        build_direction_deg=task.build_direction_deg,
        surfaces=found.surfaces
        if drawn is None
        else [np.array(line, np.float64) for line in drawn],
    )


def _chances(
    ask: Callable[[Detected], tuple[NDArray[np.float32], NDArray[np.bool_]]], found: Detected
) -> NDArray[np.float32]:
    return ask(found)[0]


def _result(
    task: FieldTask,
    found: Detected,
    chosen: NDArray[np.int64],
    out_of_distribution: NDArray[np.bool_] | None,
    classes: int,
) -> FieldResult:
    """Sum up pores whose class (-1: left to a person) is `chosen`."""
    return FieldResult(
        name=task.name,
        specimen=task.specimen,
        file=str(task.file),
        sha256="",
        fingerprint="",
        width=0,
        height=0,
        um_per_px=None,
        field_area_px=found.field_area_px,
        pores=len(found.outlines),
        areas=tuple(np.bincount(chosen + 1, found.areas, classes + 1)[1:].tolist()),
        counts=tuple(np.bincount(chosen + 1, minlength=classes + 1)[1:].tolist()),
        left=int((chosen < 0).sum()),
        left_area=float(found.areas[chosen < 0].sum()),
        resampled=None,
        seconds=0.0,
        plane=str(task.plane),
        out_of_distribution=None
        if out_of_distribution is None
        else tuple((np.flatnonzero(out_of_distribution) + 1).tolist()),
    )


def read_result(task: FieldTask) -> FieldResult | None:
    """Return the results that are there and still hold, or None when the micrograph has to be
    worked on.

    They are of the file where it is now: a project may have been moved, and what was found rests on
    contents alone.
    """
    return read_or_why(task)[0]


def why_changed(task: FieldTask) -> str:
    """Say that results which are there are not as they were written, so that they do not count;
    else empty.
    """
    return read_or_why(task)[1]


def read_or_why(task: FieldTask) -> tuple[FieldResult | None, str]:
    """Return the results as `read_result` and the sentence of `why_changed`, from one reading."""
    result, fault = _read_result(task)
    if result and fault:
        return None, f"The results of {task.name} were changed since they were written: {fault}."
    return result, ""


def _read_result(task: FieldTask) -> tuple[FieldResult | None, str]:
    """Return the results that are there and belong to the task, and what is
    wrong with their files.
    """
    try:
        result = FieldResult.from_json(read_sums(task.result_file))
        found = file_hash(task.file)
        alike = [one for one in (task.sidecar, task.twin) if one is not None]
        if result.fingerprint not in [replace(task, sidecar=s).fingerprint(found) for s in alike]:
            return None, ""
    except BROKEN:
        return None, ""
    return replace(result, file=str(task.file), name=task.name), fault_in(task.folder, result.pores)


def _predictions(
    image: Pyramid,
    network: NetworkFiles,
    task: FieldTask,
    scale: float | None,
    factor: float | None,
    found: Detected,
    progress: Progress = lambda done, total, text: None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (n, classes) calibrated probabilities of the pores, and which are unlike all training
    crops.
    """
    size = (image.width, image.height)
    boxes = [task.recipe.crop_box(Box(*box), *size, scale) for box in found.boxes.tolist()]
    predictions, out_of_distribution = predictions_of(
        image, boxes, found.outlines, network, scale, factor, progress, threads=task.threads
    )
    if task.temperature != 1.0:
        predictions = at_temperature(predictions.astype(np.float64), task.temperature).astype(
            np.float32
        )
    return predictions, out_of_distribution

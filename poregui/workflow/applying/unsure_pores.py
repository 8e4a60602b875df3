"""Bring the pores that a network left to a person into the project, the least sure first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Outline
from poregui.domain.records import Crop, Plane
from poregui.store.files import export_target, harmless, write_csv
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.crops import cut_many
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.applying.field import FieldTask
from poregui.workflow.applying.human_labels import Placed, placed_crops, placed_key
from poregui.workflow.applying.result_files import OUTLINES
from poregui.workflow.applying.study import StudyView
from poregui.workflow.detecting.matching import NewPore
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.exporting.formats.geojson import read_geojson
from poregui.workflow.importing.image_identity import check_content, micrographs_by_file

QUEUE_HEAD = (
    "file",
    "plane",
    "pore",
    "x (px)",
    "y (px)",
    "why",
    "most likely",
    "confidence",
    "sha256",
)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class UnsurePore:
    """Hold one pore that waits for a person: `number` in its table, `why`, and what the network
    takes it for.

    `why` is `unlike` for one that is unlike all that was trained on, whatever the
    confidence, else `unsure`. `middle` is x and y in px, `area` in px².
    """

    task: FieldTask
    number: int
    middle: tuple[float, float]
    area: float
    why: str
    likely: str
    confidence: float


def unsure_pores(view: StudyView) -> list[UnsurePore]:
    """Return the pores that no person has answered and the network did not answer surely, the least
    sure first.

    Those that are unlike all training crops are among them, unless the table says that they are
    kept.
    """
    found = []
    for field in view.fields:
        table = field.pores
        reasons = table.reasons(view.min_confidence)
        for index in table.waiting(view.min_confidence).tolist():
            chances = table.chances[index]
            x, y = (float(value) for value in table.middles[index])
            best = int(chances.argmax())
            area = float(table.areas[index])
            likely = view.model.classes[best]
            confidence = float(chances[best])
            why = reasons[index]
            found.append(UnsurePore(field.task, index + 1, (x, y), area, why, likely, confidence))
    return sorted(found, key=lambda one: one.confidence)


def write_queue(pores: Sequence[UnsurePore], path: Path) -> None:
    """Write the pores that wait for a person as CSV, the least sure first.

    Raises PoreguiError when that is refused.
    """
    rows: list[Sequence[object]] = [QUEUE_HEAD]
    for one in pores:
        middle = (f"{value:.2f}" for value in one.middle)
        cells = (
            str(one.task.file),
            str(one.task.plane),
            one.number,
            *middle,
            one.why,
            one.likely,
        )
        rows.append([*map(harmless, cells), f"{one.confidence:.5f}", one.task.sha256])
    write_csv(export_target(path), rows)


@dataclass(frozen=True)
class CutUnsure:
    """Hold pores of the queue in its order with their crops, whose pixels are kept."""

    pores: tuple[tuple[UnsurePore, NewPore], ...]


def cut_unsure(
    pores: Sequence[UnsurePore],
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
) -> CutUnsure:
    """Cut the crops of pores into the pixel store; needs no project, so any thread may.

    Raises PoreguiError when a micrograph or its outlines cannot be read.
    """
    by_task: dict[Path, list[UnsurePore]] = defaultdict(list)
    for one in pores:
        by_task[one.task.folder].append(one)
    cut: dict[tuple[Path, int], NewPore] = {}
    for done, own in enumerate(by_task.values()):
        progress(done, len(by_task), own[0].task.name)
        for one, pore in zip(own, _cut(own, pixels), strict=True):
            cut[one.task.folder, one.number] = pore
    return CutUnsure(tuple((one, cut[one.task.folder, one.number]) for one in pores))


def _cut(pores: Sequence[UnsurePore], pixels: PixelStore) -> list[NewPore]:
    task = pores[0].task
    (outlined,) = read_geojson(task.folder / OUTLINES)
    shapes = [
        outlined.shapes[one.number - 1] for one in pores if one.number <= len(outlined.shapes)
    ]
    lines = [shape.outline for shape in shapes if shape.outline is not None]
    if len(lines) < len(pores):
        raise PoreguiError(
            f"The outlines in {task.folder} are not those of its table.", "Find these pores again."
        )
    check_content(task.file, task.sha256, task.name)
    with open_pyramid(task.file, plane=task.plane) as image:
        scale = task.um_per_px
        if scale is None:
            scale = image.um_per_px
        boxes = [
            task.recipe.crop_box(shape.box, image.width, image.height, scale) for shape in shapes
        ]
        keys = [""] * len(boxes)
        with pixels.batch():
            for index, part in cut_many(image, boxes):
                keys[index] = pixels.add(CropPixels(part, image.grey_low, image.grey_high))
    return [NewPore(*pore) for pore in zip(lines, boxes, keys, strict=True)]


@dataclass(frozen=True)
class UnsurePlan:
    """Hold the one edit that brings pores in (None: all are there), and the ids of all their crops
    in their order.
    """

    edit: AddCrops | None
    crop_ids: tuple[int, ...]


def strangers_of(project: Project, pores: Sequence[UnsurePore]) -> list[tuple[Path, Plane]]:
    """Return the files and planes of pores that are no micrographs of the project."""
    known = _micrographs(project)
    wanted = {placed_key(pore.task): (pore.task.file, pore.task.plane) for pore in pores}
    return [one for key, one in wanted.items() if key not in known]


def settle_unsure(project: Project, cut: CutUnsure, who: str) -> UnsurePlan:
    """Return the edit that adds pores as proposals with their outlines; those that have a crop are
    passed over.

    Raises PoreguiError when the project is read-only, or a micrograph is not in it.
    """
    project.check_writable()
    known = _micrographs(project)
    there = placed_crops(project, labelled=False)
    first = project.next_id("crops")
    crops: list[Crop] = []
    lines: list[tuple[int, Outline]] = []
    ids: list[int] = []
    for one, pore in cut.pores:
        present = _present(there, one)
        if present is not None:
            ids.append(present)
            continue
        micrograph_id = known.get(placed_key(one.task))
        if micrograph_id is None:
            raise PoreguiError(f"{one.task.name} is not in the project.", "Import it first.")
        ids.append(first + len(crops))
        box = pore.box
        crops.append(
            Crop(ids[-1], pore.pixels, box.width, box.height, micrograph_id, box, origin="detected")
        )
        lines.append((ids[-1], pore.outline))
    if crops:
        edit = AddCrops(tuple(crops), who, "applied", tuple(lines))
    else:
        edit = None
    return UnsurePlan(edit, tuple(ids))


def _micrographs(project: Project) -> dict[tuple[str, str], int]:
    return {
        (str(project.micrograph_file(m).resolve()), str(Plane.parse(m.plane))): m.id
        for m in micrographs_by_file(project)
    }


def _present(there: Placed, one: UnsurePore) -> int | None:
    """Return the id of the crop that shows a pore already, None without one."""
    placed = there.get(placed_key(one.task))
    if placed is None:
        return None
    found = placed.of_pores(np.array([one.middle]), np.array([one.area]), whole=False)
    return placed.ids[found[0]] if found else None

"""Bring outlines that another program drew into a project: found by image name, cut, labelled, each
once.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop, Micrograph, Plane
from poregui.domain.wording import count
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.pores.edit import crop_around
from poregui.workflow.editing.edits import AddCrops, Combined, Edit, LabelChange, SetLabels
from poregui.workflow.exporting.formats.coco import read_coco
from poregui.workflow.exporting.formats.geojson import SUFFIX as GEOJSON
from poregui.workflow.exporting.formats.geojson import read_geojson
from poregui.workflow.exporting.formats.imagej import read_imagej
from poregui.workflow.exporting.formats.labels_csv import read_labels_csv
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape
from poregui.workflow.importing.class_names import plan_classes

SAME_PORE = 0.5
"""Overlap of two boxes (intersection over union) from which they are one pore."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class CutPore:
    """Hold a pore with the box of its crop, whose pixels are in the pixel store under `pixels`."""

    shape: PoreShape
    box: Box
    pixels: str


@dataclass(frozen=True)
class CollectedOutlines:
    """Hold what was cut, by micrograph id, and sentences about what could not be."""

    pores: dict[int, tuple[CutPore, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cancelled: bool = False


@dataclass(frozen=True)
class OutlinesPlan:
    """Hold the one edit that brings the outlines in (None: nothing is new) and
    what to say of it.
    """

    edit: Edit | None
    added: int
    labelled: int
    present: int
    notes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the report, the most important line first."""
        first = f"Imported {count(self.added, 'pore')}"
        if self.labelled:
            first += f", labelled {count(self.labelled, 'existing pore')}"
        if self.present:
            first += f"; {self.present:,} already in the project"
        return (first + ".", *self.notes)


def read_outlines(path: Path) -> list[ImageShapes]:
    """Return what a file or folder of COCO, GeoJSON, ImageJ ROIs or labels as CSV holds.

    Raises PoreguiError when it is none of these or cannot be read.
    """
    if path.is_dir():
        if any(path.glob(f"*{GEOJSON}")):
            return read_geojson(path)
        return read_imagej(path)
    readers = {
        ".json": read_coco,
        GEOJSON: read_geojson,
        ".zip": read_imagej,
        ".csv": read_labels_csv,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise PoreguiError(
            f"{path.name} is not a file of outlines.",
            "Choose COCO (.json), GeoJSON (.geojson), ROIs (.zip) or .csv.",
        )
    return reader(path)


def match_images(
    project: Project, images: Sequence[ImageShapes]
) -> tuple[list[tuple[Micrograph, Path, tuple[PoreShape, ...]]], tuple[str, ...]]:
    """Return the micrograph, its file and the pores of each image that the project has, and
    sentences about the others.

    Images are known by their file name, with or without its suffix, whatever the case.
    """
    known: dict[str, Micrograph] = {}
    for micrograph in project.micrographs():
        known.setdefault(_plain(Path(micrograph.name).stem), micrograph)
        known[_plain(micrograph.name)] = micrograph
    found = []
    notes = []
    for image in images:
        name = image.name.replace("\\", "/").rsplit("/", 1)[-1]
        there = known.get(_plain(name)) or known.get(_plain(Path(name).stem))
        if there is None:
            notes.append(
                f"There is no micrograph {name} in the project; "
                f"{count(len(image.shapes), 'pore')} skipped."
            )
        elif image.width and (image.width, image.height) != (there.width, there.height):
            notes.append(
                f"{name} was outlined at {image.width} × {image.height} px but is {there.width} "
                f"× {there.height} px here; its pores were skipped."
            )
        else:
            found.append((there, project.micrograph_file(there), image.shapes))
    return found, tuple(notes)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def cut_outlines(
    matched: Sequence[tuple[Micrograph, Path, tuple[PoreShape, ...]]],
    notes: tuple[str, ...],
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CollectedOutlines:
    """Cut the crop of every pore out of its micrograph into the pixel store; needs no project, so
    any thread may.
    """
    pores: dict[int, list[CutPore]] = defaultdict(list)
    said = list(notes)
    for place, (micrograph, file, shapes) in enumerate(matched):
        progress(place, len(matched), micrograph.name)
        if cancelled():
            return CollectedOutlines(cancelled=True)
        try:
            image = open_pyramid(file, plane=Plane.parse(micrograph.plane))
        except PoreguiError as error:
            said.append(f"{micrograph.name}: {error}")
            continue
        outside = 0
        for shape in shapes:
            inside = shape.box.clipped(image.width, image.height)
            if inside is None or inside.area < shape.box.area / 2:
                outside += 1
                continue
            if shape.outline is None:
                box = inside
            else:
                box = crop_around(inside, image.width, image.height)
            content = CropPixels(cut(image, box), image.grey_low, image.grey_high)
            pores[micrograph.id].append(CutPore(shape, box, pixels.add(content)))
        image.close()
        if outside:
            said.append(f"{count(outside, 'pore')} outside the image {micrograph.name} skipped.")
    return CollectedOutlines({key: tuple(value) for key, value in pores.items()}, tuple(said))


def settle_outlines(project: Project, collected: CollectedOutlines, who: str) -> OutlinesPlan:
    """Return the one edit that brings in the pores that the project does not have yet; changes
    nothing itself.

    A pore that lies where a crop is already gives it its label when it has none, and is passed over
    otherwise. Raises PoreguiError when the project is read-only or there are more classes than it
    can have.
    """
    project.check_writable()
    every = [pore for pores in collected.pores.values() for pore in pores]
    classes = plan_classes(
        project, {pore.shape.class_name for pore in every if pore.shape.class_name}
    )
    first = project.next_id("crops")
    crops: list[Crop] = []
    outlines: list[tuple[int, Outline]] = []
    labels: list[LabelChange] = []
    present = 0
    for micrograph_id, pores in collected.pores.items():
        there = _Places(project, micrograph_id)
        for pore in pores:
            label = classes.label(pore.shape.class_name or None)
            twin = there.take(pore)
            if twin is None:
                crop_id = first + len(crops)
                box = pore.box
                crops.append(
                    Crop(
                        crop_id,
                        pore.pixels,
                        box.width,
                        box.height,
                        micrograph_id,
                        box,
                        label=label,
                        origin="import",
                    )
                )
                outlines += (
                    [(crop_id, pore.shape.outline)] if pore.shape.outline is not None else []
                )
            elif twin.label is None and label is not None:
                labels.append(LabelChange(twin.id, None, label))
            else:
                present += 1
    edits: list[Edit]
    if classes.edit and (crops or labels):
        edits = [classes.edit]
    else:
        edits = []
    edits += [AddCrops(tuple(crops), who, "import", tuple(outlines))] if crops else []
    edits += [SetLabels(tuple(labels), who, "import")] if labels else []
    text = f"import {count(len(crops) + len(labels), 'pore')}"
    edit = Combined(tuple(edits), text) if edits else None
    return OutlinesPlan(edit, len(crops), len(labels), present, collected.notes)


class _Places:
    """Find the crop of a micrograph that shows the same pore, each once."""

    def __init__(self, project: Project, micrograph_id: int) -> None:
        outlines = project.outlines(micrograph_id=micrograph_id)
        self._crops: dict[int, tuple[Box, Crop]] = {}
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for crop in project.crops(micrograph_id=micrograph_id):
            if crop.box is None:
                continue
            outline = outlines.get(crop.id)
            self._crops[crop.id] = (outline.bounds if outline is not None else crop.box), crop
            for cell in _cells(self._crops[crop.id][0]):
                self._cells[cell].append(crop.id)

    def take(self, pore: CutPore) -> Crop | None:
        """Return the crop whose pore (or, without an outline, whose box) overlaps most, and do not
        offer it again.
        """
        best = None
        most = SAME_PORE
        near = {crop_id for cell in _cells(pore.box) for crop_id in self._cells[cell]}
        for crop_id in near & self._crops.keys():
            box, crop = self._crops[crop_id]
            overlap = max(
                box.overlap(pore.shape.box), crop.box.overlap(pore.box) if crop.box else 0.0
            )
            if overlap >= most:
                best = crop
                most = overlap
        if best is not None:
            del self._crops[best.id]
        return best


def _cells(box: Box, side: int = 256) -> list[tuple[int, int]]:
    return [
        (column, row)
        for column in range(box.x // side, box.right // side + 1)
        for row in range(box.y // side, box.bottom // side + 1)
    ]

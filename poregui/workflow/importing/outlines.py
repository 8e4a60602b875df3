"""Bring outlines that another program drew into a project: found by image name, cut, labelled, each
once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import TURNED, Box, Outline, upright_points
from poregui.domain.records import Crop, Micrograph, Plane
from poregui.domain.wording import about, count, noun
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.io.reader import read_header
from poregui.vision.pores.edit import crop_around
from poregui.vision.shape.overlaps import checked_outlines
from poregui.workflow.editing.edits import (
    AddCrops,
    Combined,
    Edit,
    LabelChange,
    Remove,
    SetLabels,
)
from poregui.workflow.editing.micrograph_edits import set_checked
from poregui.workflow.exporting.formats.coco import read_coco
from poregui.workflow.exporting.formats.geojson import SUFFIX as GEOJSON_ENDING
from poregui.workflow.exporting.formats.geojson import read_geojson
from poregui.workflow.exporting.formats.imagej import read_imagej
from poregui.workflow.exporting.formats.json_text import (
    COCO,
    GEOJSON,
    kind_of_json,
    other_program,
    read_json,
)
from poregui.workflow.exporting.formats.labels_csv import are_labels, read_labels_csv
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape, files_in
from poregui.workflow.importing.class_names import of_known_class, plan_classes, problem_of_name
from poregui.workflow.importing.image_identity import check_same
from poregui.workflow.importing.image_matching import match_all
from poregui.workflow.importing.masks import are_masks, read_masks

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
    checked: int = 0
    removed: int = 0

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the report, the most important line first."""
        first = f"Imported {count(self.added, 'pore')}"
        if self.labelled:
            first += f", labelled {count(self.labelled, 'existing pore')}"
        if self.present:
            first += f"; {self.present:,} already in the project"
        first += "."
        if self.checked:
            first += f" {count(self.checked, 'micrograph')} marked as checked."
        if self.removed:
            first += f" {count(self.removed, 'candidate')} replaced."
        return (first, *self.notes)


def read_outlines(path: Path, micrographs: Sequence[Micrograph] = ()) -> list[ImageShapes]:
    """Return what a file or folder of COCO, GeoJSON, ImageJ ROIs, masks or labels as CSV holds.

    JSON is known by what it holds, whatever its ending; masks are told apart by the names of the
    project's `micrographs`. Raises PoreguiError, which names the program of the file where it can,
    when it is none of these or cannot be read.
    """
    if path.is_dir():
        if files_in(path, f"*{GEOJSON_ENDING}"):
            return read_geojson(path)
        if are_masks(path) and not any(files_in(path, f"*{one}") for one in (".zip", ".roi")):
            return read_masks(path, micrographs)
        return read_imagej(path)
    if are_masks(path):
        return read_masks(path, micrographs)
    ending = path.suffix.lower()
    if ending in (".json", GEOJSON_ENDING):
        return _read_json(path)
    if ending in (".zip", ".roi"):
        return read_imagej(path)
    if ending in (".csv", ".tsv"):
        return read_labels_csv(path)
    if ending == ".txt" and are_labels(path):
        return read_labels_csv(path)
    raise _not_outlines(path, other_program(path))


def _read_json(path: Path) -> list[ImageShapes]:
    value = read_json(path)
    kind = kind_of_json(value)
    if kind == GEOJSON:
        return read_geojson(path, value)
    if kind == COCO:
        return read_coco(path, value)
    raise _not_outlines(path, kind)


def _not_outlines(path: Path, what: str) -> PoreguiError:
    remedy = (
        "Choose COCO or GeoJSON (.json, .geojson), ImageJ ROIs (.zip, .roi), masks (.png, .tif) or "
        "labels (.csv)."
    )
    if what:
        return PoreguiError(f"{path.name} is {what}, which is not read.", remedy)
    return PoreguiError(f"{path.name} is not a file of outlines.", remedy)


@dataclass(frozen=True)
class MatchedImage:
    """Hold the pores that were drawn on a micrograph, and its file; `folder` is the project's.

    `size` is what their file says of the image, 0 where it does not; `as_stored` as in ImageShapes.
    """

    micrograph: Micrograph
    file: Path
    shapes: tuple[PoreShape, ...]
    folder: Path | None = None
    size: tuple[int, int] = (0, 0)
    as_stored: bool = False

    def on(self, image: Pyramid) -> tuple[tuple[PoreShape, ...], tuple[str, ...]]:
        """Return the pores where they lie on the upright image, and a sentence where they were
        turned with it.

        A file that gives the image's size says so which way it has the image.
        """
        turn = image.notes.turned
        upright = (image.width, image.height)
        stored = self.as_stored
        if turn in TURNED and upright[0] != upright[1] and self.size in (upright, upright[::-1]):
            stored = self.size != upright
        if turn == 1 or not stored or not self.shapes:
            return self.shapes, ()
        shapes = tuple(_turned(shape, *upright, turn) for shape in self.shapes)
        return shapes, (f"{count(len(shapes), 'pore')} turned upright with the image.",)


def _is_turned(project: Project, micrograph: Micrograph) -> bool:
    try:
        header = read_header(project.micrograph_file(micrograph), Plane.parse(micrograph.plane))
    except PoreguiError:
        return False
    return header.turned in TURNED


def _turned(shape: PoreShape, width: int, height: int, turn: int) -> PoreShape:
    """Return a pore of a stored image on the upright one of `width` x `height` px."""
    box = shape.box
    ends = np.array([(box.x, box.y), (box.right, box.bottom)], np.float64)
    ends = upright_points(ends, width, height, turn)
    (left, top), (right, bottom) = ends.min(axis=0).astype(int), ends.max(axis=0).astype(int)
    box = Box(int(left), int(top), int(right - left), int(bottom - top))
    if shape.outline is None:
        return replace(shape, box=box)
    points = upright_points(shape.outline.points.astype(np.float64), width, height, turn)
    return replace(shape, box=box, outline=Outline.of(points))


def match_images(
    project: Project, images: Sequence[ImageShapes], class_name: str = ""
) -> tuple[list[MatchedImage], tuple[str, ...]]:
    """Return the micrograph of each image that the project has, and sentences about the others.

    Images are known by what they hold, by their folders and names, or by a name that one micrograph
    alone has, with or without its ending, whatever the case (see `match_all`). `class_name` is that
    of pores whose file names none.
    """
    classes = project.classes()
    found = []
    notes = [note for image in images for note in image.notes]
    for match in match_all(project.micrographs(), images, partial(_is_turned, project)):
        if match.note:
            notes.append(match.note)
        there = match.micrograph
        if there is not None:
            found.append(
                MatchedImage(
                    there,
                    project.micrograph_file(there),
                    tuple(
                        of_known_class(one, classes, there, class_name)
                        for one in match.image.shapes
                    ),
                    project.folder,
                    (match.image.width, match.image.height),
                    match.image.as_stored,
                )
            )
    return found, tuple(notes)


def cut_outlines(
    matched: Sequence[MatchedImage],
    notes: tuple[str, ...],
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CollectedOutlines:
    """Cut the crop of every pore out of its micrograph into the pixel store; needs no project, so
    any thread may.
    """
    pores: dict[int, list[CutPore]] = defaultdict(list)
    messages = list(notes)
    for place, one in enumerate(matched):
        micrograph = one.micrograph
        progress(place, len(matched), micrograph.shown_name)
        if cancelled():
            return CollectedOutlines(cancelled=True)
        try:
            check_same(micrograph, one.file, one.folder)
            image = open_pyramid(one.file, plane=Plane.parse(micrograph.plane))
        except PoreguiError as error:
            messages.append(about(micrograph.shown_name, error))
            continue
        with image:
            shapes, turned = one.on(image)
            cut_here, left_out = _cut_on(image, shapes, Plane.parse(micrograph.plane), pixels)
        pores[micrograph.id] += cut_here
        messages += [f"{micrograph.shown_name}: {text}" for text in (*turned, *left_out)]
    return CollectedOutlines({key: tuple(value) for key, value in pores.items()}, tuple(messages))


def _cut_on(
    image: Pyramid, shapes: Sequence[PoreShape], plane: Plane, pixels: PixelStore
) -> tuple[list[CutPore], list[str]]:
    """Return the pores that lie on an image, cut into the pixel store, and what to say of
    others.
    """
    on_plane = [shape for shape in shapes if shape.planes.fits(plane)]
    fitting, notes = _checked(on_plane, (image.width, image.height))
    if len(on_plane) < len(shapes):
        notes.append(f"{count(len(shapes) - len(on_plane), 'pore')} of other slices left out.")
    found = []
    for shape in fitting:
        box = shape.box
        if shape.outline is not None:
            box = crop_around(shape.box, image.width, image.height)
        content = CropPixels(cut(image, box), image.grey_low, image.grey_high)
        found.append(CutPore(shape, box, pixels.add(content)))
    return found, notes


def _checked(
    shapes: Sequence[PoreShape], size: tuple[int, int]
) -> tuple[list[PoreShape], list[str]]:
    """Return pores as they lie on an image of a size, and sentences about those that changed or
    cannot.
    """
    outlined = [shape for shape in shapes if shape.outline is not None]
    lines = [shape.outline.points for shape in outlined if shape.outline is not None]
    by_shape = dict(zip(map(id, outlined), checked_outlines(lines, size), strict=True))
    found = []
    changes: Counter[str] = Counter()
    for shape in shapes:
        one = by_shape.get(id(shape))
        if one is None:
            box = shape.box.clipped(*size)
            if box is None:
                changes["lies outside the image"] += 1
            else:
                changes["cut"] += box != shape.box
                found.append(replace(shape, box=box))
        elif one.outline is None:
            changes[one.problem] += 1
        else:
            changes[one.change] += 1
            box = one.outline.bounds.clipped(*size) or one.outline.bounds
            found.append(replace(shape, outline=one.outline, box=box))
    once: dict[tuple[Outline | None, Box], PoreShape] = {}
    for shape in found:
        first = once.setdefault((shape.outline, shape.box), shape)
        if not first.class_name:
            once[shape.outline, shape.box] = shape
        changes["otherwise"] += shape.class_name not in ("", first.class_name or shape.class_name)
    changes["again"] = len(found) - len(once) - changes["otherwise"]
    return [*once.values()], _change_text(changes)


def _change_text(changes: Counter[str]) -> list[str]:
    notes = []
    if changes["crossed"]:
        crosses = changes["crossed"]
        verb = noun(crosses, "crosses itself", "cross themselves")
        notes.append(f"{count(crosses, 'outline')} {verb}; what the line goes around counts, once.")
    if changes["cut"]:
        verb = noun(changes["cut"], "reaches", "reach")
        notes.append(
            f"{count(changes['cut'], 'pore')} {verb} beyond the image; the part inside counts."
        )
    if changes["again"]:
        verb = noun(changes["again"], "is", "are")
        notes.append(f"{count(changes['again'], 'pore')} that {verb} drawn twice taken once.")
    if changes["otherwise"]:
        verb = noun(changes["otherwise"], "is", "are")
        notes.append(
            f"{count(changes['otherwise'], 'pore')} that {verb} drawn again as another class left "
            "out; the first class counts."
        )
    notes += [
        f"{count(number, 'pore')} left out: the outline {problem}."
        for problem, number in changes.items()
        if problem not in ("", "crossed", "cut", "again", "otherwise") and number
    ]
    return notes


def settle_outlines(
    project: Project, collected: CollectedOutlines, who: str, *, complete: bool = False
) -> OutlinesPlan:
    """Return the one edit that brings in the pores that the project does not have yet; changes
    nothing itself.

    A pore that lies where a crop is already gives it its label when it has none, and is passed over
    otherwise. `complete` makes the micrographs checked areas; the pores take the place of their
    candidates. Raises PoreguiError when the project is read-only or there are more classes than it
    can have.
    """
    project.check_writable()
    every = [pore for pores in collected.pores.values() for pore in pores]
    names = Counter(pore.shape.class_name for pore in every if pore.shape.class_name)
    unfit = {name: problem for name in names if (problem := problem_of_name(name))}
    classes = plan_classes(project, [name for name in names if name not in unfit])
    found = _Settled(project.next_id("crops"))
    for micrograph_id, pores in collected.pores.items():
        there = _Places(project, micrograph_id, candidates=not complete)
        found.removed += there.left_out
        for pore in pores:
            name = pore.shape.class_name
            label = classes.label(None if name in unfit else name or None)
            found.add(pore, micrograph_id, label, there.take(pore))
    edits: list[Edit] = []
    if classes.edit and (found.crops or found.labels):
        edits.append(classes.edit)
    edits += found.edits(who)
    checked = None
    if complete:
        checked = set_checked([one for one in project.micrographs() if one.id in collected.pores])
    if checked is not None:
        edits.append(checked)
    edit = None
    if edits:
        number = len(found.crops) + len(found.labels)
        edit = Combined(tuple(edits), f"import {count(number, 'pore')}")
    return OutlinesPlan(
        edit,
        len(found.crops),
        len(found.labels),
        found.present,
        (*collected.notes, *(f"{count(names[name], 'pore')} {unfit[name]}" for name in unfit)),
        len(checked.after) if checked is not None else 0,
        len(found.removed),
    )


class _Settled:
    """Gather what becomes of the pores of an import."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.crops: list[Crop] = []
        self.labels: list[LabelChange] = []
        self.removed: list[int] = []
        self.present = 0
        self._outlines: list[tuple[int, Outline]] = []

    def add(self, pore: CutPore, micrograph_id: int, label: int | None, twin: Crop | None) -> None:
        """Make a crop of a pore, unless there is one (`twin`), which then may get its label."""
        if twin is not None:
            if twin.label is None and label is not None:
                self.labels.append(LabelChange(twin.id, None, label))
            else:
                self.present += 1
            return
        crop_id = self._first + len(self.crops)
        box = pore.box
        crop = Crop(
            crop_id,
            pore.pixels,
            box.width,
            box.height,
            micrograph_id,
            box,
            label=label,
            origin="import",
        )
        self.crops.append(crop)
        if pore.shape.outline is not None:
            self._outlines.append((crop_id, pore.shape.outline))

    def edits(self, who: str) -> list[Edit]:
        """Return the edits for crops that are removed, made or labelled."""
        found: list[Edit] = []
        if self.removed:
            found.append(Remove(tuple(self.removed)))
        if self.crops:
            found.append(AddCrops(tuple(self.crops), who, "import", tuple(self._outlines)))
        if self.labels:
            found.append(SetLabels(tuple(self.labels), who, "import"))
        return found


class _Places:
    """Find the crop of a micrograph that shows the same pore, each once."""

    def __init__(self, project: Project, micrograph_id: int, *, candidates: bool = True) -> None:
        self.left_out: list[int] = []
        outlines = project.outlines(micrograph_id=micrograph_id)
        self._crops: dict[int, tuple[Box, Crop]] = {}
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for crop in project.crops(micrograph_id=micrograph_id):
            if crop.box is None:
                continue
            if crop.is_candidate and not candidates:
                self.left_out.append(crop.id)
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

"""Measure the outlined pores of a project and single crops, and keep the numbers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.measurement import COLUMNS, RELIABLE_PX, SHAPE_NUMBERS, Condition, meets
from poregui.domain.micrograph_names import TELL_APART, distinguished
from poregui.domain.records import Crop, Detection, Micrograph, Plane
from poregui.domain.statistics.porosity import Porosity, porosity
from poregui.domain.wording import count
from poregui.store.files import export_target, harmless, replace_file, write_csv
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.store.run_files import BROKEN, read_arrays
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.pores.specimen_area import masked_pixels
from poregui.vision.shape.crop_measurement import CROP_NUMBERS, KnownCrop, measure_crops
from poregui.vision.shape.measurement import Measured, measure
from poregui.vision.shape.overlaps import checked_outlines, shared_area
from poregui.workflow.editing.edits import label_name
from poregui.workflow.editing.micrograph_edits import Frame, frame_of, project_build_direction
from poregui.workflow.importing.image_identity import CACHE, OtherImage, check_same, kept_sizes

Progress = Callable[[int, int, str], None]
VERSION = 3
"""Counts up when a number is computed in another way, so that kept ones are measured anew."""
_BAND = 2048
_MIN_SHARED = 0.001
"""Part of the pore area that overlaps from which it is worth a sentence."""
NO_FRAME = Frame()
"""Nothing is known of build direction and surface."""


@dataclass(frozen=True, eq=False)
class MeasuredField:
    """Hold the numbers of one micrograph's pores: of the crops `crop_ids`, int64 (n,), in the order
    of `measured`.

    `pore_area_px` is the area that its pores cover, what several share counted once and without
    what is masked; `field_area_px` the micrograph without its masked regions, both in px². `note`
    says that its file holds another picture now, so that no greys are known.
    """

    micrograph: Micrograph
    crop_ids: NDArray[np.int64]
    measured: Measured
    pore_area_px: float
    field_area_px: float
    frame: Frame = NO_FRAME
    note: str = ""

    @property
    def area_percent(self) -> float:
        """Return the part of the field that is pore in per cent."""
        return 100 * self.pore_area_px / self.field_area_px

    @property
    def overlap(self) -> str:
        """Return a sentence where pores overlap each other or what is masked; empty for hardly."""
        shared = float(np.sum(self.measured.columns["area_px"])) - self.pore_area_px
        if shared <= _MIN_SHARED * self.pore_area_px:
            return ""
        return (
            f"{self.micrograph.shown_name}: outlines overlap each other or masked areas by "
            f"{shared:,.0f} px²; porosity counts each pixel once."
        )


def outlined_pores(crops: Sequence[Crop], outlines: Mapping[int, Outline]) -> dict[int, Outline]:
    """Return the outlines that count as pores, by crop id: not those that a
    person said are none.
    """
    return {
        crop.id: outlines[crop.id]
        for crop in crops
        if crop.id in outlines and crop.label != NOT_A_PORE
    }


def measure_project(
    project: Project, progress: Progress = lambda done, total, text: None
) -> list[MeasuredField]:
    """Return the numbers of all micrographs in which pores were looked for or outlined.

    A micrograph in which detection found nothing is a field without pores. Numbers that were kept
    come at once. An exception that `progress` raises ends the work.
    """
    fields = []
    detections = project.detections()
    up = project_build_direction(project)
    micrographs = project.micrographs()
    for index, micrograph in enumerate(micrographs):
        progress(index, len(micrographs), micrograph.shown_name)
        crops = project.crops(micrograph_id=micrograph.id)
        outlines = project.outlines(micrograph_id=micrograph.id)
        pores = outlined_pores(crops, outlines)
        if pores or micrograph.id in detections:
            file = project.micrograph_file(micrograph)
            frame = frame_of(micrograph, detections.get(micrograph.id), up)
            made = frozenset(crop.id for crop in crops if crop.origin != "detected")
            fields.append(
                measure_field(
                    micrograph,
                    file,
                    project.folder,
                    pores,
                    frame,
                    detections.get(micrograph.id),
                    by_hand=made,
                )
            )
    progress(len(micrographs), len(micrographs), "")
    return fields


def measure_field(
    micrograph: Micrograph,
    file: Path,
    folder: Path,
    pores: Mapping[int, Outline],
    frame: Frame = NO_FRAME,
    detection: Detection | None = None,
    *,
    by_hand: Set[int] = frozenset(),
) -> MeasuredField:
    """Return the numbers of a micrograph's pores (crop id to outline), from the project's cache
    where they are there.

    The mean greys are not known while the file is out of reach. `folder` is the project's; where
    its cache cannot be written the numbers are not kept. The outlines of the crops `by_hand`, which
    detection did not make, count as `checked_outlines` mends them: older versions kept any line.
    """
    crop_ids = np.array(sorted(pores), dtype=np.int64)
    outlines = [pores[crop_id] for crop_id in crop_ids.tolist()]
    kept = folder / CACHE / f"numbers-{micrograph.id}.npz"
    note = _other_text(micrograph, file, folder)
    seen = file.exists() and not note
    mark = _fingerprint(micrograph, crop_ids, outlines, frame, detection, seen=seen)
    field = _read(kept, mark, micrograph, crop_ids, frame)
    if field is not None:
        return replace(field, note=note)
    mended = _mended(micrograph, crop_ids, outlines, by_hand)
    measured, seen, missing = _measured(micrograph, file if seen else None, folder, mended, frame)
    mark = _fingerprint(micrograph, crop_ids, outlines, frame, detection, seen=seen)
    twice = shared_area([outline.points for outline in mended], micrograph.masks)
    area = max(0.0, float(np.sum(measured.columns["area_px"])) - twice)
    whole = field_area(micrograph, detection, missing)
    field = MeasuredField(micrograph, crop_ids, measured, area, whole, frame)
    _write(kept, mark, field)
    return replace(field, note=note)


def _mended(
    micrograph: Micrograph,
    crop_ids: NDArray[np.int64],
    outlines: Sequence[Outline],
    by_hand: Set[int],
) -> list[Outline]:
    """Return outlines, those by hand as they would be kept today, where they can be."""
    found = list(outlines)
    indices = [index for index, crop_id in enumerate(crop_ids.tolist()) if crop_id in by_hand]
    lines = [outlines[index].points for index in indices]
    for index, one in zip(
        indices, checked_outlines(lines, (micrograph.width, micrograph.height)), strict=True
    ):
        found[index] = one.outline or outlines[index]
    return found


def _measured(
    micrograph: Micrograph,
    file: Path | None,
    folder: Path,
    outlines: Sequence[Outline],
    frame: Frame,
) -> tuple[Measured, bool, int]:
    """Return the numbers of outlines, whether their greys were seen in the file, and how many
    unmasked pixels of it have no value.
    """
    size = (micrograph.width, micrograph.height)
    known = partial(
        measure,
        [outline.points for outline in outlines],
        um_per_px=micrograph.um_per_px,
        size=size,
        masks=micrograph.masks,
        build_direction_deg=frame.build_direction_deg,
        surfaces=frame.lines,
    )
    if file is None:
        return known(pixels=None), False, 0
    try:
        with open_pyramid(
            file, kept_sizes(folder, micrograph), Plane.parse(micrograph.plane)
        ) as image:
            if (image.width, image.height) != size:
                return known(pixels=None), False, 0
            missing = _missing_in(image, micrograph)
            return known(pixels=lambda box: image.read(0, box)), True, missing
    except PoreguiError:
        return known(pixels=None), False, 0


def _missing_in(image: Pyramid, micrograph: Micrograph) -> int:
    if image.missing is None:
        return 0
    missing = 0
    for top in range(0, image.height, _BAND):
        box = Box(0, top, image.width, min(_BAND, image.height - top))
        found = image.missing(box)
        masked = masked_pixels(micrograph.masks, box)
        if found is not None and masked is not None:
            found = found & ~masked
        if found is not None:
            missing += int(np.count_nonzero(found))
    return missing


def _other_text(micrograph: Micrograph, file: Path, folder: Path) -> str:
    """Say that a file holds another picture now; nothing where it holds its own
    or is out of reach.
    """
    try:
        check_same(micrograph, file, folder)
    except OtherImage as error:
        return str(error)
    except PoreguiError:
        return ""
    return ""


def field_area(
    micrograph: Micrograph, detection: Detection | None = None, missing: int = 0
) -> float:
    """Return the area of a micrograph without its masked regions and `missing` pixels, in px²;
    without the mount, where detection saw it.
    """
    if detection is not None and detection.masks == micrograph.masks:
        return max(1.0, detection.field_area_px)
    hidden = 0
    for top in range(0, micrograph.height, _BAND) if micrograph.masks else ():
        box = Box(0, top, micrograph.width, min(_BAND, micrograph.height - top))
        masked = masked_pixels(micrograph.masks, box)
        if masked is not None:
            hidden += int(np.count_nonzero(masked))
    return float(max(1, micrograph.width * micrograph.height - hidden - missing))


# ---- what is kept ---------------------------------------------------------------------------


def _fingerprint(
    m: Micrograph,
    crop_ids: NDArray[np.int64],
    outlines: Sequence[Outline],
    frame: Frame,
    detection: Detection | None,
    *,
    seen: bool,
) -> str:
    if detection is None:
        area = None
    else:
        area = (detection.field_area_px, detection.masks)
    facts = (VERSION, m.sha256, m.plane, m.width, m.height, m.um_per_px, m.masks, frame, area, seen)
    mark = hashlib.sha256(repr(facts).encode())
    mark.update(crop_ids.tobytes())
    for outline in outlines:
        mark.update(len(outline.data).to_bytes(8, "little") + outline.data)
    return mark.hexdigest()


def _read(
    file: Path, mark: str, micrograph: Micrograph, crop_ids: NDArray[np.int64], frame: Frame
) -> MeasuredField | None:
    try:
        kept = read_arrays(file)
        if str(kept["mark"]) != mark:
            return None
        columns = {
            column.name: kept[f"column_{column.name}"]
            for column in COLUMNS
            if column.name != "unit"
        }
        pore_area, area = kept["areas"].tolist()
        measured = Measured(columns, str(kept["unit"]))
        return MeasuredField(micrograph, crop_ids, measured, pore_area, area, frame)
    except BROKEN:
        return None


def _write(file: Path, mark: str, field: MeasuredField) -> None:
    """Keep the numbers; where they cannot be kept they are measured again the next time."""
    arrays: dict[str, Any] = {
        f"column_{name}": values for name, values in field.measured.columns.items()
    }
    arrays |= {
        "mark": mark,
        "unit": field.measured.unit,
        "areas": [field.pore_area_px, field.field_area_px],
    }

    def write(beside: Path) -> None:
        with open(beside, "wb") as stream:
            np.savez(stream, **arrays)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, write)
    except (OSError, PoreguiError):
        return


# ---- what is told ---------------------------------------------------------------------------


def summary(project: Project, fields: Sequence[MeasuredField]) -> dict[str, Any]:
    """Return porosity and number of pores per micrograph, and the mean over
    fields, fit for JSON.
    """
    over = porosity(
        [field.pore_area_px for field in fields], [field.field_area_px for field in fields]
    )
    with_outline = sum(len(field.crop_ids) for field in fields)
    boxed = sum(crop.box is not None and crop.label != NOT_A_PORE for crop in project.crops())
    return {
        "pores": with_outline,
        "without_outline": boxed - with_outline,
        "micrographs": [
            {
                "micrograph": field.micrograph.shown_name,
                "id": field.micrograph.id,
                "path": field.micrograph.path,
                "sha256": field.micrograph.sha256,
                "pores": len(field.crop_ids),
                "area_percent": field.area_percent,
                "um_per_px": field.micrograph.um_per_px,
                "build_direction_deg": field.frame.build_direction_deg,
                "surfaces": len(field.frame.surfaces),
            }
            for field in fields
        ],
        "porosity": _porosity_json(over),
        "empty_because": why_empty(fields),
        "notes": [text for field in fields for text in (field.note, field.overlap) if text],
    }


def why_empty(fields: Sequence[MeasuredField]) -> dict[str, str]:
    """Return why a column has no number in some fields, by its name in domain/measurement.py."""
    messages = {}
    without = sum(field.frame.build_direction_deg is None for field in fields)
    if without:
        messages["orientation_deg"] = (
            f"No build direction is given for {_micrographs(without, len(fields))}."
        )
    without = sum(not field.frame.surfaces for field in fields)
    if without:
        messages["surface"] = (
            f"No surface is found or drawn in {_micrographs(without, len(fields))}."
        )
    return messages


def _micrographs(number: int, of: int) -> str:
    if number == of:
        return "any micrograph"
    return f"{number} of {count(of, 'micrograph')}"


def _porosity_json(over: Porosity | None) -> dict[str, Any] | None:
    if over is None:
        return None
    values = asdict(over)
    low = values.pop("low")
    high = values.pop("high")
    return {**values, "interval95": None if low is None else [low, high]}


def write_measurements(
    project: Project,
    fields: Sequence[MeasuredField],
    out: Path,
    conditions: Sequence[Condition] = (),
) -> int:
    """Write one line a pore that meets all conditions as CSV and return how many; shape numbers
    that are unreliable stay empty.

    Lengths are in the unit that the line names. Raises PoreguiError when the file cannot be
    written.
    """
    rows: list[list[Any]] = []
    names = [column.name for column in COLUMNS]
    rows.append(["crop", "micrograph", "specimen", "label", "origin", *names, *TELL_APART])
    crops = {crop.id: crop for crop in project.crops()}
    classes = project.classes(retired=True)
    specimens = {specimen.id: specimen.name for specimen in project.specimens()}
    for field in fields:
        where = [field.micrograph.shown_name, specimens.get(field.micrograph.specimen_id or 0, "")]
        rows_of_field = field.measured.rows()
        kept = meets(field.measured.columns, conditions)
        for index in np.flatnonzero(kept).tolist():
            row = rows_of_field[index]
            crop_id = int(field.crop_ids[index])
            crop = crops[crop_id]
            numbers = [
                _cell(name, getattr(row, name), reliable=row.shape_reliable) for name in names
            ]
            cells = [crop_id, *where, label_name(crop.label, classes), crop.origin]
            rows.append(
                [harmless(cell) for cell in [*cells, *numbers, *distinguished(field.micrograph)]]
            )
    write_csv(export_target(out), rows)
    return len(rows) - 1


def _cell(name: str, value: Any, *, reliable: bool) -> Any:
    if value is None or (name in SHAPE_NUMBERS and not reliable):
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return value


@dataclass(frozen=True)
class CropNumbers:
    """Hold the numbers of one pore: area in `unit`² and diameter in `unit` (um or px), and what its
    shape is like.

    `reliable` tells that it is at least `RELIABLE_PX` across, so that the shape numbers mean
    something.
    """

    unit: str
    area: float
    diameter: float
    circularity: float | None
    aspect_ratio: float | None
    reliable: bool
    from_outline: bool


def numbers_of_crop(
    crop: Crop, outline: Outline | None, pixels: Callable[[], CropPixels]
) -> CropNumbers | None:
    """Return the numbers of a crop, as in the table of measurements where it has an outline.

    Without one they are taken roughly from its pixels, which `pixels` reads only then; None where
    no pore stands out. Raises what `pixels` raises.
    """
    if outline is None:
        return _from_pixels(crop, pixels())
    return _from_outline(crop, outline)


def _from_outline(crop: Crop, outline: Outline) -> CropNumbers:
    box = outline.bounds
    size = (max(1, box.x + box.width), max(1, box.y + box.height))
    one = measure([outline.points], None, crop.um_per_px, size=size).rows()[0]
    area = one.area_px
    if one.area_um2 is not None:
        area = one.area_um2
    return CropNumbers(
        one.unit, area, one.ecd, one.circularity, one.aspect_ratio, one.shape_reliable, True
    )


def _from_pixels(crop: Crop, pixels: CropPixels) -> CropNumbers | None:
    known = KnownCrop(pixels.array, pixels.grey_low, pixels.grey_high, crop.um_per_px)
    named = dict(zip(CROP_NUMBERS, measure_crops([known])[0].tolist(), strict=True))
    diameter = named["Equivalent diameter"]
    if math.isnan(diameter):
        return None
    reliable = diameter / (crop.um_per_px or 1.0) >= RELIABLE_PX
    unit = "um"
    if crop.um_per_px is None:
        unit = "px"
    area = math.pi * diameter**2 / 4
    return CropNumbers(
        unit, area, diameter, named["Circularity"], named["Aspect ratio"], reliable, False
    )

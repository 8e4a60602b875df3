"""Lay the crops of each class out on pages, all at one scale, to print and to hang up."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop
from poregui.domain.wording import count
from poregui.store.files import export_target, replace_file
from poregui.store.project import Project
from poregui.workflow.exporting.export_labels import Progress, new_folder, quiet
from poregui.workflow.exporting.formats.shapes import safe_name
from poregui.workflow.importing.folders import natural
from poregui.workflow.reporting.drawing import PAPER, bar_length, draw_bar, shown, write

DPI = 200
WIDTH = 1654
HEIGHT = 2339
"""Px of a page: A4 upright at `DPI`."""
COLUMNS = 5
ROWS = 5
_MARGIN = 95
_GAP = 12
_HEAD = 250
_FOOT = 50
_CELL = (WIDTH - 2 * _MARGIN - (COLUMNS - 1) * _GAP) // COLUMNS
_PITCH = (HEIGHT - 2 * _MARGIN - _HEAD - _FOOT) // ROWS
_MUTED = (95, 95, 95)
_FITS = 95
"""Per cent of the crops of a class that fit into their cell; of larger ones the middle is shown."""


@dataclass(frozen=True)
class Sheet:
    """Hold what stands on one page: crops of a class, `scale` px of paper for each um (or for each
    px of the crop).

    `number` of `total` counts the pages of all classes; `count` and `specimens` those of the whole
    class.
    """

    pore_class: PoreClass
    crops: tuple[Crop, ...]
    scale: float
    calibrated: bool
    count: int
    specimens: int
    number: int = 0
    total: int = 0


def plan_sheets(project: Project) -> list[Sheet]:
    """Return the pages of all classes that have crops, in the order of the classes; crops go by
    specimen.

    Crops of unknown scale stand on pages of their own, at one scale in px. Raises PoreguiError when
    no crop has a class.
    """
    names = {s.id: s.name for s in project.specimens()}
    every = project.crops()
    sheets: list[Sheet] = []
    for pore_class in project.classes(retired=True):
        own = [crop for crop in every if crop.label == pore_class.id]
        own.sort(key=lambda crop: (natural(names.get(crop.specimen_id or 0, "")), crop.id))
        specimens = len({crop.specimen_id for crop in own if crop.specimen_id is not None})
        for calibrated in (True, False):
            crops = [crop for crop in own if (crop.um_per_px is not None) == calibrated]
            if not crops:
                continue
            scale = _CELL / float(np.percentile([_side(crop) for crop in crops], _FITS))
            for start in range(0, len(crops), COLUMNS * ROWS):
                page_crops = tuple(crops[start : start + COLUMNS * ROWS])
                sheets.append(Sheet(pore_class, page_crops, scale, calibrated, len(own), specimens))
    if not sheets:
        raise PoreguiError(
            "No crop has a class yet, so there is nothing to show.", "Label some crops first."
        )
    return [
        Sheet(
            s.pore_class, s.crops, s.scale, s.calibrated, s.count, s.specimens, number, len(sheets)
        )
        for number, s in enumerate(sheets, start=1)
    ]


def _side(crop: Crop) -> float:
    """Return the longer side in um, or in px where the scale is not known."""
    return crop.size_px * (crop.um_per_px or 1.0)


def draw_sheet(project: Project, sheet: Sheet) -> Image.Image:
    """Draw one page: head with class and scale bar, crops with specimen and number below each, page
    number.
    """
    page = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(page)
    _draw_head(draw, project, sheet)
    names = {s.id: s.name for s in project.specimens()}
    for index, crop in enumerate(sheet.crops):
        row, column = divmod(index, COLUMNS)
        left = _MARGIN + column * (_CELL + _GAP)
        top = _MARGIN + _HEAD + row * _PITCH
        small, cut = _at_scale(project, crop, sheet)
        page.paste(small, (left + (_CELL - small.width) // 2, top + (_CELL - small.height) // 2))
        text = f"{names.get(crop.specimen_id or 0, '') or 'no specimen'}  #{crop.id}"
        if cut:
            text += " (centre)"
        write(
            draw,
            (left + _CELL / 2, top + _CELL + 6),
            text,
            22,
            anchor="ma",
            widest=_CELL,
            colour=_MUTED,
        )
    foot = HEIGHT - _MARGIN + 10
    write(
        draw,
        (WIDTH - _MARGIN, foot),
        f"Page {sheet.number} of {sheet.total}",
        24,
        anchor="ra",
        colour=_MUTED,
    )
    text = "Pixel size unknown: all crops have the same scale in px"
    if sheet.calibrated:
        text = "All crops of this class have the same scale"
    write(draw, (_MARGIN, foot), f"{text}; larger ones show the centre.", 24, colour=_MUTED)
    return page


def _draw_head(draw: ImageDraw.ImageDraw, project: Project, sheet: Sheet) -> None:
    one = sheet.pore_class
    per_px = 1 / sheet.scale
    if sheet.calibrated:
        wide, text = bar_length(_CELL * 0.9, per_px)
    else:
        wide, text = bar_length(_CELL * 0.9 * per_px, None)
        wide *= sheet.scale
    room = WIDTH - 2 * _MARGIN - max(wide, 220) - 40
    write(draw, (_MARGIN, _MARGIN), project.folder.name, 26, widest=room, colour=_MUTED)
    draw.rectangle((_MARGIN, _MARGIN + 52, _MARGIN + 34, _MARGIN + 86), fill=one.colour)
    write(draw, (_MARGIN + 52, _MARGIN + 44), one.name, 44, widest=room - 60, bold=True)
    for number, line in enumerate(textwrap.wrap(one.definition, 85, max_lines=2, placeholder=" …")):
        write(draw, (_MARGIN, _MARGIN + 108 + 34 * number), line, 26, widest=room)
    crops = count(sheet.count, "crop")
    if sheet.specimens > 1:
        crops += f" from {sheet.specimens} specimens"
    write(draw, (_MARGIN, _MARGIN + 184), crops, 26, widest=room, colour=_MUTED)
    draw_bar(draw, WIDTH - _MARGIN, _MARGIN + 40, (wide, text), 30, thick=6)
    below = _MARGIN + _HEAD - 22
    draw.line((_MARGIN, below, WIDTH - _MARGIN, below), fill=(200, 200, 200), width=2)


def _at_scale(project: Project, crop: Crop, sheet: Sheet) -> tuple[Image.Image, bool]:
    """Return a crop at the scale of its page, and whether only its middle fits."""
    factor = sheet.scale * (crop.um_per_px or 1.0)
    whole = Image.fromarray(shown(project.pixels.get(crop.pixels))).convert("RGB")
    seen = (min(whole.width, _CELL / factor), min(whole.height, _CELL / factor))
    left = (whole.width - seen[0]) / 2
    top = (whole.height - seen[1]) / 2
    size = (max(1, round(seen[0] * factor)), max(1, round(seen[1] * factor)))
    box = (left, top, left + seen[0], top + seen[1])
    if factor > 1:
        way = Image.Resampling.BICUBIC
    else:
        way = Image.Resampling.LANCZOS
    return whole.resize(size, way, box), bool(left or top)


def draw_sheets(
    project: Project, progress: Progress = quiet
) -> Iterator[tuple[Sheet, Image.Image]]:
    """Draw page after page, so that only those at hand take memory."""
    sheets = plan_sheets(project)
    for sheet in sheets:
        yield sheet, draw_sheet(project, sheet)
        progress(sheet.number, len(sheets))


def export_sheets_pdf(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write all pages into one PDF, whole or not at all, and return how many there are.

    Raises PoreguiError when nothing is labelled or the file cannot be written.
    """
    sheets = plan_sheets(project)

    def write_all(beside: Path) -> None:
        pages = (page for _, page in draw_sheets(project, progress))
        more = False
        while batch := list(islice(pages, 8)):
            batch[0].save(
                beside,
                "PDF",
                save_all=True,
                append_images=batch[1:],
                append=more,
                resolution=DPI,
                quality=92,
                title=f"{project.folder.name}: contact sheets",
            )
            more = True

    replace_file(export_target(out), write_all)
    return len(sheets)


def export_sheets_png(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write every page as PNG into a new folder, named by class, and return how many there are.

    Raises PoreguiError when nothing is labelled, or the folder holds something or cannot be
    written.
    """

    def write_all(beside: Path) -> int:
        number = 0
        for sheet, page in draw_sheets(project, progress):
            number = sheet.number
            page.save(
                beside / f"{number:03d} {safe_name(sheet.pore_class.name, 'class')}.png",
                dpi=(DPI, DPI),
            )
        return number

    return new_folder(out, write_all)

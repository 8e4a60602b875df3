"""Write images to show: micrographs with the outlines of their labelled pores, crops with a scale
bar.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.micrograph_names import without_ending
from poregui.domain.records import Crop, Micrograph, Plane
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.applying.overlay import draw_overlay
from poregui.workflow.exporting.export_labels import (
    Progress,
    new_folder,
    quiet,
    write_class_folders,
)
from poregui.workflow.exporting.formats.shapes import (
    ImageShapes,
    PoreShape,
    corners,
    file_paths,
    shapes_of,
)
from poregui.workflow.importing.image_identity import OtherImage, check_same
from poregui.workflow.reporting.drawing import PAPER, bar_length, draw_bar, shown, with_bar, write

_SIDE = 1600
"""Longer side in px of an image of a micrograph, where that is at least as large."""
_MOST_PX = 64e6
_PX = 22
_MARGIN = 14
_GONE = " (file missing; its crops are shown)"
_REPLACED = " (file changed since import; its crops are shown)"


def export_bars(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write every labelled crop as PNG, enlarged and with a scale bar below, into a folder of its
    class.

    Returns how many there are. Where the scale is not known the bar is in px. Raises PoreguiError
    as `export_class_folders` does.
    """

    def write_one(pixels: CropPixels, crop: Crop, path: Path) -> None:
        with_bar(shown(pixels), crop.um_per_px).save(path, format="PNG")

    return new_folder(
        out, partial(write_class_folders, project, progress=progress, write=write_one)
    )


def export_overlays(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write one PNG for every micrograph with labelled pores: outlines in class colours, legend,
    scale bar.

    Returns how many there are. Of a micrograph whose file is gone the crops are shown, which the
    project has. Raises PoreguiError when nothing is labelled, or `out` holds something or cannot be
    written.
    """
    images = shapes_of(project)
    known = {m.id: m for m in project.micrographs()}
    specimens = {s.id: s.name for s in project.specimens()}

    def write_all(beside: Path) -> int:
        for done, (image, path) in enumerate(
            zip(images, _image_paths(images), strict=True), start=1
        ):
            micrograph = known[image.micrograph_id]
            specimen = specimens.get(micrograph.specimen_id or 0, "")
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            _overlay(project, micrograph, image, specimen).save(beside / path)
            progress(done, len(images))
        return len(images)

    return new_folder(out, write_all)


def _image_paths(images: Sequence[ImageShapes]) -> list[Path]:
    """Return where each image goes: its name without the ending, which stays where it tells two
    apart.
    """
    stems = [without_ending(image.called) for image in images]
    counts = Counter(stem.casefold() for stem in stems)
    names = [
        stem if counts[stem.casefold()] == 1 else image.called
        for image, stem in zip(images, stems, strict=True)
    ]
    return file_paths(names, ".png")


def _overlay(
    project: Project, micrograph: Micrograph, image: ImageShapes, specimen: str
) -> Image.Image:
    size = (micrograph.width, micrograph.height)
    gone = ""
    try:
        file = project.micrograph_file(micrograph)
        check_same(micrograph, file, project.folder)
        with open_pyramid(file, plane=Plane.parse(micrograph.plane)) as pyramid:
            wide, high = pyramid.sizes[pyramid.level_for(max(size) / _SIDE)]
            # Of a large file without smaller sizes only the overview is read, which needs a few
            # rows at a time.
            if wide * high < _MOST_PX:
                drawing = pyramid.seen(Box(0, 0, *size), _SIDE)
            else:
                drawing = pyramid.overview()
    except PoreguiError as error:
        drawing = _of_crops(project, micrograph)
        gone = _REPLACED if isinstance(error, OtherImage) else _GONE
    colours = {one.class_name: one.colour for one in image.shapes}
    order = [pore_class.name for pore_class in project.classes(retired=True)]
    names = sorted(colours, key=lambda name: order.index(name) if name in order else len(order))
    lines = [_line(shape) for shape in image.shapes]
    chosen = np.array([names.index(shape.class_name) for shape in image.shapes], np.int64)
    drawn = Image.open(
        io.BytesIO(draw_overlay(drawing, size, lines, chosen, [colours[name] for name in names]))
    )
    if image.um_per_px is None:
        scale = None
    else:
        scale = image.um_per_px * size[0] / drawn.width
    counts = Counter(shape.class_name for shape in image.shapes)
    title = f"{image.called}{gone}" + (f", {specimen}" if specimen else "")
    return _with_legend(
        drawn.convert("RGB"), title, [(name, colours[name], counts[name]) for name in names], scale
    )


def _line(shape: PoreShape) -> NDArray[np.float32]:
    return np.asarray(
        corners(shape.box) if shape.outline is None else shape.outline.points, np.float32
    )


def _of_crops(project: Project, micrograph: Micrograph) -> NDArray[Any]:
    """Return a light canvas of a micrograph, made smaller, with its crops in their places: (h, w)
    uint8.
    """
    factor = min(1.0, _SIDE / max(micrograph.width, micrograph.height))
    canvas = Image.new(
        "L", (round(micrograph.width * factor), round(micrograph.height * factor)), 225
    )
    for crop in project.crops(micrograph_id=micrograph.id):
        if crop.box is not None:
            wide = max(1, round(crop.width * factor))
            high = max(1, round(crop.height * factor))
            small = (
                Image.fromarray(shown(project.pixels.get(crop.pixels)))
                .convert("L")
                .resize((wide, high))
            )
            canvas.paste(small, (round(crop.box.x * factor), round(crop.box.y * factor)))
    return np.asarray(canvas)


def _with_legend(
    drawn: Image.Image, title: str, classes: list[tuple[str, str, int]], um_per_px: float | None
) -> Image.Image:
    """Return an image with its title, classes and scale bar in rows below it."""
    line = round(1.6 * _PX)
    bar = bar_length(drawn.width / 5, um_per_px)
    room = drawn.width - 3 * _MARGIN - max(round(bar[0]), 6 * _PX)
    captions = [f"{name}  {count}" for name, _, count in classes]
    probe = ImageDraw.Draw(drawn)
    rows: list[list[tuple[str, str, float]]] = [[]]
    left = 0.0
    for (_, colour, _), text in zip(classes, captions, strict=True):
        wide = write(probe, (0, -10 * _PX), text, _PX) + 2.2 * _PX
        if rows[-1] and left + wide > room:
            rows.append([])
            left = 0.0
        rows[-1].append((text, colour, left))
        left += wide
    drawing = Image.new(
        "RGB", (drawn.width, drawn.height + 2 * _MARGIN + line * (1 + len(rows))), PAPER
    )
    drawing.paste(drawn, (0, 0))
    draw = ImageDraw.Draw(drawing)
    top = drawn.height + _MARGIN
    write(draw, (_MARGIN, top), title, _PX, widest=room, bold=True)
    for number, row in enumerate(rows, start=1):
        for text, colour, along in row:
            x = _MARGIN + along
            y = top + number * line
            draw.rectangle((x, y + 0.2 * _PX, x + 0.8 * _PX, y + _PX), fill=colour)
            write(draw, (x + 1.15 * _PX, y), text, _PX, widest=room)
    draw_bar(draw, drawn.width - _MARGIN, top, bar, _PX)
    return drawing

"""Gather the pores of a project as shapes, and file names, that any format can write."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.editing.edits import label_name

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 180


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """Return a name without what Windows, macOS or a command line would stumble over."""
    clean = _FORBIDDEN.sub("_", name).strip(" .").lstrip("-")[:_LONGEST] or otherwise
    return f"_{clean}" if _RESERVED.match(clean) else clean


def file_names(names: Sequence[str], suffix: str) -> list[str]:
    """Return one file name for each name, in their order; equal ones are numbered."""
    taken: set[str] = set()
    found = []
    for name in names:
        clean = safe_name(name)
        number = 1
        unique = clean
        while unique.casefold() in taken:
            number += 1
            unique = f"{clean} {number}"
        taken.add(unique.casefold())
        found.append(unique + suffix)
    return found


def file_paths(names: Sequence[str], suffix: str) -> list[Path]:
    """Return one relative path for each name; the folders before a name stay folders, and none
    leads out.

    No two are alike: what meets after all is numbered.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        *folders, last = name.split("/")
        inside = Path(*(safe_name(part, "up") for part in folders if part not in ("", ".")))
        clean = safe_name(last)
        number = 1
        path = inside / f"{clean}{suffix}"
        while path.as_posix().casefold() in taken:
            number += 1
            path = inside / f"{clean} {number}{suffix}"
        taken.add(path.as_posix().casefold())
        found.append(path)
    return found


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder and the folders in it that a pattern fits,
    hidden ones left out.
    """
    found = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(
        one
        for one in found
        if not any(part.startswith(".") for part in one.relative_to(folder).parts)
    )


LARGEST_FILE = 1 << 30
"""Bytes of a file of shapes above which it is not read."""
_LARGEST_NUMBER = 1e7


@dataclass(frozen=True)
class PoreShape:
    """Hold one pore: its outline, or its box where nobody outlined it, and its class (empty: not
    labelled).

    `told` are names and words that a format may write beside the class.
    """

    crop_id: int
    box: Box
    outline: Outline | None
    class_name: str
    colour: str = "#808080"
    told: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ImageShapes:
    """Hold the pores of one micrograph; sizes in px, 0 where a format does not say them.

    `name` is that of its file, with the plane where it is not the first. `path` (with `/`) says
    where it lies and `sha256` what it holds, empty where a format does not say so; `plane` is None
    there. `beside` is where the file with these pores lies, as if it were the image.
    `shown_name` and `micrograph_id` are what a project calls it, empty and 0 in what was read.
    """

    name: str
    width: int
    height: int
    um_per_px: float | None
    shapes: tuple[PoreShape, ...]
    path: str = ""
    sha256: str = ""
    plane: str | None = None
    beside: str = ""
    shown_name: str = ""
    micrograph_id: int = 0

    @property
    def called(self) -> str:
        """Return the name by which no other image of its project goes."""
        return self.shown_name or self.name

    def facts(self) -> dict[str, str]:
        """Return what tells the image from every other one, for formats that take more words."""
        told = {"path": self.path, "sha256": self.sha256}
        found = {key: text for key, text in told.items() if text}
        return found | ({"plane": self.plane} if self.plane else {})


def text_of(value: object) -> str:
    """Return a text that a file holds; empty for anything else."""
    return value if isinstance(value, str) else ""


def shapes_of(project: Project, *, labelled_only: bool = True) -> list[ImageShapes]:
    """Return the pores of every micrograph that has some; crops without a micrograph have no place
    and are left out.
    """
    classes = project.classes(retired=True)
    colours = {c.id: c.colour for c in classes}
    found = []
    for micrograph in project.micrographs():
        outlines = project.outlines(micrograph_id=micrograph.id)
        shapes = tuple(
            PoreShape(
                crop.id,
                crop.box,
                outlines.get(crop.id),
                label_name(crop.label, classes),
                colours.get(crop.label or 0, "#808080"),
            )
            for crop in project.crops(micrograph_id=micrograph.id)
            if crop.box is not None and (crop.label is not None or not labelled_only)
        )
        if shapes:
            found.append(shapes_on(micrograph, shapes))
    if not found:
        raise PoreguiError(
            "No pore in a micrograph is labelled, so there is nothing to export.",
            "Label crops that were cut from micrographs, or export class folders.",
        )
    return found


def shapes_on(micrograph: Micrograph, shapes: tuple[PoreShape, ...]) -> ImageShapes:
    """Return pores with all that is known of the micrograph that they lie on."""
    return ImageShapes(
        micrograph.name,
        micrograph.width,
        micrograph.height,
        micrograph.um_per_px,
        shapes,
        path=micrograph.path,
        sha256=micrograph.sha256,
        plane=micrograph.plane,
        shown_name=micrograph.shown_name,
        micrograph_id=micrograph.id,
    )


def corners(box: Box) -> list[tuple[float, float]]:
    """Return the four corners of a box, clockwise from the upper left."""
    left = float(box.x)
    top = float(box.y)
    right = float(box.right)
    bottom = float(box.bottom)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def outline_from(numbers: object, where: str) -> Outline:
    """Return the outline through pairs of numbers that a file holds.

    Raises PoreguiError, which names `where`, for anything else: fewer than three points, text,
    infinity.
    """
    problem = PoreguiError(
        f"{where} is not an outline.", "Each needs at least three points with two finite numbers."
    )
    if not isinstance(numbers, list) or len(numbers) < 3:
        raise problem
    points = []
    for pair in numbers:
        if not isinstance(pair, (list, tuple)) or len(pair) < 2:
            raise problem
        x = pair[0]
        y = pair[1]
        if not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)
            for v in (x, y)
        ):
            raise problem
        if max(abs(x), abs(y)) > _LARGEST_NUMBER:
            raise problem
        points.append((float(x), float(y)))
    if points[0] == points[-1] and len(points) > 3:
        points.pop()
    return Outline.of(points)

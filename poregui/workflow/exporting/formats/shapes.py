"""Gather the pores of a project as shapes, and file names, that any format can write."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Micrograph, Plane
from poregui.domain.wording import noun, shortened
from poregui.store.project import Project
from poregui.vision.shape.overlaps import with_holes
from poregui.workflow.editing.edits import label_name

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 180


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """Return a name without what Windows, macOS or a command line would stumble over."""
    clean = _FORBIDDEN.sub("_", name).strip(" .").lstrip("-")[:_LONGEST] or otherwise
    return f"_{clean}" if _RESERVED.match(clean) else clean


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
class StackPlace:
    """Hold where in a stack something was drawn: page, channel and slice from 1, 0 where nobody
    said; `index` counts all images of the stack.
    """

    page: int = 0
    channel: int = 0
    z: int = 0
    index: int = 0

    def fits(self, plane: Plane) -> bool:
        """Tell whether a plane is the one that is meant, or may be it."""
        if self.index:
            return self.index == max(plane.page, plane.channel or 1, plane.z)
        pairs = ((self.page, plane.page), (self.channel, plane.channel or 1), (self.z, plane.z))
        return all(given in (0, there) for given, there in pairs)


NOWHERE = StackPlace()


@dataclass(frozen=True)
class PoreShape:
    """Hold one pore: its outline, or its box where nobody outlined it, and its class (empty: not
    labelled).

    `metadata` are names and words that a format may write beside the class. `planes` says for
    pages, channels and slices which one it was drawn on, from 1; 0 or nothing where a format does
    not say.
    """

    crop_id: int
    box: Box
    outline: Outline | None
    class_name: str
    colour: str = "#808080"
    metadata: tuple[tuple[str, str], ...] = ()
    planes: StackPlace = NOWHERE


@dataclass(frozen=True)
class ImageShapes:
    """Hold the pores of one micrograph; sizes in px, 0 where a format does not say them.

    `name` is that of its file, with the plane where it is not the first. `path` (with `/`) says
    where it lies and `sha256` what it holds, empty where a format does not say so; `plane` is None
    there. `beside` is where the file with these pores lies, as if it were the image.
    `shown_name` and `micrograph_id` are what a project calls it, empty and 0 in what was read.
    `notes` say what of the file was left out; `nameless` that it names no image at all;
    `as_stored` that places are those of the image as it is stored, not as it is shown upright.
    `source` is the file that it was read from, where one file may have several images of one name.
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
    notes: tuple[str, ...] = ()
    nameless: bool = False
    as_stored: bool = False
    source: str = ""

    @property
    def called(self) -> str:
        """Return the name by which no other image of its project goes."""
        return self.shown_name or self.name

    def facts(self) -> dict[str, str]:
        """Return what tells the image from every other one, for formats that take more words."""
        identity = {"path": self.path, "sha256": self.sha256}
        facts = {key: text for key, text in identity.items() if text}
        if facts:
            facts["coordinates"] = "upright image"
        return facts | ({"plane": self.plane} if self.plane else {})


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


COUNTED = "counted"
"""What `metadata` calls a class with a number behind it that may be its own or a counter."""


class UnfitEntryError(PoreguiError):
    """Say why an entry of a file is no pore; the others are."""


class LeftOut:
    """Gather the entries of a file that are no pores, by the reason."""

    def __init__(self, one: str, many: str = "") -> None:
        self._one = one
        self._many = many or f"{one}s"
        self._found: dict[str, list[str]] = {}

    def add(self, which: object, reason: str) -> None:
        """Remember an entry by its number or name."""
        self._found.setdefault(reason, []).append(str(which))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each reason, long lists of entries shortened."""
        return tuple(
            f"{noun(len(which), self._one, self._many)} {shortened(which, _MOST_NAMED)} "
            f"{noun(len(which), 'was', 'were')} left out: {reason}."
            for reason, which in self._found.items()
        )


def with_notes(
    file: Path, images: Sequence[ImageShapes], notes: tuple[str, ...]
) -> list[ImageShapes]:
    """Return the images of a file, the first with notes on what was left out.

    Raises PoreguiError where everything was.
    """
    if notes and not any(image.shapes for image in images):
        raise PoreguiError(f"{file.name} holds no pore that can be read.", " ".join(notes))
    return [replace(images[0], notes=notes), *images[1:]]


_MOST_NAMED = 10


def points_from(numbers: object) -> NDArray[np.float64]:
    """Return pairs of numbers that a file holds, (N, 2), the last one not the first again.

    Raises UnfitEntryError for anything else: fewer than three points, text, infinity.
    """
    if not isinstance(numbers, list) or len(numbers) < 3:
        raise UnfitEntryError("an outline needs three points or more")
    points = []
    for pair in numbers:
        if not isinstance(pair, (list, tuple)) or len(pair) < 2:
            raise UnfitEntryError("its points are no pairs of numbers")
        if not all(number_in(value) for value in pair[:2]):
            raise UnfitEntryError("its points are not finite numbers")
        points.append((float(pair[0]), float(pair[1])))
    if points[0] == points[-1] and len(points) > 3:
        points.pop()
    return np.array(points, np.float64)


def number_in(value: object) -> bool:
    """Tell whether a file holds a number that can be a place in an image."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and abs(value) <= _LARGEST_NUMBER


def pores_from(
    number: int,
    class_name: str,
    areas: Sequence[Sequence[NDArray[Any]]],
    planes: StackPlace = NOWHERE,
) -> list[PoreShape]:
    """Return the pores of areas, each an outer line and the lines of its holes, (N, 2) in px.

    Seams lead into holes and back. Raises UnfitEntryError where nothing is left of them.
    """
    found = []
    try:
        lines = [line for area in areas for line in with_holes(area[0], area[1:])]
    except PoreguiError as error:
        raise UnfitEntryError("its lines cross thousands of times") from error
    for line in lines:
        outline = Outline.of(line)
        found.append(PoreShape(number, outline.bounds, outline, class_name, planes=planes))
    if not found:
        raise UnfitEntryError("it encloses nothing")
    return found

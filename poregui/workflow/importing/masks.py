"""Read binary and label images as outlines: each names its micrograph by its own file name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import plain, without_ending
from poregui.domain.records import Micrograph
from poregui.domain.wording import percent, shortened
from poregui.store.files import file_hash
from poregui.vision.io.reader import read_values
from poregui.vision.pores.marked import Marked, lines_around, marked_in
from poregui.workflow.exporting.formats.shapes import (
    ImageShapes,
    LeftOut,
    PoreShape,
    UnfitEntryError,
    files_in,
    pores_from,
)
from poregui.workflow.importing.image_matching import match_all

ENDINGS = (".png", ".tif", ".tiff", ".bmp")
"""What files of masks are called; formats that blur values are none."""
_BEHIND = ("_mask", "_masks", "_label", "_labels", "_seg")
_MOST = 0.5
"""Part of an image above which it is said that what is marked may be the matrix."""
_MOST_NAMED = 5


@dataclass(frozen=True)
class MaskFile:
    """Hold a file with a mask and what its micrograph is called, by its name."""

    file: Path
    name: str

    @property
    def beside(self) -> str:
        """Return where the mask lies, as if it were its micrograph."""
        return (self.file.absolute().parent / self.name).as_posix()


@dataclass(frozen=True)
class MatchedMask:
    """Hold a mask that was read, and the micrograph that it is of."""

    micrograph: Micrograph
    file: Path
    marked: Marked


def are_masks(path: Path) -> bool:
    """Tell whether a file, or a folder by the files in it, may be masks."""
    if path.is_dir():
        return bool(_image_files(path))
    return path.suffix.lower() in ENDINGS


def _image_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for file in files_in(path, "*") if file.suffix.lower() in ENDINGS]


def mask_files(
    path: Path, micrographs: Sequence[Micrograph]
) -> tuple[list[MaskFile], tuple[str, ...]]:
    """Return the masks of a file or folder with the names of their micrographs, and sentences about
    files that cannot be told apart.

    Files that are micrographs of the project themselves are passed over. Raises PoreguiError where
    there is no image at all.
    """
    own = {one.sha256 for one in micrographs}
    named: defaultdict[tuple[Path, str], list[Path]] = defaultdict(list)
    files = _image_files(path)
    for file in files:
        if len(files) == 1 or _content_of(file) not in own:
            named[file.parent, plain(_name_of(file, micrographs))].append(file)
    if not named:
        raise PoreguiError(
            f"{path.name} holds no mask.", "Choose PNG or TIFF images named as the micrographs."
        )
    notes = []
    found = []
    for several in named.values():
        if len(several) == 1:
            found.append(MaskFile(several[0], _name_of(several[0], micrographs)))
        else:
            names = shortened([file.name for file in several], _MOST_NAMED)
            notes.append(f"{names} would be masks of one micrograph; none was taken. Keep one.")
    return found, tuple(notes)


def _content_of(file: Path) -> str:
    try:
        return file_hash(file)
    except PoreguiError:
        return ""


def _name_of(file: Path, micrographs: Sequence[Micrograph]) -> str:
    """Return the name of the micrograph that a file is a mask of, its own where there is none."""
    known = {plain(without_ending(one.path)).rpartition("/")[2] for one in micrographs}
    known |= {plain(without_ending(one.name)) for one in micrographs}
    stem = file.stem
    if plain(stem) in known:
        return stem
    for end in _BEHIND:
        if stem.lower().endswith(end) and plain(stem[: -len(end)]) in known:
            return stem[: -len(end)]
    return file.name


def read_masks(path: Path, micrographs: Sequence[Micrograph]) -> list[ImageShapes]:
    """Return the pores that masks mark, an image for each mask.

    What cannot be read is named in the notes of the first. Raises PoreguiError where nothing can.
    """
    masks, notes = _read_all(path, micrographs)
    if not masks:
        raise PoreguiError(f"No mask in {path.name} could be read.", " ".join(notes))
    found = [_shapes_of(one, marked) for one, marked in masks]
    return [replace(found[0], notes=(*notes, *found[0].notes)), *found[1:]]


def match_masks(
    path: Path, micrographs: Sequence[Micrograph]
) -> tuple[list[MatchedMask], tuple[str, ...]]:
    """Return the masks of micrographs, and sentences about files that are none.

    Raises PoreguiError where there is no image at all.
    """
    masks, notes = _read_all(path, micrographs)
    messages = list(notes)
    by_place = {one.beside: (one, marked) for one, marked in masks}
    images = [_image_of(one, marked, ()) for one, marked in masks]
    found = []
    for match in match_all(micrographs, images):
        if match.note:
            messages.append(match.note)
        if match.micrograph is not None:
            one, marked = by_place[match.image.beside]
            found.append(MatchedMask(match.micrograph, one.file, marked))
    return found, tuple(messages)


def _read_all(
    path: Path, micrographs: Sequence[Micrograph]
) -> tuple[list[tuple[MaskFile, Marked]], tuple[str, ...]]:
    files, notes = mask_files(path, micrographs)
    found = []
    messages = list(notes)
    for one in files:
        try:
            found.append((one, read_mask(one.file)))
        except PoreguiError as error:
            messages.append(str(error))
    return found, tuple(messages)


def read_mask(file: Path) -> Marked:
    """Return what a mask marks. Raises PoreguiError, whose sentence names the file."""
    values = read_values(file)
    try:
        return marked_in(values)
    except PoreguiError as error:
        raise PoreguiError(f"{file.name} is no mask: {error.what}", error.remedy) from error


def _shapes_of(one: MaskFile, marked: Marked) -> ImageShapes:
    shapes = []
    left_out = LeftOut("Pore")
    for number, areas in enumerate(lines_around(marked), start=1):
        try:
            shapes += pores_from(number, "", areas)
        except UnfitEntryError as error:
            left_out.add(number, error.what)
    notes = [f"{one.file.name}: {note}" for note in left_out.notes]
    if marked.share > _MOST:
        notes.append(
            f"{one.file.name} marks {percent(marked.share, 0)} of the image as pore; the greater "
            "of its two values does."
        )
    return replace(_image_of(one, marked, tuple(shapes)), notes=tuple(notes))


def _image_of(one: MaskFile, marked: Marked, shapes: tuple[PoreShape, ...]) -> ImageShapes:
    height, width = marked.labels.shape
    return ImageShapes(one.name, width, height, None, shapes, beside=one.beside)

"""Find images in folders and recognise what layout and manifest say of them."""

from __future__ import annotations

import csv
import math
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poregui.domain.classes import SHORT_NAMES, full_name, name_key
from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import Named, unique_names
from poregui.domain.records import GivenSplit
from poregui.vision.io.reader import is_image, read_size
from poregui.workflow.exporting.formats.shapes import safe_name

MANIFEST = "manifest.csv"
_UP = 3
"""So far above an image its manifest may lie: side/class/picture, and one more."""


@dataclass(frozen=True)
class ManifestRow:
    """Hold what a manifest says of one image; None for what it does not say."""

    specimen: str | None = None
    um_per_px: float | None = None
    label: str | None = None


NOTHING = ManifestRow()


class Manifests:
    """Find what manifests say of images; each manifest is read once, and one that is none says
    nothing.
    """

    def __init__(self) -> None:
        self._read: dict[Path, Mapping[str, ManifestRow]] = {}

    def row(self, image: Path) -> ManifestRow:
        """Return what the nearest manifest above an image says of it."""
        for folder in image.parents[:_UP]:
            rows = self._read.get(folder)
            if rows is None:
                rows = self._read[folder] = _rows(folder / MANIFEST)
            if rows:
                return rows.get(image.relative_to(folder).as_posix(), NOTHING)
        return NOTHING


def _rows(path: Path) -> dict[str, ManifestRow]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return {row["file"]: _row(row) for row in csv.DictReader(file) if row.get("file")}
    except (OSError, ValueError, csv.Error):
        return {}


def _row(cells: Mapping[str, str | None]) -> ManifestRow:
    return ManifestRow(
        plain(cells.get("specimen")) or None,
        scale(cells.get("um_per_px")),
        plain(cells.get("label")) or None,
    )


def plain(cell: str | None) -> str:
    """Return a cell without the quote by which `harmless` keeps spreadsheets from taking it for a
    formula.
    """
    text = (cell or "").strip()
    if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@"):
        return text[1:]
    return text


def scale(cell: str | None) -> float | None:
    """Return a scale in um per px, None for a cell that holds none."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    if math.isfinite(value) and 0 < value < 1e6:
        return value
    return None


Kind = Literal["auto", "micrographs", "crops"]
LARGE_CROP = 700
"""Shorter side in px from which on an image looks like a whole micrograph and not like a
ready-made crop.
"""
_LOOKED_AT = 15
_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx", "@eadir", MANIFEST)
_NO_CLASSES = (
    "micrographs",
    "micrograph",
    "images",
    "pictures",
    "photos",
    "raw",
    "originals",
    "overviews",
    "",
)
_GIVEN_SPLITS: dict[str, GivenSplit] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
}
_GIVEN_SPLITS |= dict.fromkeys(("valid", "validation", "val"), "train")
_SPLIT_WORD = re.compile(r"[ _-]?(set|data|folder)$")


@dataclass(frozen=True)
class FolderImage:
    """Hold an image and what its place says: the class (None for a micrograph or a crop without
    label) and the split.

    `shown` names it in reports: the path from the folder that was given, with more before it where
    two are alike.
    """

    file: Path
    shown: str
    is_crop: bool
    class_name: str | None = None
    given_split: GivenSplit | None = None


@dataclass(frozen=True)
class PassedOver:
    """Hold the name of a file or folder that was left out, and why, as the end of a sentence."""

    name: str
    reason: str


@dataclass(frozen=True)
class _Image:
    file: Path
    root: Path
    folders: tuple[str, ...]
    """Folders between root and file, splits taken out; the root's own name comes first when a
    folder was given.
    """
    given_split: GivenSplit | None

    @property
    def own_name(self) -> str:
        if self.folders:
            return self.file.relative_to(self.root).as_posix()
        return self.file.name


def find_images(
    paths: Sequence[Path], kind: Kind, known_classes: Iterable[str] = ()
) -> tuple[list[FolderImage], list[PassedOver]]:
    """Return the images in files and folders, each one once, and what was passed over.

    `auto`: images in class folders, and images whose names begin with a class (`LOF.139.PNG`),
    are crops, others micrographs. What a manifest says of a class goes before the name of the
    folder, which cannot bear every character. Folders are class folders when one bears the name of
    a class, or when there are two or more beside each other, unless their images are as large as
    whole micrographs. Folders `train`, `test`, `train_set`... name the split. Hidden and system
    files are passed over silently. Raises PoreguiError for a path that does not exist.
    """
    skipped: list[PassedOver] = []
    images = list(_walk(paths, skipped))
    known = tuple(known_classes)
    names = {name_key(safe_name(name)): name for name in known}
    names |= {name_key(name): name for name in known}
    shown = unique_names([Named(p.file.as_posix(), p.own_name) for p in images])
    if kind == "micrographs":
        return [
            FolderImage(p.file, name, is_crop=False) for p, name in zip(images, shown, strict=True)
        ], skipped
    folder_class = _class_folders(images, names, kind)
    manifests = Manifests()
    found: list[FolderImage] = []
    for p, called in zip(images, shown, strict=True):
        name = manifests.row(p.file).label or folder_class(p.folders)
        name = name or class_in_name(p.file.stem, names)
        is_crop = kind == "crops" or name is not None
        found.append(FolderImage(p.file, called, is_crop, name, p.given_split if is_crop else None))
    return found, skipped


def no_images(paths: Sequence[Path], skipped: Sequence[PassedOver]) -> PoreguiError:
    """Return the sentence for files and folders in which `find_images` found no image."""
    remedy = "Choose PNG, JPEG, BMP or TIFF files, or a folder that holds some."
    if len(paths) == 1 and paths[0].is_file():
        return PoreguiError(
            f"{paths[0].name} {skipped[0].reason}" if skipped else "Nothing was chosen.", remedy
        )
    where = str(paths[0]) if len(paths) == 1 else "the chosen folders"
    if len(paths) == 1 and len(skipped) == 1 and skipped[0].name == paths[0].absolute().name:
        return PoreguiError(
            f"{where} {skipped[0].reason}", "" if "project" in skipped[0].reason else remedy
        )
    return PoreguiError(f"There is no image in {where}.", remedy)


def class_in_name(stem: str, known: dict[str, str]) -> str | None:
    """Return the class that a file name without its ending begins with, or None.

    A class of one or two letters counts only when nothing but a number follows (`K.20`), a longer
    one when a number follows it (`keyhole_012_b`). `known` maps the keys of class names (see
    `name_key`) to how they are written.
    """
    stem = unicodedata.normalize("NFC", stem)
    for name in sorted({*SHORT_NAMES, *known}, key=len, reverse=True):
        if stem[: len(name)].casefold() != name:
            continue
        if len(name) <= 2:
            rest = r"[._ -]+\(?\d+\)?"
        else:
            rest = r"[._ -]*\(?\d.*"
        if re.fullmatch(rest, stem[len(name) :]):
            return known.get(name) or full_name(name)
    return None


def _class_of_folder(name: str, known: dict[str, str]) -> str | None:
    plain = name_key(name.replace("_", " "))
    return known.get(name_key(name)) or known.get(plain) or SHORT_NAMES.get(name.strip().casefold())


def _class_folders(
    images: Sequence[_Image], known: dict[str, str], kind: Kind
) -> Callable[[tuple[str, ...]], str | None]:
    """Return the function that tells the class of images in a chain of folders, or None."""
    inside: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for p in images:
        if p.folders:
            inside[p.folders].append(p.file)
    siblings: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for chain in inside:
        if chain[-1].casefold() not in _NO_CLASSES:
            siblings[chain[:-1]].add(chain[-1])
    large = {
        parent: kind == "auto"
        and _look_whole([file for name in names for file in inside[*parent, name]])
        for parent, names in siblings.items()
        if len(names) > 1
    }

    def class_of(chain: tuple[str, ...]) -> str | None:
        if not chain:
            return None
        bears = next(
            (name for part in reversed(chain) if (name := _class_of_folder(part, known))), None
        )
        if bears or chain[-1].casefold() in _NO_CLASSES:
            return bears
        beside = len(siblings[chain[:-1]]) > 1 and (len(chain) > 1 or kind == "crops")
        if (
            not beside
            or large[chain[:-1]]
            or all(class_in_name(file.stem, known) for file in inside[chain])
        ):
            return None
        return chain[-1]

    return class_of


def _look_whole(files: Sequence[Path]) -> bool:
    """Tell whether images are so large that their folders are specimens rather than classes of
    crops.
    """
    some = files[:: max(1, len(files) // _LOOKED_AT)]
    sides = sorted(min(size) for file in some if (size := read_size(file)))
    return bool(sides) and sides[len(sides) // 2] >= LARGE_CROP


def _walk(paths: Sequence[Path], skipped: list[PassedOver]) -> Iterator[_Image]:
    seen: set[str] = set()
    for given in paths:
        path = Path(os.path.abspath(given))
        if not path.exists():
            raise PoreguiError(f"{given} does not exist.", "Check the path.")
        if path.is_dir():
            before = len(skipped)
            images = list(_walk_folder(path, path, seen, skipped))
            if not images and len(skipped) == before:
                skipped.append(PassedOver(str(given), "holds no images."))
            yield from images
        elif _first_time(path, seen):
            if path.is_file() and is_image(path):
                yield _Image(path, path.parent, (), None)
            else:
                skipped.append(PassedOver(path.name, "is not an image of a known format."))


def _walk_folder(
    folder: Path, root: Path, seen: set[str], skipped: list[PassedOver]
) -> Iterator[_Image]:
    if not _first_time(folder, seen):
        return
    if folder != root:
        shown = folder.relative_to(root).as_posix()
    else:
        shown = root.name
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural(entry.name))
    except OSError as error:
        skipped.append(PassedOver(shown, f"cannot be read ({error.strerror})."))
        return
    if any(entry.name == "project.db" for entry in entries):
        skipped.append(
            PassedOver(shown, "is a poregui project; import the images in its folders one by one.")
        )
        return
    for entry in entries:
        path = Path(entry.path)
        name = path.relative_to(root).as_posix()
        if entry.name.startswith(".") or entry.name.casefold() in _SYSTEM_FILES:
            continue
        if not entry.name.isprintable() or not _is_text(entry.name):
            skipped.append(PassedOver(ascii(name), "has a name that is not valid text; rename it."))
        elif _leads_to_a_folder(entry):
            yield from _walk_folder(path, root, seen, skipped)
        elif not path.is_file():
            skipped.append(PassedOver(name, "leads nowhere."))
        elif not is_image(path):
            skipped.append(PassedOver(name, "is not an image of a known format."))
        elif _first_time(path, seen):
            chain = (root.name, *path.parent.relative_to(root).parts)
            splits = [split for folder in chain if (split := split_of(folder))]
            yield _Image(path, root, _without_splits(chain), splits[-1] if splits else None)


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or a link to one; one that leads in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _without_splits(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Take the folders out that name a split; a root of that name stays as a
    place without a name.
    """
    return (
        "" if split_of(chain[0]) else chain[0],
        *(folder for folder in chain[1:] if not split_of(folder)),
    )


def split_of(folder: str) -> GivenSplit | None:
    """Return the split that a folder's name says: `train`, `Test_set`, `training data`; None for
    other names.
    """
    return _GIVEN_SPLITS.get(_SPLIT_WORD.sub("", folder.strip().casefold()))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts `K.9` before `K.10`, and both before `Ka`."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return tuple((0, int(part[:18]), "") if part.isdecimal() else (1, 0, part) for part in parts)


def _first_time(path: Path, seen: set[str]) -> bool:
    real = os.path.realpath(path)
    if real in seen:
        return False
    seen.add(real)
    return True


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Name micrographs so that no two look alike, and tell which one a text or a table row means.

Many microscopes begin to count anew in each folder: a bare file name does not say which image is
meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from poregui.domain.records import Micrograph, Plane
from poregui.domain.wording import shortened

_DRIVE = re.compile(r"[A-Za-z]:$")
_MOST_LISTED = 5


@dataclass(frozen=True)
class Named:
    """Hold what an image may be called by: its path (parts joined by `/`), its own name, and the
    plane in words.

    `mark` tells it apart where path and name are those of another one, such as `#3`.
    """

    path: str
    name: str
    text: str = ""
    mark: str = ""


def plain(text: str) -> str:
    """Return a name or path as it is compared: in one Unicode form, without regard to case, with
    `/`.
    """
    return unicodedata.normalize("NFC", text.replace("\\", "/")).casefold()


def unique_names(images: Sequence[Named]) -> list[str]:
    """Return how each image is called: its name, or as much of the end of its path as no other one
    has.

    No two of them are alike, whatever the case or the Unicode form.
    """
    levels = [_levels(image) for image in images]
    depth = [0] * len(images)
    found = [texts[0] for texts in levels]
    alike = _alike(found)
    while any(depth[index] + 1 < len(levels[index]) for index in alike):
        for index in alike:
            depth[index] = min(depth[index] + 1, len(levels[index]) - 1)
            found[index] = levels[index][depth[index]]
        alike = _alike(found)
    return _numbered(found) if alike else found


def _levels(one: Named) -> list[str]:
    """Return the name, then with ever more folders before it, at last the whole
    path and its mark.
    """
    parts = [part for part in one.path.split("/") if part not in ("", ".")]
    last = parts[-1] if parts else one.name
    if one.name.startswith(last):
        tail = one.name
    else:
        tail = ", ".join(filter(None, (last, one.text)))
    folders = parts[:-1]
    levels = [one.name]
    if tail != one.name:
        levels.append(tail)
    levels += ["/".join([*folders[-count:], tail]) for count in range(1, len(folders) + 1)]
    if one.path.startswith("/"):
        levels.append("/" + "/".join([*folders, tail]))
    elif parts and parts[0] != ".." and not _DRIVE.match(parts[0]):
        levels.append("./" + "/".join([*folders, tail]))
    if one.mark:
        levels.append(f"{levels[-1]} {one.mark}")
    return levels


def _alike(names: Sequence[str]) -> list[int]:
    by_name: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        by_name.setdefault(plain(name), []).append(index)
    return sorted(index for several in by_name.values() if len(several) > 1 for index in several)


def _numbered(names: Sequence[str]) -> list[str]:
    """Number what is alike to the end; the first of it keeps its name."""
    taken: set[str] = set()
    reserved = {plain(name) for name in names}
    found = []
    for name in names:
        number = 1
        unique = name
        while plain(unique) in taken or (number > 1 and plain(unique) in reserved):
            number += 1
            unique = f"{name} ({number})"
        taken.add(plain(unique))
        found.append(unique)
    return found


def with_unique_names(micrographs: Iterable[Micrograph]) -> tuple[Micrograph, ...]:
    """Return the micrographs of a project, each with what it is called among them."""
    there = tuple(micrographs)
    names = _kept_names(tuple((one.path, one.name, one.plane, one.id) for one in there))
    if names is None:
        return there
    return tuple(replace(one, unique_name=name) for one, name in zip(there, names, strict=True))


@lru_cache(maxsize=16)
def _kept_names(images: tuple[tuple[str, str, str, int], ...]) -> tuple[str, ...] | None:
    """Return the names of path, name, plane and id of each; None where the names alone do.

    They are asked for whenever a project is read, and seldom change.
    """
    if len({plain(name) for _, name, _, _ in images}) == len(images):
        return None
    named = [
        Named(path, name, Plane.parse(plane).text, f"#{number}")
        for path, name, plane, number in images
    ]
    return tuple(unique_names(named))


# ---- what a text means ----------------------------------------------------------------------


def micrographs_meant(micrographs: Sequence[Micrograph], text: str) -> list[Micrograph]:
    """Return the micrographs that a text can mean, in their order; several where it does not tell
    them apart.

    A text is an id (`#3`, or `3`), what a micrograph is called in lists, a path or the end of one,
    or a name, with or without its ending. What fits to the letter goes before what fits but for
    case, and longer forms before shorter.
    """
    wanted = text.strip()
    if re.fullmatch(r"#\d+", wanted):
        return [micrograph for micrograph in micrographs if micrograph.id == int(wanted[1:])]
    meant = _named(micrographs, wanted) if wanted else []
    by_id = [
        micrograph
        for micrograph in micrographs
        if wanted.isdecimal() and micrograph.id == int(wanted)
    ]
    ids = {one.id for one in (*meant, *by_id)}
    return [micrograph for micrograph in micrographs if micrograph.id in ids]


def _named(micrographs: Sequence[Micrograph], wanted: str) -> list[Micrograph]:
    end = wanted.replace("\\", "/").removeprefix("./")
    forms: tuple[Callable[[Micrograph], bool], ...] = (
        lambda one: _nfc(one.shown_name) == _nfc(wanted),
        lambda one: _ends(_nfc(full_name(one)), _nfc(end)),
        lambda one: _ends(plain(full_name(one)), plain(end)),
        lambda one: _ends(_nfc(one.path), _nfc(end)),
        lambda one: _ends(plain(one.path), plain(end)),
        lambda one: _ends(plain(without_ending(one.path)), plain(end)),
    )
    for fits in forms:
        found = [micrograph for micrograph in micrographs if fits(micrograph)]
        if found:
            return found
    return []


def full_name(micrograph: Micrograph) -> str:
    """Return a micrograph's name, plane and all, behind the folders of its path."""
    folder, slash, _ = micrograph.path.rpartition("/")
    return f"{folder}{slash}{micrograph.name}"


def without_ending(path: str) -> str:
    """Return a path or name without the ending of its file."""
    folder, slash, name = path.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return f"{folder}{slash}{stem if dot and stem else name}"


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _ends(path: str, end: str) -> bool:
    """Tell whether a path is a whole number of parts, or ends in them."""
    return path == end or (not end.startswith("/") and path.endswith(f"/{end}"))


def shared_folders(path: str, other: str) -> int:
    """Return how many folders right above their files two paths share, whatever the files are
    called.
    """
    mine, theirs = (plain(one).split("/")[-2::-1] for one in (path, other))
    count = 0
    for one, two in zip(mine, theirs, strict=False):
        if one != two or one in ("", ".", ".."):
            break
        count += 1
    return count


def names_with_ids(micrographs: Sequence[Micrograph], last: str = "and") -> str:
    """Return what micrographs are called, with their ids, as the end of a sentence."""
    return shortened([f"{one.shown_name} (#{one.id})" for one in micrographs], _MOST_LISTED, last)


TELL_APART = ("micrograph_id", "path", "sha256", "plane")
"""The last columns of a table that leaves the program: several micrographs may have one name."""


def distinguished(micrograph: Micrograph | None) -> tuple[int | str, ...]:
    """Return the cells of `TELL_APART`, empty where there is no micrograph."""
    if micrograph is None:
        return ("",) * len(TELL_APART)
    return micrograph.id, micrograph.path, micrograph.sha256, micrograph.plane

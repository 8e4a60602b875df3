"""Give each applied micrograph a folder of its own for results, and call it so.

Results of one micrograph never take the place of another one's, be they of one call or of several
into one folder. A folder tells by field.json whose it is: by file and plane, or by content where a
project or its images were moved.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.micrograph_names import Named, unique_names
from poregui.store.files import file_hash, is_link
from poregui.store.run_files import parse_json, read_whole
from poregui.workflow.applying.field import FieldTask
from poregui.workflow.applying.result_files import SUMS
from poregui.workflow.exporting.formats.shapes import safe_name

FIELDS = "fields"
"""The folder with the folders of micrographs in a folder of results."""


@dataclass(frozen=True)
class _Owner:
    """Hold whose results a folder holds: file and plane as they were told, and the content of the
    file.
    """

    folder: Path
    file: str
    plane: str
    sha256: str


def names_of(tasks: Sequence[FieldTask]) -> list[str]:
    """Return how each micrograph is called: as the project does, with more folders where these do
    not suffice.
    """
    images = [Named(task.file.as_posix(), task.own_name, task.plane.text) for task in tasks]
    found = unique_names(images)
    return [_longer(one.shown_name, name) for one, name in zip(tasks, found, strict=True)]


def _longer(known: str, found: str) -> str:
    if known.count("/") > found.count("/"):
        return known
    return found


def own_folders(tasks: Sequence[FieldTask], inside: Path) -> list[Path]:
    """Return a folder below `inside` for each micrograph: where its results lie, or else a free one
    of its name.

    Nothing is written. Names that are taken by another micrograph get the folders of the file's
    path before them. Raises ProjectError where a link stands for a folder of results.
    """
    _refuse_links(inside)
    owners = _owners(inside)
    found = _by_file(tasks, owners)
    _add_by_content(
        tasks, [owner for owner in owners if owner.folder not in found.values()], found, inside
    )
    taken = {
        _plain(folder.name) for folder in (*found.values(), *(owner.folder for owner in owners))
    }
    for index, task in enumerate(tasks):
        if index not in found:
            name = _free(task, taken)
            taken.add(_plain(name))
            found[index] = inside / name
    return [found[index] for index in range(len(tasks))]


def _refuse_links(inside: Path) -> None:
    """Raise ProjectError for a link among folders of results; a person may give one as `--out`."""
    out = inside.parent
    looked_at = [inside]
    if inside.is_dir():
        looked_at += sorted(inside.iterdir())
    if (out.parent.parent / "project.db").exists():
        looked_at.append(out)
    for path in looked_at:
        if is_link(path):
            raise ProjectError(
                f"{path} is a link, and results are not written through links.",
                "Put the folder itself in the place of the link, or remove the link.",
            )


def _owners(inside: Path) -> list[_Owner]:
    found = []
    for path in sorted(inside.glob(f"*/{SUMS}")):
        try:
            result = parse_json(read_whole(path))
            owner = _Owner(
                path.parent, str(result["file"]), str(result["plane"]), str(result["sha256"])
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # a damaged one is nobody's and is made anew
        found.append(owner)
    return found


def _by_file(tasks: Sequence[FieldTask], owners: Sequence[_Owner]) -> dict[int, Path]:
    known = {(owner.file, owner.plane): owner.folder for owner in owners}
    return {index: known[task.key] for index, task in enumerate(tasks) if task.key in known}


def _add_by_content(
    tasks: Sequence[FieldTask], owners: Sequence[_Owner], found: dict[int, Path], inside: Path
) -> None:
    """Add folders with results of the same image, which lay elsewhere when they were made, each
    once.
    """
    free = list(owners)
    for index, task in enumerate(tasks):
        if index in found:
            continue
        likely = [one for one in free if _may_have_moved(one, task, inside)]
        content = _content(task) if likely else ""
        same = next((one for one in likely if content and one.sha256 == content), None)
        if same is not None:
            found[index] = same.folder
            free.remove(same)


def _may_have_moved(owner: _Owner, task: FieldTask, inside: Path) -> bool:
    """Tell whether a file may be that of an owner in a new place, and not a copy of it that counts
    by itself.

    It may when the old one is gone, or when both lie alike to the results: then all was copied.
    """
    if (_name(owner.file), owner.plane) != (task.file.name, str(task.plane)):
        return False
    if not Path(owner.file).exists():
        return True
    try:
        parts = Path(os.path.relpath(task.file, inside)).parts
    except ValueError:
        return False  # on another drive
    down = "/".join(part for part in parts if part != os.pardir)
    return f"/{owner.file.replace(os.sep, '/')}".endswith(f"/{down}")


def _content(task: FieldTask) -> str:
    if task.sha256:
        return task.sha256
    try:
        return file_hash(task.file)
    except PoreguiError:
        return ""


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _free(task: FieldTask, taken: set[str]) -> str:
    """Return the first name that is free: the file's, with ever more folders before it, at last
    with a number.
    """
    name = task.own_name
    tried = safe_name(name)
    for folder in task.file.parent.parts[::-1]:
        if _plain(tried) not in taken:
            return tried
        name = f"{folder}_{name}"
        tried = safe_name(name)
    number = 1
    while _plain(tried) in taken:
        number += 1
        tried = f"{safe_name(task.own_name)} {number}"
    return tried


def _plain(name: str) -> str:
    return name.casefold()

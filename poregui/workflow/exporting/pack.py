"""Pack a project for a colleague as one verified zip file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import Named, unique_names
from poregui.domain.records import Micrograph
from poregui.domain.wording import count, shortened
from poregui.store.files import export_target
from poregui.store.finder_folder import trainable
from poregui.store.packing import Member, beside, copy_databases, run_files, write_zip
from poregui.store.project import Project
from poregui.workflow.exporting.formats.shapes import file_paths
from poregui.workflow.importing.image_identity import check_same

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Packed:
    """Say what went into the zip: files, bytes, micrographs and runs, and the micrographs whose
    files are missing.

    `other` are those whose files hold another image now, or of whose content nothing is known;
    they were left out. `without_pixels` is how many crops have no pixels. `changed` are files of
    runs that are not as their run left them, left out as well.
    """

    out: str
    files: int
    size: int
    micrographs: int
    runs: int
    missing: tuple[str, ...]
    other: tuple[str, ...] = ()
    without_pixels: int = 0
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a dictionary fit for JSON."""
        return asdict(self)

    @property
    def text(self) -> str:
        """Return the facts as a sentence or two."""
        text = (
            f"Packed {count(self.files, 'file')}, with {count(self.micrographs, 'micrograph')} and "
            f"{count(self.runs, 'run')}, into {self.out} ({self.size / 2**20:.1f} MB); all were "
            "read back and verified."
        )
        if self.missing:
            text += f" Not found and left out: {shortened(self.missing, 5)}."
        if self.other:
            text += f" Changed since import and left out: {shortened(self.other, 5)}."
        if self.changed:
            text += f" Changed since their run and left out: {shortened(self.changed, 5)}."
        if self.without_pixels:
            text += f" The pixels of {count(self.without_pixels, 'crop')} are missing."
        return text


def pack(
    project: Project,
    out: Path,
    *,
    micrographs: bool = True,
    runs: bool = True,
    progress: Progress = lambda done, total, text: None,
) -> Packed:
    """Write a project into the zip file `out`: a folder that opens anywhere, its micrographs
    inside.

    Without micrographs the crops are still labelled, trained on and reviewed. Raises PoreguiError
    when the folder of `out` refuses, the disk is full, or what was written does not read back.
    """
    if out.is_dir():
        raise PoreguiError(f"{out} is a folder.", "Give the name of a zip file.")
    if not project.pixels.is_there:
        raise PoreguiError(
            f"{project.folder / 'pixels.db'} is missing, and with it the pixels of all crops.",
            "Restore it from a copy, or accept the micrograph files, and pack again.",
        )
    target = export_target(out)
    if micrographs:
        moved, images, missing, other = _images(project)
    else:
        moved = {}
        images = []
        missing = []
        other = []
    if runs:
        every = trainable(project.folder)
        finished = [run for run in every if not run.is_link and not run.is_running()]
    else:
        finished = []
    with beside(target) as folder:
        ran, changed = run_files(finished, project.folder)
        members = [
            *copy_databases(project.folder, folder, moved),
            *images,
            *ran,
        ]
        lost = project.crops_without_pixels()
        size = write_zip(target, project.name, members, progress)
    return Packed(
        str(out),
        len(members),
        size,
        len(images),
        len(finished),
        tuple(missing),
        tuple(other),
        lost,
        tuple(changed),
    )


def _images(project: Project) -> tuple[dict[str, str], list[Member], list[str], list[str]]:
    """Return the new paths of micrographs by their old ones, their files, and what is missing or
    another image.

    Micrographs of one name keep the folders that tell them apart.
    """
    moved: dict[str, str] = {}
    members: list[Member] = []
    missing: list[str] = []
    other: list[str] = []
    there = list(project.micrographs())
    files = [project.micrograph_file(one) for one in there]
    shown = unique_names(
        [Named(one.path, file.name, mark=f"#{one.id}") for one, file in _first(there, files)]
    )
    paths_in_zip = {
        one.path: path
        for (one, _), path in zip(_first(there, files), file_paths(shown, ""), strict=True)
    }
    for one, file in zip(there, files, strict=True):
        if not file.is_file():
            missing.append(one.shown_name)
        elif one.path not in moved and _is_other(project, one, file):
            other.append(one.shown_name)
        elif one.path not in moved:
            moved[one.path] = f"micrographs/{paths_in_zip[one.path].as_posix()}"
            members.append(Member(file, moved[one.path], one.sha256))
    return moved, members, missing, other


def _first(micrographs: list[Micrograph], files: list[Path]) -> list[tuple[Micrograph, Path]]:
    """Return the first micrograph of each path with its file."""
    found = {
        one.path: (one, file) for one, file in zip(micrographs[::-1], files[::-1], strict=True)
    }
    return list(found.values())


def _is_other(project: Project, micrograph: Micrograph, file: Path) -> bool:
    """Tell whether a file is not known to be the image: a path in a project may name any file."""
    if not micrograph.sha256:
        return True
    try:
        check_same(micrograph, file, project.folder)
    except PoreguiError:
        return True
    return False

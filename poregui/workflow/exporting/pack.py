"""Pack a project for a colleague as one verified zip file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count, shortened
from poregui.store.packing import Member, beside, copy_databases, run_files, write_zip
from poregui.store.project import Project

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Packed:
    """Say what went into the zip: files, bytes, micrographs and runs, and the micrographs whose
    files are missing.
    """

    out: str
    files: int
    size: int
    micrographs: int
    runs: int
    missing: tuple[str, ...]

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
    moved = {}
    pictures = []
    missing = []
    for micrograph in project.micrographs() if micrographs else ():
        file = project.micrograph_file(micrograph)
        if not file.is_file():
            missing.append(micrograph.name)
        elif micrograph.path not in moved:
            moved[micrograph.path] = f"micrographs/{micrograph.id:04d}_{file.name}"
            pictures.append(Member(file, moved[micrograph.path]))
    if runs:
        finished = [run.path for run in project.runs() if not run.is_running()]
    else:
        finished = []
    with beside(out) as folder:
        members = [
            *copy_databases(project.folder, folder, moved),
            *pictures,
            *run_files(finished, project.folder),
        ]
        size = write_zip(out, project.name, members, progress)
    return Packed(str(out), len(members), size, len(pictures), len(finished), tuple(missing))

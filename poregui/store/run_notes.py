"""Keep what people call a run and note of it, and the runs that they deleted.

Name and note lie in a file of the run's folder that no seal names, so they change after the run has
ended and travel with its copies. Deleted runs lie whole in a bin beside the others.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from poregui.domain.checked import mapping, text
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.files import explain_write_error, is_link, write_json
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder, bin_of, runs_in

LONGEST_NAME = 60
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class RunNotes:
    """Hold what a person calls a run and wrote about it; both may be empty."""

    name: str = ""
    note: str = ""


def read_notes(run: RunFolder) -> RunNotes:
    """Return name and note of a run; empty ones where there are none, or nobody can read them."""
    try:
        if run.is_link:
            return RunNotes()
        values = mapping(parse_json(read_whole(run.notes_file)))
        return checked_notes(text(values["name"]), text(values["note"]))
    except (PoreguiError, *BROKEN):
        return RunNotes()


def write_notes(run: RunFolder, notes: RunNotes) -> None:
    """Write name and note of a run. Raises PoreguiError when they are too long or cannot be
    written.
    """
    if run.is_link or not run.path.is_dir():
        raise ProjectError(
            f"Run {run.number} is not a folder of this project.", "Choose another run."
        )
    write_json(run.notes_file, asdict(checked_notes(notes.name, notes.note)))


def checked_notes(name: str, note: str) -> RunNotes:
    """Return a name in one line and a note. Raises PoreguiError for one that is too long."""
    name = " ".join(name.split())
    note = note.strip()
    if len(name) > LONGEST_NAME:
        raise PoreguiError(
            f"The name has {len(name):,} characters.",
            f"Use at most {LONGEST_NAME} and write the rest into the note.",
        )
    if len(note) > LONGEST_NOTE:
        raise PoreguiError(
            f"The note has {len(note):,} characters.", f"Use at most {LONGEST_NOTE:,}."
        )
    return RunNotes(name, note)


def deleted_runs(project: Path) -> list[RunFolder]:
    """Return the runs in the bin of a project folder, oldest first."""
    try:
        found = [path for path in bin_of(project).iterdir() if path.name.isdecimal()]
    except OSError:
        return []
    runs = [RunFolder(path) for path in found if path.is_dir() and not is_link(path)]
    return sorted(runs, key=lambda run: run.number)


def bin_run(project: Path, run: RunFolder) -> None:
    """Move a run into the bin. Raises ProjectError when it is trained now, or cannot be moved."""
    if run.is_running():
        raise ProjectError(
            f"Run {run.number} is being trained.", "Wait until it ends or stop it, then delete it."
        )
    _move(run.path, bin_of(project) / run.path.name)


def take_back(project: Path, number: int) -> RunFolder:
    """Move a run from the bin to the others and return it. Raises ProjectError when it is not in
    the bin, or cannot be moved.
    """
    for run in deleted_runs(project):
        if run.number == number:
            to = project / "runs" / run.path.name
            _move(run.path, to)
            return RunFolder(to)
    raise ProjectError(
        f"There is no deleted run {number}.", _there([one.number for one in deleted_runs(project)])
    )


def run_numbered(project: Path, number: int) -> RunFolder:
    """Return a run by its number. Raises ProjectError when there is none."""
    runs = {run.number: run for run in runs_in(project)}
    if number not in runs:
        raise ProjectError(f"There is no run {number}.", _there(list(runs)))
    return runs[number]


def _there(numbers: list[int]) -> str:
    if not numbers:
        return "There is none at all."
    return f"There is {', '.join(str(number) for number in numbers)}."


def _move(path: Path, to: Path) -> None:
    if os.path.lexists(to):
        raise ProjectError(f"{to} exists already.", "Move it away and try again.")
    try:
        to.parent.mkdir(exist_ok=True)
        path.rename(to)
    except OSError as error:
        raise explain_write_error(error, to) from error

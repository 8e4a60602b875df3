"""Name runs, delete them to a bin and take them back, for window and command line alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.wording import listed
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import RunNotes, bin_run, run_numbered, take_back, write_notes
from poregui.workflow.applying.locked_recipe import lock_of_project, own_run, read_lock


@dataclass(frozen=True)
class RunUse:
    """Hold what rests on a run: folders of results, and whether the project's lock does."""

    results: Sequence[str]
    locked: bool

    @property
    def sentence(self) -> str:
        """Say which results rest on it, empty where none do."""
        if not self.results:
            return ""
        return f"The results in {listed(list(self.results))} are kept."


def use_of(project: Project, run: RunFolder) -> RunUse:
    """Return what rests on a run."""
    results = f"applied/run-{run.path.name}"
    found = [results] if (project.folder / results).is_dir() else []
    return RunUse(found, _is_locked(project, run))


def describe_run(project: Project, number: int, notes: RunNotes) -> None:
    """Give a run name and note. Raises PoreguiError when it is not there or they are too long."""
    project.check_writable()
    write_notes(run_numbered(project.folder, number), notes)


def delete_run(project: Project, number: int) -> RunUse:
    """Move a run to the bin and return what rested on it.

    Raises ProjectError when it is trained now, is locked, or cannot be moved.
    """
    project.check_writable()
    run = run_numbered(project.folder, number)
    use = use_of(project, run)
    if use.locked:
        raise ProjectError(
            f"Run {number} is the network of the locked recipe.", "Unlock it first, then delete it."
        )
    bin_run(project.folder, run)
    return use


def restore_run(project: Project, number: int) -> RunFolder:
    """Take a run back from the bin. Raises ProjectError when it is not there."""
    project.check_writable()
    return take_back(project.folder, number)


def _is_locked(project: Project, run: RunFolder) -> bool:
    file = lock_of_project(project.folder)
    if file is None:
        return False
    try:
        own = own_run(read_lock(file), project)
    except PoreguiError:
        return False
    return own is not None and own.number == run.number

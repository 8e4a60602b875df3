"""Choose the run that a command line asks for, and say which newer ones are passed over; changes with that choice."""

from __future__ import annotations

from poregui.cli.output import Screen
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.newest import chosen_run


def run_for(project: Project, number: int | None, screen: Screen, *, network: bool = False) -> RunFolder:
    """Return the run of a number, or the newest complete one (with a network), and tell what is passed over for it.

    Raises ProjectError when there is no such run.
    """
    run, passed_over = chosen_run(project, number, network=network)
    for sentence in passed_over:
        screen.note(f"Note: {sentence} Run {run.number} is taken instead.")
    return run

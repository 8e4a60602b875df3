"""Work on one micrograph in a process that others wait for, and say why where it fails; changes with what is told."""

from __future__ import annotations

from collections.abc import Callable

from poregui.domain.errors import PoreguiError
from poregui.workflow.applying.field import FieldProblem, FieldResult, FieldTask, apply_field
from poregui.workflow.applying.helper_process import Stopped, current_talk


def work_at(place: int, task: FieldTask) -> FieldResult | FieldProblem:
    """Do what `work_on` does for one of the micrographs that are talked about."""
    talk = current_talk()
    if talk is None:
        return work_on(task)
    try:
        talk.tell(place, 0.0)
        return work_on(task, lambda done, total, text: talk.tell(place, done / max(total, 1)))
    except Stopped:
        return FieldProblem(task.name, "It was cancelled.")


def work_on(
    task: FieldTask, progress: Callable[[int, int, str], None] = lambda done, total, text: None
) -> FieldResult | FieldProblem:
    """Apply a network to one micrograph and return the result, or why there is none."""
    try:
        return apply_field(task, progress)
    except PoreguiError as error:
        return FieldProblem(task.name, str(error))

"""List the runs that can be applied, and find the results of a run that are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poregui.domain.errors import DamagedRunError, ProjectError
from poregui.domain.records import FIRST, Plane
from poregui.gui.apply.locking import LockFlow
from poregui.gui.lists.run_picker import RunPicker, note_passed_over, run_entry, run_to_show
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_check import glance_at
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confidence import mark_field
from poregui.workflow.applying.field import FieldResult, FieldTask, read_result, why_changed
from poregui.workflow.applying.human_labels import answers_of_people, with_answers
from poregui.workflow.applying.inputs import (
    AppliedModel,
    model_of_run,
    named_now,
    task_of,
    tasks_of,
    to_apply,
)
from poregui.workflow.applying.locked_recipe import Lock, lock_of_project, model_of_lock
from poregui.workflow.applying.outcome import write_outcome
from poregui.workflow.applying.pool import Applied, apply_all
from poregui.workflow.applying.result_table import PoreTable, read_pores
from poregui.workflow.applying.summary import summarise
from poregui.workflow.evaluating.class_identity import classes_now


class ApplyRuns:
    """Fill the list of runs: the newest complete one is chosen until a person takes another, or a
    lock names one.
    """

    def __init__(self, picker: RunPicker, session: Session, lock: LockFlow) -> None:
        self._picker = picker
        self._session = session
        self._lock = lock
        self._runs: dict[int, RunFolder] = {}
        self._taken: int | None = None
        self._noted = ""

    def fill(self) -> None:
        """List the runs as they are now."""
        runs = [run for run in self._session.project.runs() if run.left_network]
        self._runs = {run.number: run for run in runs}
        chosen = self._picker.number
        locked = None
        if self._lock.lock is not None:
            locked = self._lock.lock.run
        if locked in self._runs:
            chosen = locked
        number = run_to_show(self._runs, chosen, wanted=(self._taken, locked))
        entries = [run_entry(run) for run in runs]
        self._picker.set_runs(entries)
        self._picker.choose(number)
        self._noted = note_passed_over(entries, number, self._noted)

    def take(self, number: int) -> None:
        """Remember that a person took a run."""
        self._taken = number

    @property
    def none(self) -> bool:
        """Tell whether no run has a network."""
        return not self._runs

    @property
    def chosen(self) -> RunFolder | None:
        """Return the run that is chosen; None also where what is locked came from elsewhere."""
        if self._lock.foreign:
            return None
        return self._runs.get(self._picker.number or 0)

    @property
    def problem(self) -> str:
        """Say what is wrong with the files of the chosen run and what to do,
        empty when nothing is.
        """
        run = self.chosen
        problem = ""
        if run is not None:
            problem = glance_at(run)
        if problem:
            return f"{problem} {DamagedRunError.REMEDY}"
        return ""


@dataclass(frozen=True)
class Known:
    """Hold the results of a run that are there: model, tasks and results in one order.

    `changed` says of each micrograph whose results do not count any more why.
    """

    model: AppliedModel
    tasks: tuple[FieldTask, ...]
    results: tuple[FieldResult, ...]
    tables: tuple[PoreTable, ...]
    changed: tuple[str, ...] = ()


def find_pores(
    folder: Path, run: RunFolder | None, keys: Sequence[str], least: float, control: TaskControl
) -> tuple[Known, Applied]:
    """Find and classify the pores of micrographs, and write down what became of them; fit for any
    thread.
    """
    model, tasks = plan(folder, run, keys, least)
    applied = apply_all(tasks, progress=control.progress, cancelled=control.cancelled)
    known = known_of(folder, model, ((task_of(tasks, one), one) for one in applied.results))
    record(folder, run, known, applied, least)
    return known, applied


def results_there(folder: Path, run: RunFolder | None, keys: Sequence[str]) -> Known:
    """Read the results of micrographs that are there and still hold; fit for any thread."""
    model, tasks = plan(folder, run, keys)
    found = [(task, read_result(task)) for task in tasks if task.file.exists()]
    known = known_of(
        folder, model, ((task, result) for task, result in found if result is not None)
    )
    changed = [why_changed(task) for task, result in found if result is None]
    return replace(known, changed=tuple(one for one in changed if one))


def known_of(
    folder: Path, model: AppliedModel, pairs: Iterable[tuple[FieldTask, FieldResult]]
) -> Known:
    """Read the tables of results, and what people said of their pores; fit for any thread."""
    kept = list(pairs)
    tables = tuple(read_pores(task.folder, len(model.classes)) for task, _ in kept)
    return with_people_of(
        folder, Known(model, tuple(k[0] for k in kept), tuple(k[1] for k in kept), tables)
    )


def with_people_of(folder: Path, known: Known) -> Known:
    """Return results with what people say of their pores, and how classes are called, now; fit for
    any thread.
    """
    with Project.open(folder, read_only=True) as project:
        model = named_now(
            known.model, classes_now(project, known.model.classes, known.model.class_ids)
        )
        said = answers_of_people(project, model.class_ids)
    plain = [replace(table, answered=np.empty(0, np.int64)) for table in known.tables]
    return replace(known, model=model, tables=tuple(with_answers(known.tasks, plain, said)))


AND = "\0"
"""Parts the file from the plane in a key; no path has it."""


RESULTS = "applied"
"""The folder of a project in which results lie."""


def results_folder(project: Path, run: RunFolder | None, lock: Lock | None) -> Path:
    """Return where results lie in the folder of a project: those of a run, or of a recipe that was
    locked elsewhere.
    """
    if run is not None:
        return project / RESULTS / f"run-{run.path.name}"
    return project / RESULTS / (f"locked-{lock.hash[:12]}" if lock is not None else "locked")


def key_of(file: Path, plane: Plane) -> str:
    """Return what tells one micrograph of the list from the others, two of one file too."""
    if plane != FIRST:
        return f"{file}{AND}{plane}"
    return str(file)


def plan(
    folder: Path, run: RunFolder | None, keys: Sequence[str], least: float = 0.0
) -> tuple[AppliedModel, list[FieldTask]]:
    """Return the network of a run, or the locked one, and a task for each file; fit for any thread.

    `run` is None where a recipe is locked that came from elsewhere.
    """
    with Project.open(folder, read_only=True) as project:
        model, lock = _model_of(project, run)
        files = dict.fromkeys(Path(key.partition(AND)[0]) for key in keys)
        fields = to_apply(list(files), project, lock.um_per_px if lock else None)
        fields = [one for one in fields if key_of(one.file, one.plane) in keys]
    return model, tasks_of(model, fields, results_folder(folder, run, lock), least=least)


def _model_of(
    project: Project, run: RunFolder | None, least: float = 0.0
) -> tuple[AppliedModel, Lock | None]:
    file = lock_of_project(project.folder)
    if file is not None:
        return model_of_lock(file, project)
    if run is None:
        raise ProjectError("No recipe is locked now.", "Choose a run, or import a locked recipe.")
    return model_of_run(project, run, least=least), None


def record(
    folder: Path, run: RunFolder | None, known: Known, applied: Applied, least: float
) -> None:
    """Write into the results what became of each pore, and beside them what they came to; nothing
    where there are none.

    Raises PoreguiError when a file was changed or cannot be written.
    """
    if not known.results:
        return
    with Project.open(folder, read_only=True) as project:
        model, lock = _model_of(project, run, least)
    rows = zip(known.tasks, known.results, known.tables, strict=True)
    kept = [mark_field(task.folder, result, table, model, least) for task, result, table in rows]
    summary = summarise(model, kept, known.tables, least=least)
    write_outcome(results_folder(folder, run, lock), applied, summary, least=least, lock=lock)

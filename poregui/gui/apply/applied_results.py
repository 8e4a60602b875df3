"""List the runs that can be applied, open the study of one, and ask where its report goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.domain.errors import DamagedRunError, ProjectError
from poregui.domain.records import FIRST, Plane
from poregui.gui.apply.locking import LockFlow
from poregui.gui.base.messages import messages
from poregui.gui.lists.run_picker import RunPicker, note_passed_over, run_entry, run_to_show
from poregui.gui.services.jobs import Background
from poregui.gui.services.printing import write_pdf_of
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_check import glance_at
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.inputs import RESULTS, model_of_run, results_of_run, to_apply
from poregui.workflow.applying.locked_recipe import Lock, lock_of_project, model_of_lock
from poregui.workflow.applying.study import ApplyStudy, StudyView

KINDS = {"PDF (*.pdf)": ".pdf", "HTML (*.html)": ".html"}
AND = "\0"
"""Parts the file from the plane in a key; no path has it."""
"""The folder of a project in which results lie."""


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


def results_folder(project: Path, run: RunFolder | None, lock: Lock | None) -> Path:
    """Return where results lie in the folder of a project: those of a run, or of a recipe that was
    locked elsewhere.
    """
    if run is not None:
        return results_of_run(project, run)
    return project / RESULTS / (f"locked-{lock.hash[:12]}" if lock is not None else "locked")


def key_of(file: Path, plane: Plane) -> str:
    """Return what tells one micrograph of the list from the others, two of one file too."""
    if plane != FIRST:
        return f"{file}{AND}{plane}"
    return str(file)


def open_study(
    folder: Path, run: RunFolder | None, keys: Sequence[str], min_confidence: float = 0.0
) -> ApplyStudy:
    """Return the study of micrographs of the list with a run, or what is locked; fit for any
    thread.

    `run` is None where a recipe is locked that came from elsewhere.
    """
    with Project.open(folder, read_only=True) as project:
        file = lock_of_project(folder)
        lock = None
        if file is not None:
            model, lock = model_of_lock(file, project)
        elif run is not None:
            model = model_of_run(project, run)
        else:
            raise ProjectError(
                "No recipe is locked now.", "Choose a run, or import a locked recipe."
            )
        files = dict.fromkeys(Path(key.partition(AND)[0]) for key in keys)
        fields = to_apply(list(files), project, lock.um_per_px if lock else None)
        fields = [field for field in fields if key_of(field.file, field.plane) in keys]
        out = results_folder(folder, run, lock)
        study = ApplyStudy.open(model, fields, out, lock=lock, min_confidence=min_confidence)
        return study.with_labels(project)


def ask_report(parent: QWidget, project: Path, view: StudyView, background: Background) -> None:
    """Ask where to, beside the project unless a person chooses another place, and write the report
    there as HTML or PDF, whichever its name says.
    """
    proposed = project.with_name(f"{project.name}-{view.study.out.name}-porosity.pdf")
    where, kind = QFileDialog.getSaveFileName(
        parent, "Report per specimen", str(proposed), ";;".join(KINDS)
    )
    if not where:
        return
    path = Path(where)
    if not path.suffix:
        path = path.with_suffix(KINDS.get(kind, ".pdf"))
    background.run(
        f"Writing {path.name}",
        lambda _: view.report(path, write_pdf_of),
        lambda written: messages().note(f"Report written to {written}."),
    )

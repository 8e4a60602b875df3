"""Choose which run the review page shows, and say what the picker tells of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.lists.run_picker import RunEntry
from poregui.gui.review.panel_presenter import Surroundings
from poregui.gui.review.review_text import state_words, why_nothing
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder


class RunList:
    """Read the runs of a project; those that have ended are read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ended: dict[int, RunEntry] = {}
        self.runs: dict[int, RunFolder] = {}

    def read(self) -> Sequence[RunEntry]:
        """Return an entry for each run, the oldest first."""
        self.runs = {run.number: run for run in self._project.runs()}
        return [self._entry(run) for run in self.runs.values()]

    def newest(self) -> int | None:
        """Return the number of the newest run that has predictions, of the newest one when none
        has, or None.
        """
        with_answers = [
            number for number, run in self.runs.items() if run.predictions_file.exists()
        ]
        return max(with_answers or self.runs, default=None)

    def _entry(self, run: RunFolder) -> RunEntry:
        if not run.predictions_file.exists():
            return self._without_answers(run)
        known = self._ended.get(run.number) or run_entry(run)
        if run.metrics_file.exists():
            self._ended[run.number] = known
        return known

    def _without_answers(self, run: RunFolder) -> RunEntry:
        return RunEntry(
            run.number, _preset(run), None, state_words(run.final_event()), reviewable=False
        )

    def why_nothing(self, number: int) -> str:
        """Say why a run has no predictions."""
        return why_nothing(number, self.runs[number].final_event())


def run_entry(run: RunFolder) -> RunEntry:
    """Return what tells a run with predictions apart, read from its files."""
    try:
        metrics = run.read_metrics()
    except PoreguiError:
        return RunEntry(run.number, _preset(run), None, "damaged")
    if run.folds_file.exists():
        state = "cross-validation"
    elif metrics.get("stopped"):
        state = "stopped early"
    else:
        state = ""
    accuracy = metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy"))
    return RunEntry(run.number, _preset(run), accuracy, state)


def _preset(run: RunFolder) -> str:
    try:
        return run.read_recipe().preset
    except PoreguiError:
        return ""


class RunChoice(QObject):
    """Read the list of runs and open one on the desk; `opening` carries its folder, `offered` tells
    of a new list.
    """

    opening = Signal(object)
    offered = Signal()

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.page)
        self._page = around.page
        self._desk = around.desk
        self._list = RunList(around.session.project)
        self._newest: int | None = None
        self.entries: list[RunEntry] = []

    @property
    def runs(self) -> dict[int, RunFolder]:
        """Return the runs of the project by number."""
        return self._list.runs

    def show(self, number: int) -> None:
        """Show a run, or say why it has nothing to show."""
        if number not in self.runs:
            self.read()
        if number in self.runs:
            self._open(number)

    def read(self) -> None:
        """Read the list of runs; the page goes on to a new run when it showed the newest one
        before.
        """
        shown = self._desk.number
        followed = shown is None or shown == self._newest
        self.entries = list(self._list.read())
        self._page.run_picker.set_runs(self.entries)
        self._page.show_empty(not self.entries)
        before = self._newest
        self._newest = self._list.newest()
        if shown not in self.runs:
            shown = None
            followed = True
        wanted = self._newest if followed else shown
        if wanted is None:
            self._desk.close()
        elif wanted != shown or (self._desk.run is None and not self._desk.reading):
            self._open(wanted)
        elif self._newest not in (before, shown):
            messages().note(
                f"Run {self._newest} has ended. Choose it above the matrix to see its answers."
            )
        self.offered.emit()

    def _open(self, number: int) -> None:
        run = self.runs[number]
        self._page.run_picker.choose(number)
        if not run.predictions_file.exists():
            self._desk.close()
            self._desk.number = number
            self._page.show_sentence(
                self._list.why_nothing(number), offer_training=not run.is_running()
            )
            return
        self._page.show_sentence(f"Reading run {number} …")
        self._desk.open(run)
        self.opening.emit(run)
        self.offered.emit()

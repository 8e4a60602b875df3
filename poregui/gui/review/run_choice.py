"""Choose which run the review page shows: the newest one until a person takes another; changes with that rule."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from poregui.gui.messages import messages
from poregui.gui.review.panel_presenter import Surroundings
from poregui.gui.review.runs import RunList, tell_passed_over
from poregui.gui.widgets.run_picker import RunEntry
from poregui.store.run_folder import RunFolder


class RunChoice(QObject):
    """Read the list of runs and open one on the desk; `opening` carries its folder, `offered` tells of a new list."""

    opening = Signal(object)
    offered = Signal()

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.owner)
        self._page = around.page
        self._desk = around.desk
        self._list = RunList(around.session.project)
        self._newest: int | None = None
        self._told = ""
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
        """Read the list of runs; the page goes on to a new run when it showed the newest one before."""
        shown = self._desk.number
        followed = shown is None or shown == self._newest
        self.entries = list(self._list.read())
        self._page.run_picker.set_runs(self.entries)
        self._page.show_empty(not self.entries)
        before, self._newest = self._newest, self._list.newest()
        if shown not in self.runs:
            shown, followed = None, True
        wanted = self._newest if followed else shown
        if followed:
            self._told = tell_passed_over(self.entries, wanted, self._told)
        if wanted is None:
            self._desk.close()
        elif wanted != shown or (self._desk.run is None and not self._desk.reading):
            self._open(wanted)
        elif self._newest != shown and (self._newest or 0) > (before or 0):
            messages().note(f"Run {self._newest} has ended. Choose it above the matrix to see its answers.")
        self.offered.emit()

    def _open(self, number: int) -> None:
        run = self.runs[number]
        self._page.run_picker.choose(number)
        if not run.predictions_file.exists():
            self._desk.close()
            self._desk.number = number
            self._page.show_sentence(self._list.why_nothing(number), offer_training=not run.is_running())
            return
        self._page.show_sentence(f"Reading run {number} …")
        self._desk.open(run)
        self.opening.emit(run)
        self.offered.emit()

"""Choose which run the review page shows, and say above its numbers what it is worth."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal

from poregui.domain.errors import PoreguiError
from poregui.gui.base.feature import Feature
from poregui.gui.base.messages import messages
from poregui.gui.lists.run_picker import RunEntry, RunList, RunPicker, note_passed_over
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.review_text import headline
from poregui.gui.review.run_column import RunColumn
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.test_views import log_look, unseen


class RunChoice(Feature):
    """Read the list of runs and open one.

    `opening` carries its folder, `offered` tells of a new list, `sentence_changed` carries what
    stands in the place of a run and whether training is to be offered.
    """

    opening = Signal(object)
    offered = Signal()
    sentence_changed = Signal(str, bool)

    def __init__(self, picker: RunPicker, state: ReviewState) -> None:
        super().__init__(state)
        self._picker = picker
        self._state = state
        self._list = RunList(state.project)
        self._newest: int | None = None
        self._noted = ""
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
        """Read the list of runs; the run that is shown stays, and a newer one is offered as a link,
        for under a person's hands the next key would act on another crop.
        """
        state = self._state
        shown = state.number
        self.entries = list(self._list.read())
        self._picker.set_runs(self.entries)
        before = self._newest
        self._newest = self._list.newest()
        if shown not in self.runs:
            shown = None
        wanted = shown
        if shown is None:
            wanted = self._newest
            self._noted = note_passed_over(self.entries, wanted, self._noted)
        if wanted is None:
            state.close()
        elif wanted != shown or (state.run is None and not state.reading):
            self._open(wanted)
        elif self._newest != shown and (self._newest or 0) > (before or 0):
            self._offer(self._newest or 0)
        self.offered.emit()

    def _offer(self, number: int) -> None:
        messages().note_with_link(
            f"Run {number} has finished.", f"Open run {number}", partial(self.show, number)
        )

    def _open(self, number: int) -> None:
        run = self.runs[number]
        self._picker.choose(number)
        if not run.predictions_file.exists():
            self._state.close()
            self._state.number = number
            self.sentence_changed.emit(self._list.why_nothing(number), not run.is_running())
            return
        self.sentence_changed.emit(f"Reading run {number} …", False)
        self._state.open(run)
        self.opening.emit(run)
        self.offered.emit()


class HeadlinePresenter(Feature):
    """Fill the column of a run; a look at its test set is counted once in a session."""

    def __init__(self, column: RunColumn, state: ReviewState) -> None:
        super().__init__(state)
        self._column = column
        self._state = state
        self._looked: set[int] = set()

    def look(self) -> bool:
        """Count a look where a person sees the test set of a run for the first time in this
        session; tell if so.
        """
        run = self._state.run
        if run is None or self._state.split != "test" or run.folder.number in self._looked:
            return False
        self._looked.add(run.folder.number)
        try:
            log_look(self._state.project, run.folder.path.name, self._state.session.who)
        except PoreguiError:
            self._looked.discard(run.folder.number)
            return False
        self.show()
        return True

    def show(self) -> None:
        """Show numbers, headline and matrix of the split that is looked at, with the labels as they
        are now.
        """
        predictions = self._state.predictions
        if predictions is None:
            return
        project = self._state.project
        split = self._state.split
        evaluation = predictions.evaluation(split)
        text = headline(predictions, evaluation, split)
        warnings: list[str] = []
        seen = ""
        if split == "test":
            warnings += predictions.dataset.warnings
            seen = unseen(project, predictions).sentence
        if text.warning:
            warnings.append(text.warning)
        column = self._column
        column.set_splits(predictions.available_splits, split)
        column.set_headline(text, warnings, seen)
        column.set_numbers(evaluation, predictions.class_ids, project.classes(retired=True))

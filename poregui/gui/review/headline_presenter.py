"""Say what a run is worth and how unseen its test side is; changes with what stands above and in the matrix."""

from __future__ import annotations

from PySide6.QtCore import QObject

from poregui.domain.errors import PoreguiError
from poregui.gui.review.panel_presenter import Surroundings
from poregui.gui.review.words import headline
from poregui.workflow.unseen import log_look, unseen


class HeadlinePresenter(QObject):
    """Fill the column of a run; a look at its test side is counted once in a session."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.owner)
        self._around = around
        self._looked: set[int] = set()

    def opened(self) -> None:
        """Show a run that was just read."""
        if not self.look():
            self.show()

    def look(self) -> bool:
        """Count a look where a person sees the test side of a run for the first time in this session; tell if so."""
        desk, run = self._around.desk, self._around.desk.run
        if run is None or desk.part != "test" or not self._around.page.isVisible() or run.review.run in self._looked:
            return False
        self._looked.add(run.review.run)
        try:
            log_look(self._around.session.project, run.folder.path.name, self._around.session.who)
        except PoreguiError:
            self._looked.discard(run.review.run)
            return False
        self.show()
        return True

    def show(self) -> None:
        """Show numbers, headline and matrix of the part that is looked at, with the labels as they are now."""
        desk, page = self._around.desk, self._around.page
        run, evaluation = desk.run, desk.evaluation()
        if run is None or evaluation is None:
            return
        project, part = self._around.session.project, desk.part
        page.set_parts(run.table.there, part)
        known = project.classes(retired=True)
        warnings = run.answers.dataset.warnings if part == "test" else ()
        seen = unseen(project, run.review).sentence if part == "test" else ""
        said = headline(run.review, evaluation, run.table.interval(part), part, run.table.relabelled)
        page.set_headline(said, [*warnings, *filter(None, [said.warning])], seen)
        page.set_numbers(evaluation, run.review.class_ids, known)

"""Begin a check of the finding, or go on with one: it joins dialogs and project, alone."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import guarded, messages
from poregui.gui.checking.check_dialog import CheckDialog, NewCheckDialog
from poregui.gui.dialogs.base import open_dialog
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.workflow.checking.finding_checks import FindingCheck, newest_check, save_check
from poregui.workflow.checking.window_drawing import draw_check


class CheckFlow(QObject):
    """Ask how to check the finding, draw windows in the background, and show them."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self.dialog: CheckDialog | None = None
        self.question: NewCheckDialog | None = None

    @Slot()
    def ask_guarded(self) -> None:
        """Do as `ask`; a project that refuses says so."""
        guarded(self.ask)

    def ask(self) -> None:
        """Ask whether to draw windows or to continue, and go on with the answer."""
        self._session.project.check_writable()
        newest = newest_check(self._session.project)
        question = NewCheckDialog(newest, self._window)
        self.question = question
        question.accepted.connect(lambda: self._begin(question, newest))
        question.finished.connect(self._forget_question)
        open_dialog(question)

    def _begin(self, question: NewCheckDialog, newest: FindingCheck | None) -> None:
        by_points = question.by_points
        if question.continues and newest is not None:
            self.show(newest, by_points=by_points)
            return
        folder = self._session.project.folder
        windows = question.windows.value()

        def draw(control: TaskControl) -> FindingCheck:
            with Project.open(folder, read_only=True) as reader:
                return draw_check(reader, windows, progress=control.progress)

        self._services.background.run(
            "Drawing windows", draw, lambda check: self._drawn(check, by_points=by_points)
        )

    def _drawn(self, check: FindingCheck, *, by_points: bool) -> None:
        try:
            save_check(self._session.project, check)
        except PoreguiError as error:
            messages().error(error)
            return
        if check.notes:
            messages().note(" ".join(check.notes))
        self.show(check, by_points=by_points)

    def show(self, check: FindingCheck, *, by_points: bool) -> None:
        """Show the windows of a check that have no answer yet, one after the other."""
        self.dialog = CheckDialog(
            check, self._session, self._services, self._window, by_points=by_points
        )
        self.dialog.finished.connect(self._forget_dialog)
        open_dialog(self.dialog)

    def _forget_question(self) -> None:
        self.question = None

    def _forget_dialog(self) -> None:
        self.dialog = None

    def close(self) -> None:
        """Close what is open; answers are kept already."""
        for dialog in (self.dialog, self.question):
            if dialog is not None:
                dialog.close()

"""Let a person name, resume, delete and restore runs, from any list of runs in the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QPoint, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QMenu, QWidget

from poregui.domain.records import Changed
from poregui.domain.wording import named_run
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import guarded, messages
from poregui.gui.dialogs.run_dialog import RunDialog
from poregui.gui.lists.run_picker import RunPicker
from poregui.gui.lists.run_table import RunTable, read_row
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import deleted_runs, read_notes
from poregui.workflow.training.run_keeping import delete_run, describe_run, restore_run


class RunFlow(Feature):
    """Open the menu of a run where a list asks for it, and do what was chosen.

    `resume` goes on with the run of a number.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        services: Services,
        lists: Iterable[RunPicker | RunTable],
        resume: Callable[[int], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._trainer = services.trainer
        self._lists = list(lists)
        self._resume = resume

    def links(self) -> Iterable[Link]:
        """Return the lists that ask for menus."""
        return [(one.menu_requested, self.open_menu) for one in self._lists]

    def open_menu(self, number: int, at: QPoint) -> None:
        """Open the menu of a run, or of the deleted ones alone where the number is 0."""
        menu = self.menu(number)
        menu.popup(at)

    def menu(self, number: int) -> QMenu:
        """Return the menu of a run; it deletes itself when it is closed."""
        menu = QMenu(self._window)
        menu.setObjectName("run_menu")
        menu.aboutToHide.connect(menu.deleteLater)
        writable = not self._session.project.read_only
        run = self._run(number)
        if run is not None:
            self._fill(menu, run, writable=writable)
        deleted = menu.addMenu("Restore deleted run")
        for one in deleted_runs(self._session.project.folder):
            text = named_run(one.number, read_notes(one).name).replace("&", "&&")
            deleted.addAction(text).triggered.connect(partial(self._call, self.restore, one.number))
        deleted.setEnabled(writable and bool(deleted.actions()))
        return menu

    def _fill(self, menu: QMenu, run: RunFolder, *, writable: bool) -> None:
        idle = writable and not self._trainer.running
        entries: tuple[tuple[str, Callable[[int], object], bool], ...] = (
            ("Name and note…", self.ask_notes, writable),
            ("Resume training", self._resume, idle and read_row(run).resumable),
            ("Open the folder", self.open_folder, True),
            ("Delete", self.delete, writable and not run.is_running()),
        )
        for text, call, enabled in entries:
            action = menu.addAction(text)
            action.setEnabled(enabled)
            action.triggered.connect(partial(self._call, call, run.number))

    def _call(self, call: Callable[[int], object], number: int, _checked: bool = False) -> None:
        guarded(partial(call, number))

    def ask_notes(self, number: int) -> None:
        """Ask for name and note of a run."""
        run = self._run(number)
        if run is None:
            return
        dialog = RunDialog(number, read_notes(run), self._window)
        try:
            if dialog.exec() == QDialog.DialogCode.Accepted:
                describe_run(self._session.project, number, dialog.notes)
                self._announce()
        finally:
            dialog.deleteLater()

    def delete(self, number: int) -> None:
        """Move a run to the bin and say how to get it back."""
        use = delete_run(self._session.project, number)
        self._announce()
        text = f"Run {number} was deleted. To restore it, right-click the list of runs."
        messages().note(f"{text} {use.sentence}".strip())

    def restore(self, number: int) -> None:
        """Take a run back from the bin."""
        restore_run(self._session.project, number)
        self._announce()
        messages().note(f"Run {number} was restored.")

    def open_folder(self, number: int) -> None:
        """Show the files of a run."""
        run = self._run(number)
        if run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path)))

    def _run(self, number: int) -> RunFolder | None:
        runs = self._session.project.runs()
        return next((run for run in runs if run.number == number), None)

    def _announce(self) -> None:
        self._session.announce(Changed(frozenset({"runs"})))

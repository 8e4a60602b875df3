"""Lead a person through an import: ask, read in the background, apply as one edit, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.background import TaskControl
from poregui.gui.dialogs.import_pictures import ImportDialog, ImportReportDialog
from poregui.gui.info_bars import offer_masks
from poregui.gui.messages import messages
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.store.project import Project
from poregui.workflow.collected import Collected
from poregui.workflow.import_outlines import (
    CollectedOutlines,
    cut_outlines,
    match_images,
    read_outlines,
    settle_outlines,
)
from poregui.workflow.importing import ImportOptions, collect, settle


class ImportFlow(QObject):
    """Bring pictures into the open project."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self.report: ImportReportDialog | None = None

    def ask(self, paths: Sequence[Path]) -> None:
        """Ask what the pictures are and import them."""
        if self._session.project.read_only:
            self._session.project.check_writable()
        names = [c.name for c in self._session.project.classes()]
        dialog = ImportDialog(paths, names, self._window)
        dialog.accepted.connect(lambda: self.start(paths, dialog.options))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def start(self, paths: Sequence[Path], options: ImportOptions) -> None:
        """Import pictures as said, reading them in the background."""
        pixels = self._session.project.pixels

        def read(control: TaskControl) -> Collected:
            return collect(paths, options, pixels, control.progress, control.cancelled)

        self._services.background.run("Importing", read, self._finish)

    def ask_outlines(self) -> None:
        """Ask for a file of outlines and bring them in."""
        self._session.project.check_writable()
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Import outlines", "", "Outlines (*.json *.geojson *.zip *.csv);;All files (*)"
        )
        if chosen:
            self.outlines(Path(chosen))

    def outlines(self, path: Path) -> None:
        """Bring outlines, or the boxes of a CSV, onto the micrographs, cutting crops in the background."""
        folder, pixels = self._session.project.folder, self._session.project.pixels

        def read(control: TaskControl) -> CollectedOutlines:
            with Project.open(folder, read_only=True) as project:
                matched, notes = match_images(project, read_outlines(path))
            return cut_outlines(matched, notes, pixels, control.progress, control.cancelled)

        self._services.background.run("Importing outlines", read, self._finish_outlines)

    def _finish_outlines(self, collected: CollectedOutlines) -> None:
        if collected.cancelled:
            return
        plan = settle_outlines(self._session.project, collected, self._session.who)
        if plan.edit is not None:
            self._session.apply(plan.edit)
        self._say(plan.lines)

    def _finish(self, collected: Collected) -> None:
        project = self._session.project
        before = {m.id for m in project.micrographs()}
        plan = settle(project, collected, self._session.who)
        if plan.edit is not None:
            self._session.apply(plan.edit)
        self._say(plan.report.lines)
        new = {m.id for m in project.micrographs()} - before
        offer_masks(self._session, self._services.background, new, self._when_report_is_closed)

    def _when_report_is_closed(self, call: Callable[[], None]) -> None:
        if self.report is None:
            call()
        else:
            self.report.finished.connect(lambda _: call())

    def _say(self, lines: Sequence[str]) -> None:
        first, *others = lines
        if not others:
            messages().note(first)
            return
        self.report = ImportReportDialog(first, others, self._window)
        self.report.finished.connect(self._forget_report)
        self.report.open()

    def _forget_report(self) -> None:
        if self.report is not None:
            self.report.deleteLater()
            self.report = None

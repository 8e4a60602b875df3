"""Lead a person through an export, which runs in the background over its own read-only look at the project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.background import TaskControl
from poregui.gui.messages import messages
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.store.project import Project
from poregui.workflow.export import export_class_folders, export_csv


class ExportFlow(QObject):
    """Write labels and crops for other programs."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._folder = session.project.folder
        self._services = services

    def ask_csv(self) -> None:
        """Ask for a file and write all labels into it."""
        proposed = self._folder.with_name(f"{self._folder.name}-labels.csv")
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Export labels", str(proposed), "CSV (*.csv)")
        if chosen:
            self.csv(Path(chosen))

    def ask_folders(self) -> None:
        """Ask for a new folder and write all labelled crops into it."""
        proposed = self._folder.with_name(f"{self._folder.name}-crops")
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Export class folders into a new folder", str(proposed))
        if chosen:
            self.folders(Path(chosen))

    def csv(self, out: Path) -> None:
        """Write all labels into a CSV file."""

        def write(control: TaskControl) -> int:
            with Project.open(self._folder, read_only=True) as project:
                return export_csv(project, out)

        self._services.background.run(
            "Exporting labels", write, lambda n: messages().note(f"{n} crops written to {out}.")
        )

    def folders(self, out: Path) -> None:
        """Write all labelled crops into folders of their classes."""

        def write(control: TaskControl) -> int:
            with Project.open(self._folder, read_only=True) as project:
                return export_class_folders(project, out, control.progress)

        self._services.background.run(
            "Exporting crops", write, lambda n: messages().note(f"{n} crops written to {out}.")
        )

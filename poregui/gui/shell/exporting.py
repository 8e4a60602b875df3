"""Lead a person through an export, which runs in the background over its own read-only look at the project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import EXPORTS

_WORDS = {"contact-sheets": "contact-sheets"}
"""What stands in the proposed name of a file, where it is not 'labels'."""


class ExportFlow(QObject):
    """Write labels and crops for other programs."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._folder = session.project.folder
        self._services = services

    def ask(self, name: str) -> None:
        """Ask where to, and export in a format of EXPORTS."""
        chosen = EXPORTS[name]
        kind = chosen.suffix or "-" + name
        proposed = self._folder.with_name(
            f"{self._folder.name}-{_WORDS.get(name, 'labels') if chosen.suffix else 'export'}{kind}"
        )
        title = f"Export {chosen.title}" + ("" if chosen.suffix else " into a new folder")
        filters = f"*{chosen.suffix}" if chosen.suffix else ""
        where, _ = QFileDialog.getSaveFileName(self._window, title, str(proposed), filters)
        if where:
            self.export(name, Path(where))

    def export(self, name: str, out: Path) -> None:
        """Write the project in a format of EXPORTS."""
        chosen = EXPORTS[name]

        def write(control: TaskControl) -> int:
            with Project.open(self._folder, read_only=True) as project:
                return chosen.write(project, out, control.progress)

        def done(written: int) -> None:
            messages().note(f"{written} {chosen.unit} written to {out}.")

        self._services.background.run(f"Exporting {chosen.title}", write, done)

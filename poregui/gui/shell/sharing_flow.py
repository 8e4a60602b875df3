"""Lead a person through export, packing, and merging labels of another copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.base.messages import messages
from poregui.gui.dialogs.merge_dialog import MergeDialog
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import EXPORTS
from poregui.workflow.exporting.pack import Packed, pack
from poregui.workflow.importing.merge_labels import MergePlan, Whose, plan_merge

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


class SharingFlow(QObject):
    """Pack the project and merge labels in the background, over looks of their own at the files."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._folder = session.project.folder
        self._services = services

    def ask_pack(self) -> None:
        """Ask where to and whether with micrographs, and pack the project."""
        proposed = self._folder.with_name(f"{self._folder.name}.zip")
        where, _ = QFileDialog.getSaveFileName(
            self._window, "Pack for a colleague", str(proposed), "*.zip"
        )
        if not where:
            return
        project = self._session.project
        files = {project.micrograph_file(m) for m in project.micrographs()}
        size = sum(file.stat().st_size for file in files if file.is_file()) / 2**20
        text = (
            f"They take {size:.0f} MB. Without them crops can still be "
            "labelled, trained on "
            "and reviewed."
        )
        self.pack(
            Path(where),
            micrographs=bool(files)
            and messages().ask("Pack the micrographs too?", text, "Pack them"),
        )

    def pack(self, out: Path, *, micrographs: bool = True) -> None:
        """Pack the project into a zip file."""

        def work(control: TaskControl) -> Packed:
            with Project.open(self._folder, read_only=True) as project:
                return pack(project, out, micrographs=micrographs, progress=control.progress)

        self._services.background.run(
            "Packing the project", work, lambda packed: messages().note(packed.text)
        )

    def ask_merge(self) -> None:
        """Ask for the folder of another copy and merge its labels."""
        where = QFileDialog.getExistingDirectory(
            self._window, "Merge the labels of another copy", str(self._folder.parent)
        )
        if where:
            self.merge(Path(where))

    def merge(self, other: Path) -> None:
        """Find out what the labels of another copy would change, ask, and take them over in one
        step.
        """
        self._plan(other, {}, lambda plan: self._settle(plan, other))

    def _plan(
        self, other: Path, chosen: Mapping[int, Whose], done: Callable[[MergePlan], None]
    ) -> None:
        def work(_control: TaskControl) -> MergePlan:
            with (
                Project.open(self._folder, read_only=True) as project,
                Project.open(other, read_only=True) as theirs,
            ):
                return plan_merge(project, theirs, chosen=chosen)

        self._services.background.run("Comparing the labels", work, done)

    def _settle(self, plan: MergePlan, other: Path) -> None:
        if plan.conflicts:
            crops = {crop.id: crop for crop in self._session.project.crops()}
            thumbnails = self._services.thumbnails
            dialog = MergeDialog(
                plan, other.name, lambda crop_id: thumbnails.full(crops[crop_id]), self._window
            )
            if dialog.exec() == MergeDialog.DialogCode.Accepted:
                self._plan(other, dialog.chosen(), self._take_over)
            dialog.deleteLater()
        elif plan.edit is None:
            messages().note(" ".join(plan.lines))
        elif messages().ask(f"Merge the labels of {other.name}?", "\n".join(plan.lines), "Merge"):
            self._take_over(plan)

    def _take_over(self, plan: MergePlan) -> None:
        theirs = sum(conflict.taken == "theirs" for conflict in plan.conflicts)
        if plan.edit is None:
            messages().note("No label was changed.")
            return
        self._session.apply(plan.edit)
        if plan.conflicts:
            settled = f" and {theirs} of {len(plan.conflicts)} conflicts settled for theirs"
        else:
            settled = ""
        messages().note(f"{plan.taken} labels were taken over{settled}. Undo gives them back.")

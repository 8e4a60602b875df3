"""Lead a person through export, packing, and merging labels of another copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.domain.wording import count
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.merge_dialog import MergeDialog
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.backups import make_backup
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import EXPORTS
from poregui.workflow.exporting.pack import Packed, pack
from poregui.workflow.importing.merge_labels import MergePlan, Whose, plan_merge

_WORDS = {"contact-sheets": "contact-sheets"}
"""What a proposed file name ends with, where it is not 'labels'."""


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
        title = f"Export {chosen.title}"
        if chosen.suffix:
            proposed = f"{_WORDS.get(name, 'labels')}{chosen.suffix}"
            filters = f"*{chosen.suffix}"
        else:
            title = f"{title} into a new folder"
            proposed = f"export-{name}"
            filters = ""
        file = self._folder.with_name(f"{self._folder.name}-{proposed}")
        where, _ = QFileDialog.getSaveFileName(self._window, title, str(file), filters)
        if where:
            self.export(name, Path(where))

    def export(self, name: str, out: Path) -> None:
        """Write the project in a format of EXPORTS."""
        chosen = EXPORTS[name]

        def write(control: TaskControl) -> int:
            with Project.open(self._folder, read_only=True) as project:
                return chosen.write(project, out, control.progress)

        def done(written: int) -> None:
            amount = count(written, chosen.unit)
            messages().note(f"{amount} exported to {out}.")

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
        where, _ = QFileDialog.getSaveFileName(self._window, "Pack project", str(proposed), "*.zip")
        if not where:
            return
        project = self._session.project
        files = {project.micrograph_file(m) for m in project.micrographs()}
        size = sum(file.stat().st_size for file in files if file.is_file()) / 2**20
        text = (
            f"They take {size:.0f} MB. Without them, crops can still be labelled, trained on and "
            "reviewed."
        )
        included = bool(files) and messages().ask(
            "Include the micrographs?", text, "Include", "Leave out"
        )
        self.pack(Path(where), micrographs=included)

    def pack(self, out: Path, *, micrographs: bool = True) -> None:
        """Pack the project into a zip file."""

        def work(control: TaskControl) -> Packed:
            with Project.open(self._folder, read_only=True) as project:
                return pack(project, out, micrographs=micrographs, progress=control.progress)

        def done(packed: Packed) -> None:
            messages().note(packed.text)

        self._services.background.run("Packing the project", work, done)

    def ask_merge(self) -> None:
        """Ask for the folder of another copy and merge its labels."""
        where = QFileDialog.getExistingDirectory(
            self._window, "Merge labels from another copy", str(self._folder.parent)
        )
        if where:
            self.merge(Path(where))

    def merge(self, other: Path) -> None:
        """Find out what the labels of another copy would change, ask, and take them over in one
        step.
        """
        self._plan(other, {}, partial(self._settle, other))

    def _plan(
        self, other: Path, chosen: Mapping[int, Whose], done: Callable[[MergePlan], None]
    ) -> None:
        def work(_control: TaskControl) -> MergePlan:
            with (
                Project.open(self._folder, read_only=True) as project,
                Project.open(other, read_only=True) as theirs,
            ):
                plan = plan_merge(project, theirs, chosen=chosen)
            if plan.edit is not None:
                make_backup(self._folder, "before-merge")
            return plan

        self._services.background.run("Comparing the labels", work, done)

    def _image(self, crop_id: int) -> QImage:
        return self._services.thumbnails.full(self._session.project.crop(crop_id))

    def _settle(self, other: Path, plan: MergePlan) -> None:
        if plan.conflicts:
            dialog = MergeDialog(plan, other.name, self._image, self._window)
            if dialog.exec() == MergeDialog.DialogCode.Accepted:
                self._plan(other, dialog.chosen(), self._take_over)
            dialog.deleteLater()
        elif plan.edit is None:
            messages().note(" ".join(plan.lines))
        elif messages().ask(
            f"Merge the labels of {other.name}?", "\n".join(plan.lines), "Merge", "Do not merge"
        ):
            self._take_over(plan)

    def _take_over(self, plan: MergePlan) -> None:
        theirs = sum(conflict.taken == "theirs" for conflict in plan.conflicts)
        if plan.edit is None:
            messages().note("No labels changed.")
            return
        self._session.apply(plan.edit)
        settled = ""
        if plan.conflicts:
            conflicts = count(len(plan.conflicts), "conflict")
            settled = f" and {theirs:,} of {conflicts} resolved with theirs"
        messages().note(f"{count(plan.taken, 'label')} merged{settled}. Undo reverts it.")

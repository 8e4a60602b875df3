"""Ask a person for projects, pictures and names by dialogs, and do what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog

from poregui.domain.errors import PoreguiError
from poregui.gui.dialogs.keys import ChangeKeysDialog
from poregui.gui.dialogs.micrograph import MicrographDialog, SeveralMicrographsDialog
from poregui.gui.dialogs.new_project import NewProjectDialog
from poregui.gui.dialogs.sheets import KeysDialog
from poregui.gui.messages import messages
from poregui.gui.micrograph_change import accept_changed_file, ask_plane, change_micrograph, change_micrographs
from poregui.gui.preferences import LEAST_TILE_MEGABYTES, MOST_TILE_MEGABYTES
from poregui.store.project import Project
from poregui.workflow.sample import make_sample

if TYPE_CHECKING:
    from poregui.gui.window import MainWindow

_PICTURES = "Pictures (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.czi *.lif *.nd2);;All files (*)"


class Asking(QObject):
    """Lead from the menus and the start page through dialogs into the window's project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def show(self, dialog: QDialog) -> None:
        """Open a dialog over the window and forget it when it is closed."""
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def new_project(self) -> None:
        """Ask for name, place and classes, make the project and open it."""
        self._ask_project("New project", lambda dialog: None)

    def _ask_project(self, title: str, then: Callable[[NewProjectDialog], None]) -> None:
        dialog = NewProjectDialog(self._window, title=title)

        def make() -> None:
            if not self._window.may_leave():
                return
            self._window.enter(Project.create(dialog.folder, dialog.classes))
            then(dialog)

        dialog.accepted.connect(lambda: guarded(make))
        self.show(dialog)

    def sample(self) -> None:
        """Ask for a place, draw the sample project there in the background, and open it."""
        dialog = NewProjectDialog(self._window, title="Sample project", with_classes=False)
        dialog.accepted.connect(lambda: self.make_sample(dialog.folder))
        self.show(dialog)

    def make_sample(self, folder: Path) -> None:
        """Draw the sample project in the background and open it."""
        self._window.background.run(
            "Drawing the sample",
            lambda control: make_sample(folder, progress=control.progress),
            lambda _: self._window.open_project(folder),
        )

    def open_project(self) -> None:
        """Ask for a project folder and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open a project")
        if chosen:
            self._window.open_project(Path(chosen))

    def import_files(self) -> None:
        """Ask for pictures and import them."""
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Import pictures", "", _PICTURES)
        self.import_paths([Path(name) for name in chosen])

    def import_folder(self) -> None:
        """Ask for a folder and import what is in it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Import a folder")
        self.import_paths([Path(chosen)] if chosen else [])

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Ask what pictures are and import them into the open project."""
        if paths and self._window.workspace is not None:
            self._window.workspace.importing.ask(paths)

    def drop(self, paths: Sequence[Path]) -> None:
        """Open a project that was dropped, or import pictures into the open one, or into a new one."""
        if len(paths) == 1 and (paths[0] / "project.db").exists():
            self._window.open_project(paths[0])
        elif self._window.workspace is not None:
            guarded(lambda: self.import_paths(paths))
        elif paths:
            self._ask_project("New project for these pictures", lambda dialog: self.import_paths(paths))

    def micrographs(self, ids: Sequence[int]) -> None:
        """Ask for the specimen and the scale of micrographs; of a single one for its page as well."""
        session = self._window.session
        if session is None or len(ids) < 2:
            for micrograph_id in ids:
                self.micrograph(micrograph_id)
            return
        found = [m for m in session.project.micrographs() if m.id in set(ids)]
        names = {s.id: s.name for s in session.project.specimens()}
        dialog = SeveralMicrographsDialog(found, names, self._window)
        dialog.accepted.connect(lambda: guarded(lambda: change_micrographs(session, ids, dialog)))
        self.show(dialog)

    def micrograph(self, micrograph_id: int) -> None:
        """Ask for the specimen, the scale and, once its file is looked at, the page of a micrograph."""
        session = self._window.session
        found = [m for m in session.project.micrographs() if m.id == micrograph_id] if session else []
        if session is None or not found:
            return
        names = {s.id: s.name for s in session.project.specimens()}
        specimen = names.get(found[0].specimen_id or 0, "")
        dialog = MicrographDialog(found[0], specimen, tuple(names.values()), self._window)
        file = session.project.micrograph_file(found[0])
        ask_plane(self._window.background, file, dialog)
        dialog.accepted.connect(
            lambda: guarded(lambda: change_micrograph(session, self._window.background, found[0], dialog))
        )
        self.show(dialog)

    def accept_file(self, micrograph_id: int) -> None:
        """Take the file of a micrograph as it is now, where it is not the one that was imported."""
        session = self._window.session
        found = [m for m in session.project.micrographs() if m.id == micrograph_id] if session else []
        if session is not None and found:
            guarded(lambda: accept_changed_file(session, self._window.background, found[0]))

    def keys(self) -> None:
        """Show the sheet of keys, from which they can be changed."""
        sheet = KeysDialog(self._window)
        sheet.change_button.clicked.connect(sheet.accept)
        sheet.change_button.clicked.connect(self.change_keys)
        self.show(sheet)

    def change_keys(self) -> None:
        """Let a person change the keys."""
        self.show(ChangeKeysDialog(self._window))

    def tile_memory(self) -> None:
        """Ask how much memory the parts of large micrographs may take that were seen last."""
        preferences, workspace = self._window.preferences, self._window.workspace
        megabytes, fine = QInputDialog.getInt(
            self._window,
            "Memory for large micrographs",
            "What was seen of large micrographs is kept up to this many MB:",
            preferences.tile_megabytes,
            LEAST_TILE_MEGABYTES,
            MOST_TILE_MEGABYTES,
            32,
        )
        if fine:
            preferences.tile_megabytes = megabytes
            if workspace is not None:
                workspace.services.micrograph_images.set_tile_megabytes(megabytes)


def guarded(call: Callable[[], object]) -> None:
    """Call something and tell a PoreguiError through the messages."""
    try:
        call()
    except PoreguiError as error:
        messages().error(error)

"""Ask for projects, images and a person's name by dialogs, and do what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.base.preferences import LEAST_TILE_MEGABYTES, MOST_TILE_MEGABYTES
from poregui.gui.dialogs.help_sheets import KeysDialog
from poregui.gui.dialogs.key_dialog import ChangeKeysDialog
from poregui.gui.dialogs.micrograph_dialogs import MicrographDialog, SeveralMicrographsDialog
from poregui.gui.dialogs.project_dialog import NewProjectDialog
from poregui.gui.shell.micrograph_flow import ask_plane, change_micrograph, change_micrographs
from poregui.gui.widgets.banners import NameBar
from poregui.store.project import Project
from poregui.workflow.importing.sample_project import make_sample

if TYPE_CHECKING:
    from poregui.gui.shell.main_window import MainWindow


class OwnName(QObject):
    """Own the line that asks; labels given before it is answered are logged under the login name
    that it shows.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.bar = NameBar()
        self.bar.named.connect(self._take)

    def ask_once(self) -> None:
        """Ask when a project that can be written is open and nobody has answered on this machine
        yet.
        """
        session = self._window.session
        preferences = self._window.preferences
        if session is None or session.project.read_only or preferences.is_named:
            self.bar.hide()
        elif self.bar.isHidden():
            self.bar.ask(preferences.annotator)

    def change(self) -> None:
        """Ask for another name, from the menu."""
        name, fine = QInputDialog.getText(
            self._window,
            "Your name",
            "Labels are logged under this name:",
            text=self._window.preferences.annotator,
        )
        if fine and name.strip():
            self._take(name)

    def _take(self, name: str) -> None:
        self._window.preferences.annotator = name
        self.bar.hide()
        session = self._window.session
        if session is not None:
            session.who = self._window.preferences.annotator
            page = self._window.stack.currentWidget()
            if page is not None:
                page.setFocus()


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
        """Open a project that was dropped, or import pictures into the open one,
        or into a new one.
        """
        if len(paths) == 1 and (paths[0] / "project.db").exists():
            self._window.open_project(paths[0])
        elif self._window.workspace is not None:
            guarded(lambda: self.import_paths(paths))
        elif paths:
            self._ask_project(
                "New project for these pictures", lambda dialog: self.import_paths(paths)
            )

    def micrographs(self, ids: Sequence[int]) -> None:
        """Ask for the specimen and the scale of micrographs; of a single one for
        its page as well.
        """
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
        """Ask for the specimen, the scale and, once its file is looked at, the page of a
        micrograph.
        """
        session = self._window.session
        if session:
            found = [m for m in session.project.micrographs() if m.id == micrograph_id]
        else:
            found = []
        if session is None or not found:
            return
        names = {s.id: s.name for s in session.project.specimens()}
        specimen = names.get(found[0].specimen_id or 0, "")
        dialog = MicrographDialog(found[0], specimen, tuple(names.values()), self._window)
        file = session.project.micrograph_file(found[0])
        ask_plane(self._window.background, file, dialog)
        dialog.accepted.connect(
            lambda: guarded(
                lambda: change_micrograph(session, self._window.background, found[0], dialog)
            )
        )
        self.show(dialog)

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
        preferences = self._window.preferences
        workspace = self._window.workspace
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

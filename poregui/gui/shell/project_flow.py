"""Ask for projects and for what a person prefers by dialogs, and do what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from poregui.domain.errors import DamagedProjectError, PoreguiError
from poregui.gui.base.messages import guarded, messages
from poregui.gui.base.preferences import MIN_TILE_MEGABYTES, MOST_TILE_MEGABYTES, Preferences
from poregui.gui.dialogs.base import WholeNumberDialog, open_dialog
from poregui.gui.dialogs.help_sheets import AboutDialog, KeysDialog
from poregui.gui.dialogs.key_dialog import ChangeKeysDialog
from poregui.gui.dialogs.project_dialog import BackupsDialog, Listed, NewProjectDialog
from poregui.gui.services.jobs import Background, TaskControl
from poregui.gui.shell.import_flow import IMAGES
from poregui.gui.shell.workspace import OpenProject
from poregui.gui.widgets.banners import NameBar
from poregui.store.backups import (
    Backup,
    Restored,
    backups_of,
    make_backup,
    restore,
    sound_content,
)
from poregui.store.project import Project
from poregui.workflow.importing.sample_project import make_sample


class OwnName(QObject):
    """Own the line that asks; labels given before it is answered are logged under the login name
    that it shows. `name_chosen` tells that a person took a name.
    """

    name_chosen = Signal()

    def __init__(self, window: QWidget, opened: OpenProject, preferences: Preferences) -> None:
        super().__init__(window)
        self._window = window
        self._opened = opened
        self._preferences = preferences
        self.bar = NameBar()
        self.bar.named.connect(self._take)

    def ask_once(self) -> None:
        """Ask when a project that can be written is open and nobody has answered on this machine
        yet.
        """
        session = self._opened.session
        if session is None or session.project.read_only or self._preferences.is_named:
            self.bar.hide()
        elif self.bar.isHidden():
            self.bar.ask(self._preferences.annotator)

    def change(self) -> None:
        """Ask for another name, from the menu."""
        before = self._preferences.annotator
        question = "Labels are logged under this name:"
        name, fine = QInputDialog.getText(self._window, "Your name", question, text=before)
        if fine and name.strip():
            self._take(name)

    def _take(self, name: str) -> None:
        self._preferences.annotator = name
        self.bar.hide()
        session = self._opened.session
        if session is not None:
            session.who = self._preferences.annotator
            self.name_chosen.emit()


class ProjectFlow(QObject):
    """Lead from the menus, the start page and what is dropped to an open project."""

    def __init__(self, window: QWidget, opened: OpenProject, background: Background) -> None:
        super().__init__(window)
        self._window = window
        self._opened = opened
        self._background = background

    def new_project(self) -> None:
        """Ask for name, location and classes, make the project and open it."""
        self._ask_project("New project", ())

    def open_project(self) -> None:
        """Ask for a project folder and open it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open project")
        if chosen:
            self._opened.open(Path(chosen))

    def sample(self) -> None:
        """Ask for a location, draw the sample project there in the background, and open it."""
        dialog = NewProjectDialog(self._window, title="Sample project", with_classes=False)

        def draw() -> None:
            self.make_sample(dialog.folder)

        dialog.accepted.connect(draw)
        open_dialog(dialog)

    def make_sample(self, folder: Path) -> None:
        """Draw the sample project in the background and open it."""

        def draw(control: TaskControl) -> None:
            make_sample(folder, progress=control.progress)

        def enter(_made: None) -> None:
            self._opened.open(folder)

        self._background.run("Drawing the sample", draw, enter)

    def ask_images(self) -> None:
        """Ask for images and do with them what dropping them does."""
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Import images", "", IMAGES)
        if chosen:
            self.drop([Path(name) for name in chosen])

    def drop(self, paths: Sequence[Path]) -> None:
        """Open a project that was dropped, or import images into the open one, or into a new
        one.
        """
        if len(paths) == 1 and (
            paths[0].suffix.lower() == ".zip" or (paths[0] / "project.db").exists()
        ):
            self._opened.open(paths[0])
        elif self._opened.workspace is not None:
            guarded(partial(self._import, paths))
        elif paths:
            self._ask_project("New project for these images", paths)

    def _ask_project(self, title: str, paths: Sequence[Path]) -> None:
        dialog = NewProjectDialog(self._window, title=title)

        def make() -> None:
            if self._opened.may_leave():
                self._opened.enter(Project.create(dialog.folder, dialog.classes))
                self._import(paths)

        dialog.accepted.connect(partial(guarded, make))
        open_dialog(dialog)

    def _import(self, paths: Sequence[Path]) -> None:
        if paths and self._opened.workspace is not None:
            self._opened.workspace.importing.ask(paths)


class BackupFlow(QObject):
    """Show the backups of a project, make one, and restore one."""

    def __init__(self, window: QWidget, opened: OpenProject, background: Background) -> None:
        super().__init__(window)
        self._window = window
        self._opened = opened
        self._background = background

    def show(self) -> None:
        """List the backups of the open project."""
        session = self._opened.session
        if session is not None:
            self._list(session.project.folder, "", can_back_up=not session.project.read_only)

    def offer(self, error: DamagedProjectError) -> None:
        """Offer the backups of a project that cannot be opened, where it has some."""
        text = (
            f"{error.what} Restore one of its backups? A damaged project.db is kept under another "
            "name."
        )
        if backups_of(error.folder):
            self._list(error.folder, text, can_back_up=False)

    def _list(self, folder: Path, text: str, *, can_back_up: bool) -> None:
        def read(_control: TaskControl) -> list[Listed]:
            return [(one, sound_content(one)) for one in backups_of(folder)]

        def show(listed: list[Listed]) -> None:
            dialog = BackupsDialog(text, listed, self._window, can_back_up=can_back_up)
            dialog.restore_requested.connect(partial(self._ask, folder))
            dialog.backup_requested.connect(partial(self.make, folder))
            open_dialog(dialog)

        self._background.run("Reading the backups", read, show)

    def make(self, folder: Path) -> None:
        """Back the project up in the background."""

        def work(_control: TaskControl) -> Backup:
            return make_backup(folder)

        def done(backup: Backup) -> None:
            messages().note(f"Labels backed up to {backup.name}.")

        self._background.run("Backing up", work, done)

    def _ask(self, folder: Path, name: str) -> None:
        session = self._opened.session
        is_open = session is not None and session.project.folder == folder
        text = (
            "Labels added since then will be removed from the project. The current state is kept "
            "as another backup."
        )
        if is_open and not messages().ask(
            "Restore this backup?", text, "Restore", "Do not restore"
        ):
            return
        if self._opened.may_leave():
            self.restore(folder, name)

    def restore(self, folder: Path, name: str) -> None:
        """Close the open project, put the backup in its place, and open it."""
        self._opened.close()

        def work(_control: TaskControl) -> Restored:
            return restore(folder, name)

        def enter(restored: Restored) -> None:
            self._opened.open(folder)
            messages().note(restored.text)

        def failed(error: PoreguiError) -> None:
            self._opened.open(folder)
            messages().error(error)

        self._background.run("Restoring the backup", work, enter, failed)


class SettingsFlow(QObject):
    """Show what poregui is and which keys it has, and ask for what a person prefers."""

    def __init__(self, window: QWidget, opened: OpenProject, preferences: Preferences) -> None:
        super().__init__(window)
        self._window = window
        self._opened = opened
        self._preferences = preferences

    def commands(self) -> dict[str, Callable[[], object]]:
        """Return what actions of the window do here, by their names."""
        return {
            "edit_keys": self.change_keys,
            "edit_tile_memory": self.tile_memory,
            "show_keys": self.keys,
            "show_about": self.about,
        }

    def about(self) -> None:
        """Say what poregui is."""
        open_dialog(AboutDialog(self._window))

    def keys(self) -> None:
        """Show the sheet of keys, from which they can be changed."""
        sheet = KeysDialog(self._window)
        sheet.change_button.clicked.connect(sheet.accept)
        sheet.change_button.clicked.connect(self.change_keys)
        open_dialog(sheet)

    def change_keys(self) -> None:
        """Let a person change the keys."""
        open_dialog(ChangeKeysDialog(self._window))

    def tile_memory(self) -> None:
        """Ask how much memory the parts of large micrographs may take that were seen last."""
        dialog = WholeNumberDialog(
            "Memory for large micrographs",
            "Memory for the parts seen last (MB):",
            self._preferences.tile_megabytes,
            (MIN_TILE_MEGABYTES, MOST_TILE_MEGABYTES),
            self._window,
        )
        dialog.accepted.connect(lambda: self._set_tile_memory(dialog.number))
        open_dialog(dialog)

    def _set_tile_memory(self, megabytes: int) -> None:
        self._preferences.tile_megabytes = megabytes
        if self._opened.services is not None:
            self._opened.services.micrograph_images.set_tile_megabytes(megabytes)

"""Remember what a person prefers on this machine: name, theme, recent projects, window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from poregui.gui.base.theme import Mode
from poregui.launching import login_name

_MOST_RECENT = 8
MIN_TILE_MEGABYTES = 32
USUAL_TILE_MEGABYTES = 128
MOST_TILE_MEGABYTES = 8192


class Preferences:
    """Read and write preferences, those of the person unless other settings are given.

    What is missing or damaged has a default.
    """

    def __init__(self, settings: QSettings | None = None) -> None:
        self._settings = settings or QSettings("poregui", "poregui")

    @property
    def annotator(self) -> str:
        """Return the name that goes into the label log; the login name unless chosen."""
        return str(self._settings.value("annotator", "")) or login_name()

    @annotator.setter
    def annotator(self, name: str) -> None:
        self._settings.setValue("annotator", " ".join(name.split()))

    @property
    def is_named(self) -> bool:
        """Return whether a person has agreed to a name or chosen one."""
        return bool(str(self._settings.value("annotator", "")))

    @property
    def keys(self) -> dict[str, str]:
        """Return the keys that are not the usual ones, by the names of key_map.py."""
        self._settings.beginGroup("keys")
        found = {name: str(self._settings.value(name, "")) for name in self._settings.childKeys()}
        self._settings.endGroup()
        return found

    @keys.setter
    def keys(self, keys: Mapping[str, str]) -> None:
        self._settings.remove("keys")
        for name, key in keys.items():
            self._settings.setValue(f"keys/{name}", key)

    @property
    def mode(self) -> Mode:
        """Return the chosen theme."""
        value = self._settings.value("mode", "system")
        if value in ("light", "dark"):
            return value
        return "system"

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._settings.setValue("mode", mode)

    @property
    def recent(self) -> list[Path]:
        """Return the projects opened last, the newest first, without those that are gone."""
        value = self._settings.value("recent", [])
        names = list(value or [])
        if isinstance(value, str):
            names = [value]
        return [Path(str(name)) for name in names if (Path(str(name)) / "project.db").is_file()]

    @property
    def tile_megabytes(self) -> int:
        """Return the memory in MB that the tiles of large micrographs may take."""
        try:
            value = int(str(self._settings.value("tile_megabytes", USUAL_TILE_MEGABYTES)))
        except ValueError:
            return USUAL_TILE_MEGABYTES
        return min(max(value, MIN_TILE_MEGABYTES), MOST_TILE_MEGABYTES)

    @tile_megabytes.setter
    def tile_megabytes(self, megabytes: int) -> None:
        self._settings.setValue("tile_megabytes", megabytes)

    @property
    def keeps_trainer_ready(self) -> bool:
        """Return whether a trainer's process may wait beside the window; yes
        unless switched off.
        """
        return str(self._settings.value("keep_trainer_ready", "true")).casefold() != "false"

    @keeps_trainer_ready.setter
    def keeps_trainer_ready(self, wanted: bool) -> None:
        self._settings.setValue("keep_trainer_ready", str(wanted).lower())

    def remember_project(self, folder: Path) -> None:
        """Put a project at the top of the recent ones."""
        others = [str(path) for path in self.recent if path != folder]
        self._settings.setValue("recent", [str(folder), *others][:_MOST_RECENT])

    def save_window(self, window: QMainWindow) -> None:
        """Remember where a window stands."""
        self._settings.setValue("geometry", window.saveGeometry())

    def restore_window(self, window: QMainWindow) -> None:
        """Put a window where it stood, onto a screen that is there."""
        geometry = self._settings.value("geometry")
        if isinstance(geometry, QByteArray) and window.restoreGeometry(geometry):
            frame = window.frameGeometry()
            if any(
                screen.availableGeometry().intersects(frame) for screen in QGuiApplication.screens()
            ):
                return
        available = QGuiApplication.primaryScreen().availableGeometry()
        window.resize(min(1400, available.width() - 40), min(900, available.height() - 60))

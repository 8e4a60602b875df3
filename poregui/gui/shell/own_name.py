"""Learn the name under which a person's labels are logged: asked once and kept; changes with when it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from poregui.gui.widgets.name_bar import NameBar

if TYPE_CHECKING:
    from poregui.gui.shell.main_window import MainWindow


class OwnName(QObject):
    """Own the line that asks; labels given before it is answered are logged under the login name that it shows."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.bar = NameBar()
        self.bar.named.connect(self._take)

    def ask_once(self) -> None:
        """Ask when a project that can be written is open and nobody has answered on this machine yet."""
        session, preferences = self._window.session, self._window.preferences
        if session is None or session.project.read_only or preferences.is_named:
            self.bar.hide()
        elif self.bar.isHidden():
            self.bar.ask(preferences.annotator)

    def change(self) -> None:
        """Ask for another name, from the menu."""
        name, fine = QInputDialog.getText(
            self._window, "Your name", "Labels are logged under this name:", text=self._window.preferences.annotator
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

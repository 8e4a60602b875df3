"""Turn keys into labels and steps on the label page; changes with the keyboard's layout of labelling."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from poregui.gui.widgets.image_canvas import ImageCanvas

TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)
_ACTIONS = {
    Qt.Key.Key_0: "not_a_pore",
    Qt.Key.Key_U: "unsure",
    Qt.Key.Key_Z: "undo",
    Qt.Key.Key_Y: "redo",
    Qt.Key.Key_Right: "next",
    Qt.Key.Key_Return: "next",
    Qt.Key.Key_Enter: "next",
    Qt.Key.Key_Left: "previous",
    Qt.Key.Key_Delete: "delete",
    Qt.Key.Key_Backspace: "clear",
    Qt.Key.Key_F: "fit",
    Qt.Key.Key_A: "accept",
} | {Qt.Key(Qt.Key.Key_1.value + i): f"class_{i + 1}" for i in range(9)}
_REPEATING = {"next", "previous"}
_PLAIN = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier


class LabelKeys(QObject):
    """Watch widgets for the keys of labelling: `pressed` carries what is meant, `space` whether Space is held.

    Text fields are not watched, so that a digit typed there stays a digit. Shift is let through with digits, which
    some keyboards need for them.
    """

    pressed = Signal(str)
    space = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._own: dict[QObject, frozenset[str]] = {}

    def watch(self, widgets: Iterable[QWidget], *, own: Iterable[str] = ()) -> None:
        """Take the keys of these widgets before they do, but for those in `own`, which they use themselves."""
        for widget in widgets:
            widget.installEventFilter(self)
            if own:
                self._own[widget] = frozenset(own)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(QApplication.focusWidget(), TEXT_FIELDS):
            return False  # what a text field leaves over comes up to the page
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if isinstance(watched, ImageCanvas) and watched.tool is not None and watched.tool.key(event):
                return True
            return self._press(event, self._own.get(watched, frozenset()))
        if event.type() == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.space.emit(False)
            return True
        return False

    def _press(self, event: QKeyEvent, own: frozenset[str]) -> bool:
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            if not event.isAutoRepeat():
                self.space.emit(True)
            return True
        meant = meaning(event)
        if meant is None or meant in own:
            return False
        if not event.isAutoRepeat() or meant in _REPEATING:
            self.pressed.emit(meant)
        return True


def meaning(event: QKeyEvent) -> str | None:
    """Return what a key means on the label page, or None."""
    if event.modifiers() & ~_PLAIN:
        return None
    meant = _ACTIONS.get(Qt.Key(event.key()))
    shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    if shifted and meant == "accept":
        return "accept_page"
    if shifted and meant is not None and not (meant.startswith("class_") or meant == "not_a_pore"):
        return None
    return meant

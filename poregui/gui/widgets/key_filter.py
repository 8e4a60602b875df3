"""Turn keys into labels and steps on the label page."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from poregui.gui.base.key_map import key_map
from poregui.gui.canvas.image_canvas import ImageCanvas

TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)
_REPEATING = {"next", "previous"}


class LabelKeys(QObject):
    """Watch widgets for the keys of labelling: `pressed` carries what is meant, `space` whether
    Space is held.

    Text fields are not watched, so that a digit typed there stays a digit. Which key means what,
    `key_map` knows.
    """

    pressed = Signal(str)
    space = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._own: dict[QObject, frozenset[str]] = {}

    def watch(self, widgets: Iterable[QWidget], *, own: Iterable[str] = ()) -> None:
        """Take the keys of these widgets before they do, but for those in `own`, which they use
        themselves.
        """
        for widget in widgets:
            widget.installEventFilter(self)
            if own:
                self._own[widget] = frozenset(own)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(QApplication.focusWidget(), TEXT_FIELDS):
            return False  # what a text field leaves over comes up to the page
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if (
                isinstance(watched, ImageCanvas)
                and watched.tool is not None
                and watched.tool.key(event)
            ):
                return True
            return self._press(event, self._own.get(watched, frozenset()))
        if (
            event.type() == QEvent.Type.KeyRelease
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            if not event.isAutoRepeat():
                self.space.emit(False)
            return True
        return False

    def _press(self, event: QKeyEvent, own: frozenset[str]) -> bool:
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            if not event.isAutoRepeat():
                self.space.emit(True)
            return True
        meant = key_map().meaning(event)
        if meant is None or meant in own:
            return False
        if not event.isAutoRepeat() or meant in _REPEATING:
            self.pressed.emit(meant)
        return True

"""Define what takes over the pointer on the canvas for a while (drawing a mask, two clicks, an outline)."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter

from poregui.gui.canvas.canvas_view import CanvasView


class CanvasTool(QObject):
    """Take left-button gestures in px of the image, draw above the picture, say `done` to give the pointer back.

    Wheel, middle button and Space+drag stay the canvas's. `hint` is shown above the picture while the tool is active.
    Escape cancels. `changed` asks for a repaint.
    """

    changed = Signal()
    done = Signal()
    hint = ""
    cursor = Qt.CursorShape.CrossCursor

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Begin a gesture at a point of the image (px)."""

    def move(self, at: QPointF, *, pressed: bool) -> None:
        """Follow the pointer, with or without the button."""

    def release(self, at: QPointF) -> None:
        """End a gesture."""

    def key(self, event: QKeyEvent) -> bool:
        """Take a key and tell whether it was one of the tool's."""
        return False

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        """Draw above picture and boxes, in screen px."""

    def cancel(self) -> None:
        """Forget what was begun."""

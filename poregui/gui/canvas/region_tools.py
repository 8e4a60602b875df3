"""Let a hand draw a box, a polygon or a line on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPolygonF

from poregui.gui.canvas.canvas_view import CanvasTool, CanvasView

_SMALLEST = 2.0


def on_screen(at: QPointF, view: CanvasView) -> QPointF:
    """Return where a point of the image lies on the screen."""
    return view.to_screen(QRectF(at.x(), at.y(), 0, 0)).topLeft()


def _draw(painter: QPainter, points: list[QPointF], view: CanvasView) -> None:
    line = QPolygonF([on_screen(point, view) for point in points])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(QColor(0, 0, 0, 150), 3.5), QPen(QColor("#ffffff"), 1.8)):
        painter.setPen(pen)
        painter.drawPolyline(line)


class BoxTool(CanvasTool):
    """Draw a box; `drawn` carries its four corners as (x, y) in px."""

    drawn = Signal(object)
    hint = "Hold the button and draw a box.  Esc: cancel"

    def __init__(self) -> None:
        super().__init__()
        self._start: QPointF | None = None
        self._end = QPointF()

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._start = self._end = at

    def move(self, at: QPointF, *, pressed: bool) -> None:
        if pressed and self._start is not None:
            self._end = at
            self.changed.emit()

    def release(self, at: QPointF) -> None:
        if self._start is None:
            return
        box = QRectF(self._start, at).normalized()
        self._start = None
        if min(box.width(), box.height()) >= _SMALLEST:
            corners = (box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft())
            self.drawn.emit(tuple((c.x(), c.y()) for c in corners))
            self.done.emit()
        self.changed.emit()

    def cancel(self) -> None:
        self._start = None

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        if self._start is not None:
            box = QRectF(self._start, self._end)
            corners = [box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft()]
            _draw(painter, [*corners, corners[0]], view)


class PolygonTool(CanvasTool):
    """Click corners; `drawn` carries them as (x, y) in px when Return is pressed."""

    drawn = Signal(object)
    fewest = 3
    hint = "Click the corners.  Return: finish.  Backspace: remove last point.  Esc: cancel"

    def __init__(self) -> None:
        super().__init__()
        self._points: list[QPointF] = []
        self._pointer: QPointF | None = None

    def release(self, at: QPointF) -> None:
        self._points.append(at)
        self.changed.emit()

    def move(self, at: QPointF, *, pressed: bool) -> None:
        self._pointer = at
        self.changed.emit()

    def key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if len(self._points) >= self.fewest:
                self.drawn.emit(tuple((p.x(), p.y()) for p in self._points))
                self.done.emit()
            return True
        if event.key() == Qt.Key.Key_Backspace:
            self._points = self._points[:-1]
            self.changed.emit()
            return True
        return False

    def cancel(self) -> None:
        self._points = []

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        if self._points:
            _draw(painter, [*self._points, *([self._pointer] if self._pointer else [])], view)


class PathTool(PolygonTool):
    """Click points of an open line; `drawn` carries them as (x, y) in px when Return is pressed,
    two at least.
    """

    fewest = 2

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.hint = hint


class LineTool(CanvasTool):
    """Mark two ends by two clicks or a drag; `drawn` carries the length in px.

    With Shift the line is level.
    """

    drawn = Signal(float)
    hint = "Click both ends of the scale bar.  Shift: keep horizontal.  Esc: cancel"

    def __init__(self) -> None:
        super().__init__()
        self._start: QPointF | None = None
        self._end = QPointF()
        self._again = False
        self._level = False

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._level = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        self._again = self._start is not None
        if self._start is None:
            self._start = at
        self._end = self._kept(at)

    def move(self, at: QPointF, *, pressed: bool) -> None:
        if self._start is not None:
            self._end = self._kept(at)
            self.changed.emit()

    def release(self, at: QPointF) -> None:
        if self._start is None:
            return
        length = QLineF(self._start, self._kept(at)).length()
        if length >= _SMALLEST:
            self._start = None
            self.done.emit()
            self.drawn.emit(length)
        elif self._again:
            self._start = None
        self.changed.emit()

    def cancel(self) -> None:
        self._start = None

    def _kept(self, at: QPointF) -> QPointF:
        if self._level and self._start is not None:
            return QPointF(at.x(), self._start.y())
        return at

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        if self._start is not None:
            _draw(painter, [self._start, self._end], view)


class PickTool(CanvasTool):
    """Click once; `picked` carries x and y in px."""

    picked = Signal(float, float)
    hint = "Click the mask to remove.  Esc: cancel"
    cursor = Qt.CursorShape.PointingHandCursor

    def release(self, at: QPointF) -> None:
        self.done.emit()
        self.picked.emit(at.x(), at.y())

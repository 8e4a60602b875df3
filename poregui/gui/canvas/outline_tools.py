"""Let a hand draw an outline or drag its corners on the canvas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from poregui.gui.base.theme import theme
from poregui.gui.canvas.canvas_view import CanvasTool, CanvasView
from poregui.gui.canvas.outline_layer import screen_line

_REACH = 8.0
_HANDLE = 7.0
_FEWEST = 3
_SMALLEST_PX2 = 2.0
_TOLERANCE = 0.6
"""Screen px by which corners may leave the line that was given, so that there are few enough to
drag.
"""


class OutlineTool(CanvasTool):
    """Draw a closed line with the button held; `drawn` carries its points (N, 2) in px of the
    image.
    """

    drawn = Signal(object)
    hint = "Hold the button and draw around the pore.  Esc: cancel"

    def __init__(self) -> None:
        super().__init__()
        self._points: list[tuple[float, float]] = []
        self._view: CanvasView | None = None

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._points = [(at.x(), at.y())]
        self.changed.emit()

    def move(self, at: QPointF, *, pressed: bool) -> None:
        if pressed and self._points:
            self._points.append((at.x(), at.y()))
            self.changed.emit()

    def release(self, at: QPointF) -> None:
        points = np.array(self._points, np.float32).reshape(-1, 2)
        self._points = []
        if len(points) >= _FEWEST and _spans_area(points):
            self.drawn.emit(points)
            self.done.emit()
        else:
            self.changed.emit()

    def cancel(self) -> None:
        self._points = []

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        if len(self._points) > 1:
            _draw_line(painter, np.array(self._points, np.float32), view)


class CornerTool(CanvasTool):
    """Drag the corners of an outline; `drawn` carries the points (N, 2) in px of the image when
    Return is pressed.

    A press on the line between two corners makes a new one; Delete takes away the one under the
    pointer.
    """

    drawn = Signal(object)
    hint = "Drag corners or lines.  Delete: remove corner.  Return: finish.  Esc: cancel"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, points: NDArray[np.float32], view: CanvasView) -> None:
        super().__init__()
        self._points = _few(points, _TOLERANCE / view.scale)
        self._reach = _REACH / view.scale
        self._held: int | None = None
        self._over: int | None = None

    @property
    def points(self) -> NDArray[np.float32]:
        """Return the corners as they are now, (N, 2) in px."""
        return self._points

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        here = np.array([at.x(), at.y()], np.float32)
        self._held = self._corner_at(here)
        if self._held is None:
            self._held = self._new_corner(here)
        self.changed.emit()

    def move(self, at: QPointF, *, pressed: bool) -> None:
        here = np.array([at.x(), at.y()], np.float32)
        if pressed and self._held is not None:
            self._points = self._points.copy()
            self._points[self._held] = here
        self._over = self._held if pressed else self._corner_at(here)
        self.changed.emit()

    def release(self, at: QPointF) -> None:
        self._held = None

    def key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if _spans_area(self._points):
                self.drawn.emit(self._points)
            self.done.emit()
            return True
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if self._over is not None and len(self._points) > _FEWEST:
                self._points = np.delete(self._points, self._over, axis=0)
                self._over = self._held = None
                self.changed.emit()
            return True
        return False

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        self._reach = _REACH / view.scale
        _draw_line(painter, self._points, view)
        painter.setPen(QPen(QColor("#101418"), 1))
        for place, corner in enumerate(screen_points(self._points, view)):
            painter.setBrush(
                QColor(theme().tokens.accent) if place == self._over else QColor("#ffffff")
            )
            painter.drawEllipse(corner, _HANDLE / 2, _HANDLE / 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _corner_at(self, here: NDArray[np.float32]) -> int | None:
        away = np.hypot(*(self._points - here).T)
        place = int(away.argmin())
        return place if away[place] <= self._reach else None

    def _new_corner(self, here: NDArray[np.float32]) -> int | None:
        """Put a corner on the nearest side and return its place; None when no side is near."""
        start = self._points
        end = np.roll(self._points, -1, axis=0)
        along = end - start
        fraction = ((here - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-9)
        away = np.hypot(*(start + np.clip(fraction, 0, 1)[:, None] * along - here).T)
        side = int(away.argmin())
        if away[side] > self._reach:
            return None
        self._points = np.insert(self._points, side + 1, here, axis=0)
        return side + 1


def screen_points(points: NDArray[np.float32], view: CanvasView) -> list[QPointF]:
    """Return where points (N, 2) of the image lie on the screen."""
    half_width = view.window.width() / 2
    half_height = view.window.height() / 2
    return [
        QPointF(
            (x - view.centre.x()) * view.scale + half_width,
            (y - view.centre.y()) * view.scale + half_height,
        )
        for x, y in points.tolist()
    ]


def _spans_area(points: NDArray[np.float32]) -> bool:
    """Tell whether a line is more than a click; whether it may be an outline is checked where it is
    kept.
    """
    return cv2.contourArea(cv2.convexHull(points)) >= _SMALLEST_PX2


def _few(points: NDArray[np.float32], tolerance: float) -> NDArray[np.float32]:
    kept = cv2.approxPolyDP(np.ascontiguousarray(points, np.float32), tolerance, True).reshape(
        -1, 2
    )
    return np.asarray(kept if len(kept) >= _FEWEST else points, np.float32)


def _draw_line(painter: QPainter, points: NDArray[np.float32], view: CanvasView) -> None:
    line = screen_line(points, view)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3.5))
    painter.drawPolyline(line)
    painter.setPen(QPen(QColor("#ffffff"), 1.8))
    painter.drawPolyline(line)

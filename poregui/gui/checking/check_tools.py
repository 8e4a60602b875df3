"""Let a hand answer one window of a check on the canvas: mark pores, or count points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from poregui.gui.canvas.canvas_view import CanvasTool, CanvasView
from poregui.gui.canvas.outline_layer import screen_line
from poregui.gui.canvas.region_tools import on_screen
from poregui.workflow.checking.finding_checks import Answer, CheckWindow, MissedPore

_REACH = 9.0
"""Screen px around a mark in which a click takes it away."""
_OUTSIDE = QColor(0, 0, 0, 140)
_FRAME = QColor("#ffffff")
_FOUND = QColor("#ffffff")
_OTHER = QColor(255, 255, 255, 90)
_FALSE = QColor("#ff5c5c")
_MISSED = QColor("#ffe600")
_POINT = QColor("#ffe600")
_KEYS = {Qt.Key.Key_1: "hit", Qt.Key.Key_2: "half", Qt.Key.Key_3: "miss"}
_COLOURS = {"hit": QColor("#4cd07d"), "half": QColor("#ffe600"), "miss": QColor(160, 160, 160)}
AreaAt = Callable[[float, float, float], float | None]


class WindowTool(CanvasTool):
    """Show one window of a check; `changed_answer` carries the answer after each mark, `finished`
    tells that the window is answered.
    """

    changed_answer = Signal(object)
    finished = Signal()

    def __init__(self, window: CheckWindow, answer: Answer) -> None:
        super().__init__()
        self.window = window
        self.answer = answer

    def _keep(self, answer: Answer) -> None:
        self.answer = answer
        self.changed_answer.emit(answer)
        self.changed.emit()

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        """Darken what is not the window, and draw its frame."""
        frame = view.to_screen(self.window.box)
        whole = QRectF(QPointF(0, 0), view.window)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_OUTSIDE)
        for side in (
            QRectF(whole.left(), whole.top(), whole.width(), frame.top() - whole.top()),
            QRectF(whole.left(), frame.bottom(), whole.width(), whole.bottom() - frame.bottom()),
            QRectF(whole.left(), frame.top(), frame.left() - whole.left(), frame.height()),
            QRectF(frame.right(), frame.top(), whole.right() - frame.right(), frame.height()),
        ):
            painter.drawRect(side.normalized().intersected(whole))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(_FRAME, 1.5))
        painter.drawRect(frame)


class MarkTool(WindowTool):
    """Mark pores that were missed, and outlines around none: a click puts a mark or takes it away.

    Pores count whose middle lies in the window. `outlines` are those that are seen in it by crop
    id, those of other pores too, which are drawn faintly; `area_at` gives the area in px² of the
    pore at a point, looked for within a distance in px, or None.
    """

    hint = "Click pores without outline and false outlines.  Return: next window"

    def __init__(
        self,
        window: CheckWindow,
        answer: Answer,
        outlines: Mapping[int, NDArray[np.float32]],
        area_at: AreaAt,
    ) -> None:
        super().__init__(window, answer)
        self._outlines = outlines
        self._known = {one.crop_id for one in window.found}
        self._area_at = area_at
        self._reach = _REACH

    def release(self, at: QPointF) -> None:
        box = self.window.box
        if not box.contains(at.x(), at.y()):
            return
        answer = replace(self.answer, missed=self.answer.missed or ())
        hit = self._outline_at(at)
        marked = answer.missed or ()
        near = [m for m in marked if (m.x - at.x()) ** 2 + (m.y - at.y()) ** 2 <= self._reach**2]
        if near:
            kept = tuple(one for one in marked if one is not near[0])
            self._keep(replace(answer, missed=kept))
        elif hit is not None:
            if hit in self._known:
                false = set(answer.false) ^ {hit}
                self._keep(replace(answer, false=tuple(sorted(false))))
        else:
            area = self._area_at(at.x(), at.y(), self._reach)
            new = MissedPore(round(at.x(), 2), round(at.y(), 2), area)
            self._keep(replace(answer, missed=(*marked, new)))

    def _outline_at(self, at: QPointF) -> int | None:
        for crop_id, points in self._outlines.items():
            if cv2.pointPolygonTest(points.reshape(-1, 1, 2), (at.x(), at.y()), False) >= 0:
                return crop_id
        return None

    def key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish()
            return True
        return False

    def finish(self) -> None:
        """Say that all in the window is marked."""
        if self.answer.missed is None:
            self._keep(replace(self.answer, missed=()))
        self.finished.emit()

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        self._reach = _REACH / view.scale
        super().paint(painter, view)
        false = set(self.answer.false)
        for crop_id, points in self._outlines.items():
            colour = _FOUND if crop_id in self._known else _OTHER
            if crop_id in false:
                colour = _FALSE
            painter.setPen(QPen(colour, 2.5 if crop_id in false else 1.2))
            painter.drawPolygon(screen_line(points, view))
        painter.setPen(QPen(_MISSED, 2.5))
        for one in self.answer.missed or ():
            painter.drawEllipse(on_screen(QPointF(one.x, one.y), view), _REACH, _REACH)


class PointTool(WindowTool):
    """Say of each point of a grid whether it lies in a pore; outlines are not shown."""

    hint = "Is the point in a pore?  1: hit  2: half, on its edge  3: miss  Backspace: back"

    def __init__(self, window: CheckWindow, answer: Answer, grid: int) -> None:
        super().__init__(window, answer)
        self._grid = grid

    def point(self, place: int) -> QPointF:
        """Return where a point of the grid lies in px, row by row from 0."""
        box = self.window.box
        row, column = divmod(place, self._grid)
        return QPointF(
            box.x + box.width * (column + 0.5) / self._grid,
            box.y + box.height * (row + 0.5) / self._grid,
        )

    def key(self, event: QKeyEvent) -> bool:
        points = self.answer.points
        if event.key() == Qt.Key.Key_Backspace and points:
            self._keep(replace(self.answer, points=points[:-1]))
            return True
        kind = _KEYS.get(Qt.Key(event.key()))
        if kind is None or len(points) >= self._grid**2:
            return False
        self._keep(replace(self.answer, points=(*points, kind)))
        if len(self.answer.points) == self._grid**2:
            self.finished.emit()
        return True

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        super().paint(painter, view)
        for place in range(self._grid**2):
            at = on_screen(self.point(place), view)
            if place < len(self.answer.points):
                painter.setPen(QPen(_COLOURS[self.answer.points[place]], 2))
                _cross(painter, at, 3)
            elif place == len(self.answer.points):
                painter.setPen(QPen(QColor(0, 0, 0, 200), 4))
                painter.drawEllipse(at, 12, 12)
                painter.setPen(QPen(_POINT, 2))
                painter.drawEllipse(at, 12, 12)
                painter.setPen(QPen(_POINT, 1))
                _cross(painter, at, 5)
            else:
                painter.setPen(QPen(QColor(255, 255, 255, 150), 1))
                _cross(painter, at, 3)


def _cross(painter: QPainter, at: QPointF, arm: float) -> None:
    painter.drawLine(QPointF(at.x() - arm, at.y()), QPointF(at.x() + arm, at.y()))
    painter.drawLine(QPointF(at.x(), at.y() - arm), QPointF(at.x(), at.y() + arm))

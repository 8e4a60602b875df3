"""Draw the boxes of crops and find which is under the pointer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from poregui.domain.geometry import Box
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.canvas.canvas_view import CanvasView

HANDLE = 7.0
"""Side of a handle in screen px."""
_REACH = 6.0
_LETTER_FROM = 14.0
"""Screen px that a box is at least wide to carry its letter."""
HANDLES = ("nw", "n", "ne", "e", "se", "s", "sw", "w")
CURSORS = {
    "nw": Qt.CursorShape.SizeFDiagCursor,
    "se": Qt.CursorShape.SizeFDiagCursor,
    "ne": Qt.CursorShape.SizeBDiagCursor,
    "sw": Qt.CursorShape.SizeBDiagCursor,
    "n": Qt.CursorShape.SizeVerCursor,
    "s": Qt.CursorShape.SizeVerCursor,
    "e": Qt.CursorShape.SizeHorCursor,
    "w": Qt.CursorShape.SizeHorCursor,
    "move": Qt.CursorShape.SizeAllCursor,
}


@dataclass(frozen=True)
class CanvasBox:
    """Hold the box of a crop in px of the image and its label."""

    crop_id: int
    box: Box
    label: int | None


def smallest_at(boxes: Iterable[CanvasBox], point: QPointF) -> CanvasBox | None:
    """Return the smallest box around a point of the image, so that boxes inside others can be
    reached.
    """
    around = [box for box in boxes if box.box.contains(point.x(), point.y())]
    return min(around, key=lambda one: one.box.area, default=None)


def grip_at(frame: QRectF, point: QPointF) -> str | None:
    """Return which handle of a frame (screen px) is under a point, `move`
    inside it, None outside.
    """
    reach = min(_REACH, max(2.0, min(frame.width(), frame.height()) / 4))
    for name, corner in handle_points(frame).items():
        if abs(corner.x() - point.x()) <= reach and abs(corner.y() - point.y()) <= reach:
            return name
    return "move" if frame.contains(point) else None


def handle_points(frame: QRectF) -> dict[str, QPointF]:
    """Return where the handles of a frame are; those of the edges only where the frame is large
    enough.
    """
    across = {"w": frame.left(), "e": frame.right(), "": frame.center().x()}
    down = {"n": frame.top(), "s": frame.bottom(), "": frame.center().y()}
    small = min(frame.width(), frame.height()) < 5 * HANDLE
    return {
        name: QPointF(
            across[name.strip("ns")],
            down[name.strip("ew")],
        )
        for name in HANDLES
        if len(name) == 2 or not small
    }


def dragged(box: Box, grip: str, by: QPointF, width: int, height: int, minimum: int) -> Box:
    """Return a box whose `grip` was dragged by some px, kept inside an image of `width` x `height`
    px.
    """
    dx = round(by.x())
    dy = round(by.y())
    if grip == "move":
        return Box(box.x + dx, box.y + dy, box.width, box.height).moved_inside(width, height)
    left = box.x
    top = box.y
    right = box.right
    bottom = box.bottom
    if "w" in grip:
        left = min(max(0, left + dx), right - minimum)
    if "e" in grip:
        right = max(min(width, right + dx), left + minimum)
    if "n" in grip:
        top = min(max(0, top + dy), bottom - minimum)
    if "s" in grip:
        bottom = max(min(height, bottom + dy), top + minimum)
    return Box(left, top, right - left, bottom - top)


def draw_boxes(
    painter: QPainter,
    view: CanvasView,
    boxes: Iterable[CanvasBox],
    current: int | None,
    marks: ClassMarks,
) -> None:
    """Draw all boxes that are seen, the current one last."""
    window = QRectF(QPointF(0, 0), view.window)
    last: CanvasBox | None = None
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for box in boxes:
        if box.crop_id == current:
            last = box
            continue
        frame = view.to_screen(box.box)
        if frame.intersects(window):
            _draw(painter, frame, box.label, marks, thick=False)
    if last is not None:
        frame = view.to_screen(last.box)
        _draw(painter, frame, last.label, marks, thick=True)
        draw_handles(painter, frame)


def _draw(
    painter: QPainter, frame: QRectF, label: int | None, marks: ClassMarks, *, thick: bool
) -> None:
    width = 2.5 if thick else 1.5
    colour = QColor("#ffffff") if label is None else marks.colour(label)
    painter.setPen(QPen(QColor(0, 0, 0, 130), width + 1.5))
    painter.drawRect(frame)
    if label is not None:
        style = Qt.PenStyle.SolidLine
    else:
        style = Qt.PenStyle.DashLine
    painter.setPen(QPen(colour, width, style))
    painter.drawRect(frame)
    if label is not None and frame.width() >= _LETTER_FROM:
        marks.draw_badge(painter, frame.left() - width / 2, frame.top(), label)


def draw_handles(painter: QPainter, frame: QRectF) -> None:
    """Draw the handles of a frame."""
    painter.setPen(QPen(QColor("#101418"), 1))
    painter.setBrush(QColor("#ffffff"))
    for point in handle_points(frame).values():
        painter.drawRect(QRectF(point.x() - HANDLE / 2, point.y() - HANDLE / 2, HANDLE, HANDLE))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_new(painter: QPainter, frame: QRectF, size: str) -> None:
    """Draw the box that is being drawn, with its size in words."""
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
    painter.drawRect(frame)
    painter.setPen(QPen(QColor("#ffffff"), 1.5, Qt.PenStyle.DashLine))
    painter.drawRect(frame)
    draw_plate(painter, QPointF(frame.left(), frame.bottom() + 6), size)


def draw_plate(painter: QPainter, corner: QPointF, text: str, *, from_right: bool = False) -> None:
    """Draw words on a dark plate whose upper left (or upper right) corner is given."""
    metrics = painter.fontMetrics()
    wide = metrics.horizontalAdvance(text) + 12
    high = metrics.height() + 6
    plate = QRectF(corner.x() - (wide if from_right else 0), corner.y(), wide, high)
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 160))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(QColor("#f2f4f7"))
    painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), text)
    painter.restore()

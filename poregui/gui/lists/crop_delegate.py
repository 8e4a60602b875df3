"""Draw one crop of a grid: its image, its frame, and its label or what is suggested."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QObject,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from poregui.domain.classes import PoreClass
from poregui.domain.wording import percent
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import theme
from poregui.gui.canvas.outline_layer import BRIGHT, draw_current
from poregui.gui.lists.crop_list import ROW_ROLE, CropRow

_PAD = 4
_FRAME = 2
_MOST_POINTS = 80
_FAINT = 0.7
"""How opaque the line around a pore is that is not the current one."""
_ROOM_FOR_CONFIDENCE = 72
"""Side in px of an image from which on the probability of a suggestion is written on it."""


class CropDelegate(QStyledItemDelegate):
    """Draw crops never stretched; labelled ones carry a badge, unlabelled ones a dashed frame.

    Where `length` returns the longer side in um of a crop, a cell shows `um_across` um; crops
    without one are fitted.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.image: Callable[[int], QImage | None] | None = None
        self.is_current: Callable[[int], bool] | None = None
        self.suggestion: Callable[[int], tuple[int, float] | None] | None = None
        self.outline: Callable[[int], NDArray[np.float64] | None] | None = None
        self.length: Callable[[int], float | None] | None = None
        self.um_across: float | None = None
        self.side = 80
        self.lines = 0
        self._marks = ClassMarks(())

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Use the colours and letters of these classes."""
        self._marks = ClassMarks(classes)

    def cell(self, text_height: int) -> QSize:
        """Return the size of a cell for lines `text_height` px high."""
        tall = self.side + 2 * _PAD
        if self.lines:
            tall += self.lines * text_height + _PAD
        return QSize(self.side + 2 * _PAD, tall)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell(option.fontMetrics.height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: CropRow | None = index.data(ROW_ROLE)
        if row is None:
            return
        painter.save()
        square = QRect(option.rect.x() + _PAD, option.rect.y() + _PAD, self.side, self.side)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        current = self.is_current is not None and self.is_current(index.row())
        self._draw_image(painter, square, row, current=current)
        self._draw_frame(painter, square, row, selected=selected, current=current)
        if row.predicted is not None and self.lines:
            self._draw_prediction(painter, option, square, row, row.predicted)
        else:
            self._draw_marks(painter, option, square, row)
        if row.reviewed:
            _draw_tick(painter, square)
        painter.restore()

    def _draw_marks(
        self, painter: QPainter, option: QStyleOptionViewItem, square: QRect, row: CropRow
    ) -> None:
        if row.label is not None:
            self._marks.draw_badge(painter, square.left(), square.bottom() + 1, row.label)
        elif self.suggestion is not None and (found := self.suggestion(row.crop_id)) is not None:
            self._draw_suggestion(painter, option, square, *found)
        if row.wrong:
            _draw_cross(painter, square)
        if self.lines:
            self._draw_text(painter, option, square, row)

    def _draw_suggestion(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        square: QRect,
        label: int,
        confidence: float,
    ) -> None:
        side = round(option.fontMetrics.height() * 1.05)
        area = QRectF(square.left(), square.bottom() + 1 - side, side, side)
        self._marks.draw_suggested(painter, area, label)
        if self.side >= _ROOM_FOR_CONFIDENCE:
            caption = percent(confidence, 0)
            beside = QRectF(
                area.right(), area.top(), option.fontMetrics.horizontalAdvance(caption) + 8, side
            )
            painter.fillRect(beside, QColor(16, 20, 24, 190))
            painter.setPen(QColor("#e6e9ee"))
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignCenter), caption)

    def _draw_prediction(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        square: QRect,
        row: CropRow,
        predicted: int,
    ) -> None:
        """Draw label, arrow, prediction and the row's text below the image, which stays free."""
        tokens = theme().tokens
        height = option.fontMetrics.height()
        badge = round(height * 1.05)
        left = square.left()
        bottom = square.bottom() + 1 + _PAD + badge
        if row.label is not None:
            self._marks.draw_badge(painter, left, bottom, row.label)
        else:
            painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(left + 0.5, bottom - badge + 0.5, badge - 1, badge - 1))
        painter.setPen(QColor(tokens.muted))
        arrow = QRect(left + badge, bottom - badge, badge, badge)
        painter.drawText(arrow, int(Qt.AlignmentFlag.AlignCenter), "→")
        self._marks.draw_badge(painter, left + 2 * badge, bottom, predicted)
        painter.setPen(QColor(tokens.text if row.wrong else tokens.muted))
        text_area = QRect(
            left + 3 * badge + _PAD, bottom - badge, self.side - 3 * badge - _PAD, badge
        )
        painter.drawText(
            text_area, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), row.text
        )

    def _draw_image(self, painter: QPainter, square: QRect, row: CropRow, *, current: bool) -> None:
        painter.fillRect(square, QColor(theme().tokens.canvas))
        if self.image is None:
            return
        image = self.image(row.crop_id)
        if image is None or image.isNull():
            return
        scale = self.side / max(image.width(), image.height())
        length = None
        if self.length is not None:
            length = self.length(row.crop_id)
        if length and self.um_across:
            scale *= min(1.0, length / self.um_across)
        wide = max(1.0, image.width() * scale)
        high = max(1.0, image.height() * scale)
        target = QRectF(
            square.x() + (self.side - wide) / 2, square.y() + (self.side - high) / 2, wide, high
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image)
        if self.outline is not None and (line := self.outline(row.crop_id)) is not None:
            self._draw_outline(painter, target, line, row, current=current)
        if self.length is not None and length is None:
            _draw_unknown(painter, square)

    def _draw_outline(
        self,
        painter: QPainter,
        target: QRectF,
        line: NDArray[np.float64],
        row: CropRow,
        *,
        current: bool,
    ) -> None:
        """Draw the line around the pore that is meant, bright where it is the current one."""
        step = max(1, len(line) // _MOST_POINTS)
        places = line[::step] * (target.width(), target.height()) + (target.x(), target.y())
        polygon = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
        colour = BRIGHT if row.label is None else self._marks.colour(row.label)
        painter.save()
        painter.setClipRect(target)
        if current:
            draw_current(painter, polygon, colour)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setOpacity(_FAINT)
            painter.setPen(QPen(colour, 1))
            painter.drawPolygon(polygon)
        painter.restore()

    def _draw_frame(
        self, painter: QPainter, square: QRect, row: CropRow, *, selected: bool, current: bool
    ) -> None:
        tokens = theme().tokens
        if selected or current:
            _draw_choice(painter, square, current=current)
        elif row.label is None:
            painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(square).adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.setPen(QPen(self._marks.colour(row.label), 1.5))
            painter.drawRect(QRectF(square).adjusted(0.75, 0.75, -0.75, -0.75))

    def _draw_text(
        self, painter: QPainter, option: QStyleOptionViewItem, square: QRect, row: CropRow
    ) -> None:
        tokens = theme().tokens
        height = option.fontMetrics.height()
        texts = ((row.text, tokens.bad if row.wrong else tokens.text), (row.sub_text, tokens.muted))
        for line, (text, colour) in enumerate(texts[: self.lines]):
            box = QRect(square.x(), square.bottom() + 1 + _PAD + line * height, self.side, height)
            painter.setPen(QColor(colour))
            painter.drawText(
                box,
                int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
                option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, self.side),
            )


def _draw_choice(painter: QPainter, square: QRect, *, current: bool) -> None:
    """Draw the frame of a selected crop: dark and light lines, which no class has as its colour;
    that of the current one is wider.
    """
    tokens = theme().tokens
    width = 3.0 + current
    inset = width / 2 - _PAD
    lines = [(tokens.text, width, inset)]
    if current:
        lines.append((tokens.panel, 1.5, 0.75))
    for colour, wide, inwards in lines:
        pen = QPen(QColor(colour), wide)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(QRectF(square).adjusted(inwards, inwards, -inwards, -inwards))


def _draw_unknown(painter: QPainter, square: QRect) -> None:
    """Mark a crop of unknown scale."""
    side = round(painter.fontMetrics().height() * 1.05)
    corner = QRectF(square.right() + 1 - side, square.bottom() + 1 - side, side, side)
    painter.fillRect(corner, QColor(16, 20, 24, 190))
    painter.setPen(QColor("#e6e9ee"))
    painter.drawText(corner, int(Qt.AlignmentFlag.AlignCenter), "?")


def _draw_cross(painter: QPainter, square: QRect) -> None:
    size = 14
    corner = QRectF(square.right() + 1 - size, square.top(), size, size)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(corner, QColor(theme().tokens.bad))
    painter.setPen(QPen(QColor("#ffffff"), 1.6))
    inner = corner.adjusted(4, 4, -4, -4)
    painter.drawLine(inner.topLeft(), inner.bottomRight())
    painter.drawLine(inner.topRight(), inner.bottomLeft())


def _draw_tick(painter: QPainter, square: QRect) -> None:
    size = 14
    corner = QRectF(square.left(), square.top(), size, size)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(corner, QColor(theme().tokens.good))
    painter.setPen(QPen(QColor(theme().tokens.panel), 1.8))
    left = corner.left()
    low = corner.top()
    painter.drawPolyline(
        [QPointF(left + 3, low + 7.5), QPointF(left + 6, low + 10.5), QPointF(left + 11, low + 4)]
    )

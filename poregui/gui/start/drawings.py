"""Draw what the start page shows besides words: the three kinds of pores, and the rows of recent projects."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from poregui.domain.classes import COLOURS, DEFAULT_CLASS_NAMES
from poregui.gui.base.theme import GAP, scaled_font, theme

_SIDE = 72
_TIPS = (
    (6, 51), (15, 41), (12, 33), (23, 34), (27, 22), (34, 29), (43, 23), (49, 12), (52, 25), (66, 19), (57, 32),
    (61, 41), (50, 39), (44, 48), (33, 44), (27, 55), (22, 46),
)  # fmt: skip
_GRAINS = ((29, 37, 2.4), (41, 35, 3.2), (50, 31, 1.8))
ROW_HEIGHT = 48


class PoreMarks(QWidget):
    """Show a gas pore, a keyhole and a lack of fusion as crops in the colours of their classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(3 * _SIDE + 2 * GAP + 2, _SIDE + 2)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (name, colour) in enumerate(zip(DEFAULT_CLASS_NAMES, COLOURS, strict=False)):
            painter.save()
            painter.translate(1 + place * (_SIDE + GAP), 1)
            _draw_crop(painter, place, name[0], QColor(colour))
            painter.restore()
        painter.end()


def _draw_crop(painter: QPainter, kind: int, letter: str, colour: QColor) -> None:
    frame = QRectF(0, 0, _SIDE, _SIDE)
    painter.setPen(QPen(colour, 2))
    painter.setBrush(QColor("#dcdee0"))
    painter.drawRoundedRect(frame, 4, 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#33373c"))
    painter.drawPath((_gas, _keyhole, _lack_of_fusion)[kind]())
    if kind == 2:
        painter.setBrush(QColor("#a9adb2"))
        for x, y, radius in _GRAINS:
            painter.drawEllipse(QPointF(x, y), radius, radius)
    badge = QRectF(0, _SIDE - 18, 18, 18)
    painter.setBrush(colour)
    painter.drawRoundedRect(badge, 3, 3)
    painter.setPen(QColor("#0c1116"))
    painter.setFont(scaled_font(painter.font(), 0.9, bold=True))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, letter)


def _gas() -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(38, 33), 8, 8)
    return path


def _keyhole() -> QPainterPath:
    path = QPainterPath(QPointF(43, 12))
    path.cubicTo(56, 30, 54, 50, 41, 52)
    path.cubicTo(26, 53, 23, 38, 43, 12)
    return path


def _lack_of_fusion() -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in _TIPS]))
    path.closeSubpath()
    return path


class RecentDelegate(QStyledItemDelegate):
    """Paint a recent project in two lines: its name, and where it lies."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens, folder = theme().tokens, index.data(Qt.ItemDataRole.UserRole)
        assert isinstance(folder, Path)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(tokens.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(tokens.raised))
        inner = option.rect.adjusted(12, 6, -12, -6)
        half = inner.height() // 2
        lines = (
            (folder.name, tokens.text, scaled_font(option.font, 1.0, bold=True), Qt.TextElideMode.ElideRight),
            (str(folder.parent), tokens.muted, scaled_font(option.font, 0.92), Qt.TextElideMode.ElideMiddle),
        )
        for line, (text, colour, font, elide) in enumerate(lines):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            shown = painter.fontMetrics().elidedText(text, elide, inner.width())
            place = inner.adjusted(0, line * half, 0, (line - 1) * half)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.restore()

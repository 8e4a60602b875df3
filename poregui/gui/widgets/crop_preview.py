"""Show a few crops as the network will see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme

MOST = 12
_COLUMNS = 6
_SPACE = 3


@dataclass(frozen=True)
class SeenCrop:
    """Hold a picture as a network is given it, and the label of its crop."""

    image: QImage
    label: int


class CropPreview(QWidget):
    """Show up to twelve crops side by side, each with the letter of its class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crop_preview")
        self.setAccessibleName("Crops as the network sees them")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._seen: tuple[SeenCrop, ...] = ()
        self._marks = ClassMarks(())
        theme().changed.connect(self._repaint)

    def set_crops(self, seen: Sequence[SeenCrop], marks: ClassMarks) -> None:
        """Show these crops."""
        self._seen = tuple(seen[:MOST])
        self._marks = marks
        self.updateGeometry()
        self.update()

    def crops(self) -> tuple[SeenCrop, ...]:
        """Return what is shown."""
        return self._seen

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._seen) // _COLUMNS)
        return round(rows * (self._side(width) + _SPACE))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        font = painter.font()
        font.setPointSizeF(max(6.0, font.pointSizeF() * 0.72))
        painter.setFont(font)
        side = self._side(self.width())
        for place, seen in enumerate(self._seen):
            row, column = divmod(place, _COLUMNS)
            area = QRectF(column * (side + _SPACE), row * (side + _SPACE), side, side)
            painter.drawImage(area, seen.image)
            painter.setPen(QColor(theme().tokens.border))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(0, 0, -1, -1))
            self._marks.draw_badge(painter, area.left(), area.bottom(), seen.label)

    def _repaint(self) -> None:
        self.update()

    def _side(self, width: int) -> float:
        return (width - (_COLUMNS - 1) * _SPACE) / _COLUMNS

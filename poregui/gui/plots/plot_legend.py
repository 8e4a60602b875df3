"""Hold the colours of the curves and name their lines; changes with how curves are told apart."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.theme import GAP, theme


@dataclass(frozen=True)
class Ink:
    """Hold the colours of the curves for one theme."""

    train: str
    validation: str
    rate: str


def ink() -> Ink:
    """Return the colours of the curves: blue and orange stay apart for every kind of colour vision."""
    if theme().dark:
        return Ink(train="#5aaef5", validation="#f2994a", rate="#7d8794")
    return Ink(train="#0b6bcb", validation="#c8500a", rate="#8a94a1")


class Legend(QWidget):
    """Name the lines of the plots, each beside a piece of it."""

    _ENTRIES = ("training", "each batch", "validation", "best epoch", "learning rate")
    _SWATCH = 18

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plot_legend")
        self.setAccessibleName("Legend: " + ", ".join(self._ENTRIES))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = sum(metrics.horizontalAdvance(text) + self._SWATCH + 2 * GAP for text in self._ENTRIES)
        return QSize(wide, metrics.height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = 0.0, self.height() / 2
        for text in self._ENTRIES:
            self._draw_swatch(painter, text, QRectF(x, middle - 6, self._SWATCH - 4, 12))
            painter.setPen(QColor(theme().tokens.muted))
            x += self._SWATCH
            width = self.fontMetrics().horizontalAdvance(text)
            painter.drawText(
                QRectF(x, 0, width + 2, self.height()),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                text,
            )
            x += width + 2 * GAP

    def _draw_swatch(self, painter: QPainter, text: str, area: QRectF) -> None:
        colours, middle = ink(), area.center()
        across = (QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
        if text == "training":
            painter.setPen(QPen(QColor(colours.train), 1.8))
            painter.drawLine(*across)
        elif text == "each batch":
            faint = QColor(colours.train)
            faint.setAlpha(130)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faint)
            for x, y in ((0.1, -2), (0.45, 2), (0.8, -1)):
                painter.drawEllipse(QPointF(area.left() + x * area.width(), middle.y() + y), 1.6, 1.6)
        elif text == "validation":
            painter.setPen(QPen(QColor(colours.validation), 2.2))
            painter.drawLine(*across)
        elif text == "best epoch":
            painter.setPen(QPen(QColor(colours.validation), 2))
            painter.setBrush(QColor(theme().tokens.panel))
            painter.drawEllipse(middle, 4, 4)
        else:
            painter.setPen(QPen(QColor(colours.rate), 1))
            painter.drawPolyline(
                [across[0] + QPointF(0, -3), middle + QPointF(0, -3), middle + QPointF(0, 3), across[1] + QPointF(0, 3)]
            )

"""Draw a histogram of greys whose black and white ends are dragged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from poregui.gui.base.theme import theme

_PAD = 6
_GRIP = 5.0
_STEP = 1 / 256


class HistogramPlot(QWidget):
    """Show counts over a range of values; `moved` carries low and high while dragged, `settled`
    once at the end.

    The nearer end follows the pointer. Left and Right move black, with Shift white.
    """

    moved = Signal(float, float)
    settled = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contrast_histogram")
        self.setAccessibleName("Histogram with black and white end")
        self.setToolTip("Drag the ends. Left and Right move black, with Shift white.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(96)
        self._counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._range = (0.0, 255.0)
        self._ends = [0.0, 255.0]
        self._log = True
        self._held: int | None = None

    def set_counts(self, counts: NDArray[np.int64], low: float, high: float) -> None:
        """Show counts of equal steps from low to high."""
        self._counts = counts
        self._range = (low, max(high, low + 1))
        self.update()

    def set_ends(self, low: float, high: float) -> None:
        """Show where black and white are."""
        self._ends = [low, high]
        self.update()

    def set_log(self, log: bool) -> None:
        """Draw the logarithm of the counts, or the counts."""
        self._log = log
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, 110)

    def place(self, value: float) -> float:
        """Return the x in screen px of a value, kept inside."""
        low, high = self._range
        fraction = min(max((value - low) / (high - low), 0.0), 1.0)
        return _PAD + fraction * (self.width() - 2 * _PAD)

    def _value(self, x: float) -> float:
        low, high = self._range
        return low + min(max((x - _PAD) / max(self.width() - 2 * _PAD, 1), 0.0), 1.0) * (high - low)

    def _set_end(self, end: int, value: float) -> None:
        minimum = (self._range[1] - self._range[0]) * _STEP
        other = self._ends[1 - end]
        if end == 0:
            self._ends[end] = min(value, other - minimum)
        else:
            self._ends[end] = max(value, other + minimum)
        self.update()
        self.moved.emit(*self._ends)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and len(self._counts):
            x = event.position().x()
            away = [abs(self.place(end) - x) for end in self._ends]
            if away[0] < away[1] or (away[0] == away[1] and x < self.place(self._ends[0])):
                self._held = 0
            else:
                self._held = 1
            self._set_end(self._held, self._value(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._set_end(self._held, self._value(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._held = None
            self.settled.emit(*self._ends)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right) or not len(self._counts):
            super().keyPressEvent(event)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            end = 1
        else:
            end = 0
        step = (
            (self._range[1] - self._range[0])
            * _STEP
            * (1 if event.key() == Qt.Key.Key_Right else -1)
        )
        self._set_end(end, self._ends[end] + step)
        self.settled.emit(*self._ends)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.fillRect(area, QColor(tokens.plot_background))
        painter.setPen(QColor(tokens.border))
        painter.drawRect(area)
        if not len(self._counts):
            return
        if self._log:
            heights = np.log1p(self._counts)
        else:
            heights = self._counts.astype(float)
        heights = heights / max(float(heights.max()), 1e-9) * (self.height() - 2 * _PAD)
        wide = (self.width() - 2 * _PAD) / len(heights)
        for i, high in enumerate(heights.tolist()):
            bar = QRectF(_PAD + i * wide, self.height() - _PAD - high, max(wide, 1.0), high)
            painter.fillRect(bar, QColor(tokens.muted))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = QPointF(self.place(self._ends[0]), self.height() - _PAD)
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.drawLine(bottom, QPointF(self.place(self._ends[1]), _PAD))
        for end, colour in zip(self._ends, ("#000000", "#ffffff"), strict=True):
            x = self.place(end)
            painter.drawLine(QPointF(x, _PAD), QPointF(x, self.height() - _PAD))
            painter.setBrush(QColor(colour))
            painter.drawEllipse(QPointF(x, self.height() - _PAD), _GRIP, _GRIP)

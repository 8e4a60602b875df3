"""Show where one value falls among those of each class, as strips of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.wording import fraction
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import scaled_font, theme

_STRIP = 11
_MOST_POINTS = 300
_GAP = 4


@dataclass(frozen=True)
class Strips:
    """Hold one quantity: values of each label (sorted), and that of the chosen crop (None: not
    known).
    """

    title: str
    unit: str
    values: tuple[tuple[int, NDArray[np.float64]], ...]
    value: float | None
    logarithmic: bool = True


class StripPlots(QWidget):
    """Show quantities below each other, each with one strip per class and a line at the chosen
    crop.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip_plots")
        self.setAccessibleName("Size and shape among the classes")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._strips: tuple[Strips, ...] = ()
        theme().changed.connect(self.update)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Draw strips in the colours and with the letters of these classes."""
        self._marks = ClassMarks(classes)
        self.update()

    def set_strips(self, strips: Sequence[Strips]) -> None:
        """Show these quantities."""
        self._strips = tuple(strips)
        self.setFixedHeight(max(1, round(sum(map(self._height, strips)))))
        self.setAccessibleDescription("; ".join(self.describe(strip) for strip in strips))
        self.update()

    @property
    def strips(self) -> tuple[Strips, ...]:
        """Return what is shown."""
        return self._strips

    def describe(self, strips: Strips) -> str:
        """Say where the value falls in each class."""
        if strips.value is None:
            return f"{strips.title}: unknown for this crop"
        text = f"{strips.title} {figures(strips.value)} {strips.unit}".strip()
        shares = []
        for label, values in strips.values:
            if len(values):
                smaller = int(np.searchsorted(values, strips.value, side="right"))
                shares.append(f"{fraction(smaller, len(values), 0)} {self._marks.name(label)}")
        if shares:
            return f"{text}: not smaller than {', '.join(shares)}"
        return text

    def sizeHint(self) -> QSize:
        return QSize(240, self.minimumHeight())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            top = 0.0
            for strips in self._strips:
                if top <= event.pos().y() < top + self._height(strips):
                    QToolTip.showText(event.globalPos(), self.describe(strips), self)
                    return True
                top += self._height(strips)
        return super().event(event)

    def _height(self, strips: Strips) -> float:
        return self.fontMetrics().height() * 2 + _STRIP * len(strips.values) + _GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = 0.0
        for strips in self._strips:
            self._paint(painter, strips, top)
            top += self._height(strips)

    def _paint(self, painter: QPainter, strips: Strips, top: float) -> None:
        tokens = theme().tokens
        line = self.fontMetrics().height()
        badge = round(line * 1.05)
        area = QRectF(
            badge + 6, top + line + 2, self.width() - badge - 14, _STRIP * len(strips.values)
        )
        low, high = _range(strips)
        painter.setPen(QColor(tokens.text))
        value = ""
        if strips.value is not None:
            value = f"{figures(strips.value)} {strips.unit}"
        head = QRectF(0, top, self.width() - 8, line)
        painter.drawText(head, int(Qt.AlignmentFlag.AlignLeft), strips.title)
        painter.drawText(head, int(Qt.AlignmentFlag.AlignRight), value)
        small = scaled_font(self.font(), 0.85)
        for index, (label, values) in enumerate(strips.values):
            middle = area.top() + (index + 0.5) * _STRIP
            painter.setFont(small)
            self._marks.draw_badge(painter, 0, middle + badge * 0.45, label)
            painter.setPen(QPen(QColor(tokens.border), 1))
            painter.drawLine(QPointF(area.left(), middle), QPointF(area.right(), middle))
            self._paint_points(
                painter, [_at(v, low, high, strips, area) for v in _some(values)], middle, label
            )
        painter.setFont(small)
        painter.setPen(QColor(tokens.muted))
        foot = QRectF(area.left(), area.bottom(), area.width(), line)
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignLeft), f"{figures(low)}")
        painter.drawText(
            foot, int(Qt.AlignmentFlag.AlignRight), f"{figures(high)} {strips.unit}".strip()
        )
        painter.setFont(self.font())
        if strips.value is not None:
            self._paint_value(painter, _at(strips.value, low, high, strips, area), area)

    def _paint_value(self, painter: QPainter, x: float, area: QRectF) -> None:
        """Mark the value of the chosen crop with a line and a triangle above it."""
        colour = QColor(theme().tokens.text)
        painter.setPen(QPen(colour, 1.5))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        tip = QPointF(x, area.top() + 1)
        painter.drawPolygon(QPolygonF([tip, tip + QPointF(-4, -5), tip + QPointF(4, -5)]))

    def _paint_points(
        self, painter: QPainter, xs: Sequence[float], middle: float, label: int
    ) -> None:
        colour = self._marks.colour(label)
        colour.setAlpha(150)
        if len(xs) >= 60:
            colour.setAlpha(90)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for number, x in enumerate(xs):
            painter.drawEllipse(QPointF(x, middle + (number * 7 % 9 - 4) * 0.9), 1.9, 1.9)


def figures(value: float) -> str:
    """Return a value in three figures, without an exponent where that is longer."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _some(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) <= _MOST_POINTS:
        return values
    return values[np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int)]


def _range(strips: Strips) -> tuple[float, float]:
    ends = [end for _, values in strips.values if len(values) for end in (values[0], values[-1])]
    if strips.value is not None:
        ends.append(strips.value)
    if not ends:
        return 0.0, 1.0
    low = float(min(ends))
    high = float(max(ends))
    if high > low:
        return (low, high)
    return (low * 0.9, high * 1.1 or 1.0)


def _at(value: float, low: float, high: float, strips: Strips, area: QRectF) -> float:
    if strips.logarithmic and low > 0:
        value, low, high = (float(np.log(max(v, 1e-12))) for v in (value, low, high))
    return area.left() + area.width() * (value - low) / ((high - low) or 1.0)

"""Draw curves between two axes, each with its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.gui.base.theme import Tokens, scaled_font, theme

_SWATCH = 16
_NEAR = 24.0
"""Distance in px at which a point under the pointer is told."""
_DENSEST = 600
"""Points of a line that are drawn; longer ones are thinned."""


@dataclass(frozen=True)
class Line:
    """Hold one curve: (n,) `x` and `y`; `spans` are (n, 2) ends of intervals around the points,
    where there are any.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str
    dashed: bool = False
    points: bool = False
    spans: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Figure:
    """Hold what is drawn: lines in the ranges of two axes; `diagonal` is the line of chance or of
    perfection.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...] = ()
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    percent: bool = True
    diagonal: bool = False
    note: str = ""


class FigureView(QWidget):
    """Show one figure; the pointer tells the nearest point."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 170)
        self.setMouseTracking(True)
        self._figure = Figure("", "", "")
        theme().changed.connect(self.update)

    @property
    def figure(self) -> Figure:
        """Return what is shown."""
        return self._figure

    def set_figure(self, figure: Figure) -> None:
        """Show a figure."""
        self._figure = figure
        self.setAccessibleName(figure.title)
        said = "; ".join(line.name for line in figure.lines)
        self.setAccessibleDescription(f"{said}. {figure.note}".strip(". ") or "nothing to draw")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 260)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _Frame(painter, QRectF(self.rect()), self._figure, theme().tokens, self).paint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        frame = _Frame(None, QRectF(self.rect()), self._figure, theme().tokens, self)
        found = frame.nearest(event.position())
        if found is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), found, self)


class _Frame:
    """Lay a figure out in an area and paint it."""

    def __init__(
        self, painter: QPainter | None, area: QRectF, figure: Figure, tokens: Tokens, of: QWidget
    ) -> None:
        self.painter = painter
        self.figure = figure
        self.tokens = tokens
        self.font = of.font()
        self.small = scaled_font(self.font, 0.88)
        self.line = QFontMetricsF(self.small).height()
        left = QFontMetricsF(self.small).horizontalAdvance("100 %") + self.line + 12
        top = QFontMetricsF(self.font).height() + 8
        self.area = area
        self.plot = area.adjusted(left, top, -24, -(2 * self.line + 12))

    def at(self, x: float, y: float) -> QPointF:
        """Return where a value lies."""
        (x0, x1), (y0, y1) = self.figure.x_range, self.figure.y_range
        across = (x - x0) / ((x1 - x0) or 1.0)
        up = (y - y0) / ((y1 - y0) or 1.0)
        return QPointF(
            self.plot.left() + across * self.plot.width(),
            self.plot.bottom() - up * self.plot.height(),
        )

    def nearest(self, point: QPointF) -> str | None:
        """Return in words the point of a line that is nearest to a point of the screen."""
        best: tuple[float, str] | None = None
        for line in self.figure.lines:
            if not len(line.x):
                continue
            spots = [self.at(float(x), float(y)) for x, y in zip(*_thinned(line), strict=True)]
            away = [math.hypot(p.x() - point.x(), p.y() - point.y()) for p in spots]
            place = int(np.argmin(away))
            if away[place] <= _NEAR and (best is None or away[place] < best[0]):
                x, y = (float(values[place]) for values in _thinned(line))
                said = f"{line.name}\n{self.figure.x_label}: {self._say(x, self.figure.x_range)}"
                best = (
                    away[place],
                    f"{said}\n{self.figure.y_label}: {self._say(y, self.figure.y_range)}",
                )
        return None if best is None else best[1]

    def _say(self, value: float, span: tuple[float, float]) -> str:
        if self.figure.percent and span[1] <= 1.0:
            return f"{100 * value:.1f} %"
        return f"{value:.3g}"

    def paint(self) -> None:
        """Paint axes, lines and names."""
        assert self.painter is not None
        self._paint_words()
        for value in _ticks(self.figure.x_range):
            self._paint_tick(value, across=True)
        for value in _ticks(self.figure.y_range):
            self._paint_tick(value, across=False)
        if self.figure.diagonal:
            self.painter.setPen(QPen(QColor(self.tokens.muted), 1, Qt.PenStyle.DotLine))
            self.painter.drawLine(self.at(0, 0), self.at(1, 1))
        for line in self.figure.lines:
            self._paint_line(line)
        self._paint_legend()

    def _paint_words(self) -> None:
        painter = self.painter
        centre = int(Qt.AlignmentFlag.AlignCenter)
        assert painter is not None
        painter.setPen(QColor(self.tokens.text))
        bold = scaled_font(self.font, 1.0, bold=True)
        painter.setFont(bold)
        head = QRectF(
            self.plot.left(),
            self.area.top(),
            self.plot.width(),
            self.plot.top() - self.area.top() - 4,
        )
        painter.drawText(
            head, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self.figure.title
        )
        if self.figure.note:
            room = head.adjusted(
                QFontMetricsF(bold).horizontalAdvance(self.figure.title) + 12, 0, 0, 0
            )
            painter.setFont(self.small)
            painter.setPen(QColor(self.tokens.muted))
            note = QFontMetricsF(self.small).elidedText(
                self.figure.note, Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(
                room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), note
            )
        painter.setFont(self.small)
        painter.setPen(QColor(self.tokens.muted))
        below = QRectF(
            self.plot.left(), self.plot.bottom() + self.line + 4, self.plot.width(), self.line + 4
        )
        painter.drawText(below, centre, self.figure.x_label)
        painter.save()
        painter.translate(self.area.left(), self.plot.bottom())
        painter.rotate(-90)
        painter.drawText(
            QRectF(0, 0, self.plot.height(), self.line + 2), centre, self.figure.y_label
        )
        painter.restore()

    def _paint_tick(self, value: float, *, across: bool) -> None:
        painter = self.painter
        assert painter is not None
        low_x = self.figure.x_range[0]
        low_y = self.figure.y_range[0]
        if across:
            start = self.at(value, low_y)
        else:
            start = self.at(low_x, value)
        if across:
            end = QPointF(start.x(), self.plot.top())
        else:
            end = QPointF(self.plot.right(), start.y())
        grid = QColor(self.tokens.border)
        painter.setPen(QPen(grid, 1))
        painter.drawLine(start, end)
        painter.setPen(QColor(self.tokens.muted))
        text = self._tick_words(value, self.figure.x_range if across else self.figure.y_range)
        if across:
            spot = QRectF(start.x() - 30, start.y() + 3, 60, self.line)
            painter.drawText(
                spot, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop), text
            )
        else:
            spot = QRectF(start.x() - 64, start.y() - self.line / 2, 58, self.line)
            painter.drawText(
                spot, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text
            )

    def _tick_words(self, value: float, span: tuple[float, float]) -> str:
        if self.figure.percent and span[1] <= 1.0:
            if value == span[1]:
                return f"{100 * value:.0f} %"
            return f"{100 * value:.0f}"
        return f"{value:.4g}"

    def _paint_line(self, line: Line) -> None:
        painter = self.painter
        assert painter is not None
        if not len(line.x):
            return
        colour = QColor(line.colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if line.spans is not None:
            painter.setPen(QPen(colour, 1.2))
            for x, (low, high) in zip(line.x, line.spans, strict=True):
                painter.drawLine(self.at(float(x), float(low)), self.at(float(x), float(high)))
        if line.dashed:
            style = Qt.PenStyle.DashLine
        else:
            style = Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 1.6 if line.dashed else 2.0, style))
        spots = [self.at(float(x), float(y)) for x, y in zip(*_thinned(line), strict=True)]
        painter.drawPolyline(QPolygonF(spots))
        if line.points:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            for spot in spots:
                painter.drawEllipse(spot, 3.0, 3.0)

    def _paint_legend(self) -> None:
        painter = self.painter
        metrics = QFontMetricsF(self.small)
        assert painter is not None
        named = [line for line in self.figure.lines if line.name]
        if not named:
            return
        wide = max(metrics.horizontalAdvance(line.name) for line in named) + _SWATCH + 14
        high = len(named) * self.line + 8
        corner = self._free_corner(wide, high)
        ground = QColor(self.tokens.plot_background)
        ground.setAlpha(215)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(corner, QPointF(corner.x() + wide, corner.y() + high)), 4, 4)
        for place, line in enumerate(named):
            y = corner.y() + 4 + (place + 0.5) * self.line
            if line.dashed:
                style = Qt.PenStyle.DashLine
            else:
                style = Qt.PenStyle.SolidLine
            painter.setPen(QPen(QColor(line.colour), 2, style))
            painter.drawLine(QPointF(corner.x() + 4, y), QPointF(corner.x() + 4 + _SWATCH, y))
            painter.setPen(QColor(self.tokens.text))
            words = QRectF(corner.x() + _SWATCH + 9, y - self.line / 2, wide, self.line)
            painter.drawText(
                words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), line.name
            )

    def _free_corner(self, wide: float, high: float) -> QPointF:
        """Return the corner of the plot where names hide fewest points of lines."""
        plot = self.plot.adjusted(6, 6, -6, -6)
        corners = [
            QPointF(plot.right() - wide, plot.bottom() - high),
            QPointF(plot.left(), plot.top()),
            QPointF(plot.left(), plot.bottom() - high),
            QPointF(plot.right() - wide, plot.top()),
        ]
        lines = [*self.figure.lines, *_spans(self.figure.lines)]
        spots = [
            self.at(float(x), float(y))
            for line in lines
            for x, y in zip(*_resampled(line), strict=True)
        ]

        def hidden(corner: QPointF) -> int:
            box = QRectF(corner.x(), corner.y(), wide, high)
            return sum(box.contains(spot) for spot in spots)

        return min(corners, key=hidden)


def _thinned(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(line.x) <= _DENSEST:
        return line.x, line.y
    kept = np.unique(np.linspace(0, len(line.x) - 1, _DENSEST).astype(int))
    return line.x[kept], line.y[kept]


def _resampled(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points along a line, close to each other, so that long straight pieces count as what
    they cover.
    """
    if len(line.x) < 2:
        return line.x, line.y
    x, y = _thinned(line)
    along = np.arange(len(x))
    fine = np.linspace(0, len(x) - 1, 4 * min(len(x), 50))
    return np.interp(fine, along, x), np.interp(fine, along, y)


def _spans(lines: Sequence[Line]) -> list[Line]:
    """Return the intervals of points as lines."""
    return [
        Line("", np.array([x, x]), ends, line.colour)
        for line in lines
        if line.spans is not None
        for x, ends in zip(line.x, line.spans, strict=True)
    ]


def _ticks(span: tuple[float, float]) -> Sequence[float]:
    low, high = span
    if not high > low:
        return (low,)
    power = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(
        power * factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (power * factor) <= 5
    )
    first = math.ceil(low / step - 1e-9)
    return [round(step * n, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]

"""Hold plots of lines as values, and draw them as SVG for reports and for the window alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poregui.workflow.reporting.svg import FONT, LIGHT, Drawing, Ink, cut, text_width, ticks

DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
"""Lines differ in their dashes too, for those who do not see the colours apart."""
OTHER_RUN = "6 4"
WIDTH = 400.0
HEIGHT = 330.0
_SWATCH = 24.0
_NEAR = 24.0
"""Distance in px at which a point under the pointer is found."""
_DENSEST = 600
"""Points of a line that are drawn; longer ones are thinned."""
_LONGEST_NAME = 44

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Line:
    """Hold one curve: (n,) `x` and `y`, a `#rrggbb` colour and a dash pattern (empty: solid).

    `points` are marked too; `spans` are (n, 2) ends of intervals around them, where there are any.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str
    dash: str = ""
    points: bool = False
    spans: NDArray[np.float64] | None = None

    def thinned(self) -> Points:
        """Return the points that are drawn."""
        if len(self.x) <= _DENSEST:
            return self.x, self.y
        kept = np.unique(np.linspace(0, len(self.x) - 1, _DENSEST).astype(int))
        return self.x[kept], self.y[kept]

    def covered(self) -> list[Points]:
        """Return points along line and intervals, close to each other, so that long straight pieces
        count as what they cover.
        """
        pieces = [self.thinned()]
        if self.spans is not None:
            pieces += [(np.array([x, x]), ends) for x, ends in zip(self.x, self.spans, strict=True)]
        return [_resampled(*piece) for piece in pieces]


def _resampled(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    if len(x) < 2:
        return x, y
    fine = np.linspace(0, len(x) - 1, 4 * min(len(x), 50))
    along = np.arange(len(x))
    return np.interp(fine, along, x), np.interp(fine, along, y)


@dataclass(frozen=True)
class Figure:
    """Hold what is drawn: lines in the ranges of two axes; `diagonal` is the line of chance or of
    perfection, `percent` writes shares up to 1 in per cent.
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

    def text_of(self, value: float, span: tuple[float, float]) -> str:
        """Return a value of an axis as text."""
        if self.percent and span[1] <= 1.0:
            return f"{100 * value:.1f} %"
        return f"{value:.3g}"

    def tick_text(self, value: float, span: tuple[float, float]) -> str:
        """Return what stands at a tick; the unit stands at the last one."""
        if not self.percent or span[1] > 1.0:
            return f"{round(value, 6):g}"
        if math.isclose(value, span[1]):
            return f"{100 * value:.0f} %"
        return f"{100 * value:.0f}"


def figure_svg(
    figure: Figure,
    width: float = WIDTH,
    height: float = HEIGHT,
    ink: Ink = LIGHT,
    *,
    text_size: float = 12,
    font: str = FONT,
) -> str:
    """Return a figure of `width` x `height` px as SVG."""
    drawing = Drawing(width, height, ink, figure.title, font)
    PlotFrame(figure, width, height, text_size=text_size).draw(drawing)
    return drawing.svg()


def row_svg(figures: Sequence[Figure], title: str, ink: Ink = LIGHT) -> str:
    """Return figures side by side as SVG."""
    drawing = Drawing(WIDTH * len(figures), HEIGHT, ink, title)
    for index, figure in enumerate(figures):
        PlotFrame(figure, WIDTH, HEIGHT, left=WIDTH * index).draw(drawing)
    return drawing.svg()


class PlotFrame:
    """Lay a figure out in an area of px that begins at `left`, and draw it."""

    def __init__(
        self, figure: Figure, width: float, height: float, *, left: float = 0, text_size: float = 12
    ) -> None:
        self.figure = figure
        self.size = text_size
        self.small = 0.9 * text_size
        self.line = 1.35 * self.small
        self.area_left = left
        self.left = left + text_width("100 %", self.small) + self.line + 12
        self.top = 1.35 * text_size + 10
        self.right = left + width - 24
        self.bottom = height - 2 * self.line - 12

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a value lies."""
        x0, x1 = self.figure.x_range
        y0, y1 = self.figure.y_range
        across = (x - x0) / ((x1 - x0) or 1.0)
        up = (y - y0) / ((y1 - y0) or 1.0)
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )

    def _positions(self, points: Points) -> list[tuple[float, float]]:
        values = zip(points[0].tolist(), points[1].tolist(), strict=True)
        return [self.at(x, y) for x, y in values if math.isfinite(x + y)]

    def nearest(self, x: float, y: float) -> str | None:
        """Return as text the point of a line that is nearest to a place, None far from all."""
        figure = self.figure
        best = _NEAR
        text: str | None = None
        for line in figure.lines:
            points = line.thinned()
            for value_x, value_y in zip(points[0].tolist(), points[1].tolist(), strict=True):
                there = self.at(value_x, value_y)
                away = math.hypot(there[0] - x, there[1] - y)
                if away <= best:
                    best = away
                    text = (
                        f"{line.name}\n"
                        f"{figure.x_label}: {figure.text_of(value_x, figure.x_range)}\n"
                        f"{figure.y_label}: {figure.text_of(value_y, figure.y_range)}"
                    )
        return text

    # ---- drawing ----------------------------------------------------------------------------

    def draw(self, on: Drawing) -> None:
        """Draw axes, lines and their names."""
        self._draw_titles(on)
        self._draw_axes(on)
        if self.figure.diagonal:
            on.line(*self.at(0, 0), *self.at(1, 1), on.ink.faint, 1, "1 3")
        for line in self.figure.lines:
            self._draw_line(on, line)
        self._draw_legend(on)

    def _draw_titles(self, on: Drawing) -> None:
        figure = self.figure
        on.text(self.left, self.top - 9, figure.title, size=self.size, weight="bold")
        room = self.right - self.left - 1.1 * text_width(figure.title, self.size) - 12
        note = cut(figure.note, max(1, int(room / text_width("x", self.small))))
        if note:
            self._write(on, self.right, self.top - 9, note, "end")
        across = (self.left + self.right) / 2
        below = self.bottom + 2 * self.line + 4
        self._write(on, across, below, figure.x_label, "middle")
        up = (self.top + self.bottom) / 2
        beside = self.area_left + self.line
        self._write(on, beside, up, figure.y_label, "middle", turn=-90)

    def _write(
        self, on: Drawing, x: float, y: float, text: str, anchor: str, turn: float = 0
    ) -> None:
        colour = on.ink.faint
        on.text(x, y, text, size=self.small, colour=colour, anchor=anchor, turn=turn)

    def _draw_axes(self, on: Drawing) -> None:
        figure = self.figure
        for value in _ticks(figure.x_range):
            x, _ = self.at(value, figure.y_range[0])
            on.line(x, self.top, x, self.bottom, on.ink.grid)
            text = figure.tick_text(value, figure.x_range)
            self._write(on, x, self.bottom + self.line, text, "middle")
        for value in _ticks(figure.y_range):
            _, y = self.at(figure.x_range[0], value)
            on.line(self.left, y, self.right, y, on.ink.grid)
            text = figure.tick_text(value, figure.y_range)
            self._write(on, self.left - 6, y + 0.35 * self.small, text, "end")

    def _draw_line(self, on: Drawing, line: Line) -> None:
        if line.spans is not None:
            for x, ends in zip(line.x.tolist(), line.spans.tolist(), strict=True):
                on.line(*self.at(x, ends[0]), *self.at(x, ends[1]), line.colour, 1.2)
        points = self._positions(line.thinned())
        if points:
            on.path(points, line.colour, 1.8, line.dash)
        if line.points:
            for point in points:
                on.dot(*point, line.colour)

    def _draw_legend(self, on: Drawing) -> None:
        named = [line for line in self.figure.lines if line.name]
        if not named:
            return
        names = [cut(line.name, _LONGEST_NAME) for line in named]
        width = max(text_width(name, self.small) for name in names) + _SWATCH + 16
        height = len(named) * self.line + 8
        left, top = self._free_corner(width, height)
        on.box(left, top, width, height, on.ink.ground, opacity=0.85)
        for index, (line, name) in enumerate(zip(named, names, strict=True)):
            middle = top + 4 + (index + 0.5) * self.line
            on.line(left + 4, middle, left + 4 + _SWATCH, middle, line.colour, 2, line.dash)
            baseline = middle + 0.35 * self.small
            on.text(left + _SWATCH + 10, baseline, name, size=self.small)

    def _free_corner(self, width: float, height: float) -> tuple[float, float]:
        """Return the corner of the plot where names hide fewest points of lines."""
        lefts = (self.right - 6 - width, self.left + 6)
        tops = (self.bottom - 6 - height, self.top + 6)
        corners = [(lefts[0], tops[0]), (lefts[1], tops[1]), (lefts[1], tops[0])]
        corners.append((lefts[0], tops[1]))
        pieces = [piece for line in self.figure.lines for piece in line.covered()]
        points = [point for piece in pieces for point in self._positions(piece)]

        def hidden(corner: tuple[float, float]) -> int:
            left, top = corner
            return sum(left <= x <= left + width and top <= y <= top + height for x, y in points)

        return min(corners, key=hidden)


def _ticks(span: tuple[float, float]) -> Sequence[float]:
    low, high = span
    if not high > low:
        return (low,)
    return ticks(low, high)

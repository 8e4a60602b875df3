"""Paint a confusion matrix, on the screen or into a file; changes with how its cells look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import Tokens, scaled_font
from poregui.gui.plots.colour_scales import cell_colours

MatrixMode = Literal["counts", "rows", "columns"]
"""What stands large in a cell: the count, or its share of the row (label) or of the column (prediction)."""
_ROOM_FOR_SHARE = 40
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)


@dataclass(frozen=True)
class Cell:
    """Name a cell by the places of label and prediction; None stands for all of them."""

    row: int | None = None
    column: int | None = None


EVERYTHING = Cell()


@dataclass(frozen=True)
class MatrixDrawing:
    """Hold the (classes, classes) counts, rows are the labels, and where and how they are drawn."""

    counts: NDArray[np.int64]
    labels: tuple[int, ...]
    marks: ClassMarks
    mode: MatrixMode
    font: QFont
    tokens: Tokens
    left: float
    top: float
    cell_width: float
    cell_height: float

    @property
    def line(self) -> float:
        """Return the height of a line of text."""
        return QFontMetricsF(self.font).height()

    @property
    def head(self) -> float:
        """Return the room of a header across its line."""
        return self.line * 1.05 + 8

    @property
    def totals(self) -> float:
        """Return the width of the column of totals."""
        return QFontMetricsF(self.font).horizontalAdvance("00000") + 4

    @property
    def size(self) -> QSizeF:
        """Return how large all of it is."""
        n = len(self.labels)
        width = self.left + n * self.cell_width + self.totals
        return QSizeF(width, self.top + n * self.cell_height + self.line + 6)

    def rect(self, row: int | None, column: int | None) -> QRectF:
        """Return where a cell is drawn; a header where one of both is None, the corner where both are."""
        x, width = self.left - self.head, self.head
        y, height = self.top - self.head, self.head
        if column is not None:
            x, width = self.left + column * self.cell_width, self.cell_width
        if row is not None:
            y, height = self.top + row * self.cell_height, self.cell_height
        return QRectF(x, y, width, height)

    def extent(self, cell: Cell) -> QRectF:
        """Return what a cell covers of the counts: a whole row or column where one place is None."""
        n = len(self.labels)
        first = self.rect(cell.row or 0, cell.column or 0)
        last = self.rect(n - 1 if cell.row is None else cell.row, n - 1 if cell.column is None else cell.column)
        return first.united(last)


def paint_matrix(
    painter: QPainter,
    drawing: MatrixDrawing,
    chosen: Collection[Cell] = (),
    hovered: Cell | None = None,
    *,
    focused: bool = False,
) -> None:
    """Paint the matrix with its headers and totals, and frames around what is chosen."""
    painter.setFont(drawing.font)
    _paint_titles(painter, drawing)
    for place in range(len(drawing.labels)):
        for cell in (Cell(place, None), Cell(None, place)):
            _paint_head(painter, drawing, cell, hovered=cell == hovered)
        _paint_totals(painter, drawing, place)
        for column in range(len(drawing.labels)):
            _paint_cell(painter, drawing, place, column)
    _paint_frames(painter, drawing, chosen, hovered, focused=focused)


def _paint_titles(painter: QPainter, drawing: MatrixDrawing) -> None:
    n = len(drawing.labels)
    painter.setPen(QColor(drawing.tokens.muted))
    painter.drawText(QRectF(drawing.left, 0, n * drawing.cell_width, drawing.line), _CENTRE, "Predicted")
    painter.save()
    painter.translate(0, drawing.top + n * drawing.cell_height)
    painter.rotate(-90)
    painter.drawText(QRectF(0, 0, n * drawing.cell_height, drawing.line), _CENTRE, "Label")
    painter.restore()


def _paint_head(painter: QPainter, drawing: MatrixDrawing, cell: Cell, *, hovered: bool) -> None:
    area = drawing.rect(cell.row, cell.column)
    place = cell.row if cell.row is not None else cell.column
    if hovered:
        painter.fillRect(area, QColor(drawing.tokens.raised))
    side = round(drawing.line * 1.05)
    label = drawing.labels[place or 0]
    drawing.marks.draw_badge(painter, area.center().x() - side / 2, area.center().y() + side / 2, label)


def _paint_totals(painter: QPainter, drawing: MatrixDrawing, place: int) -> None:
    n = len(drawing.labels)
    painter.setPen(QColor(drawing.tokens.muted))
    at_right = drawing.rect(place, n - 1)
    row = QRectF(at_right.right(), at_right.top(), drawing.totals - 4, drawing.cell_height)
    right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    painter.drawText(row, right, str(int(drawing.counts[place].sum())))
    below = drawing.rect(n - 1, place)
    column = QRectF(below.left(), below.bottom() + 4, drawing.cell_width, drawing.line)
    painter.drawText(column, _CENTRE, str(int(drawing.counts[:, place].sum())))


def _paint_cell(painter: QPainter, drawing: MatrixDrawing, row: int, column: int) -> None:
    area = drawing.rect(row, column).adjusted(1, 1, -1, -1)
    count = int(drawing.counts[row, column])
    whole = int((drawing.counts[:, column] if drawing.mode == "columns" else drawing.counts[row]).sum())
    share = count / whole if whole else 0.0
    fill, ink = cell_colours(share, right=row == column, tokens=drawing.tokens)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(area, 3, 3)
    painter.setPen(ink if count else QColor(drawing.tokens.muted))
    large, small = str(count), f"{100 * share:.0f} %" if whole else ""
    if drawing.mode != "counts":
        large, small = (f"{100 * share:.0f} %" if whole else "–"), str(count)
    with_small = area.width() >= _ROOM_FOR_SHARE and area.height() >= 1.9 * drawing.line and small
    painter.setFont(_number_font(drawing, area, large))
    middle = area.adjusted(0, 0, 0, -drawing.line * 0.85) if with_small else area
    painter.drawText(middle, _CENTRE, large)
    if with_small:
        painter.setFont(scaled_font(drawing.font, 0.85))
        painter.drawText(area.adjusted(0, drawing.line * 0.95, 0, 0), _CENTRE, small)
    painter.setFont(drawing.font)


def _number_font(drawing: MatrixDrawing, area: QRectF, text: str) -> QFont:
    """Return the largest font in which the largest number of the matrix fits a cell."""
    longest = len(str(int(drawing.counts.max(initial=0)))) if drawing.mode == "counts" else 5
    widest = QFontMetricsF(drawing.font).horizontalAdvance("0") * max(longest, len(text))
    return scaled_font(drawing.font, max(0.6, min(1.25, (area.width() - 4) / max(1.0, widest))), bold=True)


def _paint_frames(
    painter: QPainter, drawing: MatrixDrawing, chosen: Collection[Cell], hovered: Cell | None, *, focused: bool
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    frames = [(hovered, 1.0)] * (hovered is not None) + [(cell, 2.5) for cell in chosen]
    for cell, width in frames:
        if cell is None or cell == EVERYTHING or not drawing.labels:
            continue
        painter.setPen(QPen(QColor(drawing.tokens.text), width))
        painter.drawRoundedRect(drawing.extent(cell).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    if focused:
        n = len(drawing.labels)
        around = QRectF(drawing.left - 2, drawing.top - 2, n * drawing.cell_width + 4, n * drawing.cell_height + 4)
        painter.setPen(QPen(QColor(drawing.tokens.accent), 1.5))
        painter.drawRoundedRect(around, 5, 5)

"""Draw a confusion matrix whose cells, rows and columns can be chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.wording import count, fraction
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import Tokens, scaled_font, theme
from poregui.gui.plots.colour_scales import cell_colours
from poregui.workflow.reporting.figures import MatrixMode, matrix_cell

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
    titles: tuple[str, str] = ("Label", "Predicted")

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
        return QFontMetricsF(self.font).horizontalAdvance("00,000") + 4

    @property
    def size(self) -> QSizeF:
        """Return how large all of it is."""
        n = len(self.labels)
        width = self.left + n * self.cell_width + self.totals
        return QSizeF(width, self.top + n * self.cell_height + self.line + 6)

    def rect(self, row: int | None, column: int | None) -> QRectF:
        """Return where a cell is drawn; a header where one of both is None, the corner where both
        are.
        """
        x = self.left - self.head
        width = self.head
        y = self.top - self.head
        height = self.head
        if column is not None:
            x = self.left + column * self.cell_width
            width = self.cell_width
        if row is not None:
            y = self.top + row * self.cell_height
            height = self.cell_height
        return QRectF(x, y, width, height)

    def extent(self, cell: Cell) -> QRectF:
        """Return what a cell covers of the counts: a whole row or column where
        one place is None.
        """
        n = len(self.labels)
        first = self.rect(cell.row or 0, cell.column or 0)
        row = cell.row
        if row is None:
            row = n - 1
        column = cell.column
        if column is None:
            column = n - 1
        return first.united(self.rect(row, column))


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
    for index in range(len(drawing.labels)):
        for cell in (Cell(index, None), Cell(None, index)):
            _paint_head(painter, drawing, cell, hovered=cell == hovered)
        _paint_totals(painter, drawing, index)
        for column in range(len(drawing.labels)):
            _paint_cell(painter, drawing, index, column)
    _paint_frames(painter, drawing, chosen, hovered, focused=focused)


def _paint_titles(painter: QPainter, drawing: MatrixDrawing) -> None:
    n = len(drawing.labels)
    painter.setPen(QColor(drawing.tokens.muted))
    painter.drawText(
        QRectF(drawing.left, 0, n * drawing.cell_width, drawing.line), _CENTRE, drawing.titles[1]
    )
    painter.save()
    painter.translate(0, drawing.top + n * drawing.cell_height)
    painter.rotate(-90)
    painter.drawText(
        QRectF(0, 0, n * drawing.cell_height, drawing.line), _CENTRE, drawing.titles[0]
    )
    painter.restore()


def _paint_head(painter: QPainter, drawing: MatrixDrawing, cell: Cell, *, hovered: bool) -> None:
    area = drawing.rect(cell.row, cell.column)
    index = cell.row
    if index is None:
        index = cell.column
    if hovered:
        painter.fillRect(area, QColor(drawing.tokens.raised))
    side = round(drawing.line * 1.05)
    label = drawing.labels[index or 0]
    drawing.marks.draw_badge(
        painter, area.center().x() - side / 2, area.center().y() + side / 2, label
    )


def _paint_totals(painter: QPainter, drawing: MatrixDrawing, index: int) -> None:
    n = len(drawing.labels)
    painter.setPen(QColor(drawing.tokens.muted))
    at_right = drawing.rect(index, n - 1)
    row = QRectF(at_right.right(), at_right.top(), drawing.totals - 4, drawing.cell_height)
    right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    painter.drawText(row, right, f"{int(drawing.counts[index].sum()):,}")
    below = drawing.rect(n - 1, index)
    column = QRectF(below.left(), below.bottom() + 4, drawing.cell_width, drawing.line)
    painter.drawText(column, _CENTRE, f"{int(drawing.counts[:, index].sum()):,}")


def _paint_cell(painter: QPainter, drawing: MatrixDrawing, row: int, column: int) -> None:
    area = drawing.rect(row, column).adjusted(1, 1, -1, -1)
    cell = matrix_cell(drawing.counts, row, column, drawing.mode)
    fill, ink = cell_colours(cell.share, right=row == column, tokens=drawing.tokens)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(area, 3, 3)
    if not cell.count:
        ink = QColor(drawing.tokens.muted)
    painter.setPen(ink)
    with_small = (
        area.width() >= _ROOM_FOR_SHARE and area.height() >= 1.9 * drawing.line and bool(cell.small)
    )
    painter.setFont(_number_font(drawing, area, cell.large))
    if with_small:
        middle = area.adjusted(0, 0, 0, -drawing.line * 0.85)
    else:
        middle = area
    painter.drawText(middle, _CENTRE, cell.large)
    if with_small:
        painter.setFont(scaled_font(drawing.font, 0.85))
        painter.drawText(area.adjusted(0, drawing.line * 0.95, 0, 0), _CENTRE, cell.small)
    painter.setFont(drawing.font)


def _number_font(drawing: MatrixDrawing, area: QRectF, text: str) -> QFont:
    """Return the largest font in which the largest number of the matrix fits a cell."""
    if drawing.mode == "counts":
        longest = len(f"{int(drawing.counts.max(initial=0)):,}")
    else:
        longest = 5
    widest = QFontMetricsF(drawing.font).horizontalAdvance("0") * max(longest, len(text))
    return scaled_font(
        drawing.font, max(0.6, min(1.25, (area.width() - 4) / max(1.0, widest))), bold=True
    )


def _paint_frames(
    painter: QPainter,
    drawing: MatrixDrawing,
    chosen: Collection[Cell],
    hovered: Cell | None,
    *,
    focused: bool,
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
        around = QRectF(
            drawing.left - 2,
            drawing.top - 2,
            n * drawing.cell_width + 4,
            n * drawing.cell_height + 4,
        )
        painter.setPen(QPen(QColor(drawing.tokens.accent), 1.5))
        painter.drawRoundedRect(around, 5, 5)


_LARGEST_CELL = 84
_SMALLEST_CELL = 18
_TALLEST_CELL = 58
_FLAT = 0.72
"""Height of a cell over its width."""
_SEVERAL = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class ConfusionMatrix(QWidget):
    """Show counts and per cent, rows are the labels; click or arrow keys choose a cell, headers a
    row or column.

    Ctrl with a click, or Shift with an arrow, chooses one more. `chosen` carries a tuple of Cells;
    the corner between the headers stands for everything and is alone. `entered` tells of the Enter
    key.
    """

    chosen = Signal(object)
    entered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("confusion_matrix")
        self.setAccessibleName("Confusion matrix")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self._matrix: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._names: tuple[str, ...] = ()
        self._labels: tuple[int, ...] = ()
        self._marks = ClassMarks(())
        self._mode: MatrixMode = "counts"
        self._titles = ("Label", "Predicted")
        self._cells: tuple[Cell, ...] = (EVERYTHING,)
        self._hovered: Cell | None = None
        theme().changed.connect(self.update)

    # ---- setters ----------------------------------------------------------------------------

    def set_classes(
        self, names: Sequence[str], labels: Sequence[int], classes: Sequence[PoreClass]
    ) -> None:
        """Head rows and columns with these labels, drawn as `classes` say (retired ones may be
        among them).
        """
        self._names = tuple(names)
        self._labels = tuple(labels)
        self._marks = ClassMarks(classes)
        if self._matrix.shape != (len(names), len(names)):
            self._matrix = np.zeros((len(names), len(names)), np.int64)
            self._cells = (EVERYTHING,)
        self._settle()

    def set_matrix(self, matrix: NDArray[np.int64]) -> None:
        """Show (classes, classes) counts; rows are the labels."""
        if matrix.shape != (len(self._names), len(self._names)):
            raise ValueError(f"a matrix of shape {matrix.shape} for {len(self._names)} classes")
        self._matrix = matrix
        self._settle()

    def set_titles(self, rows: str, columns: str) -> None:
        """Say whose labels rows and columns are, where they are not a label and a prediction."""
        self._titles = (rows, columns)
        self._settle()

    def set_mode(self, mode: MatrixMode) -> None:
        """Write counts, shares of the row or shares of the column large."""
        self._mode = mode
        self._settle()

    def set_cells(self, cells: Iterable[Cell]) -> None:
        """Mark cells, rows or columns as the chosen ones, without telling of it; none means
        everything.
        """
        self._cells = tuple(cells) or (EVERYTHING,)
        self._settle()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return what is chosen, the last choice at the end."""
        return self._cells

    @property
    def cell(self) -> Cell:
        """Return what was chosen last."""
        return self._cells[-1]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the counts that are shown."""
        return self._matrix

    def count(self, cell: Cell) -> int:
        """Return how many crops a cell, row, column or everything holds."""
        return int(self._matrix[_index(cell.row), _index(cell.column)].sum())

    def describe(self, cell: Cell) -> str:
        """Return a cell in words, for the tool tip and for people who cannot see it."""
        number = self.count(cell)
        crops = count(number, "crop")
        if self._titles != ("Label", "Predicted"):
            sides = zip(self._titles, (cell.row, cell.column), strict=True)
            texts = [f"{who}: {self._names[i]}" for who, i in sides if i is not None]
            return ", ".join([*texts, crops])
        if cell.row is None and cell.column is None:
            return f"{crops} in total, {int(np.trace(self._matrix)):,} predicted correctly"
        if cell.row is None:
            return f"{crops} predicted as {self._names[cell.column or 0]}"
        if cell.column is None:
            return f"{crops} labelled {self._names[cell.row]}"
        row = self.count(Cell(cell.row, None))
        column = self.count(Cell(None, cell.column))
        texts = [crops]
        if row:
            texts.append(f"{fraction(number, row, 0)} labelled")
        if column:
            texts.append(f"{fraction(number, column, 0)} predicted")
        names = f"Labelled {self._names[cell.row]}, predicted as {self._names[cell.column]}"
        return f"{names}: {', '.join(texts)}"

    # ---- geometry ---------------------------------------------------------------------------

    def drawing(self) -> MatrixDrawing:
        """Return what is drawn and where."""
        shown = (self._matrix, self._labels, self._marks, self._mode, self.font(), theme().tokens)
        bare = MatrixDrawing(*shown, left=0.0, top=0.0, cell_width=0.0, cell_height=0.0)
        left = bare.line + bare.head
        wide = (self.width() - left - bare.totals) / max(1, len(self._names))
        wide = max(_SMALLEST_CELL, min(_LARGEST_CELL, wide))
        high = min(_TALLEST_CELL, max(_SMALLEST_CELL, wide * _FLAT))
        bare = replace(bare, titles=self._titles)
        return replace(bare, left=left, top=left, cell_width=wide, cell_height=high)

    def cell_rect(self, row: int | None, column: int | None) -> QRectF:
        """Return where a cell is drawn; a header where one of both is None, the corner where both
        are.
        """
        return self.drawing().rect(row, column)

    def cell_at(self, point: QPointF) -> Cell | None:
        """Return what lies under a point; headers and totals stand for their row or column."""
        drawing = self.drawing()
        n = len(self._names)
        across = int((point.x() - drawing.left) // drawing.cell_width)
        down = int((point.y() - drawing.top) // drawing.cell_height)
        if across > n or down > n or not n:
            return None
        return Cell(_inside(down, n), _inside(across, n))

    def _settle(self) -> None:
        drawing = self.drawing()
        n = len(self._names)
        self.setMinimumWidth(round(drawing.left + n * _SMALLEST_CELL + drawing.totals))
        height = round(drawing.size.height())
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)
        description = "No crops"
        if n:
            description = "; ".join(map(self.describe, self._cells))
        self.setAccessibleDescription(description)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settle()

    # ---- gestures ---------------------------------------------------------------------------

    def _choose(self, cell: Cell, *, more: bool = False) -> None:
        cells: tuple[Cell, ...] = (cell,)
        if more and cell != EVERYTHING:
            cells = tuple(c for c in self._cells if c not in (cell, EVERYTHING))
            cells += (cell,) * (cell not in self._cells)
        self.set_cells(cells)
        self.chosen.emit(self._cells)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(cell, more=bool(event.modifiers() & _SEVERAL))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, cell: Cell | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.setCursor(Qt.CursorShape.ArrowCursor)
            if cell is not None:
                self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None and self._names:
            cell = Cell(self._moved(self.cell.row, step[0]), self._moved(self.cell.column, step[1]))
            self._choose(cell, more=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif event.key() == Qt.Key.Key_Escape and self._names:
            self._choose(EVERYTHING)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            event.ignore()

    def _moved(self, index: int | None, by: int) -> int | None:
        if index is None:
            index = -1
        moved = index + by
        if moved < 0:
            return None
        return min(moved, len(self._names) - 1)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self.cell_at(QPointF(event.pos()))
            text = ""
            if cell is not None:
                text = self.describe(cell)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_matrix(painter, self.drawing(), self._cells, self._hovered, focused=self.hasFocus())


def _index(index: int | None) -> int | slice:
    if index is None:
        return slice(None)
    return index


def _inside(index: int, count: int) -> int | None:
    if 0 <= index < count:
        return index
    return None

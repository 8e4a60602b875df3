"""Show a confusion matrix whose cells, rows and columns can be chosen; changes with how counts are read and chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.domain.classes import PoreClass
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.gui.plots.matrix_drawing import EVERYTHING, Cell, MatrixDrawing, MatrixMode, paint_matrix

_LARGEST_CELL, _SMALLEST_CELL = 84, 18
_TALLEST_CELL = 58
_FLAT = 0.72
"""Height of a cell over its width."""
_SEVERAL = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class ConfusionMatrix(QWidget):
    """Show counts and per cent, rows are the labels; click or arrow keys choose a cell, headers a row or column.

    Ctrl with a click, or Shift with an arrow, chooses one more. `chosen` carries a tuple of Cells; the corner between
    the headers stands for everything and is alone. `entered` tells of the Enter key.
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
        self._cells: tuple[Cell, ...] = (EVERYTHING,)
        self._hovered: Cell | None = None
        theme().changed.connect(self.update)

    # ---- setters -------------------------------------------------------------------------------------------------

    def set_classes(self, names: Sequence[str], labels: Sequence[int], classes: Sequence[PoreClass]) -> None:
        """Head rows and columns with these labels, drawn as `classes` say (retired ones may be among them)."""
        self._names, self._labels, self._marks = tuple(names), tuple(labels), ClassMarks(classes)
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

    def set_mode(self, mode: MatrixMode) -> None:
        """Write counts, shares of the row or shares of the column large."""
        self._mode = mode
        self._settle()

    def set_cells(self, cells: Iterable[Cell]) -> None:
        """Mark cells, rows or columns as the chosen ones, without telling of it; none means everything."""
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
        count = self.count(cell)
        crops = f"{count} crop" if count == 1 else f"{count} crops"
        if cell.row is None and cell.column is None:
            return f"{crops} in all, {int(np.trace(self._matrix))} of them predicted rightly"
        if cell.row is None:
            return f"{crops} predicted as {self._names[cell.column or 0]}"
        if cell.column is None:
            return f"{crops} labelled {self._names[cell.row]}"
        row, column = self.count(Cell(cell.row, None)), self.count(Cell(None, cell.column))
        share = f", {100 * count / row:.0f} % of its {row}" if row else ""
        share += f"; {100 * count / column:.0f} % of the {column} predicted so" if column else ""
        return f"Labelled {self._names[cell.row]}, predicted as {self._names[cell.column]}: {crops}{share}"

    # ---- geometry ------------------------------------------------------------------------------------------------

    def drawing(self) -> MatrixDrawing:
        """Return what is drawn and where."""
        shown = (self._matrix, self._labels, self._marks, self._mode, self.font(), theme().tokens)
        bare = MatrixDrawing(*shown, left=0.0, top=0.0, cell_width=0.0, cell_height=0.0)
        left = bare.line + bare.head
        wide = (self.width() - left - bare.totals) / max(1, len(self._names))
        wide = max(_SMALLEST_CELL, min(_LARGEST_CELL, wide))
        high = min(_TALLEST_CELL, max(_SMALLEST_CELL, wide * _FLAT))
        return replace(bare, left=left, top=left, cell_width=wide, cell_height=high)

    def cell_rect(self, row: int | None, column: int | None) -> QRectF:
        """Return where a cell is drawn; a header where one of both is None, the corner where both are."""
        return self.drawing().rect(row, column)

    def cell_at(self, point: QPointF) -> Cell | None:
        """Return what lies under a point; headers and totals stand for their row or column."""
        drawing, n = self.drawing(), len(self._names)
        across = int((point.x() - drawing.left) // drawing.cell_width)
        down = int((point.y() - drawing.top) // drawing.cell_height)
        if across > n or down > n or not n:
            return None
        return Cell(down if 0 <= down < n else None, across if 0 <= across < n else None)

    def _settle(self) -> None:
        drawing, n = self.drawing(), len(self._names)
        self.setMinimumWidth(round(drawing.left + n * _SMALLEST_CELL + drawing.totals))
        height = round(drawing.size.height())
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)
        self.setAccessibleDescription("; ".join(map(self.describe, self._cells)) if n else "No crops")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settle()

    # ---- gestures ------------------------------------------------------------------------------------------------

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
            self.setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
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

    def _moved(self, place: int | None, by: int) -> int | None:
        moved = (-1 if place is None else place) + by
        return None if moved < 0 else min(moved, len(self._names) - 1)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self.cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.describe(cell) if cell is not None else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_matrix(painter, self.drawing(), self._cells, self._hovered, focused=self.hasFocus())


def _index(place: int | None) -> int | slice:
    return slice(None) if place is None else place

"""Draw a confusion matrix whose cells, rows and columns can be chosen; changes with how counts are read and chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.domain.classes import PoreClass
from poregui.gui.theme import scaled_font, theme
from poregui.gui.widgets.class_marks import ClassMarks
from poregui.gui.widgets.matrix_colours import cell_colours

_LARGEST_CELL, _SMALLEST_CELL = 84, 18
_TALLEST_CELL = 58
_FLAT = 0.72
"""Height of a cell over its width."""
_ROOM_FOR_SHARE = 40


@dataclass(frozen=True)
class Cell:
    """Name a cell by the places of label and prediction; None stands for all of them."""

    row: int | None = None
    column: int | None = None


EVERYTHING = Cell()
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)


class ConfusionMatrix(QWidget):
    """Show counts and row per cent, rows are the labels; click or arrow keys choose a cell, headers a row or column.

    `chosen` carries a Cell; the corner between the headers stands for everything. `entered` tells of the Enter key.
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
        self._cell = EVERYTHING
        self._hovered: Cell | None = None
        theme().changed.connect(self.update)

    # ---- setters -------------------------------------------------------------------------------------------------

    def set_classes(self, names: Sequence[str], labels: Sequence[int], classes: Sequence[PoreClass]) -> None:
        """Head rows and columns with these labels, drawn as `classes` say (retired ones may be among them)."""
        self._names, self._labels, self._marks = tuple(names), tuple(labels), ClassMarks(classes)
        if self._matrix.shape != (len(names), len(names)):
            self._matrix = np.zeros((len(names), len(names)), np.int64)
            self._cell = EVERYTHING
        self._settle()

    def set_matrix(self, matrix: NDArray[np.int64]) -> None:
        """Show (classes, classes) counts; rows are the labels."""
        if matrix.shape != (len(self._names), len(self._names)):
            raise ValueError(f"a matrix of shape {matrix.shape} for {len(self._names)} classes")
        self._matrix = matrix
        self._settle()

    def set_cell(self, cell: Cell) -> None:
        """Mark a cell, row or column as the chosen one, without telling of it."""
        self._cell = cell
        self._settle()

    @property
    def cell(self) -> Cell:
        """Return what is chosen."""
        return self._cell

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
        whole = self.count(Cell(cell.row, None))
        share = f", {100 * count / whole:.0f} % of its {whole}" if whole else ""
        return f"Labelled {self._names[cell.row]}, predicted as {self._names[cell.column]}: {crops}{share}"

    # ---- geometry ------------------------------------------------------------------------------------------------

    def cell_rect(self, row: int | None, column: int | None) -> QRectF:
        """Return where a cell is drawn; a header where one of both is None, the corner where both are."""
        left, top, wide, high = self._grid()
        head = self._head()
        x, width = (left - head, head) if column is None else (left + column * wide, wide)
        y, height = (top - head, head) if row is None else (top + row * high, high)
        return QRectF(x, y, width, height)

    def cell_at(self, point: QPointF) -> Cell | None:
        """Return what lies under a point; headers and totals stand for their row or column."""
        left, top, wide, high = self._grid()
        n = len(self._names)
        across, down = int((point.x() - left) // wide), int((point.y() - top) // high)
        if across > n or down > n or not n:
            return None
        return Cell(down if 0 <= down < n else None, across if 0 <= across < n else None)

    def _line(self) -> int:
        return self.fontMetrics().height()

    def _head(self) -> float:
        return self._line() * 1.05 + 8

    def _grid(self) -> tuple[float, float, float, float]:
        """Return left, top, cell width and cell height of the counts."""
        n = max(1, len(self._names))
        left = self._line() + self._head()
        room = self.width() - left - self._totals()
        wide = max(_SMALLEST_CELL, min(_LARGEST_CELL, room / n))
        return left, left, wide, min(_TALLEST_CELL, max(_SMALLEST_CELL, wide * _FLAT))

    def _totals(self) -> float:
        return self.fontMetrics().horizontalAdvance("00000") + 4

    def _settle(self) -> None:
        left, top, _, high = self._grid()
        n = len(self._names)
        self.setMinimumWidth(round(left + n * _SMALLEST_CELL + self._totals()))
        height = round(top + n * high + self._line() + 6)
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)
        self.setAccessibleDescription(self.describe(self._cell) if n else "No crops")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settle()

    # ---- gestures ------------------------------------------------------------------------------------------------

    def _choose(self, cell: Cell) -> None:
        self.set_cell(cell)
        self.chosen.emit(cell)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(cell)

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
            self._choose(Cell(self._moved(self._cell.row, step[0]), self._moved(self._cell.column, step[1])))
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

    # ---- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_titles(painter)
        for place in range(len(self._names)):
            self._paint_head(painter, Cell(place, None))
            self._paint_head(painter, Cell(None, place))
            self._paint_totals(painter, place)
            for column in range(len(self._names)):
                self._paint_cell(painter, place, column)
        self._paint_chosen(painter)

    def _paint_titles(self, painter: QPainter) -> None:
        left, top, wide, high = self._grid()
        n = len(self._names)
        painter.setPen(QColor(theme().tokens.muted))
        painter.drawText(QRectF(left, 0, n * wide, self._line()), _CENTRE, "Predicted")
        painter.save()
        painter.translate(0, top + n * high)
        painter.rotate(-90)
        painter.drawText(QRectF(0, 0, n * high, self._line()), _CENTRE, "Label")
        painter.restore()

    def _paint_head(self, painter: QPainter, cell: Cell) -> None:
        area = self.cell_rect(cell.row, cell.column)
        place = cell.row if cell.row is not None else cell.column
        if cell == self._hovered:
            painter.fillRect(area, QColor(theme().tokens.raised))
        side = round(self._line() * 1.05)
        self._marks.draw_badge(
            painter,
            area.center().x() - side / 2,
            area.center().y() + side / 2,
            self._labels[place or 0],
        )

    def _paint_totals(self, painter: QPainter, place: int) -> None:
        left, top, wide, high = self._grid()
        n = len(self._names)
        painter.setPen(QColor(theme().tokens.muted))
        row = QRectF(left + n * wide, top + place * high, self._totals() - 4, high)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(row, right, str(self.count(Cell(place, None))))
        column = QRectF(left + place * wide, top + n * high + 4, wide, self._line())
        painter.drawText(column, _CENTRE, str(self.count(Cell(None, place))))

    def _paint_cell(self, painter: QPainter, row: int, column: int) -> None:
        cell = Cell(row, column)
        area = self.cell_rect(cell.row, cell.column).adjusted(1, 1, -1, -1)
        count, whole = self.count(cell), self.count(Cell(row, None))
        share = count / whole if whole else 0.0
        fill, ink = cell_colours(share, right=row == column, tokens=theme().tokens)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(area, 3, 3)
        painter.setPen(ink if count else QColor(theme().tokens.muted))
        with_share = area.width() >= _ROOM_FOR_SHARE and area.height() >= 1.9 * self._line() and whole
        painter.setFont(self._number_font(area))
        middle = area.adjusted(0, 0, 0, -self._line() * 0.85) if with_share else area
        painter.drawText(middle, _CENTRE, str(count))
        if with_share:
            painter.setFont(scaled_font(self.font(), 0.85))
            painter.drawText(area.adjusted(0, self._line() * 0.95, 0, 0), _CENTRE, f"{100 * share:.0f} %")
        painter.setFont(self.font())

    def _number_font(self, area: QRectF) -> QFont:
        """Return the largest font in which the largest count fits a cell."""
        widest = self.fontMetrics().horizontalAdvance("0") * len(str(int(self._matrix.max(initial=0))))
        return scaled_font(self.font(), max(0.6, min(1.25, (area.width() - 4) / max(1, widest))), bold=True)

    def _paint_chosen(self, painter: QPainter) -> None:
        tokens = theme().tokens
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, width in ((self._hovered, 1.0), (self._cell, 2.5)):
            if cell is None or cell == EVERYTHING or not self._names:
                continue
            painter.setPen(QPen(QColor(tokens.text), width))
            painter.drawRoundedRect(self._extent(cell).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if self.hasFocus():
            left, top, wide, high = self._grid()
            n = len(self._names)
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.drawRoundedRect(QRectF(left - 2, top - 2, n * wide + 4, n * high + 4), 5, 5)

    def _extent(self, cell: Cell) -> QRectF:
        n = len(self._names)
        first = Cell(cell.row or 0, cell.column or 0)
        last = Cell(n - 1 if cell.row is None else cell.row, n - 1 if cell.column is None else cell.column)
        return self.cell_rect(first.row, first.column).united(self.cell_rect(last.row, last.column))


def _index(place: int | None) -> int | slice:
    return slice(None) if place is None else place

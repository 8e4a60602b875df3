"""List numbers with their intervals, each drawn as a line where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import scaled_font, theme

_LEFT = Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignRight
_LINE_WIDTH = 136
_NARROWEST_LINE = 48
_WIDEST = 780
"""Beyond it the numbers would stand too far from their names."""


@dataclass(frozen=True)
class NumberRow:
    """Hold one row: a name and its cells; `value` and `interval` (0 to 1) are drawn at the end,
    `tip` explains.
    """

    name: str
    cells: tuple[str, ...]
    value: float | None = None
    interval: tuple[float, float] | None = None
    tip: str = ""
    colour: str = ""


class _Model(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.heads: tuple[str, ...] = ("",)
        self.rows: tuple[NumberRow, ...] = ()
        self.drawn = True
        self.drawn_head = "0 to 100 %"

    def show(self, heads: Sequence[str], rows: Sequence[NumberRow]) -> None:
        self.beginResetModel()
        self.heads = tuple(heads)
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return len(self.heads) + self.drawn

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            if section < len(self.heads):
                return self.heads[section]
            return self.drawn_head
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(
                Qt.AlignmentFlag.AlignVCenter | (_RIGHT if 0 < section < len(self.heads) else _LEFT)
            )
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        row = self.rows[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            cells = (row.name, *row.cells)
            if column < min(len(cells), len(self.heads)):
                return cells[column]
            return ""
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = ", ".join(
                f"{head} {cell}"
                for head, cell in zip(self.heads[1:], row.cells, strict=False)
                if cell
            )
            return f"{row.name}: {text}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignVCenter | (_RIGHT if column else _LEFT))
        return None


class NumberTable(QTableView):
    """Show rows of numbers, as high as all of them together; they are read, and chosen only after
    `set_choosable`.

    `row_chosen` carries the place of a row that was clicked, or that Enter was pressed on.
    """

    row_chosen = Signal(int)

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.choosable = False
        self._pointed = -1
        self._model = _Model(self)
        self._delegate = _Delegate(self)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setShowGrid(False)
        self.setMaximumWidth(_WIDEST)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        heads = self.horizontalHeader()
        heads.setHighlightSections(False)
        heads.setFont(scaled_font(self.font(), 0.88))
        heads.setMinimumSectionSize(24)

    def set_choosable(self) -> None:
        """Let a click or Enter choose a row, and show which one that would be."""
        self.choosable = True
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.entered.connect(lambda index: self._point_at(index.row()))
        self.clicked.connect(lambda index: self.row_chosen.emit(index.row()))

    def marked(self, row: int) -> bool:
        """Tell whether a row is the one that would be chosen."""
        return self.choosable and (
            row == self._pointed or (self.hasFocus() and row == self.currentIndex().row())
        )

    def _point_at(self, row: int) -> None:
        self._pointed = row
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(-1)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            self.choosable
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self.currentIndex().isValid()
        ):
            self.row_chosen.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)

    def set_drawn_head(self, text: str) -> None:
        """Say over the drawn intervals what they span."""
        self._model.drawn_head = text

    def set_rows(self, heads: Sequence[str], rows: Sequence[NumberRow]) -> None:
        """Show these rows under these heads, of which the first is over the names; all of them are
        seen at once.
        """
        self._model.show(heads, rows)
        metrics = self.fontMetrics()
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(heads)):
            texts = [
                heads[column],
                *(row.cells[column - 1] for row in rows if len(row.cells) >= column),
            ]
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, max(metrics.horizontalAdvance(text) for text in texts) + 20)
        header.setSectionResizeMode(len(heads), QHeaderView.ResizeMode.Fixed)
        self._fit_line()
        high = metrics.height() + 9
        self.verticalHeader().setDefaultSectionSize(high)
        self.setFixedHeight(header.sizeHint().height() + high * len(rows) + 2)

    @property
    def rows(self) -> tuple[NumberRow, ...]:
        """Return what is shown."""
        return self._model.rows

    def _fit_line(self) -> None:
        """Give the drawn intervals what names and numbers leave; below a least width they are not
        drawn.
        """
        last = self._model.columnCount() - 1
        numbers_width = sum(self.columnWidth(column) for column in range(1, last))
        names_width = (
            max(
                (self.fontMetrics().horizontalAdvance(row.name) for row in self._model.rows),
                default=0,
            )
            + 16
        )
        room = min(_LINE_WIDTH, self.viewport().width() - numbers_width - names_width)
        self.setColumnHidden(last, room < _NARROWEST_LINE)
        if room >= _NARROWEST_LINE:
            self.setColumnWidth(last, room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_line()

    def sizeHint(self) -> QSize:
        return QSize(420, self.minimumHeight())


class _Delegate(QStyledItemDelegate):
    def __init__(self, view: NumberTable) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        row = self._view.rows[index.row()]
        area = QRectF(option.rect).adjusted(4, 0, -8, 0)
        painter.save()
        if self._view.marked(index.row()):
            painter.fillRect(option.rect, QColor(tokens.selection))
        painter.setPen(QColor(tokens.text))
        if index.column() == index.model().columnCount() - 1:
            self._paint_line(painter, area, row)
        else:
            side = _RIGHT if index.column() else _LEFT
            text = option.fontMetrics.elidedText(
                index.data(Qt.ItemDataRole.DisplayRole),
                Qt.TextElideMode.ElideMiddle,
                int(area.width()) + 2,
            )
            painter.drawText(area, int(side | Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()

    def _paint_line(self, painter: QPainter, area: QRectF, row: NumberRow) -> None:
        if row.value is None:
            return
        tokens = theme().tokens
        y = area.center().y()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawLine(
            QRectF(area.left(), y, 0, 0).topLeft(), QRectF(area.right(), y, 0, 0).topLeft()
        )
        colour = QColor(row.colour or tokens.accent)
        if row.interval is not None:
            low, high = (
                area.left() + area.width() * min(max(end, 0.0), 1.0) for end in row.interval
            )
            painter.setPen(QPen(colour, 3))
            painter.drawLine(QRectF(low, y, 0, 0).topLeft(), QRectF(high, y, 0, 0).topLeft())
        painter.setPen(QPen(QColor(tokens.panel), 1))
        painter.setBrush(colour)
        at = area.left() + area.width() * min(max(row.value, 0.0), 1.0)
        painter.drawEllipse(QRectF(at - 4, y - 4, 8, 8))

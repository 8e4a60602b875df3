"""Show many crops as a grid to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QImage, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.gui.base.theme import theme
from poregui.gui.lists.crop_delegate import CropDelegate
from poregui.gui.lists.crop_list import CropListModel, CropRow, QuietList
from poregui.gui.lists.same_scale import cell_width

SMALLEST_CELL = 48
LARGEST_CELL = 192
USUAL_CELL = 80


class CropGrid(QuietList):
    """Show CropRows with images from a function; `chosen` carries the id of the current crop when
    it changes.

    Rubber band, Shift and Ctrl select several; `selection_changed` tells of it. `scale_changed`
    carries the um of a px on the screen (None: unknown) and the number of crops in sight of unknown
    scale, while all are at one scale.
    """

    chosen = Signal(int)
    selection_changed = Signal()
    scale_changed = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crop_grid")
        self.setAccessibleName("Crops")
        self.rows = CropListModel(self)
        self._scale: tuple[float | None, int] | None = None
        self._delegate = CropDelegate(self)
        self._delegate.is_current = self._is_current
        self.setModel(self.rows)
        self.setItemDelegate(self._delegate)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.selectionModel().currentChanged.connect(self._current_changed)
        self.selectionModel().selectionChanged.connect(self.selection_changed)
        self.set_cell(USUAL_CELL)
        theme().changed.connect(self._repaint)

    def set_images(self, image: Callable[[int], QImage | None]) -> None:
        """Take images from `image(crop id)`; None means that `image_ready` will tell."""
        self._delegate.image = image
        self.viewport().update()

    def set_suggestions(self, suggestion: Callable[[int], tuple[int, float] | None] | None) -> None:
        """Mark unlabelled crops with `suggestion(crop id)`: label and probability, None for
        nothing.
        """
        self._delegate.suggestion = suggestion
        self.viewport().update()

    def set_outlines(self, outline: Callable[[int], NDArray[np.float64] | None] | None) -> None:
        """Draw the line of `outline(crop id)` in cells, (N, 2) as parts of the crop's sides."""
        self._delegate.outline = outline
        self.viewport().update()

    def update_cells(self) -> None:
        """Draw all cells anew, for what is drawn in them has changed."""
        self.viewport().update()

    def visible_ids(self) -> list[int]:
        """Return the ids of the crops that are at least half in sight, in their order."""
        half = self.gridSize().height() // 2
        return self._ids_between(half, half)

    def set_one_scale(self, length: Callable[[int], float | None] | None) -> None:
        """Draw all crops at one scale, `length(crop id)` being the longer side in um; None draws
        each to fit.
        """
        self._delegate.length = length
        self._scale = None
        self.viewport().update()

    def row_looked_at(self) -> int:
        """Return the row of the current crop where that is in sight, else the last of the first
        line in sight.
        """
        tall = self.gridSize().height()
        top = self.verticalScrollBar().value() + self.gridSize().height() // 2
        current = self.currentIndex().row()
        first = top // tall * self._across()
        if first <= current < (top + self.viewport().height()) // tall * self._across():
            return current
        return min(first + self._across(), self.rows.rowCount()) - 1

    def scroll_row_to_top(self, row: int) -> None:
        """Scroll so that a row stands at the upper edge, where there is enough below it."""
        self.verticalScrollBar().setValue(row // self._across() * self.gridSize().height())

    def _across(self) -> int:
        return max(1, self.viewport().width() // max(1, self.gridSize().width()))

    def _ids_between(self, above: int, below: int) -> list[int]:
        """Return the ids in the rows from `above` px under the upper edge to `below` px under the
        lower one.
        """
        cell = self.gridSize()
        area = self.viewport().rect()
        across = self._across()
        top = self.verticalScrollBar().value()
        first = (top + above) // cell.height() * across
        last = (top + area.height() + below) // cell.height() * across
        return [row.crop_id for row in self.rows.rows[first:last]]

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._delegate.length is not None:
            self._fit_scale(self._delegate.length)
        super().paintEvent(event)

    def _fit_scale(self, length: Callable[[int], float | None]) -> None:
        """Take the scale at which the largest crop in sight fits; what was drawn at another one is
        drawn again.
        """
        lengths = [
            length(crop_id) for crop_id in self._ids_between(0, self.gridSize().height() - 1)
        ]
        across = cell_width(lengths)
        um_per_px = None
        if across:
            um_per_px = across / self._delegate.side
        scale = um_per_px, sum(found is None for found in lengths)
        if across != self._delegate.um_across:
            self._delegate.um_across = across
            self.viewport().update()
        if scale != self._scale:
            self._scale = scale
            self.scale_changed.emit(*scale)

    def image_ready(self, crop_id: int) -> None:
        """Draw a crop again whose image has come."""
        self.rows.touch(crop_id)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Draw labels in the colours and letters of these classes (retired ones
        may be among them).
        """
        self._delegate.set_classes(classes)
        self.viewport().update()

    def set_cell(self, side: int, *, lines: int = 0) -> None:
        """Make images `side` px wide, with `lines` (0 to 2) of text below."""
        self._delegate.side = max(SMALLEST_CELL, min(side, LARGEST_CELL))
        self._delegate.lines = lines
        self.setGridSize(self._delegate.cell(self.fontMetrics().height()))
        self.verticalScrollBar().setSingleStep(self._delegate.side // 2)
        self.scheduleDelayedItemsLayout()

    def set_rows(self, rows: Iterable[CropRow]) -> None:
        """Show these rows; current crop and selection stay where those crops are still listed."""
        current = self.current_id()
        selected = self.selected_ids()
        self.rows.show(rows)
        if (
            current is not None
            and self.current_id() != current
            and self.rows.position(current) is not None
        ):
            self.choose(current, also=selected)

    def change_rows(self, rows: Iterable[CropRow]) -> None:
        """Replace rows of crops that are listed; the others are passed over."""
        self.rows.change(rows)

    def ids(self) -> list[int]:
        """Return the ids of all listed crops in their order."""
        return [row.crop_id for row in self.rows.rows]

    def current_id(self) -> int | None:
        """Return the id of the current crop, or None."""
        position = self.currentIndex().row()
        if 0 <= position < self.rows.rowCount():
            return self.rows.rows[position].crop_id
        return None

    def selected_ids(self) -> list[int]:
        """Return the ids of the selected crops in the grid's order."""
        indices = sorted(
            position
            for span in self.selectionModel().selection()
            for position in range(span.top(), span.bottom() + 1)
        )
        return [self.rows.rows[position].crop_id for position in indices]

    def choose(self, crop_id: int | None, *, also: Sequence[int] = ()) -> None:
        """Make a crop the current one and the only selected one, except for those in `also`; None
        chooses none.
        """
        position = self.rows.position(crop_id) if crop_id is not None else None
        model = self.selectionModel()
        if position is None:
            model.clear()
            return
        index = self.rows.index(position)
        chosen = QItemSelection()
        for first, last in _spans(
            {position, *(p for p in map(self.rows.position, also) if p is not None)}
        ):
            chosen.append(QItemSelectionRange(self.rows.index(first), self.rows.index(last)))
        model.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        model.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(index)

    def step(self, by: int) -> int | None:
        """Choose the crop `by` places on and return its id; at an end nothing changes and None
        comes back.
        """
        if self.currentIndex().isValid():
            position = self.currentIndex().row() + by
        else:
            position = 0
        if not 0 <= position < self.rows.rowCount():
            return None
        crop_id = self.rows.rows[position].crop_id
        self.choose(crop_id)
        self.centre()
        return crop_id

    def centre(self) -> None:
        """Scroll the row of the current crop to the middle, so that one sees what comes next."""
        index = self.currentIndex()
        if index.isValid():
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
        }
        moves |= {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_A, Qt.Key.Key_Space}
        if event.key() in moves:
            before = self.currentIndex().row()
            super().keyPressEvent(event)
            if self.currentIndex().row() != before:
                self.centre()
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.gridSize().height() + 8)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.rows.rows[current.row()].crop_id)

    def _is_current(self, row: int) -> bool:
        return row == self.currentIndex().row()

    def _repaint(self) -> None:
        self.viewport().update()


def _spans(indices: set[int]) -> list[tuple[int, int]]:
    """Return places as runs of neighbours (first, last), so that many are selected at once."""
    spans: list[tuple[int, int]] = []
    for position in sorted(indices):
        if spans and position == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], position
        else:
            spans.append((position, position))
    return spans

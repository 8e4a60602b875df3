"""Show many crops as a grid to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.gui.lists.crop_list import ROW_ROLE, CropListModel, CropRow
from poregui.gui.lists.quiet_list import QuietList
from poregui.gui.lists.same_scale import cell_width

_PAD = 4
_FRAME = 2
_ROOM_FOR_SURE = 72
"""Side in px of a picture from which on the probability of a suggestion is written on it."""


class CropDelegate(QStyledItemDelegate):
    """Draw crops never stretched; labelled ones carry a badge, unlabelled ones a dashed frame.

    Where `length` returns the longer side in um of a crop, a cell shows `um_across` um; crops
    without one are fitted.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picture: Callable[[int], QImage | None] | None = None
        self.is_current: Callable[[int], bool] | None = None
        self.suggestion: Callable[[int], tuple[int, float] | None] | None = None
        self.length: Callable[[int], float | None] | None = None
        self.um_across: float | None = None
        self.side = 80
        self.lines = 0
        self._marks = ClassMarks(())

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Use the colours and letters of these classes."""
        self._marks = ClassMarks(classes)

    def cell(self, text_height: int) -> QSize:
        """Return the size of a cell for lines `text_height` px high."""
        below = self.lines * text_height + (_PAD if self.lines else 0)
        return QSize(self.side + 2 * _PAD, self.side + 2 * _PAD + below)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return self.cell(option.fontMetrics.height())

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row: CropRow | None = index.data(ROW_ROLE)
        if row is None:
            return
        painter.save()
        square = QRect(option.rect.x() + _PAD, option.rect.y() + _PAD, self.side, self.side)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        current = self.is_current is not None and self.is_current(index.row())
        self._draw_picture(painter, square, row)
        self._draw_frame(painter, square, row, selected=selected, current=current)
        if row.predicted is not None and self.lines:
            self._draw_answer(painter, option, square, row, row.predicted)
        else:
            self._draw_marks(painter, option, square, row)
        if row.reviewed:
            _draw_tick(painter, square)
        painter.restore()

    def _draw_marks(
        self, painter: QPainter, option: QStyleOptionViewItem, square: QRect, row: CropRow
    ) -> None:
        if row.label is not None:
            self._marks.draw_badge(painter, square.left(), square.bottom() + 1, row.label)
        elif self.suggestion is not None and (found := self.suggestion(row.crop_id)) is not None:
            self._draw_suggestion(painter, option, square, *found)
        if row.wrong:
            _draw_cross(painter, square)
        if self.lines:
            self._draw_text(painter, option, square, row)

    def _draw_suggestion(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        square: QRect,
        label: int,
        sure: float,
    ) -> None:
        side = round(option.fontMetrics.height() * 1.05)
        area = QRectF(square.left(), square.bottom() + 1 - side, side, side)
        self._marks.draw_suggested(painter, area, label)
        if self.side >= _ROOM_FOR_SURE:
            words = f"{sure * 100:.0f} %"
            beside = QRectF(
                area.right(), area.top(), option.fontMetrics.horizontalAdvance(words) + 8, side
            )
            painter.fillRect(beside, QColor(16, 20, 24, 190))
            painter.setPen(QColor("#e6e9ee"))
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignCenter), words)

    def _draw_answer(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        square: QRect,
        row: CropRow,
        predicted: int,
    ) -> None:
        """Draw label, arrow, prediction and the row's text below the picture, which stays free."""
        tokens = theme().tokens
        height = option.fontMetrics.height()
        badge = round(height * 1.05)
        left = square.left()
        bottom = square.bottom() + 1 + _PAD + badge
        if row.label is not None:
            self._marks.draw_badge(painter, left, bottom, row.label)
        else:
            painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(left + 0.5, bottom - badge + 0.5, badge - 1, badge - 1))
        painter.setPen(QColor(tokens.muted))
        arrow = QRect(left + badge, bottom - badge, badge, badge)
        painter.drawText(arrow, int(Qt.AlignmentFlag.AlignCenter), "→")
        self._marks.draw_badge(painter, left + 2 * badge, bottom, predicted)
        painter.setPen(QColor(tokens.text if row.wrong else tokens.muted))
        text = QRect(left + 3 * badge + _PAD, bottom - badge, self.side - 3 * badge - _PAD, badge)
        painter.drawText(
            text, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), row.text
        )

    def _draw_picture(self, painter: QPainter, square: QRect, row: CropRow) -> None:
        painter.fillRect(square, QColor(theme().tokens.canvas))
        image = self.picture(row.crop_id) if self.picture else None
        if image is None or image.isNull():
            return
        scale = self.side / max(image.width(), image.height())
        if self.length is not None:
            length = self.length(row.crop_id)
        else:
            length = None
        if length and self.um_across:
            scale *= min(1.0, length / self.um_across)
        wide = max(1.0, image.width() * scale)
        high = max(1.0, image.height() * scale)
        target = QRectF(
            square.x() + (self.side - wide) / 2, square.y() + (self.side - high) / 2, wide, high
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image)
        if self.length is not None and length is None:
            _draw_unknown(painter, square)

    def _draw_frame(
        self, painter: QPainter, square: QRect, row: CropRow, *, selected: bool, current: bool
    ) -> None:
        tokens = theme().tokens
        if selected or current:
            width = 3.0 if current else 2.0
            painter.setPen(QPen(QColor(tokens.accent), width))
            inset = width / 2 - _FRAME
            painter.drawRect(QRectF(square).adjusted(inset, inset, -inset, -inset))
        elif row.label is None:
            painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(square).adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.setPen(QPen(self._marks.colour(row.label), 1.5))
            painter.drawRect(QRectF(square).adjusted(0.75, 0.75, -0.75, -0.75))

    def _draw_text(
        self, painter: QPainter, option: QStyleOptionViewItem, square: QRect, row: CropRow
    ) -> None:
        tokens = theme().tokens
        height = option.fontMetrics.height()
        texts = ((row.text, tokens.bad if row.wrong else tokens.text), (row.sub_text, tokens.muted))
        for line, (text, colour) in enumerate(texts[: self.lines]):
            box = QRect(square.x(), square.bottom() + 1 + _PAD + line * height, self.side, height)
            painter.setPen(QColor(colour))
            painter.drawText(
                box,
                int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
                option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, self.side),
            )


def _draw_unknown(painter: QPainter, square: QRect) -> None:
    """Mark a crop of unknown scale."""
    side = round(painter.fontMetrics().height() * 1.05)
    corner = QRectF(square.right() + 1 - side, square.bottom() + 1 - side, side, side)
    painter.fillRect(corner, QColor(16, 20, 24, 190))
    painter.setPen(QColor("#e6e9ee"))
    painter.drawText(corner, int(Qt.AlignmentFlag.AlignCenter), "?")


def _draw_cross(painter: QPainter, square: QRect) -> None:
    size = 14
    corner = QRectF(square.right() + 1 - size, square.top(), size, size)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(corner, QColor(theme().tokens.bad))
    painter.setPen(QPen(QColor("#ffffff"), 1.6))
    inner = corner.adjusted(4, 4, -4, -4)
    painter.drawLine(inner.topLeft(), inner.bottomRight())
    painter.drawLine(inner.topRight(), inner.bottomLeft())


def _draw_tick(painter: QPainter, square: QRect) -> None:
    size = 14
    corner = QRectF(square.left(), square.top(), size, size)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(corner, QColor(theme().tokens.good))
    painter.setPen(QPen(QColor(theme().tokens.panel), 1.8))
    left = corner.left()
    low = corner.top()
    painter.drawPolyline(
        [QPointF(left + 3, low + 7.5), QPointF(left + 6, low + 10.5), QPointF(left + 11, low + 4)]
    )


_MANY = 200
"""Changed rows from which on all that is in sight is drawn again."""
SMALLEST_CELL = 48
LARGEST_CELL = 192
USUAL_CELL = 80


class CropGrid(QuietList):
    """Show CropRows with pictures from a function; `chosen` carries the id of the current crop when
    it changes.

    Rubber band, Shift and Ctrl select several; `selection_changed` tells of it. `scale_changed`
    carries the um of a px on the screen (None: unknown) and the number of crops in sight of unknown
    scale, while all are at one scale.
    """

    chosen = Signal(int)
    selection_changed = Signal()
    scale_changed = Signal(object, int)

    def __init__(
        self, picture: Callable[[int], QImage | None] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("crop_grid")
        self.setAccessibleName("Crops")
        self.rows = CropListModel(self)
        self._scale: tuple[float | None, int] | None = None
        self._delegate = CropDelegate(self)
        self._delegate.picture = picture
        self._delegate.is_current = lambda place: place == self.currentIndex().row()
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

    def set_pictures(self, picture: Callable[[int], QImage | None]) -> None:
        """Take pictures from `picture(crop id)`; None means that `picture_ready` will tell."""
        self._delegate.picture = picture
        self.viewport().update()

    def set_suggestions(self, suggestion: Callable[[int], tuple[int, float] | None] | None) -> None:
        """Mark unlabelled crops with `suggestion(crop id)`: label and probability, None for
        nothing.
        """
        self._delegate.suggestion = suggestion
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
        um_per_px = across / self._delegate.side if across else None
        scale = um_per_px, sum(found is None for found in lengths)
        if across != self._delegate.um_across:
            self._delegate.um_across = across
            self.viewport().update()
        if scale != self._scale:
            self._scale = scale
            self.scale_changed.emit(*scale)

    def picture_ready(self, crop_id: int) -> None:
        """Draw a crop again whose picture has come."""
        self.rows.touch(crop_id)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Draw labels in the colours and letters of these classes (retired ones
        may be among them).
        """
        self._delegate.set_classes(classes)
        self.viewport().update()

    def set_cell(self, side: int, *, lines: int = 0) -> None:
        """Make pictures `side` px wide, with `lines` (0 to 2) of text below."""
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
            and self.rows.place(current) is not None
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
        place = self.currentIndex().row()
        if 0 <= place < self.rows.rowCount():
            return self.rows.rows[place].crop_id
        return None

    def selected_ids(self) -> list[int]:
        """Return the ids of the selected crops in the grid's order."""
        places = sorted(
            place
            for span in self.selectionModel().selection()
            for place in range(span.top(), span.bottom() + 1)
        )
        return [self.rows.rows[place].crop_id for place in places]

    def choose(self, crop_id: int | None, *, also: Sequence[int] = ()) -> None:
        """Make a crop the current one and the only selected one, except for those in `also`; None
        chooses none.
        """
        place = self.rows.place(crop_id) if crop_id is not None else None
        model = self.selectionModel()
        if place is None:
            model.clear()
            return
        index = self.rows.index(place)
        chosen = QItemSelection()
        for first, last in _spans(
            {place, *(p for p in map(self.rows.place, also) if p is not None)}
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
            place = self.currentIndex().row() + by
        else:
            place = 0
        if not 0 <= place < self.rows.rowCount():
            return None
        crop_id = self.rows.rows[place].crop_id
        self.choose(crop_id)
        return crop_id

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int] = ()) -> None:
        """Draw the changed cells again; Qt would lay out all of them anew, though none changes its
        size.
        """
        if last.row() - first.row() > _MANY:
            self.viewport().update()
            return
        for place in range(first.row(), last.row() + 1):
            self.update(self.rows.index(place))

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
            super().keyPressEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.gridSize().height() + 8)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.rows.rows[current.row()].crop_id)

    def _repaint(self) -> None:
        self.viewport().update()


def _spans(places: set[int]) -> list[tuple[int, int]]:
    """Return places as runs of neighbours (first, last), so that many are selected at once."""
    spans: list[tuple[int, int]] = []
    for place in sorted(places):
        if spans and place == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], place
        else:
            spans.append((place, place))
    return spans

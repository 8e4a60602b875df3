"""Hold the rows of a list of crops and change only those that changed; knows nothing of projects.

What all lists share is here too: letters are keys of the page, an empty list says why.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QStringListModel, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QWidget

from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import theme

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
_FEW = 40
"""Rows that come or go one by one; more of them make the list start anew."""
_MANY_TAKEN = 500
_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren


def no_image(_id: int) -> None:
    """Stand for a function that gives images where there is no project."""


@dataclass(frozen=True)
class CropRow:
    """Hold what a list shows of one crop: `text` and `sub_text` below the image, `wrong` marks a
    wrong prediction.

    `predicted` is the label that a network gave; where there is one, both stand below the image
    as badges. `reviewed` crops carry a tick.
    """

    crop_id: int
    label: int | None
    text: str = ""
    sub_text: str = ""
    wrong: bool = False
    predicted: int | None = None
    reviewed: bool = False


class CropListModel(QStringListModel):
    """Serve CropRows under `ROW_ROLE`; each crop occurs once.

    Its base counts the rows, of which it holds empty texts: a view that lays out 100,000 crops asks
    for their number as often, which takes 0.1 s where Python answers.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[CropRow] = []
        self._indices: dict[int, int] = {}
        self._taken: list[int] = []
        self._coming: CropRow | None = None
        self.rowsRemoved.connect(
            self._has_removed
        )  # before those of any view, which ask for the rows then
        self.rowsInserted.connect(self._has_inserted)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(part for part in (row.text, row.sub_text) if part)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.isValid():
            return _FLAGS
        return Qt.ItemFlag.NoItemFlags

    @property
    def rows(self) -> Sequence[CropRow]:
        """Return the rows in their order."""
        return self._rows

    def position(self, crop_id: int) -> int | None:
        """Return the row number of a crop, or None when it is not listed."""
        position = self._indices.get(crop_id)
        if position is None or not self._taken:
            return position
        return position - bisect_left(self._taken, position)

    def next_unlabelled(self, crop_ids: Iterable[int]) -> int | None:
        """Return the first crop without a label after the last of some; None where none follows or
        none is listed.
        """
        indices = [position for position in map(self.position, crop_ids) if position is not None]
        if not indices:
            return None
        after = range(max(indices) + 1, len(self._rows))
        return next(
            (
                self._rows[position].crop_id
                for position in after
                if self._rows[position].label is None
            ),
            None,
        )

    def show(self, rows: Iterable[CropRow]) -> None:
        """Make these the rows; where only a few came, went or changed, only those are touched."""
        new = list(rows)
        new_ids = {row.crop_id for row in new}
        gone = [position for position, row in enumerate(self._rows) if row.crop_id not in new_ids]
        come = [position for position, row in enumerate(new) if row.crop_id not in self._indices]
        kept_old = [row.crop_id for row in self._rows if row.crop_id in new_ids]
        kept_new = [row.crop_id for row in new if row.crop_id in self._indices]
        if len(gone) + len(come) > _FEW or kept_old != kept_new:
            self._rows = new
            self._index()
            self.setStringList([""] * len(new))
            return
        for position in reversed(gone):
            self.removeRows(position, 1)
        for position in come:
            self._insert(position, new[position])
        self.change(row for old, row in zip(self._rows, new, strict=True) if old != row)

    def take_out(self, crop_ids: Iterable[int]) -> None:
        """Take a few crops out; where the others stand is worked out when asked for, not for all of
        them at once.
        """
        for crop_id in crop_ids:
            position = self.position(crop_id)
            if position is not None:
                self.removeRows(position, 1)

    def put_in(self, rows: Iterable[CropRow], rank: Callable[[int], Any]) -> None:
        """Put a few crops in where `rank(crop id)` says, by which all rows are in order."""
        for row in rows:
            position = bisect_left(self._rows, rank(row.crop_id), key=lambda one: rank(one.crop_id))
            self._insert(position, row)

    def _insert(self, position: int, row: CropRow) -> None:
        self._coming = row
        self.insertRows(position, 1)

    def _has_removed(self, _parent: Index, first: int, _last: int) -> None:
        row = self._rows.pop(first)
        insort(self._taken, self._indices.pop(row.crop_id))
        if len(self._taken) > _MANY_TAKEN:
            self._index()

    def _has_inserted(self, _parent: Index, first: int, _last: int) -> None:
        if self._coming is not None:
            self._rows.insert(first, self._coming)
            self._index()

    def change(self, rows: Iterable[CropRow]) -> None:
        """Put new rows in the place of those with the same crop; crops that are not listed are
        passed over.
        """
        changed = []
        for row in rows:
            position = self.position(row.crop_id)
            if position is not None:
                self._rows[position] = row
                changed.append(position)
        if len(changed) > _FEW:
            self.dataChanged.emit(self.index(min(changed)), self.index(max(changed)), [ROW_ROLE])
            return
        for position in changed:
            index = self.index(position)
            self.dataChanged.emit(index, index, [ROW_ROLE])

    def touch(self, crop_id: int) -> None:
        """Have a crop drawn again, when its image has come."""
        position = self.position(crop_id)
        if position is not None:
            index = self.index(position)
            self.dataChanged.emit(index, index, [ROW_ROLE])

    def _index(self) -> None:
        self._taken.clear()
        self._indices = {row.crop_id: position for position, row in enumerate(self._rows)}


_MANY_CHANGED = 200
"""Changed rows from which on all that is in sight is drawn again."""


class QuietList(QListView):
    """Show a sentence while nothing is listed, and choose nothing by focus or by letters."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty_text = ""
        self.setFrameShape(QListView.Shape.NoFrame)

    def set_empty_text(self, text: str) -> None:
        """Show a sentence while nothing is listed."""
        if text != self._empty_text:
            self._empty_text = text
            self.viewport().update()

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int] = ()) -> None:
        """Draw the changed cells again; Qt would lay out all of them anew, though none changes its
        size.
        """
        if last.row() - first.row() > _MANY_CHANGED:
            self.viewport().update()
            return
        for row in range(first.row(), last.row() + 1):
            self.update(first.siblingAtRow(row))

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of the page, not the beginning of a name."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme().tokens.muted))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(
                self.viewport().rect().adjusted(16, 8, -16, -8), flags, self._empty_text
            )

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the focus without choosing anything, which Qt would do where nothing is chosen."""
        if self.currentIndex().isValid():
            super().focusInEvent(event)
        else:
            QWidget.focusInEvent(self, event)

"""Hold the rows of a list of crops and change only those that changed; knows nothing of projects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
_FEW = 40
"""Rows that come or go one by one; more of them make the list start anew."""

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class CropRow:
    """Hold what a list shows of one crop: `text` and `sub_text` below the picture, `wrong` marks a wrong answer.

    `predicted` is the label that a network gave; where there is one, both stand below the picture as badges.
    `reviewed` crops carry a tick.
    """

    crop_id: int
    label: int | None
    text: str = ""
    sub_text: str = ""
    wrong: bool = False
    predicted: int | None = None
    reviewed: bool = False


class CropListModel(QAbstractListModel):
    """Serve CropRows under `ROW_ROLE`; each crop occurs once."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[CropRow] = []
        self._places: dict[int, int] = {}

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(part for part in (row.text, row.sub_text) if part)
        return None

    @property
    def rows(self) -> Sequence[CropRow]:
        """Return the rows in their order."""
        return self._rows

    def place(self, crop_id: int) -> int | None:
        """Return the row number of a crop, or None when it is not listed."""
        return self._places.get(crop_id)

    def next_unlabelled(self, crop_ids: Iterable[int]) -> int | None:
        """Return the first crop without a label after the last of some; None where none follows or none is listed."""
        places = [place for place in map(self.place, crop_ids) if place is not None]
        after = range(max(places) + 1, len(self._rows)) if places else ()
        return next((self._rows[place].crop_id for place in after if self._rows[place].label is None), None)

    def show(self, rows: Iterable[CropRow]) -> None:
        """Make these the rows; where only a few came, went or changed, only those are touched."""
        new = list(rows)
        new_ids = {row.crop_id for row in new}
        gone = [place for place, row in enumerate(self._rows) if row.crop_id not in new_ids]
        come = [place for place, row in enumerate(new) if row.crop_id not in self._places]
        kept_old = [row.crop_id for row in self._rows if row.crop_id in new_ids]
        kept_new = [row.crop_id for row in new if row.crop_id in self._places]
        if len(gone) + len(come) > _FEW or kept_old != kept_new:
            self.beginResetModel()
            self._rows = new
            self._index()
            self.endResetModel()
            return
        for place in reversed(gone):
            self.beginRemoveRows(QModelIndex(), place, place)
            del self._rows[place]
            self._index()
            self.endRemoveRows()
        for place in come:
            self.beginInsertRows(QModelIndex(), place, place)
            self._rows.insert(place, new[place])
            self._index()
            self.endInsertRows()
        self.change(row for old, row in zip(self._rows, new, strict=True) if old != row)

    def change(self, rows: Iterable[CropRow]) -> None:
        """Put new rows in the place of those with the same crop; crops that are not listed are passed over."""
        changed = []
        for row in rows:
            place = self._places.get(row.crop_id)
            if place is not None:
                self._rows[place] = row
                changed.append(place)
        if len(changed) > _FEW:
            self.dataChanged.emit(self.index(min(changed)), self.index(max(changed)), [ROW_ROLE])
        else:
            for place in changed:
                self.touch(self._rows[place].crop_id)

    def touch(self, crop_id: int) -> None:
        """Have a crop drawn again, when its picture has come."""
        place = self._places.get(crop_id)
        if place is not None:
            index = self.index(place)
            self.dataChanged.emit(index, index, [ROW_ROLE])

    def _index(self) -> None:
        self._places = {row.crop_id: place for place, row in enumerate(self._rows)}

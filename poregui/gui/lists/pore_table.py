"""Hold the numbers of many pores as a table to sort, filter and draw from; knows nothing of
projects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QBrush, QColor

from poregui.domain.measurement import COLUMNS, RELIABLE_PX, SHAPE_NUMBERS, heading
from poregui.domain.wording import with_micrometres
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import theme

TEXTS = ("label", "micrograph")
"""The columns in front of the numbers."""
FLAGS = ("touches_edge", "shape_reliable")
LENGTHS = tuple(column.name for column in COLUMNS if column.unit == "length")
NUMBERS = tuple(column.name for column in COLUMNS if column.name not in ("unit", *FLAGS))
LOGARITHMIC = (*LENGTHS, "area_px", "area_um2")
_UNRELIABLE = f"Less than {RELIABLE_PX:g} px across: at this size a shape is mostly noise."


@dataclass(frozen=True, eq=False)
class PoreTable:
    """Hold pores (n): `crop_ids` int64, `labels` (None: not labelled), their names,
    `micrograph_ids` with names.

    `columns` are those of domain/measurement.py but for `unit`, (n,) float64 or bool, NaN where not
    known; lengths are in `unit`, um or px, all of them.
    """

    crop_ids: NDArray[np.int64]
    labels: tuple[int | None, ...]
    label_names: tuple[str, ...]
    micrograph_ids: NDArray[np.int64]
    micrograph_names: tuple[str, ...]
    columns: dict[str, NDArray[Any]]
    unit: str = "px"
    row_of: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        row_of = {crop_id: position for position, crop_id in enumerate(self.crop_ids.tolist())}
        object.__setattr__(self, "row_of", row_of)

    @staticmethod
    def empty() -> PoreTable:
        """Return the table of no pores."""
        columns = {column.name: np.zeros(0) for column in COLUMNS if column.name != "unit"}
        return PoreTable(np.zeros(0, np.int64), (), (), np.zeros(0, np.int64), (), columns)

    def __len__(self) -> int:
        return len(self.crop_ids)

    def title(self, name: str) -> str:
        """Return what a column is called, with its unit."""
        if name in TEXTS:
            return name.capitalize()
        column = next(column for column in COLUMNS if column.name == name)
        return with_micrometres(heading(column, self.unit))

    def plain(self, name: str) -> NDArray[np.float64]:
        """Return the numbers of a column (n,), NaN where a shape is unreliable."""
        values = np.asarray(self.columns[name], np.float64)
        if name in SHAPE_NUMBERS:
            return np.where(self.columns["shape_reliable"], values, np.nan)
        return values


def offered(table: PoreTable) -> tuple[str, ...]:
    """Return the columns that a table has something for."""
    numbers = [
        name
        for name in NUMBERS
        if name not in ("area_um2", "surface") or np.isfinite(table.columns[name]).any()
    ]
    return (*TEXTS, *numbers, *FLAGS)


class PoreTableModel(QAbstractTableModel):
    """Serve the rows of a PoreTable that a filter leaves, in the order of a column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table = PoreTable.empty()
        self.names: tuple[str, ...] = TEXTS
        self.order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._kept: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._sorted: tuple[str, Qt.SortOrder] | None = None

    def show(self, table: PoreTable, names: Sequence[str], kept: NDArray[np.bool_]) -> None:
        """Show these columns of the pores that `kept` (n,) marks."""
        self.beginResetModel()
        self.table = table
        self.names = tuple(names)
        self._kept = kept
        self._arrange()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.names)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.names):
            return None
        name = self.names[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.title(name)
        if role == Qt.ItemDataRole.ToolTipRole and name not in TEXTS:
            return next(column.help for column in COLUMNS if column.name == name)
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        position = int(self.order[index.row()])
        name = self.names[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cell(position, name)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            if name in TEXTS:
                side = Qt.AlignmentFlag.AlignLeft
            else:
                side = Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if name in SHAPE_NUMBERS and not self.table.columns["shape_reliable"][position]:
            if role == Qt.ItemDataRole.ForegroundRole:
                faint = QColor(theme().tokens.muted)
                faint.setAlpha(130)
                return QBrush(faint)
            if role == Qt.ItemDataRole.ToolTipRole:
                return _UNRELIABLE
        return None

    def cell(self, position: int, name: str) -> str:
        """Return the words of a cell of the table."""
        if name == "label":
            return self.table.label_names[position]
        if name == "micrograph":
            return self.table.micrograph_names[position]
        value = self.table.columns[name][position]
        if name in FLAGS:
            return "yes" if value else "no"
        if not np.isfinite(value):
            return "–"
        if abs(value) < 1000:
            return f"{value:.4g}"
        return f"{value:,.0f}"

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self.names):
            self._sorted = (self.names[column], order)
        else:
            self._sorted = None
        self.layoutAboutToBeChanged.emit()
        before = self.order
        marked = self.persistentIndexList()
        self._arrange()
        row_of = np.zeros(len(self.table), np.int64)
        row_of[self.order] = np.arange(len(self.order))
        moved = [self.index(int(row_of[before[one.row()]]), one.column()) for one in marked]
        self.changePersistentIndexList(marked, moved)
        self.layoutChanged.emit()

    def crop_id(self, row: int) -> int:
        """Return the crop of a row."""
        return int(self.table.crop_ids[self.order[row]])

    def row(self, crop_id: int) -> int | None:
        """Return the row of a crop, None where it is not shown."""
        position = self.table.row_of.get(crop_id)
        if position is None or not self._kept[position]:
            return None
        return int(np.flatnonzero(self.order == position)[0])

    def _arrange(self) -> None:
        """Put the kept rows in order; what is not known comes last either way."""
        order = np.flatnonzero(self._kept)
        if self._sorted is not None and self._sorted[0] in (*TEXTS, *self.table.columns):
            name, direction = self._sorted
            texts = {"label": self.table.label_names, "micrograph": self.table.micrograph_names}
            if name in texts:
                values = np.array(texts[name], object)
            else:
                values = np.asarray(self.table.columns[name], float)
            if name in texts:
                keys = np.unique(values[order], return_inverse=True)[1]
            else:
                keys = values[order]
            if name in texts:
                unknown = np.zeros(len(order), np.bool_)
            else:
                unknown = ~np.isfinite(keys)
            keys = np.where(unknown, 0, keys if direction == Qt.SortOrder.AscendingOrder else -keys)
            order = order[np.lexsort((order, keys, unknown))]
        self.order = order

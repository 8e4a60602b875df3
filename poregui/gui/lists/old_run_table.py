"""Show runs as a table to choose one from; changes with how the table looks and is used."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from poregui.gui.lists.run_table import RunRow, RunTableModel

_STATE = len(RunTableModel.HEADINGS) - 1


class RunTable(QTableView):
    """Show RunRows; `chosen` carries the run that a person moved to, `opened` the one that was activated."""

    chosen = Signal(int)
    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_table")
        self.setAccessibleName("Runs")
        self.runs = RunTableModel(self)
        self._quiet = False
        self.setModel(self.runs)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setStyleSheet("QTableView::item { padding: 0 6px; }")
        self.setWordWrap(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_STATE, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._moved)
        self.activated.connect(self._activated)

    def set_rows(self, rows: list[RunRow]) -> None:
        """Show these runs and keep the chosen one."""
        number = self.current()
        self._quiet = True
        self.runs.set_rows(rows)
        self._select(number)
        self._quiet = False

    def current(self) -> int:
        """Return the number of the chosen run, 0 for none."""
        index = self.currentIndex()
        return self.runs.row(index.row()).number if index.isValid() else 0

    def choose(self, number: int) -> None:
        """Choose a run, without telling of it; 0 chooses none."""
        self._quiet = True
        self._select(number)
        self._quiet = False

    def _select(self, number: int) -> None:
        place = self.runs.place_of(number)
        if place >= 0:
            self.selectRow(place)
            self.scrollTo(self.runs.index(place, 0))
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def _moved(self, now: QModelIndex) -> None:
        if now.isValid() and not self._quiet:
            self.chosen.emit(self.runs.row(now.row()).number)

    def _activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.runs.row(index.row()).number)

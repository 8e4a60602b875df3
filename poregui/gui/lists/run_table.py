"""Show the runs of a project as a table to choose one from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.events import (
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Finished,
    Interrupted,
    Started,
)
from poregui.domain.wording import count, percent
from poregui.gui.base.pieces import Index
from poregui.store.run_check import problem_of
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import read_notes

WAITING = "waiting"
DAMAGED = "damaged"


@dataclass(frozen=True)
class RunRow:
    """Hold what the table tells of one run; `accuracy` is of the test crops, None without a test.

    A run that waits for the trainer has no number yet: it stands under one below zero, the next one
    under the highest. `resumable`: its training was interrupted, or died and left a checkpoint or a
    trained network, or its results are damaged and can be made again from that. `problem` says what
    is wrong with its files, empty when nothing is; `name` is what a person calls it.
    """

    number: int
    preset: str
    when: str
    epochs: int
    best: int
    accuracy: float | None
    n_test: int
    state: str
    resumable: bool = False
    problem: str = ""
    name: str = ""


def state_of(final: Event | None) -> str:
    """Name how a run ended."""
    match final:
        case None:
            return "running"
        case Finished(stopped=stopped):
            return "stopped" if stopped else "finished"
        case Cancelled():
            return "cancelled"
        case Failed():
            return "failed"
        case _:
            return "interrupted"


def began(run: RunFolder) -> datetime:
    """Return when a run began, in local time: as it said itself, which copies keep; for a run of an
    older version, or one that only waits, when its files were written.

    Raises OSError where there are none.
    """
    written = run.dataset_file.stat().st_mtime
    first = next((one for one in run.events() if isinstance(one, Started)), None)
    if first is not None and first.at:
        try:
            return datetime.fromisoformat(first.at).astimezone().replace(tzinfo=None)
        except (ValueError, OverflowError, OSError):
            pass  # somebody wrote into the file
    return datetime.fromtimestamp(written)


def read_row(run: RunFolder) -> RunRow:
    """Return the row of a run folder; a damaged one is a row that says so."""
    try:
        made = began(run)
        preset = run.read_recipe().preset
        folds = len(run.read_folds())
    except PoreguiError as error:
        return _damaged(run, problem_of(run) or error.what)
    except (OSError, ValueError, OverflowError):
        return _damaged(run, problem_of(run))
    problem = problem_of(run)
    if problem:
        return _damaged(run, problem, preset, f"{made:%Y-%m-%d %H:%M}")
    final = run.final_event()
    last = next((e for e in reversed(run.events()) if isinstance(e, EpochEnded)), None)
    accuracy = None
    n_test = 0
    epochs = best = 0
    if isinstance(final, Finished):
        accuracy = final.accuracy
        n_test = final.n_test
        epochs = final.epochs
        best = final.best_epoch
    elif last is not None:
        epochs = last.epoch
        best = last.best_epoch
    if folds:
        best = 0
        preset = f"{preset}, {count(folds, 'fold')}"
    return RunRow(
        number=run.number,
        preset=preset,
        when=f"{made:%Y-%m-%d %H:%M}",
        epochs=epochs,
        best=best,
        accuracy=accuracy,
        n_test=n_test,
        state=state_of(final),
        resumable=isinstance(final, Interrupted) or (isinstance(final, Failed) and _left_work(run)),
        name=read_notes(run).name,
    )


def _damaged(run: RunFolder, problem: str, preset: str = "", when: str = "") -> RunRow:
    again = run.trained_file.is_file() and run.model_file.is_file() and _has_inputs(run)
    row = RunRow(run.number, preset, when, 0, 0, None, 0, DAMAGED, resumable=again, problem=problem)
    return replace(row, name=read_notes(run).name)


def _left_work(run: RunFolder) -> bool:
    """Tell whether a trainer that died left something to go on from."""
    return run.checkpoint_file.exists() or run.model_file.is_file()


def _has_inputs(run: RunFolder) -> bool:
    """Tell whether all that a training is given can be read."""
    try:
        run.read_recipe()
        run.read_dataset()
        run.read_folds()
        run.require(run.crops_file)
    except PoreguiError:
        return False
    return True


def _number(row: RunRow) -> int:
    return row.number


_NO_PARENT = QModelIndex()


class RunTableModel(QAbstractTableModel):
    """Hold RunRows, the newest first, above them those that wait."""

    HEADINGS = ("Run", "Network", "When", "Epochs", "Best", "Accuracy", "Test crops", "State")
    _NUMBERS = (0, 3, 4, 5, 6)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RunRow] = []

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Show these runs; rows that stay keep their place where none is new."""
        waiting = sorted((row for row in rows if row.number < 0), key=_number)
        ordered = waiting + sorted(
            (row for row in rows if row.number >= 0), key=_number, reverse=True
        )
        if [row.number for row in ordered] == [row.number for row in self._rows]:
            self._rows = ordered
            if ordered:
                last = self.index(len(ordered) - 1, len(self.HEADINGS) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self._rows = ordered
        self.endResetModel()

    def row(self, position: int) -> RunRow:
        """Return the row at a place."""
        return self._rows[position]

    def rows(self) -> list[RunRow]:
        """Return all rows, the newest first."""
        return list(self._rows)

    def index_of(self, number: int) -> int:
        """Return the place of a run, -1 when it is not here."""
        return next(
            (position for position, row in enumerate(self._rows) if row.number == number), -1
        )

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.HEADINGS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.HEADINGS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts(self._rows[index.row()])[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._rows[index.row()].problem or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        if column in self._NUMBERS:
            side = Qt.AlignmentFlag.AlignRight
        else:
            side = Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    @staticmethod
    def _texts(row: RunRow) -> tuple[str, ...]:
        number = "–"
        if row.number > 0:
            number = str(row.number)
        accuracy = "–"
        if row.accuracy is not None:
            accuracy = percent(row.accuracy)
        network = row.preset
        if row.name:
            network = f"{row.name} ({row.preset})"
        return (
            number,
            network,
            row.when,
            str(row.epochs or "–"),
            str(row.best or "–"),
            accuracy,
            str(row.n_test or "–"),
            row.state,
        )


_STATE = len(RunTableModel.HEADINGS) - 1


class RunTable(QTableView):
    """Show RunRows; `chosen` carries the run that a person moved to, `opened` the one that was
    activated, `menu_requested` the chosen one (0: none) and where its menu opens.
    """

    chosen = Signal(int)
    opened = Signal(int)
    menu_requested = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_table")
        self.setAccessibleName("Runs")
        self.runs = RunTableModel(self)
        self._chosen = 0
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
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_menu)

    def set_rows(self, rows: list[RunRow]) -> None:
        """Show these runs and keep the chosen one."""
        number = self.current()
        self.runs.set_rows(rows)
        self.choose(number)

    def current(self) -> int:
        """Return the number of the chosen run, 0 for none."""
        index = self.currentIndex()
        if index.isValid():
            return self.runs.row(index.row()).number
        return 0

    def choose(self, number: int) -> None:
        """Choose a run, without telling of it; 0 chooses none."""
        self._chosen = number
        position = self.runs.index_of(number)
        if position >= 0:
            self.selectRow(position)
            self.scrollTo(self.runs.index(position, 0))
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def _ask_menu(self, at: QPoint) -> None:
        self.menu_requested.emit(max(0, self.current()), self.viewport().mapToGlobal(at))

    def _moved(self, now: QModelIndex) -> None:
        if not now.isValid():
            return
        number = self.runs.row(now.row()).number
        if number != self._chosen:
            self._chosen = number
            self.chosen.emit(number)

    def _activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.runs.row(index.row()).number)

"""Let a person choose a run by number, preset, accuracy and state; read these of each run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import (
    QPoint,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from poregui.domain.errors import DamagedRunError, PoreguiError
from poregui.domain.events import Cancelled, Event, Failed, Interrupted
from poregui.domain.wording import count, percent
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import theme
from poregui.store.project import Project
from poregui.store.run_check import glance_at
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import read_notes

_ENTRY = int(Qt.ItemDataRole.UserRole)
_PAD = 8


@dataclass(frozen=True)
class RunEntry:
    """Hold what tells a run apart; `accuracy` is a fraction, None before the test, `state` a word
    or two.

    `problem` says what is wrong with its files, empty when nothing is; `name` is what a person
    calls it.
    """

    number: int
    preset: str
    accuracy: float | None
    state: str = ""
    reviewable: bool = True
    problem: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """Return the entry in one line."""
        parts = [
            f"Run {self.number}",
            self.name,
            self.preset,
            accuracy_text(self.accuracy),
            self.state,
        ]
        return " · ".join(part for part in parts if part)


class RunPicker(QComboBox):
    """List runs, the newest first; `run_chosen` carries the number of the one that a person took,
    `menu_requested` the number of the chosen one (0: none) and where its menu opens.
    """

    run_chosen = Signal(int)
    menu_requested = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_picker")
        self.setAccessibleName("Run")
        self.setToolTip("Select a run")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setItemDelegate(_RunDelegate(self))
        self.setMaxVisibleItems(16)
        self.activated.connect(self._activated)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_menu)

    def ask_menu(self, at: QPoint) -> None:
        """Ask for the menu of the chosen run at a point of the screen."""
        self.menu_requested.emit(self.number or 0, at)

    def _ask_menu(self, at: QPoint) -> None:
        self.ask_menu(self.mapToGlobal(at))

    def set_runs(self, entries: Sequence[RunEntry]) -> None:
        """Show these runs (oldest first); the chosen one stays chosen, and nothing is told."""
        kept = self.number
        with QSignalBlocker(self):
            if [self.itemData(i, _ENTRY) for i in range(self.count())] != list(reversed(entries)):
                self.clear()
                for entry in reversed(entries):
                    self.addItem(entry.text)
                    self.setItemData(self.count() - 1, entry, _ENTRY)
                    self.setItemData(
                        self.count() - 1, entry.problem or None, Qt.ItemDataRole.ToolTipRole
                    )
            self._show(kept)

    def choose(self, number: int | None) -> None:
        """Show a run as the chosen one, without telling of it."""
        with QSignalBlocker(self):
            self._show(number)

    @property
    def number(self) -> int | None:
        """Return the number of the chosen run."""
        entry = self.currentData(_ENTRY)
        if entry is None:
            return None
        return int(entry.number)

    def _show(self, number: int | None) -> None:
        numbers = [self.itemData(i, _ENTRY).number for i in range(self.count())]
        if number in numbers:
            self.setCurrentIndex(numbers.index(number))
        else:
            self.setCurrentIndex(-1)

    def _activated(self) -> None:
        if self.number is not None:
            self.run_chosen.emit(self.number)


class _RunDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(240, option.fontMetrics.height() + 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: RunEntry | None = index.data(_ENTRY)
        if entry is None:
            return
        tokens = theme().tokens
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        ground = tokens.panel
        if chosen:
            ground = tokens.selection
        painter.fillRect(option.rect, QColor(ground))
        area = option.rect.adjusted(_PAD, 0, -_PAD, 0)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number = option.fontMetrics.horizontalAdvance("Run 000") + _PAD
        wide = option.fontMetrics.horizontalAdvance("default ")
        if entry.name:
            wide = min(option.fontMetrics.horizontalAdvance(entry.name), 2 * wide)
        preset = wide + _PAD
        accuracy = option.fontMetrics.horizontalAdvance("100.0 %")
        painter.setPen(QColor(tokens.text if entry.reviewable else tokens.muted))
        painter.drawText(
            QRect(area.x(), area.y(), number, area.height()), left, f"Run {entry.number}"
        )
        painter.drawText(
            QRect(area.x() + number, area.y(), wide, area.height()),
            left,
            option.fontMetrics.elidedText(
                entry.name or entry.preset, Qt.TextElideMode.ElideRight, wide
            ),
        )
        amount = QRect(area.x() + number + preset, area.y(), accuracy, area.height())
        painter.drawText(amount, right, accuracy_text(entry.accuracy))
        painter.setPen(QColor(tokens.muted))
        rest = area.adjusted(number + preset + accuracy + _PAD, 0, 0, 0)
        state = option.fontMetrics.elidedText(
            entry.state, Qt.TextElideMode.ElideRight, rest.width()
        )
        painter.drawText(rest, right, state)


def accuracy_text(accuracy: float | None) -> str:
    """Return an accuracy in per cent, empty where there is none."""
    if accuracy is None:
        return ""
    return percent(accuracy)


class RunList:
    """Read the runs of a project; those that have ended are read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ended: dict[int, RunEntry] = {}
        self.runs: dict[int, RunFolder] = {}

    def read(self) -> Sequence[RunEntry]:
        """Return an entry for each run, the oldest first."""
        self.runs = {run.number: run for run in self._project.runs()}
        return [self._entry(run) for run in self.runs.values()]

    def newest(self) -> int | None:
        """Return the number of the newest complete run, of the newest one with predictions, or of
        the newest one.
        """
        predicted = [number for number, run in self.runs.items() if run.predictions_file.exists()]
        complete = [number for number in predicted if is_complete(self.runs[number])]
        return max(complete or predicted or self.runs, default=None)

    def _entry(self, run: RunFolder) -> RunEntry:
        problem = glance_at(run)
        if problem:
            return damaged_entry(run, problem)
        if not run.predictions_file.exists():
            return self._without_predictions(run)
        known = self._ended.get(run.number) or run_entry(run)
        known = replace(known, name=read_notes(run).name)
        if run.metrics_file.exists():
            self._ended[run.number] = known
        return known

    def _without_predictions(self, run: RunFolder) -> RunEntry:
        return RunEntry(
            run.number,
            _preset(run),
            None,
            _state_text(run.final_event()),
            reviewable=False,
            name=read_notes(run).name,
        )

    def why_nothing(self, number: int) -> str:
        """Say why a run has no predictions."""
        problem = glance_at(self.runs[number])
        if problem:
            return f"{problem} {DamagedRunError.REMEDY}"
        return why_nothing(number, self.runs[number].final_event())


def note_passed_over(entries: Sequence[RunEntry], taken: int | None, noted: str) -> str:
    """Say why the newest run with damaged files is not the one that is used, unless that was
    `noted`; return it.
    """
    newer = [entry for entry in entries if entry.problem and entry.number > (taken or 0)]
    if not newer or taken is None:
        return noted
    sentence = f"{newer[-1].problem} Run {taken} is used instead."
    if sentence != noted:
        messages().note(sentence)
    return sentence


def run_entry(run: RunFolder) -> RunEntry:
    """Return what tells a run with predictions apart, read from its files."""
    problem = glance_at(run)
    if problem:
        return damaged_entry(run, problem)
    try:
        metrics = run.read_metrics()
    except PoreguiError as error:
        return damaged_entry(run, error.what)
    if run.folds_file.exists():
        state = "cross-validation"
    elif metrics.get("stopped"):
        state = "stopped early"
    else:
        state = ""
    accuracy = metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy"))
    name = read_notes(run).name
    return RunEntry(run.number, _preset(run), accuracy, state, name=name)


def damaged_entry(run: RunFolder, problem: str) -> RunEntry:
    """Return what marks a run whose files are not as they should be; `problem` is a sentence that
    says why.
    """
    return RunEntry(
        run.number,
        _preset(run),
        None,
        fault_in(problem),
        reviewable=False,
        problem=problem,
        name=read_notes(run).name,
    )


def fault_in(problem: str) -> str:
    """Return what is wrong with a run without its name and the full stop."""
    return problem.rpartition(" cannot be read: ")[2].rstrip(".")


def is_complete(run: RunFolder) -> bool:
    """Tell whether a run finished, as far as one sees without reading all of it."""
    return run.finished and not glance_at(run)


def run_to_show(
    runs: Mapping[int, RunFolder], chosen: int | None, wanted: Collection[int | None] = ()
) -> int | None:
    """Return the chosen one of `runs` as long as it is complete or `wanted`, else the newest
    complete one.
    """
    complete = [number for number, run in runs.items() if is_complete(run)]
    if chosen in runs and (chosen in complete or chosen in wanted):
        return chosen
    return max(complete or runs, default=None)


def _preset(run: RunFolder) -> str:
    try:
        return run.read_recipe().preset
    except PoreguiError:
        return ""


def _state_text(final: Event | None) -> str:
    """Return in a word or two how a run without predictions ended; None: it is still trained."""
    if final is None:
        return "training"
    ways = {Interrupted: "interrupted", Cancelled: "cancelled", Failed: "failed"}
    return ways.get(type(final), "no predictions")


def why_nothing(number: int, final: Event | None) -> str:
    """Say why a run without predictions has none, and what to do."""
    if final is None:
        return f"Run {number} is being trained. Its predictions appear here when it ends."
    if isinstance(final, Interrupted):
        when = "before its first epoch ended"
        if final.epochs:
            when = f"after {count(final.epochs, 'epoch')}"
        return (
            f"Run {number} was interrupted {when}, so nothing was tested. Train again, or choose "
            "another run."
        )
    if isinstance(final, Cancelled):
        return (
            f"Run {number} was cancelled, so nothing was tested. Choose another run, or train "
            "again."
        )
    if isinstance(final, Failed):
        return f"Run {number} failed: {final.what} {final.remedy}".strip()
    return f"The predictions of run {number} are missing. Restore predictions.csv, or train again."

"""Let a person choose a run by number, preset, accuracy and state; changes with what tells runs apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from poregui.gui.theme import theme

_ENTRY = int(Qt.ItemDataRole.UserRole)
_PAD = 8


@dataclass(frozen=True)
class RunEntry:
    """Hold what tells a run apart; `accuracy` is a fraction, None before the test, `state` a word or two.

    `problem` says what is wrong with its files, empty when nothing is.
    """

    number: int
    preset: str
    accuracy: float | None
    state: str = ""
    reviewable: bool = True
    problem: str = ""

    @property
    def text(self) -> str:
        """Return the entry in one line."""
        parts = [f"Run {self.number}", self.preset, accuracy_words(self.accuracy), self.state]
        return " · ".join(part for part in parts if part)


class RunPicker(QComboBox):
    """List runs, the newest first; `run_chosen` carries the number of the one that a person took."""

    run_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_picker")
        self.setAccessibleName("Run")
        self.setToolTip("Which training to look at")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setItemDelegate(_RunDelegate(self))
        self.setMaxVisibleItems(16)
        self.activated.connect(self._activated)

    def set_runs(self, entries: Sequence[RunEntry]) -> None:
        """Show these runs (oldest first); the chosen one stays chosen, and nothing is told."""
        kept = self.number
        with QSignalBlocker(self):
            if [self.itemData(i, _ENTRY) for i in range(self.count())] != list(reversed(entries)):
                self.clear()
                for entry in reversed(entries):
                    self.addItem(entry.text)
                    self.setItemData(self.count() - 1, entry, _ENTRY)
                    self.setItemData(self.count() - 1, entry.problem or None, Qt.ItemDataRole.ToolTipRole)
            self._show(kept)

    def choose(self, number: int | None) -> None:
        """Show a run as the chosen one, without telling of it."""
        with QSignalBlocker(self):
            self._show(number)

    @property
    def number(self) -> int | None:
        """Return the number of the chosen run."""
        entry = self.currentData(_ENTRY)
        return entry.number if entry is not None else None

    def _show(self, number: int | None) -> None:
        numbers = [self.itemData(i, _ENTRY).number for i in range(self.count())]
        self.setCurrentIndex(numbers.index(number) if number in numbers else -1)

    def _activated(self) -> None:
        if self.number is not None:
            self.run_chosen.emit(self.number)


class _RunDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(240, option.fontMetrics.height() + 10)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: RunEntry | None = index.data(_ENTRY)
        if entry is None:
            return
        tokens = theme().tokens
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.fillRect(option.rect, QColor(tokens.selection if chosen else tokens.panel))
        area = option.rect.adjusted(_PAD, 0, -_PAD, 0)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number = option.fontMetrics.horizontalAdvance("Run 000") + _PAD
        preset = option.fontMetrics.horizontalAdvance("default ") + _PAD
        percent = option.fontMetrics.horizontalAdvance("100.0 %")
        painter.setPen(QColor(tokens.text if entry.reviewable else tokens.muted))
        painter.drawText(QRect(area.x(), area.y(), number, area.height()), left, f"Run {entry.number}")
        painter.drawText(QRect(area.x() + number, area.y(), preset, area.height()), left, entry.preset)
        amount = QRect(area.x() + number + preset, area.y(), percent, area.height())
        painter.drawText(amount, right, accuracy_words(entry.accuracy))
        painter.setPen(QColor(tokens.muted))
        rest = area.adjusted(number + preset + percent + _PAD, 0, 0, 0)
        state = option.fontMetrics.elidedText(entry.state, Qt.TextElideMode.ElideRight, rest.width())
        painter.drawText(rest, right, state)


def accuracy_words(accuracy: float | None) -> str:
    """Return an accuracy in per cent, empty where there is none."""
    return "" if accuracy is None else f"{100 * accuracy:.1f} %"

"""Ask what a network is tested on: specimens, micrographs or sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count, noun, percent
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.workflow.training.test_split import Group, word_for

CheckSplit = Callable[[frozenset[str]], tuple[str, ...]]


class TestSplitDialog(FormDialog):
    """Return `keys` after it was accepted: the groups whose boxes are ticked.

    `check_split` is given the ticked keys and returns warnings; it raises PoreguiError for a choice
    that cannot be.
    """

    __test__ = False  # no test, though its name begins like one

    def __init__(
        self,
        groups: Sequence[Group],
        classes: Sequence[str],
        check_split: CheckSplit,
        parent: QWidget | None = None,
    ) -> None:
        self._kind = word_for([group.key for group in groups])
        super().__init__(f"Test {noun(2, self._kind)}", "Use as test set", parent)
        self.setObjectName("test_side_dialog")
        self._groups = tuple(groups)
        self._check_split = check_split
        self.form.addRow(
            hint(
                f"Ticked {noun(2, self._kind)} are used for testing and never for training. Choose "
                "them once, before you look at results, and leave them."
            )
        )
        self.table = self._build(classes)
        self.form.addRow(self.table)
        self.summary = QLabel()
        self.summary.setObjectName("test_side_warnings")
        self.summary.setProperty("warning", True)
        self.summary.setWordWrap(True)
        self.summary.setMinimumHeight(4 * self.fontMetrics().lineSpacing())
        self.summary.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.form.addRow(self.summary)
        self.table.itemChanged.connect(self._update_summary)
        self._update_summary()

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of the groups that are ticked."""
        rows = enumerate(self._groups)
        return frozenset(group.key for row, group in rows if self._ticked(row))

    def check(self) -> None:
        self._check_split(self.keys)

    def _ticked(self, row: int) -> bool:
        item = self.table.item(row, 0)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _update_summary(self, *_: object) -> None:
        self._problem.hide()
        rows = enumerate(self._groups)
        tested = sum(sum(group.counts) for row, group in rows if self._ticked(row))
        total = sum(sum(group.counts) for group in self._groups)
        try:
            warnings = self._check_split(self.keys)
            bad = False
        except PoreguiError as error:
            warnings = (str(error),)
            bad = True
        share = percent(tested / max(total, 1), 0)
        summary = f"Test set: {tested:,} of {count(total, 'crop')} ({share})."
        self.summary.setText("\n".join([summary, *warnings]))
        self.ok.setEnabled(not bad)

    def _build(self, classes: Sequence[str]) -> QTableWidget:
        headings = [self._kind.capitalize(), *classes, "Crops"]
        table = QTableWidget(len(self._groups), len(headings))
        table.setObjectName("test_side_table")
        table.setAccessibleName(
            f"{noun(2, self._kind).capitalize()} and their crops per class; ticked ones are the "
            "test set"
        )
        table.setHorizontalHeaderLabels(headings)
        table.verticalHeader().hide()
        table.setTabKeyNavigation(False)  # Tab leads to the buttons
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for row, group in enumerate(self._groups):
            name = QTableWidgetItem(group.name)
            name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            name.setCheckState(Qt.CheckState.Unchecked)
            if group.tested:
                name.setCheckState(Qt.CheckState.Checked)
            table.setItem(row, 0, name)
            for column, crops in enumerate((*group.counts, sum(group.counts)), start=1):
                table.setItem(row, column, _count_cell(crops))
        table.setMinimumHeight(min(300, 40 + (self.fontMetrics().height() + 8) * len(self._groups)))
        return table


def _count_cell(crops: int) -> QTableWidgetItem:
    cell = QTableWidgetItem("–")
    if crops:
        cell.setText(f"{crops:,}")
    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    cell.setFlags(Qt.ItemFlag.ItemIsEnabled)
    return cell

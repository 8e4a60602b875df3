"""Ask on what a network is tested: specimens, micrographs or sources."""

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
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.workflow.training.test_split import Group, word_for

Judge = Callable[[frozenset[str]], tuple[str, ...]]


class TestSideDialog(FormDialog):
    """Return `keys` after it was accepted: the groups whose boxes are ticked.

    `judge` is given the ticked keys and returns warnings; it raises PoreguiError for a choice that
    cannot be.
    """

    __test__ = False  # no test, though its name begins like one

    def __init__(
        self,
        groups: Sequence[Group],
        classes: Sequence[str],
        judge: Judge,
        parent: QWidget | None = None,
    ) -> None:
        self._kind = word_for([group.key for group in groups])
        super().__init__(f"Test {self._kind}s", "Test on these", parent)
        self.setObjectName("test_side_dialog")
        self._groups = tuple(groups)
        self._judge = judge
        self.form.addRow(
            hint(
                f"Ticked {self._kind}s are never trained on: they say what the network is worth "
                "on new ones. Choose "
                "them once, before you look at results, and leave them."
            )
        )
        self.table = self._build(classes)
        self.form.addRow(self.table)
        self.said = QLabel()
        self.said.setObjectName("test_side_warnings")
        self.said.setProperty("warning", True)
        self.said.setWordWrap(True)
        self.said.setMinimumHeight(4 * self.fontMetrics().lineSpacing())
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.form.addRow(self.said)
        self.table.itemChanged.connect(lambda _: self._tell())
        self._tell()

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of the groups that are ticked."""
        rows = enumerate(self._groups)
        return frozenset(group.key for row, group in rows if self._ticked(row))

    def check(self) -> None:
        self._judge(self.keys)

    def _ticked(self, row: int) -> bool:
        item = self.table.item(row, 0)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _tell(self) -> None:
        self._problem.hide()
        share = sum(
            sum(group.counts) for row, group in enumerate(self._groups) if self._ticked(row)
        )
        total = sum(sum(group.counts) for group in self._groups)
        try:
            warnings = self._judge(self.keys)
            bad = False
        except PoreguiError as error:
            warnings = (str(error),)
            bad = True
        told = f"{share} of {total} crops are tested ({100 * share / max(total, 1):.0f} %)."
        self.said.setText("\n".join([told, *warnings]))
        self.ok.setEnabled(not bad)

    def _build(self, classes: Sequence[str]) -> QTableWidget:
        headings = [self._kind.capitalize(), *classes, "Crops"]
        table = QTableWidget(len(self._groups), len(headings))
        table.setObjectName("test_side_table")
        table.setAccessibleName(
            f"{self._kind.capitalize()}s with their crops of each class; ticked ones are tested on"
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
            name.setCheckState(Qt.CheckState.Checked if group.tested else Qt.CheckState.Unchecked)
            table.setItem(row, 0, name)
            for column, count in enumerate((*group.counts, sum(group.counts)), start=1):
                cell = QTableWidgetItem(str(count) if count else "–")
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                cell.setFlags(Qt.ItemFlag.ItemIsEnabled)
                table.setItem(row, column, cell)
        table.setMinimumHeight(min(300, 40 + (self.fontMetrics().height() + 8) * len(self._groups)))
        return table

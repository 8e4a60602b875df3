"""Ask in which micrographs pores are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.gui.base import pieces
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.workflow.detecting.detection_status import Searchable

_SAID = {"never": "not yet", "otherwise": "by another recipe", "same": "by this recipe"}
_ID = Qt.ItemDataRole.UserRole
_CHECKED = Qt.CheckState.Checked
_UNCHECKED = Qt.CheckState.Unchecked
_ROWS = 12


class WhichMicrographsDialog(FormDialog):
    """Return `ids` after it was accepted: the micrographs whose boxes are ticked, in the order of
    the project.
    """

    def __init__(self, micrographs: Sequence[Searchable], parent: QWidget | None = None) -> None:
        super().__init__("Find pores in several micrographs", "Find pores", parent)
        self.setObjectName("which_micrographs_dialog")
        self._micrographs = tuple(micrographs)
        self.form.addRow(
            hint(
                "Labels stay with their pores, proposals without a label are replaced. Undo "
                "takes all of it back."
            )
        )
        self.tree = self._build()
        self._leaves: dict[int, QTreeWidgetItem] = {}
        self._fill()
        self.form.addRow(self.tree)
        self.said = QLabel()
        self.said.setObjectName("which_micrographs_said")
        self.form.addRow(self._choices())
        self.tree.itemChanged.connect(lambda _item, _column: self._tell())
        self._tell()

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the ids of the micrographs that are ticked."""
        return tuple(
            one.id for one in self._micrographs if self._leaves[one.id].checkState(0) == _CHECKED
        )

    def check(self) -> None:
        if not self.ids:
            raise PoreguiError(
                "No micrograph is ticked.", "Tick those in which pores are to be found."
            )

    def tick(self, ids: Sequence[int]) -> None:
        """Tick these micrographs and no others."""
        wanted = frozenset(ids)
        blocked = self.tree.blockSignals(True)
        for micrograph_id, leaf in self._leaves.items():
            leaf.setCheckState(0, _CHECKED if micrograph_id in wanted else _UNCHECKED)
        self.tree.blockSignals(blocked)
        self.tree.viewport().update()
        self._tell()

    def _tell(self) -> None:
        self._problem.hide()
        count = len(self.ids)
        all_ = len(self._micrographs)
        self.said.setText(f"{count} of {all_} ticked")
        self.ok.setEnabled(count > 0)

    def _choices(self) -> QWidget:
        everyone = [one.id for one in self._micrographs]
        new = [one.id for one in self._micrographs if one.searched != "same"]
        every_button = pieces.button("which_all", "All", "Tick all micrographs")
        none_button = pieces.button("which_none", "None", "Tick no micrograph")
        new_button = pieces.button(
            "which_new", "Not searched so", "Tick those not searched by this recipe yet"
        )
        for button, ids in ((every_button, everyone), (none_button, []), (new_button, new)):
            button.clicked.connect(lambda _=False, ids=ids: self.tick(ids))
        new_button.setEnabled(bool(new))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (every_button, none_button, new_button):
            layout.addWidget(button)
        layout.addStretch()
        layout.addWidget(self.said)
        return row

    def _build(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName("which_micrographs_tree")
        tree.setAccessibleName("Micrographs by specimen; pores are looked for in ticked ones")
        tree.setHeaderLabels(["Micrograph", "Scale", "Crops", "Searched"])
        tree.setUniformRowHeights(True)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        return tree

    def _fill(self) -> None:
        by_specimen = sorted(self._micrographs, key=lambda one: (not one.specimen, one.specimen))
        for specimen, several in groupby(by_specimen, key=lambda one: one.specimen):
            top = QTreeWidgetItem(self.tree, [specimen or "Without a specimen"])
            flags = (
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsSelectable
            )
            top.setFlags(flags | Qt.ItemFlag.ItemIsAutoTristate)
            for one in several:
                if one.um_per_px:
                    scale = f"{one.um_per_px:.4g} µm/px"
                else:
                    scale = "unknown"
                leaf = QTreeWidgetItem(
                    top, [one.name, scale, f"{one.crops:,}", _SAID[one.searched]]
                )
                leaf.setFlags(flags | Qt.ItemFlag.ItemNeverHasChildren)
                leaf.setTextAlignment(
                    2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
                leaf.setCheckState(0, _CHECKED)
                leaf.setData(0, _ID, one.id)
                leaf.setToolTip(0, one.name)
                self._leaves[one.id] = leaf
            top.setExpanded(True)
        rows = min(_ROWS, self.tree.topLevelItemCount() + len(self._leaves))
        self.tree.setMinimumHeight((rows + 2) * (self.fontMetrics().height() + 8))
        self.setMinimumWidth(620)


def ask_which_micrographs(
    micrographs: Sequence[Searchable], parent: QWidget | None = None
) -> tuple[int, ...]:
    """Ask a person and return the ids of the chosen micrographs; none where the person thought
    better of it.
    """
    dialog = WhichMicrographsDialog(micrographs, parent)
    try:
        if dialog.exec() == QDialog.DialogCode.Accepted:
            return dialog.ids
        return ()
    finally:
        dialog.deleteLater()

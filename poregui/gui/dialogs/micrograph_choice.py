"""Ask which micrographs to search for pores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

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
from poregui.domain.wording import count
from poregui.gui.base import pieces
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.workflow.detecting.find_pores import Searchable

_PROCESSED = {"never": "no", "otherwise": "other settings", "same": "current settings"}
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
            hint("Labelled pores are kept, unlabelled candidates are replaced. Undo restores them.")
        )
        self.tree = self._build()
        self._leaves: dict[int, QTreeWidgetItem] = {}
        self._fill()
        self.form.addRow(self.tree)
        self.summary = QLabel()
        self.summary.setObjectName("which_micrographs_said")
        self.form.addRow(self._choices())
        self.tree.itemChanged.connect(self._update_summary)
        self._update_summary()

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the ids of the micrographs that are ticked."""
        return tuple(
            micrograph.id
            for micrograph in self._micrographs
            if self._leaves[micrograph.id].checkState(0) == _CHECKED
        )

    def check(self) -> None:
        if not self.ids:
            raise PoreguiError("No micrograph is ticked.", "Tick those to search for pores.")

    def tick(self, ids: Sequence[int]) -> None:
        """Tick these micrographs and no others."""
        wanted = frozenset(ids)
        blocked = self.tree.blockSignals(True)
        for micrograph_id, leaf in self._leaves.items():
            if micrograph_id in wanted:
                leaf.setCheckState(0, _CHECKED)
            else:
                leaf.setCheckState(0, _UNCHECKED)
        self.tree.blockSignals(blocked)
        self.tree.viewport().update()
        self._update_summary()

    def _update_summary(self, *_: object) -> None:
        self._problem.hide()
        chosen = len(self.ids)
        self.summary.setText(f"{chosen:,} of {count(len(self._micrographs), 'micrograph')}")
        self.ok.setEnabled(chosen > 0)

    def _choices(self) -> QWidget:
        everyone = [micrograph.id for micrograph in self._micrographs]
        new = [micrograph.id for micrograph in self._micrographs if micrograph.searched != "same"]
        every_button = pieces.button("which_all", "All", "Tick all micrographs")
        none_button = pieces.button("which_none", "None", "Tick no micrograph")
        new_button = pieces.button(
            "which_new", "Not yet processed", "Tick those not yet processed with current settings"
        )
        for button, ids in ((every_button, everyone), (none_button, []), (new_button, new)):
            button.clicked.connect(partial(self.tick, ids))
        new_button.setEnabled(bool(new))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (every_button, none_button, new_button):
            layout.addWidget(button)
        layout.addStretch()
        layout.addWidget(self.summary)
        return row

    def _build(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName("which_micrographs_tree")
        tree.setAccessibleName("Micrographs by specimen; pores are searched for in ticked ones")
        tree.setHeaderLabels(["Micrograph", "Pixel size", "Crops", "Processed"])
        tree.setUniformRowHeights(True)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        return tree

    def _fill(self) -> None:
        named = {micrograph.specimen for micrograph in self._micrographs if micrograph.specimen}
        for specimen in (*sorted(named), ""):
            several = [
                micrograph for micrograph in self._micrographs if micrograph.specimen == specimen
            ]
            if not several:
                continue
            top = QTreeWidgetItem(self.tree, [specimen or "No specimen"])
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
                    top, [one.name, scale, f"{one.crops:,}", _PROCESSED[one.searched]]
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

"""Show the pores that a network left to a person as a grid to label with keys; changes with how they are answered."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from poregui.domain.classes import PoreClass
from poregui.gui.base import pieces
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.label.label_keys import LabelKeys
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow


class UnsureDialog(QDialog):
    """Hold the grid; `pressed` carries what a key means (see LabelKeys), the least sure pore stands first."""

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unsure_dialog")
        self.setWindowTitle("Unsure pores")
        self.resize(760, 520)
        self.grid = CropGrid(parent=self)
        self.grid.setObjectName("unsure_grid")
        self.grid.setAccessibleName("Pores that the network was not sure about, the least sure first")
        self.grid.set_cell(112, lines=1)
        self.title = pieces.heading("", name="unsure_title", strong=True)
        self.hint = pieces.muted("unsure_hint")
        self.hint.setWordWrap(True)
        self.keys = LabelKeys(self)
        self.keys.watch([self.grid])
        self.keys.pressed.connect(self.pressed)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(self.title)
        layout.addWidget(self.hint)
        layout.addWidget(self.grid, 1)
        layout.addWidget(close)
        self.grid.setFocus()

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Say which key gives which class."""
        self.grid.set_classes(classes)
        live = [one for one in classes if not one.retired]
        words = key_map().words
        keys = [f"{words(f'class_{place}')} {one.name}" for place, one in enumerate(live[:9], start=1)]
        others = (("not_a_pore", "Not a pore"), ("unsure", "Unsure"), ("undo", "Undo"))
        self.hint.setText("   ".join([*keys, *(f"{words(name)} {text}" for name, text in others)]))

    def set_rows(self, rows: Sequence[CropRow]) -> None:
        """Show pores and how many of them are answered."""
        self.grid.set_rows(rows)
        answered = sum(row.label is not None for row in rows)
        self.title.setText(f"{answered} of {len(rows)} answered")

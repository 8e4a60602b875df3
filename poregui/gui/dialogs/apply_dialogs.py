"""Ask how a recipe is locked, and show the pores that a network left to a person."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QVBoxLayout, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count, percent
from poregui.gui.base import pieces
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.dialogs.base import FormDialog, hint, scale_from
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.widgets.key_filter import LabelKeys


class LockDialog(FormDialog):
    """Return `who`, `title` and `um_per_px` (None: from each micrograph) after it was
    accepted.
    """

    def __init__(
        self, network: str, min_confidence: float, who: str, parent: QWidget | None = None
    ) -> None:
        super().__init__("Lock the recipe", "Lock", parent)
        self.who = who
        self.title = ""
        self.um_per_px: float | None = None
        self._who = _line("lock_who_edit", "Your name", who)
        self._title = _line("lock_title_edit", "Name of the recipe", "")
        self._scale = _line("lock_scale_edit", "Pixel size (µm/px)", "")
        self._scale.setPlaceholderText("from each micrograph")
        self.form.addRow("Network", QLabel(network))
        self.form.addRow("Minimum confidence", QLabel(percent(min_confidence, 0)))
        self.form.addRow("Locked by", self._who)
        self.form.addRow("Name", self._title)
        self.form.addRow("Pixel size (µm/px)", self._scale)
        self.form.addRow(
            "",
            hint("This also locks the project's current detection recipe. Reports name the lock."),
        )

    def check(self) -> None:
        """Read the form."""
        self.who = self._who.text().strip()
        self.title = self._title.text().strip()
        if not self.who:
            raise PoreguiError("No name was given for who locks this recipe.", "Enter your name.")
        self.um_per_px = scale_from(self._scale.text())


def _line(name: str, accessible: str, text: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setObjectName(name)
    line.setAccessibleName(accessible)
    return line


class UnsureDialog(QDialog):
    """Hold the grid; `pressed` carries what a key means (see LabelKeys), the least certain pore
    stands first.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unsure_dialog")
        self.setWindowTitle("Unsure pores")
        self.resize(760, 520)
        self.grid = CropGrid(self)
        self.grid.setObjectName("unsure_grid")
        self.grid.setAccessibleName("Pores the network is unsure about, least certain first")
        self.grid.set_cell(112, lines=1)
        self.title = pieces.heading("", name="unsure_title", strong=True)
        self.hint = pieces.muted("unsure_hint")
        self.hint.setWordWrap(True)
        self.keys = LabelKeys(self)
        self.keys.watch([self.grid])
        self.keys.pressed.connect(self.pressed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(self.title)
        layout.addWidget(self.hint)
        layout.addWidget(self.grid, 1)
        layout.addWidget(pieces.close_buttons(self, on_enter=False))
        self.grid.setFocus()

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Say which key gives which class."""
        self.grid.set_classes(classes)
        live = [pore_class for pore_class in classes if not pore_class.retired]
        named = [(f"class_{index}", one.name) for index, one in enumerate(live[:9], start=1)]
        named += [("not_a_pore", "Not a pore"), ("unsure", "Unsure"), ("undo", "Undo")]
        self.hint.setText("   ".join(f"{key_map().text(key)} {text}" for key, text in named))

    def set_rows(self, rows: Sequence[CropRow]) -> None:
        """Show pores and how many of them are answered."""
        self.grid.set_rows(rows)
        labelled = sum(row.label is not None for row in rows)
        self.title.setText(f"{labelled:,} of {count(len(rows), 'pore')} labelled")

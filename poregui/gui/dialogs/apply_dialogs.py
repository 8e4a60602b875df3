"""Ask how a recipe is locked, and show the pores that a network left to a person."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.gui.base import pieces
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.gui.widgets.label_keys import LabelKeys
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow


class LockDialog(FormDialog):
    """Return `who`, `title` and `um_per_px` (None: what each micrograph says) after it was
    accepted.
    """

    def __init__(self, network: str, least: float, who: str, parent: QWidget | None = None) -> None:
        super().__init__("Lock the recipe", "Lock", parent)
        self.who = who
        self.title = ""
        self.um_per_px: float | None = None
        self._who = _line("lock_who_edit", "Your name", who)
        self._title = _line("lock_title_edit", "Name of the recipe", "")
        self._scale = _line("lock_scale_edit", "Scale in um per px", "")
        self._scale.setPlaceholderText("what each micrograph says")
        self.form.addRow("Network", QLabel(network))
        self.form.addRow("Confidence", QLabel(f"at least {100 * least:.0f} %"))
        self.form.addRow("Locked by", self._who)
        self.form.addRow("Called", self._title)
        self.form.addRow("Scale, µm per px", self._scale)
        self.form.addRow(
            "",
            hint(
                "The detection recipe of this project as it is now is locked, too. Reports say so."
            ),
        )

    def check(self) -> None:
        """Read the form."""
        self.who, self.title = self._who.text().strip(), self._title.text().strip()
        if not self.who:
            raise PoreguiError("Nobody locks this recipe.", "Write your name.")
        text = self._scale.text().strip().replace(",", ".")
        self.um_per_px = None
        if text:
            try:
                self.um_per_px = float(text)
            except ValueError as error:
                raise PoreguiError(
                    f"{text!r} is no scale.", "Write um per px, such as 0.42."
                ) from error
            if not 0 < self.um_per_px < 1e6:
                raise PoreguiError(f"{text!r} is no scale.", "Write um per px above 0.")


def _line(name: str, accessible: str, text: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setObjectName(name)
    line.setAccessibleName(accessible)
    return line


class UnsureDialog(QDialog):
    """Hold the grid; `pressed` carries what a key means (see LabelKeys), the least sure pore stands
    first.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unsure_dialog")
        self.setWindowTitle("Unsure pores")
        self.resize(760, 520)
        self.grid = CropGrid(parent=self)
        self.grid.setObjectName("unsure_grid")
        self.grid.setAccessibleName(
            "Pores that the network was not sure about, the least sure first"
        )
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
        keys = [
            f"{words(f'class_{place}')} {one.name}" for place, one in enumerate(live[:9], start=1)
        ]
        others = (("not_a_pore", "Not a pore"), ("unsure", "Unsure"), ("undo", "Undo"))
        self.hint.setText("   ".join([*keys, *(f"{words(name)} {text}" for name, text in others)]))

    def set_rows(self, rows: Sequence[CropRow]) -> None:
        """Show pores and how many of them are answered."""
        self.grid.set_rows(rows)
        answered = sum(row.label is not None for row in rows)
        self.title.setText(f"{answered} of {len(rows)} answered")

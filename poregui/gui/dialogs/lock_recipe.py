"""Ask who locks a recipe, how it is called, and at which scale; changes with what is fixed."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.dialogs.base import FormDialog, hint


class LockDialog(FormDialog):
    """Return `who`, `title` and `um_per_px` (None: what each micrograph says) after it was accepted."""

    def __init__(self, network: str, least: float, who: str, parent: QWidget | None = None) -> None:
        super().__init__("Lock the recipe", "Lock", parent)
        self.who, self.title = who, ""
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
        self.form.addRow("", hint("The detection recipe of this project as it is now is locked, too. Reports say so."))

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
                raise PoreguiError(f"{text!r} is no scale.", "Write um per px, such as 0.42.") from error
            if not 0 < self.um_per_px < 1e6:
                raise PoreguiError(f"{text!r} is no scale.", "Write um per px above 0.")


def _line(name: str, accessible: str, text: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setObjectName(name)
    line.setAccessibleName(accessible)
    return line

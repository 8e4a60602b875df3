"""Ask how long a scale bar is that was marked on a picture."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.dialogs.base import FormDialog

UNITS = {"um": 1.0, "nm": 1e-3, "mm": 1e3}


class BarLengthDialog(FormDialog):
    """Return the length in `um` after it was accepted."""

    def __init__(self, length_px: float, parent: QWidget | None = None) -> None:
        super().__init__("Scale bar", "Set scale", parent)
        self.um = 0.0
        self.form.addRow("Marked", QLabel(f"{length_px:.1f} px"))
        self._length = QLineEdit()
        self._length.setObjectName("bar_length_edit")
        self._length.setAccessibleName("Length of the scale bar")
        self._length.setPlaceholderText("as written beside the bar")
        self._unit = QComboBox()
        self._unit.setObjectName("bar_unit_box")
        self._unit.setAccessibleName("Unit")
        self._unit.addItems(list(UNITS))
        self.form.addRow("Length", self._length)
        self.form.addRow("Unit", self._unit)

    def check(self) -> None:
        text = self._length.text().strip()
        try:
            value = float(text.replace(",", "."))
        except ValueError as error:
            raise PoreguiError(f"{text!r} is no length.", "Write it as a number, such as 20 or 0,5.") from error
        if not 0 < value < 1e9:
            raise PoreguiError(f"{text!r} is no length.", "Write a number above 0.")
        self.um = value * UNITS[self._unit.currentText()]

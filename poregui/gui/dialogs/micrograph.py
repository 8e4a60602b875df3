"""Ask for the specimen and the scale of micrographs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from poregui.domain.records import Micrograph
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.gui.dialogs.numbers import scale_from


class MicrographDialog(FormDialog):
    """Return `specimen` and `um_per_px` after it was accepted."""

    def __init__(
        self, micrograph: Micrograph, specimen: str, specimens: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__("Micrograph", "Change", parent)
        self.specimen = specimen
        self.um_per_px = micrograph.um_per_px
        kind = "grey" if micrograph.channels == 1 else "colour"
        self.form.addRow("File", QLabel(micrograph.name))
        self.form.addRow(
            "Picture", QLabel(f"{micrograph.width} x {micrograph.height} px, {micrograph.bits}-bit {kind}")
        )
        self._specimen = QComboBox()
        self._specimen.setObjectName("micrograph_specimen_box")
        self._specimen.setAccessibleName("Specimen")
        self._specimen.setEditable(True)
        self._specimen.addItems(["", *specimens])
        self._specimen.setCurrentText(specimen)
        self.form.addRow("Specimen", self._specimen)
        scale = "" if micrograph.um_per_px is None else f"{micrograph.um_per_px:g}"
        self._scale = QLineEdit(scale)
        self._scale.setObjectName("micrograph_scale_edit")
        self._scale.setAccessibleName("Scale in um per px")
        self._scale.setPlaceholderText("unknown")
        self.form.addRow("um per px", self._scale)
        self.form.addRow("", hint(micrograph.scale_source and f"Scale: {micrograph.scale_source}."))

    def check(self) -> None:
        self.um_per_px = scale_from(self._scale.text())
        self.specimen = self._specimen.currentText().strip()

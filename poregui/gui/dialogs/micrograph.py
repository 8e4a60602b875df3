"""Ask for the specimen and the scale of micrographs, and for the page where a file has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSpinBox, QWidget

from poregui.domain.plane import Plane
from poregui.domain.records import Micrograph
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.gui.dialogs.numbers import scale_from
from poregui.vision.header import Header


class MicrographDialog(FormDialog):
    """Return `specimen`, `um_per_px` and `plane` after it was accepted."""

    def __init__(
        self, micrograph: Micrograph, specimen: str, specimens: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__("Micrograph", "Change", parent)
        self.specimen = specimen
        self.um_per_px = micrograph.um_per_px
        self.plane = Plane.parse(micrograph.plane)
        self._planes: dict[str, QSpinBox] = {}
        kind = "grey" if micrograph.channels == 1 else "colour"
        self.form.addRow("File", QLabel(micrograph.shown_name))
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
        if self._planes:
            numbers = {part: box.value() for part, box in self._planes.items()}
            self.plane = Plane(numbers.get("page", 1), numbers.get("channel") or None, numbers.get("z", 1))

    def offer_planes(self, header: Header) -> None:
        """Let a person choose among the pages, channels and slices of the file, below the picture's size."""
        row = 2
        for part, title, many, now, least in (
            ("page", "Page", header.pages, self.plane.page, 1),
            ("channel", "Channel", header.channels, self.plane.channel or 0, 0),
            ("z", "Slice", header.slices, self.plane.z, 1),
        ):
            if many < 2:
                continue
            box = QSpinBox()
            box.setObjectName(f"micrograph_{part}_box")
            box.setAccessibleName(title)
            box.setRange(least, many)
            box.setValue(now)
            box.setSuffix(f" of {many}")
            if least == 0:
                box.setSpecialValueText("all colours" if many in (3, 4) else "the first")
            self._planes[part] = box
            self.form.insertRow(row, title, box)
            row += 1


class SeveralMicrographsDialog(FormDialog):
    """Return `specimen` and `um_per_px` for several micrographs after it was accepted; None leaves each as it is."""

    def __init__(
        self, micrographs: Sequence[Micrograph], specimens: Mapping[int, str], parent: QWidget | None = None
    ) -> None:
        super().__init__("Micrographs", f"Change {len(micrographs)} micrographs", parent)
        self.specimen: str | None = None
        self.um_per_px: float | None = None
        names = {specimens.get(m.specimen_id or 0, "") for m in micrographs}
        scales = {m.um_per_px for m in micrographs}
        self._specimen_before = names.pop() if len(names) == 1 else ""
        scale = scales.pop() if len(scales) == 1 else None
        self._scale_before = "" if scale is None else f"{scale:g}"
        self.form.addRow("Files", QLabel(_listed([m.shown_name for m in micrographs])))
        self._specimen = QComboBox()
        self._specimen.setObjectName("micrographs_specimen_box")
        self._specimen.setAccessibleName("Specimen of all of them")
        self._specimen.setEditable(True)
        self._specimen.addItems(["", *specimens.values()])
        self._specimen.setCurrentText(self._specimen_before)
        if field := self._specimen.lineEdit():
            field.setPlaceholderText("leave as it is")
        self.form.addRow("Specimen", self._specimen)
        self._scale = QLineEdit(self._scale_before)
        self._scale.setObjectName("micrographs_scale_edit")
        self._scale.setAccessibleName("Scale of all of them in um per px")
        self._scale.setPlaceholderText("leave as it is")
        self.form.addRow("um per px", self._scale)
        self.form.addRow("", hint("An empty field leaves each micrograph as it is."))

    def check(self) -> None:
        specimen, scale = " ".join(self._specimen.currentText().split()), self._scale.text().strip()
        self.specimen = None if specimen in ("", self._specimen_before) else specimen
        self.um_per_px = None if scale == self._scale_before else scale_from(scale)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 3
    return "\n".join([*names[:3], *([f"and {more} more"] if more > 0 else [])])

"""Ask for the specimen and pixel size of micrographs, and how long a scale bar is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Micrograph, Plane
from poregui.domain.wording import count, decimal_from, shortened
from poregui.gui.base.pieces import WholeNumberBox
from poregui.gui.dialogs.base import FormDialog, hint, scale_from
from poregui.vision.io.header import Header

UNITS = {"µm": 1.0, "nm": 1e-3, "mm": 1e3}


class BarLengthDialog(FormDialog):
    """Return the length in `um` after it was accepted, and whether it holds `for_similar`
    micrographs too, of which there are `similar` without a pixel size.
    """

    def __init__(self, length_px: float, parent: QWidget | None = None, similar: int = 0) -> None:
        super().__init__("Scale bar", "Set scale", parent)
        self.um = 0.0
        self.form.addRow("Measured length", QLabel(f"{length_px:.1f} px"))
        self._length = QLineEdit()
        self._length.setObjectName("bar_length_edit")
        self._length.setAccessibleName("Length of the scale bar")
        self._length.setPlaceholderText("length printed on the image")
        self._unit = QComboBox()
        self._unit.setObjectName("bar_unit_box")
        self._unit.setAccessibleName("Unit")
        self._unit.addItems(list(UNITS))
        self.form.addRow("Length", self._length)
        self.form.addRow("Unit", self._unit)
        text = f"Also for {count(similar, 'similar micrograph')} without a pixel size"
        self.similar_box = _similar_box(self, "bar_similar_box", text)
        self.similar_box.setChecked(similar > 0)
        if similar:
            self.form.addRow("", self.similar_box)
            self.similar_box.show()

    @property
    def for_similar(self) -> bool:
        """Tell whether similar micrographs get the pixel size too."""
        return self.similar_box.isChecked()

    def check(self) -> None:
        text = self._length.text().strip()
        try:
            value = decimal_from(text)
        except ValueError as error:
            raise PoreguiError(
                f"{text!r} is not a length.", "Enter a length, e.g. 20 or 0.5."
            ) from error
        if not 0 < value < 1e9:
            raise PoreguiError(f"{text!r} is not a length.", "Enter a number above 0.")
        self.um = value * UNITS[self._unit.currentText()]


class MicrographDialog(FormDialog):
    """Return `specimen`, `um_per_px` and `plane` after it was accepted, and whether pixel size and
    masks are `scale_for_similar` and `masks_for_similar`, of which there are `similar`.
    """

    def __init__(
        self,
        micrograph: Micrograph,
        specimen: str,
        specimens: Sequence[str],
        parent: QWidget | None = None,
        similar: int = 0,
    ) -> None:
        super().__init__("Micrograph", "Change", parent)
        self.specimen = specimen
        self.um_per_px = micrograph.um_per_px
        self.plane = Plane.parse(micrograph.plane)
        self._planes: dict[str, WholeNumberBox] = {}
        self.form.addRow("File", QLabel(micrograph.shown_name))
        self.form.addRow("Image", QLabel(_described(micrograph)))
        self._specimen = QComboBox()
        self._specimen.setObjectName("micrograph_specimen_box")
        self._specimen.setAccessibleName("Specimen")
        self._specimen.setEditable(True)
        self._specimen.addItems(["", *specimens])
        self._specimen.setCurrentText(specimen)
        self.form.addRow("Specimen", self._specimen)
        self._before = micrograph
        self._scale = QLineEdit(_number(micrograph.um_per_px))
        self._scale.setObjectName("micrograph_scale_edit")
        self._scale.setAccessibleName("Pixel size (µm/px)")
        self._scale.setPlaceholderText("unknown")
        self.form.addRow("Pixel size (µm/px)", self._scale)
        self.form.addRow(
            "", hint(micrograph.scale_source and f"Pixel size {micrograph.scale_source}.")
        )
        others = f"also for {count(similar, 'similar micrograph')}"
        self.similar_box = _similar_box(self, "similar_scale_box", f"Pixel size {others}")
        self.masks_box = _similar_box(
            self, "similar_masks_box", f"Masks {others}, where there are none"
        )
        boxes = [self.similar_box, self.masks_box] if micrograph.masks else [self.similar_box]
        for box in boxes if similar else []:
            self.form.addRow("", box)
            box.show()

    @property
    def scale_for_similar(self) -> bool:
        """Tell whether similar micrographs get the pixel size too."""
        return self.similar_box.isChecked()

    @property
    def masks_for_similar(self) -> bool:
        """Tell whether similar micrographs without masks get those of this one."""
        return self.masks_box.isChecked()

    def check(self) -> None:
        if self._scale.text().strip() == _number(self._before.um_per_px):
            self.um_per_px = self._before.um_per_px  # as measured, with all its digits
        else:
            self.um_per_px = scale_from(self._scale.text())
        self.specimen = self._specimen.currentText().strip()
        if self._planes:
            numbers = {axis: box.value() for axis, box in self._planes.items()}
            self.plane = Plane(
                numbers.get("page", 1), numbers.get("channel") or None, numbers.get("z", 1)
            )

    def offer_planes(self, header: Header) -> None:
        """Let a person choose among the pages, channels and slices of the file, below the image's
        size.
        """
        row = 2
        for axis, title, many, now, minimum in (
            ("page", "Page", header.pages, self.plane.page, 1),
            ("channel", "Channel", header.channels, self.plane.channel or 0, 0),
            ("z", "Slice", header.slices, self.plane.z, 1),
        ):
            if many < 2:
                continue
            box = WholeNumberBox()
            box.setObjectName(f"micrograph_{axis}_box")
            box.setAccessibleName(title)
            box.setRange(minimum, many)
            box.setValue(now)
            box.setSuffix(f" of {many}")
            if minimum == 0 and many in (3, 4):
                box.setSpecialValueText("all colours")
            elif minimum == 0:
                box.setSpecialValueText("the first")
            self._planes[axis] = box
            self.form.insertRow(row, title, box)
            row += 1


class SeveralMicrographsDialog(FormDialog):
    """Return `specimen` and `um_per_px` for several micrographs after it was accepted; None leaves
    each as it is.
    """

    def __init__(
        self,
        micrographs: Sequence[Micrograph],
        specimens: Mapping[int, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Micrographs", f"Change {count(len(micrographs), 'micrograph')}", parent)
        self.specimen: str | None = None
        self.um_per_px: float | None = None
        self._specimen_before = _common(
            {specimens.get(m.specimen_id or 0, "") for m in micrographs}
        )
        self._scale_before = _common({_number(m.um_per_px) for m in micrographs})
        files = QLabel(shortened([m.shown_name for m in micrographs]))
        files.setWordWrap(True)
        self.form.addRow("Files", files)
        self._specimen = QComboBox()
        self._specimen.setObjectName("micrographs_specimen_box")
        self._specimen.setAccessibleName("Specimen of all of them")
        self._specimen.setEditable(True)
        self._specimen.addItems(["", *specimens.values()])
        self._specimen.setCurrentText(self._specimen_before)
        if field := self._specimen.lineEdit():
            field.setPlaceholderText("unchanged")
        self.form.addRow("Specimen", self._specimen)
        self._scale = QLineEdit(self._scale_before)
        self._scale.setObjectName("micrographs_scale_edit")
        self._scale.setAccessibleName("Pixel size of all of them (µm/px)")
        self._scale.setPlaceholderText("unchanged")
        self.form.addRow("Pixel size (µm/px)", self._scale)
        self.form.addRow("", hint("An empty field leaves each micrograph unchanged."))

    def check(self) -> None:
        specimen = " ".join(self._specimen.currentText().split())
        scale = self._scale.text().strip()
        if specimen in ("", self._specimen_before):
            self.specimen = None
        else:
            self.specimen = specimen
        if scale == self._scale_before:
            self.um_per_px = None
        else:
            self.um_per_px = scale_from(scale)


def _similar_box(dialog: QWidget, name: str, text: str) -> QCheckBox:
    """Return a box that is hidden until it stands in the form."""
    box = QCheckBox(text, dialog)
    box.hide()
    box.setObjectName(name)
    box.setToolTip("Similar: same image size, depth and colours")
    return box


def _described(micrograph: Micrograph) -> str:
    kind = "colour"
    if micrograph.channels == 1:
        kind = "grey"
    return f"{micrograph.width} × {micrograph.height} px, {micrograph.bits}-bit {kind}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:g}"


def _common(texts: set[str]) -> str:
    """Return the one text that all have, empty where they differ."""
    if len(texts) == 1:
        return next(iter(texts))
    return ""

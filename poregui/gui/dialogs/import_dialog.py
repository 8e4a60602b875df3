"""Ask what images are, whose specimen and which scale; show afterwards what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.records import Plane
from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.dialogs.base import FormDialog, hint, scale_from
from poregui.workflow.importing.images import ImportOptions

_KINDS = (
    ("Detect automatically", "auto"),
    ("Whole micrographs", "micrographs"),
    ("Ready-made crops", "crops"),
)


class ImportDialog(FormDialog):
    """Return `options` after it was accepted."""

    def __init__(
        self, paths: Sequence[Path], known_classes: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__("Import images", "Import", parent)
        self.options = ImportOptions()
        self._known = tuple(known_classes)
        if len(paths) == 1:
            what = paths[0].name
        else:
            what = f"{len(paths):,} files and folders"
        self.form.addRow("Import", QLabel(what))
        self._kind = QComboBox()
        self._kind.setObjectName("import_kind_box")
        self._kind.setAccessibleName("Import as")
        for text, kind in _KINDS:
            self._kind.addItem(text, kind)
        self.form.addRow("Import as", self._kind)
        self.form.addRow(
            "",
            hint(
                "Class folders and names such as LOF.139.PNG are imported as crops, all other "
                "images as micrographs."
            ),
        )
        self._specimen = _edit("import_specimen_edit", "Specimen", "unknown")
        self._pattern = _edit(
            "import_pattern_edit", "Specimen from file name", "e.g. {specimen}_*.tif"
        )
        self._scale = _edit("import_scale_edit", "Pixel size (µm/px)", "from file metadata")
        self.form.addRow("Specimen", self._specimen)
        self.form.addRow("Specimen from file name", self._pattern)
        self.form.addRow("", hint("A specimen is used for training or testing, never both."))
        self.form.addRow("Pixel size (µm/px)", self._scale)
        self.form.addRow("Stack", self._build_stack())

    def _build_stack(self) -> QHBoxLayout:
        self._page = _number("import_page_box", "Page of a stack", "Page ", 1)
        self._channel = _number("import_channel_box", "Channel of a stack", "Channel ", 0)
        self._channel.setSpecialValueText("All colours")
        self._slice = _number("import_z_box", "Slice of a stack", "Slice ", 1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for box in (self._page, self._channel, self._slice):
            row.addWidget(box, 1)
        return row

    def check(self) -> None:
        self.options = ImportOptions(
            kind=self._kind.currentData(),
            specimen=self._specimen.text().strip() or None,
            specimen_pattern=self._pattern.text().strip() or None,
            um_per_px=scale_from(self._scale.text()),
            known_classes=self._known,
            plane=Plane(self._page.value(), self._channel.value() or None, self._slice.value()),
        )


class ImportReportDialog(QDialog):
    """Show what was imported, what was skipped and why."""

    def __init__(self, headline: str, lines: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Imported")
        self.resize(560, 360)
        title = QLabel(headline)
        title.setObjectName("import_headline")
        title.setProperty("title", True)
        title.setWordWrap(True)
        shown = QPlainTextEdit("\n".join(lines))
        shown.setObjectName("import_report")
        shown.setAccessibleName("What was imported and what was skipped")
        shown.setReadOnly(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        for widget in (title, shown, pieces.close_buttons(self)):
            layout.addWidget(widget)


def _edit(name: str, accessible: str, placeholder: str) -> QLineEdit:
    edit = QLineEdit()
    edit.setObjectName(name)
    edit.setAccessibleName(accessible)
    edit.setPlaceholderText(placeholder)
    return edit


def _number(name: str, accessible: str, prefix: str, minimum: int) -> pieces.WholeNumberBox:
    box = pieces.WholeNumberBox()
    box.setObjectName(name)
    box.setAccessibleName(accessible)
    box.setPrefix(prefix)
    box.setRange(minimum, 9999)
    box.setValue(minimum)
    return box

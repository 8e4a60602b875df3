"""Show a few numbers side by side, each with its caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN, scaled_font

_STEPS = 1000


class FactStrip(QWidget):
    """Show numbers by caption, a stage in words, and how far the work is."""

    def __init__(self, captions: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training_facts")
        self.setAccessibleName("Training progress")
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._numbers: dict[str, QLabel] = {}
        row = QHBoxLayout()
        row.setSpacing(3 * GAP)
        for caption in captions:
            row.addLayout(self._column(caption))
        row.addStretch(1)
        self._stage = QLabel()
        self._stage.setObjectName("training_stage")
        self._stage.setProperty("muted", True)
        row.addWidget(self._stage, 0, Qt.AlignmentFlag.AlignBottom)
        self._bar = QProgressBar()
        self._bar.setObjectName("training_progress")
        self._bar.setAccessibleName("Epochs finished")
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        self._bar.setStyleSheet("QProgressBar { min-height: 4px; border-radius: 2px; }")
        self._bar.setRange(0, _STEPS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, GAP // 2, MARGIN, GAP // 2)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self._bar)
        layout.addLayout(row)

    def show_facts(self, facts: Mapping[str, str], stage: str, fraction: float) -> None:
        """Show numbers, stage and progress."""
        for caption, label in self._numbers.items():
            label.setText(facts.get(caption, "–"))
        self._stage.setText(stage)
        self._bar.setValue(round(fraction * _STEPS))

    def text(self, caption: str) -> str:
        """Return the number under a caption."""
        return self._numbers[caption].text()

    def _column(self, caption: str) -> QVBoxLayout:
        above = QLabel(caption)
        number = QLabel("–")
        above.setProperty("heading", True)
        above.setFont(scaled_font(above.font(), 0.85))
        number.setObjectName(f"fact_{caption.lower().replace(' ', '_')}")
        number.setAccessibleName(caption)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        number.setFont(scaled_font(fixed, 1.05))
        self._numbers[caption] = number
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(above)
        column.addWidget(number)
        return column


CAPTIONS = ("Area", "Diameter", "Circularity", "Aspect ratio")
_MEANINGS = (
    "Area of the pore",
    "Equivalent circular diameter",
    "4π area / perimeter², 1 for a circle",
    "Largest over smallest extent, 1 for a circle",
)
_NONE = "–"


class CropFacts(QWidget):
    """Show four numbers in two rows and a line on where they come from; all keep their place while
    nothing is known.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crop_facts")
        self.setAccessibleName("Measurements of the current crop")
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(0)
        for index, (caption, meaning) in enumerate(zip(CAPTIONS, _MEANINGS, strict=True)):
            above = pieces.muted("")
            value = QLabel(_NONE)
            above.setText(caption)
            value.setObjectName(f"crop_{caption.lower().replace(' ', '_')}")
            value.setAccessibleName(caption)
            value.setTextFormat(Qt.TextFormat.PlainText)
            for label in (above, value):
                label.setToolTip(meaning)
            row, column = divmod(index, 2)
            grid.addWidget(above, 2 * row, column)
            grid.addWidget(value, 2 * row + 1, column)
            grid.setColumnStretch(column, 1)
            self._values[caption] = value
        self.source = pieces.muted("crop_facts_source")
        self.source.setAccessibleName("Source of these numbers")
        grid.addWidget(self.source, 4, 0, 1, 2)
        self.clear()

    def clear(self) -> None:
        """Show that nothing is known, without moving what stands around."""
        self.show_numbers({}, " ")

    def show_numbers(self, values: dict[str, str], source: str, *, unsure: bool = False) -> None:
        """Show values by caption and where they come from; `unsure` greys those of the shape."""
        for caption, label in self._values.items():
            grey = unsure and caption in CAPTIONS[2:]
            if label.property("muted") != grey:
                label.setProperty("muted", grey)
                label.style().unpolish(label)
                label.style().polish(label)
            label.setText(values.get(caption, _NONE))
        self.source.setText(source)

    def text(self, caption: str) -> str:
        """Return the number under a caption."""
        return self._values[caption].text()

    def is_grey(self, caption: str) -> bool:
        """Tell whether a number is shown as one that means little."""
        return bool(self._values[caption].property("muted"))

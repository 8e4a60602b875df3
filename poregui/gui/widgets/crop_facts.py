"""Show the few numbers of one pore beside its picture; changes with how they are laid out."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP

CAPTIONS = ("Area", "Diameter", "Circularity", "Aspect ratio")
_MEANINGS = (
    "Area of the pore",
    "Diameter of the circle of equal area",
    "4π area / perimeter², 1 for a circle",
    "Largest over smallest extent, 1 for a circle",
)
_NONE = "–"


class CropFacts(QWidget):
    """Show four numbers in two rows and a line on where they come from; all keep their place while nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crop_facts")
        self.setAccessibleName("Measurements of the current crop")
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(0)
        for place, (caption, meaning) in enumerate(zip(CAPTIONS, _MEANINGS, strict=True)):
            above, value = pieces.muted(""), QLabel(_NONE)
            above.setText(caption)
            value.setObjectName(f"crop_{caption.lower().replace(' ', '_')}")
            value.setAccessibleName(caption)
            value.setTextFormat(Qt.TextFormat.PlainText)
            for label in (above, value):
                label.setToolTip(meaning)
            row, column = divmod(place, 2)
            grid.addWidget(above, 2 * row, column)
            grid.addWidget(value, 2 * row + 1, column)
            grid.setColumnStretch(column, 1)
            self._values[caption] = value
        self.source = pieces.muted("crop_facts_source")
        self.source.setAccessibleName("Where these numbers come from")
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

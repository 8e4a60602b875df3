"""Show a few numbers side by side, each under its caption, with a progress bar; changes with how that looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from poregui.gui.base.theme import GAP, MARGIN, scaled_font

_STEPS = 1000


class FactStrip(QWidget):
    """Show numbers by caption, a stage in words, and how far the work is."""

    def __init__(self, captions: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training_facts")
        self.setAccessibleName("How the training stands")
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
        self._bar.setAccessibleName("Epochs that have passed")
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

    @property
    def stage_text(self) -> str:
        """Return the stage that is shown."""
        return self._stage.text()

    def _column(self, caption: str) -> QVBoxLayout:
        above, number = QLabel(caption), QLabel("–")
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

"""Lay out how labelling gets on: pace, target, crops alike, balance; changes with what that panel holds."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.alike_strip import AlikeStrip
from poregui.gui.lists.balance_table import BalanceTable
from poregui.gui.widgets.class_bar import USUAL_TARGET
from poregui.workflow.training.more_labels import HOW_SURE

MOST = 100_000


class ProgressPanel(QScrollArea):
    """Show the progress; `target_changed` carries labels wanted of each class, `nudge_followed` tells of a click."""

    target_changed = Signal(int)
    nudge_followed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("progress_panel")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.target = QSpinBox()
        self.target.setObjectName("label_target")
        self.target.setAccessibleName("Labels wanted of each class")
        self.target.setRange(1, MOST)
        self.target.setValue(USUAL_TARGET)
        self.target.setKeyboardTracking(False)
        self.pace = pieces.muted("label_pace")
        self.nudge = pieces.muted("balance_nudge")
        self.more = pieces.muted("more_labels")
        self.more.setAccessibleName("What more labels of each class would add")
        self.more.setToolTip(HOW_SURE)
        for words in (self.pace, self.nudge, self.more):
            words.setWordWrap(True)
        self.nudge_button = QPushButton("Show these")
        self.nudge_button.setObjectName("nudge_button")
        self.nudge_button.setAccessibleName("Queue the unlabelled crops for the thinnest cell, the likeliest first")
        self.table = BalanceTable()
        self.alike = AlikeStrip()
        self._lay_out()
        self.target.valueChanged.connect(self.target_changed)
        self.nudge_button.clicked.connect(self.nudge_followed)

    def _lay_out(self) -> None:
        wanted, words = QHBoxLayout(), pieces.muted("target_words")
        words.setText("Wanted of each class")
        wanted.addWidget(words, 1)
        wanted.addWidget(self.target)
        body = pieces.panel()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(pieces.heading("Pace"))
        layout.addLayout(wanted)
        layout.addWidget(self.pace)
        layout.addWidget(pieces.heading("Most like the current crop"))
        layout.addWidget(self.alike)
        layout.addWidget(pieces.heading("Balance"))
        layout.addWidget(self.nudge)
        layout.addWidget(self.nudge_button)
        layout.addWidget(self.table)
        layout.addWidget(pieces.heading("What more labels would add"))
        layout.addWidget(self.more)
        layout.addStretch(1)
        self.setWidget(body)

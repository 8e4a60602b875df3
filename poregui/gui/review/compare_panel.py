"""Lay out two runs beside each other: numbers, and crops that one of them got right; changes with what is compared."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from poregui.gui.base.pieces import combo
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.number_table import NumberTable
from poregui.gui.review.review_parts import centred, column, inset, row, text

FLIPS = {
    "all": "All that flipped",
    "mended": "Right now, wrong there",
    "broken": "Wrong now, right there",
    "other": "Both wrong, otherwise",
}
"""Which flipped crops are listed; *now* is the run of the page, *there* the other one."""


class ComparePanel(QWidget):
    """Hold the comparison; `other_chosen` carries a run number (0: none), `flips_chosen` a key of FLIPS."""

    other_chosen = Signal(int)
    flips_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.other_box = combo("other_run_box", "Run to compare with")
        self.other_box.setMaximumWidth(260)
        self.other_box.setMinimumContentsLength(20)
        self.flips_box = combo("flips_box", "Which flipped crops are listed")
        self.flips_box.setMaximumWidth(240)
        self.flips_box.setMinimumContentsLength(20)
        for key, words in FLIPS.items():
            self.flips_box.addItem(words, key)
        self.other_box.activated.connect(lambda _place: self.other_chosen.emit(self.other_box.currentData()))
        self.flips_box.activated.connect(lambda _place: self.flips_chosen.emit(self.flips_box.currentData()))
        self.compare_sentence = text("compare_sentence", kind="plain", wrap=True)
        self.compare_notes = text("compare_notes", kind="warning", wrap=True)
        self.compare_table = NumberTable("compare_table", "Accuracy of both runs on the crops that both answered")
        self.flip_list = CropGrid(parent=self)
        self.flip_list.setObjectName("flip_list")
        self.flip_list.setAccessibleName("Crops that the two runs answered otherwise")
        self.flip_list.set_cell(124, lines=1)
        self.flips_title = text("flips_title", kind="title")
        self.flips_title.setMinimumWidth(40)
        self.compare_nothing = text("compare_nothing", wrap=True)
        self.compare_nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        work = QWidget()
        inner = column(work, margin=0, spacing=0)
        above = QWidget()
        said = column(above, margin=MARGIN, spacing=GAP)
        for widget in (self.compare_sentence, self.compare_notes, self.compare_table):
            said.addWidget(widget)
        inner.addWidget(above)
        inner.addLayout(row(self.flips_title, None, self.flips_box, margin=MARGIN))
        inner.addLayout(inset(self.flip_list), 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(work)
        self._stack.addWidget(centred(self.compare_nothing))
        layout = column(self, margin=0, spacing=0)
        layout.addLayout(row(text(words="Compare with"), self.other_box, None, margin=MARGIN))
        layout.addWidget(self._stack, 1)

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence in the place of the comparison; an empty one shows the comparison."""
        self.compare_nothing.setText(sentence)
        self._stack.setCurrentIndex(1 if sentence else 0)

"""Lay out the queue of suspected label errors and what a person says to each; changes with what can be answered."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from poregui.gui.base.theme import MARGIN
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.review.review_parts import button, centred, column, inset, primary, row, text


class SuspectsPanel(QWidget):
    """Hold the queue; `answered` carries `keep`, `change` or `unsure` for the chosen crop."""

    answered = Signal(str)
    search_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.suspect_list = CropGrid(parent=self)
        self.suspect_list.setObjectName("suspect_list")
        self.suspect_list.setAccessibleName("Suspected label errors")
        self.suspect_list.set_cell(110, lines=1)
        self.suspects_title = text("suspects_title", kind="title")
        self.suspects_title.setMinimumWidth(40)
        self.suspects_note = text("suspects_note", wrap=True)
        self.suspect_why = text("suspect_why", kind="plain", wrap=True)
        self.keep_button = button("suspect_keep_button", "Keep (K)", "The label is right: mark the crop as reviewed")
        self.change_button = button("suspect_change_button", "Change (C)", "Give the crop the proposed label")
        self.unsure_button = button("suspect_unsure_button", "Unsure (U)", "Take the crop out of training and test")
        self.buttons = (self.keep_button, self.change_button, self.unsure_button)
        for one, answer in zip(self.buttons, ("keep", "change", "unsure"), strict=True):
            one.clicked.connect(lambda _checked=False, answer=answer: self.answered.emit(answer))
        self.search_again_button = button(
            "search_again_button", "Search again", "Search with the labels as they are now"
        )
        self.search_again_button.clicked.connect(self.search_requested)
        self.suspects_sentence = text("suspects_sentence", wrap=True)
        self.suspects_sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.search_button = primary("search_suspects_button", "Search for label errors")
        self.search_button.clicked.connect(self.search_requested)
        work = QWidget()
        layout = column(work, margin=0, spacing=0)
        layout.addLayout(row(self.suspects_title, None, self.search_again_button, margin=MARGIN))
        note = row(self.suspects_note, margin=MARGIN)
        layout.addLayout(note)
        layout.addLayout(inset(self.suspect_list), 1)
        layout.addLayout(row(self.suspect_why, margin=MARGIN))
        layout.addLayout(row(*self.buttons, None, margin=MARGIN))
        self._stack = QStackedWidget()
        self._stack.addWidget(work)
        self._stack.addWidget(centred(self.suspects_sentence, self.search_button))
        column(self, margin=0).addWidget(self._stack)

    def show_sentence(self, sentence: str, *, offer: str = "") -> None:
        """Show a sentence in the place of the queue, with a button `offer` where there is one; none shows the queue."""
        self.suspects_sentence.setText(sentence)
        self.search_button.setText(offer)
        self.search_button.setVisible(bool(offer))
        self._stack.setCurrentIndex(1 if sentence else 0)

    def set_words(self, title: str, note: str, why: str, *, answerable: bool, change: str) -> None:
        """Name the queue and say why the chosen crop is in it; `change` is the proposed label."""
        self.suspects_title.setText(title)
        self.suspects_note.setText(note)
        self.suspect_why.setText(why)
        for one in self.buttons:
            one.setEnabled(answerable)
        self.change_button.setText(f"Make {change} (C)" if change else "Change (C)")

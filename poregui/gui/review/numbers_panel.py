"""Lay out the honest numbers of a run as tables; changes with which tables there are."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.number_table import NumberTable
from poregui.gui.review.review_parts import button, column, scrolled, text


class NumbersPanel(QWidget):
    """Hold tables of numbers; `breakdown_chosen` carries the place of a way to group crops."""

    breakdown_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overall_table = NumberTable("overall_table", "Numbers over all crops")
        self.class_table = NumberTable("class_table", "Precision, recall and F1 per class")
        self.beside_table = NumberTable("beside_table", "The same measured otherwise")
        self.breakdown_table = NumberTable("breakdown_table", "Errors by group of crops")
        self.breakdown_table.set_choosable()
        self.numbers_note = text("numbers_note", wrap=True)
        self.beside_note = text("beside_note", wrap=True)
        self._tabs = QHBoxLayout()
        self._tabs.setSpacing(GAP // 2)
        self._tabs.addStretch(1)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.breakdown_chosen)
        self.breakdown_buttons: list[QToolButton] = []
        inner = QWidget()
        layout = column(inner, margin=0, spacing=GAP)
        layout.addWidget(self.numbers_note)
        for heading, widgets in (
            ("Over all crops", (self.overall_table,)),
            ("Per class", (self.class_table,)),
            ("Measured otherwise", (self.beside_table, self.beside_note)),
        ):
            layout.addWidget(text(kind="heading", words=heading))
            for widget in widgets:
                layout.addWidget(widget)
            layout.addSpacing(MARGIN)
        layout.addWidget(text(kind="heading", words="Where it errs"))
        layout.addLayout(self._tabs)
        layout.addWidget(self.breakdown_table)
        layout.addStretch(1)
        column(self, margin=0).addWidget(scrolled(inner, "numbers_scroll", 220))

    def set_breakdowns(self, titles: list[str], chosen: int) -> None:
        """Offer these ways of grouping crops."""
        if [one.text() for one in self.breakdown_buttons] != titles:
            for one in self.breakdown_buttons:
                self._group.removeButton(one)
                self._tabs.removeWidget(one)
                one.hide()
                one.deleteLater()
            self.breakdown_buttons = []
            for place, title in enumerate(titles):
                name = f"breakdown_{title.lower().replace(' ', '_')}_button"
                one = button(name, title, f"Group errors by {title.lower()}", checkable=True)
                one.setProperty("tab", True)
                one.setProperty("boxed", False)
                self._group.addButton(one, place)
                self._tabs.insertWidget(place, one)
                self.breakdown_buttons.append(one)
        if titles:
            self.breakdown_buttons[chosen].setChecked(True)

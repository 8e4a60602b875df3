"""Lay out the panels of the review page: crops, numbers, curves, comparison, label issues."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QSlider,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from poregui.gui.base.pieces import button, combo, steady
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.crop_grid import LARGEST_CELL, CropGrid
from poregui.gui.lists.number_table import NumberTable
from poregui.gui.plots.svg_view import FigureView
from poregui.gui.review.review_parts import (
    centred,
    column,
    inset,
    primary,
    row,
    say,
    scrolled,
    text,
)

_NOTE_LINES = 2
FLIPS = {
    "all": "All differences",
    "mended": "Only this run correct",
    "broken": "Only the other run correct",
    "other": "Both wrong, differently",
}
"""Which crops are listed that two runs predict differently; *this* is the run of the page."""


class ComparePanel(QWidget):
    """Hold the comparison; `other_chosen` carries a run number (0: none), `flips_chosen` a key of
    FLIPS.
    """

    other_chosen = Signal(int)
    flips_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build_choices()
        self.compare_sentence = text("compare_sentence", kind="plain", wrap=True)
        self.compare_notes = text("compare_notes", kind="warning", wrap=True)
        self.compare_table = NumberTable(
            "compare_table", "Accuracy of both runs on the crops that both predicted"
        )
        self.flip_list = CropGrid(self)
        self.flip_list.setObjectName("flip_list")
        self.flip_list.setAccessibleName("Crops that the two runs predict differently")
        self.flip_list.set_cell(124, lines=1)
        self.flips_title = text("flips_title", kind="title")
        self.flips_title.setMinimumWidth(40)
        self.compare_nothing = text("compare_nothing", wrap=True)
        self.compare_nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(centred(self.compare_nothing))
        layout = column(self, margin=0, spacing=0)
        layout.addLayout(row(text(content="Compare with"), self.other_box, None, margin=MARGIN))
        layout.addWidget(self._stack, 1)

    def _build_choices(self) -> None:
        self.other_box = combo("other_run_box", "Run to compare with")
        self.other_box.setMaximumWidth(260)
        self.other_box.setMinimumContentsLength(20)
        self.flips_box = combo("flips_box", "Which differences are listed")
        self.flips_box.setMaximumWidth(240)
        self.flips_box.setMinimumContentsLength(20)
        for key, title in FLIPS.items():
            self.flips_box.addItem(title, key)
        self.other_box.activated.connect(self._choose_other)
        self.flips_box.activated.connect(self._choose_flips)

    def _build_work(self) -> QWidget:
        work = QWidget()
        inner = column(work, margin=0, spacing=0)
        above = QWidget()
        numbers = column(above, margin=MARGIN, spacing=GAP)
        for widget in (self.compare_sentence, self.compare_notes, self.compare_table):
            numbers.addWidget(widget)
        inner.addWidget(above)
        inner.addLayout(row(self.flips_title, None, self.flips_box, margin=MARGIN))
        inner.addLayout(inset(self.flip_list), 1)
        return work

    def _choose_other(self) -> None:
        self.other_chosen.emit(self.other_box.currentData())

    def _choose_flips(self) -> None:
        self.flips_chosen.emit(self.flips_box.currentData())

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence in the place of the comparison; an empty one shows the comparison."""
        self.compare_nothing.setText(sentence)
        self._stack.setCurrentIndex(1 if sentence else 0)


_CELL = 106
_SMALLEST = 80
ORDERS = {
    "loss": "Largest loss first",
    "margin": "Smallest margin first",
    "sure": "Most certain first",
    "unsure": "Least certain first",
    "large": "Largest first",
    "small": "Smallest first",
}
"""The orders of crops_of_run.py as text."""
_ORDER_TIP = (
    "Loss: −log of the probability of the label. Margin: difference between the two most probable "
    "classes. Certain: probability of the predicted class. Size: longer side of the crop."
)


class CropsPanel(QWidget):
    """Hold the list of predicted crops; the signals tell what a person wants to see in it."""

    all_errors_requested = Signal()
    uncounted_requested = Signal()
    order_chosen = Signal(str)
    hide_reviewed_changed = Signal(bool)
    grid_heat_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.prediction_list = CropGrid(self)
        self.prediction_list.setObjectName("prediction_list")
        self.prediction_list.setAccessibleName("Predicted crops")
        self.prediction_list.set_cell(_CELL, lines=1)
        self._build()
        self._connect()

    def set_texts(
        self, title: str, *, errors: int, uncounted: int, shown: str, nothing: str
    ) -> None:
        """Name the list; `shown` is `errors` or `uncounted` where the list holds all of these."""
        self.list_title.setText(title)
        self.list_title.setToolTip(title)
        self.all_errors_button.setText(f"All errors ({errors:,})")
        self.all_errors_button.setChecked(shown == "errors")
        self.uncounted_button.setText(f"Not counted ({uncounted:,})")
        self.uncounted_button.setVisible(bool(uncounted) or shown == "uncounted")
        self.uncounted_button.setChecked(shown == "uncounted")
        self._list.setCurrentIndex(1 if nothing else 0)
        self.list_nothing.setText(nothing)

    def _build(self) -> None:
        self.list_title = text("list_title", kind="title")
        self.list_title.setMinimumWidth(40)
        self.all_errors_button = button(
            "all_errors_button",
            "All errors",
            "Show all crops that were predicted wrongly (E)",
            checkable=True,
        )
        self.uncounted_button = button(
            "uncounted_button",
            "Not counted",
            "Show crops that are deleted, unsure or unlabelled",
            checkable=True,
        )
        self.hide_reviewed_button = button(
            "hide_reviewed_button",
            "Unreviewed",
            "Hide crops that are marked as reviewed",
            checkable=True,
        )
        self.grid_heat_button = button(
            "grid_heat_button",
            "Heat maps",
            "Show on each crop the evidence for its predicted class",
            checkable=True,
        )
        self.order_box = combo("order_box", "Order of the crops")
        self.order_box.setToolTip(_ORDER_TIP)
        for order, title in ORDERS.items():
            self.order_box.addItem(title, order)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setObjectName("prediction_size")
        self.size_slider.setAccessibleName("Thumbnail size")
        self.size_slider.setToolTip("Thumbnail size")
        self.size_slider.setRange(_SMALLEST, LARGEST_CELL)
        self.size_slider.setValue(_CELL)
        self.size_slider.setFixedWidth(72)
        self.list_nothing = text("list_nothing", wrap=True)
        self.list_nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._list = QStackedWidget()
        held = QWidget()
        held.setLayout(inset(self.prediction_list))
        self._list.addWidget(held)
        self._list.addWidget(centred(self.list_nothing))
        layout = column(self, margin=0, spacing=0)
        layout.addLayout(
            row(self.list_title, None, self.order_box, self.size_slider, margin=MARGIN)
        )
        filters = (
            self.all_errors_button,
            self.uncounted_button,
            self.hide_reviewed_button,
            self.grid_heat_button,
        )
        layout.addLayout(row(*filters, None, margin=MARGIN))
        layout.addWidget(self._list, 1)

    def _connect(self) -> None:
        self.all_errors_button.clicked.connect(self.all_errors_requested)
        self.uncounted_button.clicked.connect(self.uncounted_requested)
        self.hide_reviewed_button.toggled.connect(self.hide_reviewed_changed)
        self.grid_heat_button.toggled.connect(self.grid_heat_changed)
        self.order_box.activated.connect(self._choose_order)
        self.size_slider.valueChanged.connect(partial(self.prediction_list.set_cell, lines=1))

    def _choose_order(self) -> None:
        self.order_chosen.emit(self.order_box.currentData())


class CurvesPanel(QWidget):
    """Hold four figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.roc = FigureView("roc_figure")
        self.precision_recall = FigureView("precision_recall_figure")
        self.calibration = FigureView("calibration_figure")
        self.training = FigureView("training_figure")
        self.curves_note = text("curves_note", wrap=True)
        layout = column(self, margin=MARGIN, spacing=GAP)
        grid = QGridLayout()
        grid.setSpacing(GAP)
        figures = (self.roc, self.precision_recall, self.calibration, self.training)
        for index, figure in enumerate(figures):
            grid.addWidget(figure, index // 2, index % 2)
        layout.addLayout(grid, 1)
        layout.addWidget(steady(1, self.curves_note))
        say(self.curves_note, "")


class NumbersPanel(QWidget):
    """Hold tables of numbers; `breakdown_chosen` carries the index of a way to group crops."""

    breakdown_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overall_table = NumberTable("overall_table", "Metrics over all crops")
        self.class_table = NumberTable("class_table", "Precision, recall and F1 per class")
        self.beside_table = NumberTable("beside_table", "Baselines and cross-validations")
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
        layout.addWidget(steady(_NOTE_LINES, self.numbers_note))
        for heading, widgets in (
            ("Over all crops", (self.overall_table,)),
            ("Per class", (self.class_table,)),
            ("Baselines", (self.beside_table, steady(_NOTE_LINES, self.beside_note))),
        ):
            layout.addWidget(text(kind="heading", content=heading))
            for widget in widgets:
                layout.addWidget(widget)
            layout.addSpacing(MARGIN)
        layout.addWidget(text(kind="heading", content="Errors by…"))
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
            for index, title in enumerate(titles):
                name = f"breakdown_{title.lower().replace(' ', '_')}_button"
                one = button(name, title, f"Group errors by {title.lower()}", checkable=True)
                one.setProperty("tab", True)
                one.setProperty("boxed", False)
                self._group.addButton(one, index)
                self._tabs.insertWidget(index, one)
                self.breakdown_buttons.append(one)
        if titles:
            self.breakdown_buttons[chosen].setChecked(True)


class LabelIssuesPanel(QWidget):
    """Hold the queue; `decided` carries `keep`, `change` or `unsure` for the chosen crop."""

    decided = Signal(str)
    search_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.issue_list = CropGrid(self)
        self.issue_list.setObjectName("suspect_list")
        self.issue_list.setAccessibleName("Suspected label errors")
        self.issue_list.set_cell(110, lines=1)
        self.issues_title = text("suspects_title", kind="title")
        self.issues_title.setMinimumWidth(40)
        self.issues_note = text("suspects_note", wrap=True)
        self.issue_reason = text("suspect_why", kind="plain", wrap=True)
        self._build_answers()
        self.search_again_button = button(
            "search_again_button", "Search again", "Search with the current labels"
        )
        self.search_again_button.clicked.connect(self.search_requested)
        self.issues_sentence = text("suspects_sentence", wrap=True)
        self.issues_sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.search_button = primary("search_suspects_button", "Search for label errors")
        self.search_button.clicked.connect(self.search_requested)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(centred(self.issues_sentence, self.search_button))
        column(self, margin=0).addWidget(self._stack)

    def _build_answers(self) -> None:
        self.keep_button = button(
            "suspect_keep_button", "Keep (K)", "The label is correct: mark the crop as reviewed"
        )
        self.change_button = button(
            "suspect_change_button", "Change (C)", "Give the crop the suggested label"
        )
        self.unsure_button = button(
            "suspect_unsure_button", "Unsure (U)", "Exclude the crop from training and testing"
        )
        self.buttons = (self.keep_button, self.change_button, self.unsure_button)
        for one, answer in zip(self.buttons, ("keep", "change", "unsure"), strict=True):
            one.clicked.connect(partial(self._answer, answer))

    def _answer(self, answer: str, _checked: bool = False) -> None:
        self.decided.emit(answer)

    def _build_work(self) -> QWidget:
        work = QWidget()
        layout = column(work, margin=0, spacing=0)
        layout.addLayout(row(self.issues_title, None, self.search_again_button, margin=MARGIN))
        layout.addLayout(row(steady(_NOTE_LINES, self.issues_note), margin=MARGIN))
        layout.addLayout(inset(self.issue_list), 1)
        layout.addLayout(row(steady(_NOTE_LINES, self.issue_reason), margin=MARGIN))
        # the one whose text changes stands last, so that it pushes no other
        answers = (self.keep_button, self.unsure_button, self.change_button)
        layout.addLayout(row(*answers, None, margin=MARGIN))
        return work

    def show_sentence(self, sentence: str, *, offer: str = "") -> None:
        """Show a sentence in the place of the queue, with a button `offer` where there is one; none
        shows the queue.
        """
        self.issues_sentence.setText(sentence)
        self.search_button.setText(offer)
        self.search_button.setVisible(bool(offer))
        self._stack.setCurrentIndex(1 if sentence else 0)

    def set_texts(self, title: str, note: str, why: str, *, answerable: bool, change: str) -> None:
        """Name the queue and say why the chosen crop is in it; `change` is the proposed label."""
        self.issues_title.setText(title)
        self.issues_note.setText(note)
        self.issue_reason.setText(why)
        for one in self.buttons:
            one.setEnabled(answerable)
        self.change_button.setText(f"Change to {change} (C)" if change else "Change (C)")

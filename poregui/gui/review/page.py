"""Lay out the review page: run and numbers, crops of a cell, the chosen crop; changes with what the page offers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLayout,
    QScrollArea,
    QSlider,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.domain.dataset import Part
from poregui.domain.evaluation import Evaluation
from poregui.gui.label.keys import LabelKeys
from poregui.gui.review.detail import DetailPanel
from poregui.gui.review.parts import button, column, panel, primary, row, say, text
from poregui.gui.review.words import PART_WORDS, Headline
from poregui.gui.theme import GAP, MARGIN, scaled_font
from poregui.gui.widgets.class_scores import ClassScores
from poregui.gui.widgets.confusion_matrix import EVERYTHING, Cell, ConfusionMatrix
from poregui.gui.widgets.crop_grid import LARGEST_CELL, CropGrid
from poregui.gui.widgets.run_picker import RunPicker

_CELL, _SMALLEST = 100, 80


class ReviewPage(QWidget):
    """Hold the widgets of reviewing and say what a person wants; the presenter fills them.

    `key_pressed` carries what a key means (see label/keys.py), `shown` tells that the page came into view.
    """

    train_requested = Signal()
    show_in_label_requested = Signal(int)
    run_chosen = Signal(int)
    part_chosen = Signal(str)
    cell_chosen = Signal(object)
    uncounted_requested = Signal()
    key_pressed = Signal(str)
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review_page")
        self.setAccessibleName("Review")
        self.run_picker = RunPicker(self)
        self.confusion_matrix = ConfusionMatrix(self)
        self.class_scores = ClassScores(self)
        self.prediction_list = CropGrid(parent=self)
        self.prediction_list.setObjectName("prediction_list")
        self.prediction_list.setAccessibleName("Judged crops")
        self.prediction_list.set_cell(_CELL, lines=1)
        self.detail = DetailPanel(self)
        self.context_view = self.detail.context_view
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(self._build_empty())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._connect()

    # ---- setters -------------------------------------------------------------------------------------------------

    def show_empty(self, empty: bool) -> None:
        """Show what to do in a project without runs, or the work."""
        self._stack.setCurrentIndex(1 if empty else 0)

    def show_sentence(self, sentence: str, *, offer_training: bool = False) -> None:
        """Show a sentence in the place of numbers and crops; an empty one shows these."""
        self.sentence.setText(sentence)
        self.sentence_train_button.setVisible(offer_training)
        self._main.setCurrentIndex(1 if sentence else 0)
        self._numbers.setVisible(not sentence)

    def set_headline(self, headline: Headline, warnings: Sequence[str]) -> None:
        """Say what the run is worth, and what makes that doubtful."""
        say(self.headline_number, headline.number)
        self.headline.setText(headline.detail)
        self.headline.setAccessibleName(headline.text)
        say(self.headline_note, headline.note)
        say(self.headline_warnings, "\n".join(warnings))

    def set_parts(self, there: Collection[Part], chosen: Part) -> None:
        """Offer the parts that have predictions."""
        for part, one in self.part_buttons.items():
            one.setEnabled(part in there)
            one.setChecked(part == chosen)

    def set_classes(self, names: Sequence[str], ids: Sequence[int], known: Sequence[PoreClass]) -> None:
        """Head matrix and lists with the run's classes; `known` are all of the project, retired ones too."""
        self.confusion_matrix.set_classes(names, ids, known)
        self.prediction_list.set_classes(known)
        self.keys.watch(self.detail.label_strip.buttons.values())

    def set_numbers(self, evaluation: Evaluation, ids: Sequence[int], known: Sequence[PoreClass]) -> None:
        """Show matrix and scores."""
        self.confusion_matrix.set_matrix(evaluation.matrix)
        self.class_scores.set_scores(evaluation.per_class, ids, known)

    def set_list_words(self, title: str, *, errors: int, uncounted: int, shown: Cell | None, nothing: str) -> None:
        """Name the list; `shown` is the cell that it shows, None for the crops that do not count."""
        self.list_title.setText(title)
        self.list_title.setToolTip(title)
        self.all_errors_button.setText(f"All errors ({errors})")
        self.all_errors_button.setChecked(shown == EVERYTHING)
        self.uncounted_button.setText(f"Not counted ({uncounted})")
        self.uncounted_button.setVisible(bool(uncounted) or shown is None)
        self.uncounted_button.setChecked(shown is None)
        self._list.setCurrentIndex(1 if nothing else 0)
        self.list_nothing.setText(nothing)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build_work(self) -> QWidget:
        inner = QSplitter(Qt.Orientation.Horizontal)
        inner.addWidget(self._build_centre())
        inner.addWidget(_scrolled(self.detail, "review_detail_scroll", 250))
        inner.setStretchFactor(0, 1)
        inner.setSizes([540, 272])
        inner.setCollapsible(0, False)
        self._main = QStackedWidget()
        self._main.addWidget(inner)
        self._main.addWidget(self._build_sentence())
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(_scrolled(self._build_left(), "review_numbers_scroll", 240))
        whole.addWidget(self._main)
        whole.setStretchFactor(1, 1)
        whole.setSizes([330, 700])
        whole.setCollapsible(1, False)
        for splitter in (inner, whole):
            splitter.setHandleWidth(1)
        return whole

    def _build_left(self) -> QWidget:
        self.headline_number = text("headline_number", kind="title")
        self.headline_number.setFont(scaled_font(self.font(), 2.1, bold=True))
        self.headline = text("review_headline", kind="plain", wrap=True)
        self.headline_note = text("headline_note", wrap=True)
        self.headline_warnings = text("headline_warnings", kind="warning", wrap=True)
        self._numbers = QWidget()
        layout = column(self._numbers, margin=0)
        for label in (self.headline_number, self.headline, self.headline_note, self.headline_warnings):
            layout.addWidget(label)
        layout.addLayout(self._build_parts())
        layout.addWidget(self.confusion_matrix)
        layout.addSpacing(GAP // 2)
        layout.addWidget(self.class_scores)
        left = QWidget()
        outer = column(left, margin=0)
        outer.addWidget(text(kind="heading", words="Run"))
        outer.addWidget(self.run_picker)
        outer.addWidget(self._numbers)
        outer.addStretch(1)
        return left

    def _build_parts(self) -> QLayout:
        self.part_buttons: dict[Part, QToolButton] = {}
        group = QButtonGroup(self)
        tips = {
            "test": "Crops that the training never saw",
            "validation": "Crops that decided when the training ended",
            "train": "Crops that the network learned from",
        }
        for part, words in PART_WORDS.items():
            one = button(f"part_{part}_button", words, tips[part], checkable=True)
            one.setAccessibleName(f"{words}: {tips[part].lower()}")
            group.addButton(one)
            self.part_buttons[part] = one
        return row(*self.part_buttons.values(), None)

    def _build_centre(self) -> QWidget:
        self.list_title = text("list_title", kind="title")
        self.list_title.setMinimumWidth(40)
        self.all_errors_button = button(
            "all_errors_button", "All errors", "Show all crops that were predicted wrongly (E)", checkable=True
        )
        self.uncounted_button = button(
            "uncounted_button", "Not counted", "Show crops that were deleted, unsure or without a label", checkable=True
        )
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setObjectName("prediction_size")
        self.size_slider.setAccessibleName("Size of the pictures")
        self.size_slider.setToolTip("Size of the pictures")
        self.size_slider.setRange(_SMALLEST, LARGEST_CELL)
        self.size_slider.setValue(_CELL)
        self.size_slider.setFixedWidth(80)
        self.list_nothing = text("list_nothing", wrap=True)
        self.list_nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._list = QStackedWidget()
        self._list.addWidget(self.prediction_list)
        self._list.addWidget(_centred(self.list_nothing))
        centre = panel()
        centre.setMinimumWidth(220)
        layout = column(centre, margin=0, spacing=0)
        layout.addLayout(row(self.list_title, None, self.size_slider, margin=MARGIN))
        layout.addLayout(row(self.all_errors_button, self.uncounted_button, None, margin=MARGIN))
        layout.addWidget(self._list, 1)
        return centre

    def _build_sentence(self) -> QWidget:
        self.sentence = text("review_sentence", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence_train_button = primary("go_to_train_button", "Go to Train")
        return _centred(self.sentence, self.sentence_train_button)

    def _build_empty(self) -> QWidget:
        title = text("review_empty_title", kind="title", words="Train a network first")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words = text("review_empty_text", wrap=True)
        words.setText(
            "When a training has ended, its answers to the unseen crops stand here:\n"
            "which classes it takes for which, and every single crop that it got wrong."
        )
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.train_first_button = primary("train_first_button", "Go to Train")
        return _centred(title, words, self.train_first_button)

    def _connect(self) -> None:
        self.keys = LabelKeys(self)
        self.keys.watch((self, self.prediction_list, self.detail, self.context_view, self.detail.heat_map))
        self.keys.watch((self.confusion_matrix,), own={"next", "previous"})
        self.keys.pressed.connect(self.key_pressed)
        self.keys.space.connect(self.detail.hold)
        self.run_picker.run_chosen.connect(self._run_chosen)
        self.confusion_matrix.chosen.connect(self.cell_chosen)
        self.confusion_matrix.entered.connect(self._to_list)
        self.detail.heat_class.activated.connect(self._to_list)
        self.all_errors_button.clicked.connect(self.choose_all_errors)
        self.uncounted_button.clicked.connect(self.uncounted_requested)
        self.size_slider.valueChanged.connect(lambda side: self.prediction_list.set_cell(side, lines=1))
        for part, one in self.part_buttons.items():
            one.clicked.connect(lambda _checked, part=part: self.part_chosen.emit(part))
        self.train_first_button.clicked.connect(self.train_requested)
        self.sentence_train_button.clicked.connect(self.train_requested)
        for keys, slot in (
            ("H", self.detail.heat_switch.click),
            ("E", self.choose_all_errors),
            ("M", self.detail.show_button.click),
        ):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()
        if self._stack.currentIndex() == 0:
            self.prediction_list.setFocus()

    def choose_all_errors(self) -> None:
        """Go back to the crops that were predicted wrongly."""
        self.confusion_matrix.set_cell(EVERYTHING)
        self.cell_chosen.emit(EVERYTHING)
        self.prediction_list.setFocus()

    def _run_chosen(self, number: int) -> None:
        self.run_chosen.emit(number)
        self.prediction_list.setFocus()

    def _to_list(self) -> None:
        self.prediction_list.setFocus()


def _scrolled(inner: QWidget, name: str, narrowest: int) -> QWidget:
    """Return a panel that scrolls where the window is too low for what it holds."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    held = panel()
    column(held).addWidget(inner)
    area.setWidget(held)
    area.setMinimumWidth(narrowest)
    return area


def _centred(*widgets: QWidget) -> QWidget:
    """Return widgets below each other in the middle of a panel."""
    held = panel()
    layout = column(held, margin=3 * MARGIN, spacing=MARGIN)
    layout.addStretch(2)
    for widget in widgets:
        if isinstance(widget, QToolButton) or widget.property("primary"):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        else:
            layout.addWidget(widget)
    layout.addStretch(3)
    return held

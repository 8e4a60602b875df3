"""Lay out the review page: run and numbers, panels about its crops, the chosen crop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from poregui.domain.classes import PoreClass
from poregui.gui.base.key_map import key_map
from poregui.gui.base.pieces import Tabbed
from poregui.gui.plots.confusion_matrix import EVERYTHING
from poregui.gui.review.crop_detail import DetailPanel
from poregui.gui.review.review_panels import (
    ComparePanel,
    CropsPanel,
    CurvesPanel,
    LabelIssuesPanel,
    NumbersPanel,
)
from poregui.gui.review.review_parts import centred, primary, scrolled, text
from poregui.gui.review.run_column import RunColumn
from poregui.gui.widgets.key_filter import LabelKeys

CROPS = "Crops"
NUMBERS = "Numbers"
CURVES = "Curves"
LABEL_ISSUES = "Label errors"
COMPARE = "Compare"
"""The panels in the middle; those of single crops have the chosen one at their side."""
_LEFT = (296, 340)
_RIGHT = (268, 300)
"""Least and greatest width of the outer columns, before a person moves them."""
_WITH_CROP = (CROPS, LABEL_ISSUES, COMPARE)


class ReviewPage(QWidget):
    """Hold the widgets of reviewing and say what a person wants; the presenter fills them.

    `key_pressed` carries what a key means (see LabelKeys), `shown` tells that the page came
    into view, `panel_chosen` which panel did.
    """

    train_requested = Signal()
    show_in_label_requested = Signal(int)
    run_chosen = Signal(int)
    split_chosen = Signal(str)
    cells_chosen = Signal(object)
    uncounted_requested = Signal()
    key_pressed = Signal(str)
    panel_chosen = Signal(str)
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review_page")
        self.setAccessibleName("Review")
        self.column = RunColumn(self)
        self.crops = CropsPanel(self)
        self.numbers = NumbersPanel(self)
        self.curves = CurvesPanel(self)
        self.label_issues = LabelIssuesPanel(self)
        self.compare = ComparePanel(self)
        self.detail = DetailPanel(self)
        self.run_picker = self.column.run_picker
        self.confusion_matrix = self.column.confusion_matrix
        self.class_scores = self.column.class_scores
        self.split_buttons = self.column.split_buttons
        self.prediction_list = self.crops.prediction_list
        self.context_view = self.detail.context_view
        self.grids = (self.prediction_list, self.label_issues.issue_list, self.compare.flip_list)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(self._build_empty())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._connect()

    # ---- setters ----------------------------------------------------------------------------

    def show_empty(self, empty: bool) -> None:
        """Show what to do in a project without runs, or the work."""
        self._stack.setCurrentIndex(1 if empty else 0)

    def show_sentence(self, sentence: str, offer_training: bool = False) -> None:
        """Show a sentence in the place of numbers and crops; an empty one shows these."""
        self.sentence.setText(sentence)
        self.sentence_train_button.setVisible(offer_training)
        self._main.setCurrentIndex(1 if sentence else 0)
        self.column.show_numbers(not sentence)

    def set_classes(
        self, names: Sequence[str], ids: Sequence[int], known: Sequence[PoreClass]
    ) -> None:
        """Head matrix and lists with the run's classes; `known` are all of the project, retired
        ones too.
        """
        self.column.set_classes(names, ids, known)
        for grid in self.grids:
            grid.set_classes(known)
        self.keys.watch(self.detail.label_strip.buttons.values())

    def show_panel(self, title: str) -> None:
        """Bring one of the panels in the middle to the front."""
        self.panels.show_panel(title)

    # ---- building ---------------------------------------------------------------------------

    def _build_work(self) -> QWidget:
        self.panels = Tabbed("review_panels", "Views of the run")
        panels = (self.crops, self.numbers, self.curves, self.label_issues, self.compare)
        for title, panel in zip(
            (CROPS, NUMBERS, CURVES, LABEL_ISSUES, COMPARE), panels, strict=True
        ):
            self.panels.add(title, panel)
        self.panels.setMinimumWidth(220)
        self.panels.setProperty("panel", True)
        self.panels.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inner = QSplitter(Qt.Orientation.Horizontal)
        inner.addWidget(self.panels)
        self._beside = scrolled(self.detail, "review_detail_scroll", 250)
        inner.addWidget(self._beside)
        inner.setStretchFactor(0, 1)
        inner.setCollapsible(0, False)
        self._main = QStackedWidget()
        self._main.addWidget(inner)
        self._main.addWidget(self._build_sentence())
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(scrolled(self.column, "review_numbers_scroll", 240))
        whole.addWidget(self._main)
        whole.setStretchFactor(1, 1)
        whole.setCollapsible(1, False)
        self._splitters = (inner, whole)
        self._moved = False
        for splitter in self._splitters:
            splitter.setHandleWidth(1)
            splitter.splitterMoved.connect(self._keep_widths)
        return whole

    def _keep_widths(self) -> None:
        self._moved = True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share a new width between numbers, crops and the chosen one, until a person moved their
        borders.
        """
        super().resizeEvent(event)
        if not self._moved:
            inner, whole = self._splitters
            left = min(max(_LEFT[0], round(0.27 * self.width())), _LEFT[1])
            right = min(max(_RIGHT[0], self.width() // 5), _RIGHT[1])
            whole.setSizes([left, self.width() - left])
            inner.setSizes([self.width() - left - right, right])

    def _build_sentence(self) -> QWidget:
        self.sentence = text("review_sentence", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence_train_button = primary("go_to_train_button", "Go to Train")
        return centred(self.sentence, self.sentence_train_button)

    def _build_empty(self) -> QWidget:
        title = text("review_empty_title", kind="title", content="Train a network first")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        explanation = text("review_empty_text", wrap=True)
        explanation.setText(
            "After training, this page shows the predictions for unseen crops:\n"
            "which classes are confused, and every crop that was classified wrongly."
        )
        explanation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.train_first_button = primary("train_first_button", "Go to Train")
        return centred(title, explanation, self.train_first_button)

    def _connect(self) -> None:
        self.keys = LabelKeys(self)
        self.keys.watch((self, *self.grids, self.detail, self.context_view, self.detail.heat_map))
        self.keys.watch((self.confusion_matrix,), own={"next", "previous"})
        self.keys.pressed.connect(self.key_pressed)
        self.keys.space.connect(self.detail.hold)
        self.run_picker.run_chosen.connect(self._run_chosen)
        self.column.split_chosen.connect(self.split_chosen)
        self.confusion_matrix.chosen.connect(self._cells_chosen)
        self.confusion_matrix.entered.connect(self.to_list)
        self.detail.heat_class.activated.connect(self.to_list)
        self.crops.all_errors_requested.connect(self.choose_all_errors)
        self.crops.uncounted_requested.connect(self.uncounted_requested)
        self.panels.chosen.connect(self._panel_chosen)
        self.train_first_button.clicked.connect(self.train_requested)
        self.sentence_train_button.clicked.connect(self.train_requested)
        self._shortcuts: dict[str, QShortcut] = {}
        for name, slot in (
            ("heat", self.detail.heat_switch.click),
            ("errors", self.choose_all_errors),
            ("micrograph", self.detail.show_button.click),
            ("mark", self.detail.reviewed_box.click),
            ("note", self.detail.note_field.setFocus),
            ("keep", partial(self.answer, "keep")),
            ("change", partial(self.answer, "change")),
        ):
            keys = QKeySequence(key_map().key(f"review_{name}"))
            shortcut = QShortcut(keys, self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)
            self._shortcuts[f"review_{name}"] = shortcut
        key_map().changed.connect(self._name_keys)
        self.detail.note_field.returnPressed.connect(self.to_list)

    def _name_keys(self) -> None:
        for name, shortcut in self._shortcuts.items():
            shortcut.setKey(QKeySequence(key_map().key(name)))

    @property
    def current_grid(self) -> QWidget:
        """Return the list of the panel that is seen, the predicted crops where it has none."""
        lists = {LABEL_ISSUES: self.label_issues.issue_list, COMPARE: self.compare.flip_list}
        return lists.get(self.panels.current, self.prediction_list)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()
        if self._stack.currentIndex() == 0:
            self.to_list()

    def choose_all_errors(self) -> None:
        """Go back to the crops that were predicted wrongly."""
        self.confusion_matrix.set_cells((EVERYTHING,))
        self._cells_chosen((EVERYTHING,))
        self.to_list()

    def to_list(self) -> None:
        """Give the focus to the list that is seen."""
        self.current_grid.setFocus()

    def answer(self, answer: str) -> None:
        """Settle the chosen label error, where the queue is seen."""
        if self.panels.current == LABEL_ISSUES:
            self.label_issues.decided.emit(answer)

    def _cells_chosen(self, cells: object) -> None:
        self.show_panel(CROPS)
        self.cells_chosen.emit(cells)

    def _panel_chosen(self, title: str) -> None:
        self._beside.setVisible(title in _WITH_CROP)
        self.panel_chosen.emit(title)
        self.to_list()

    def _run_chosen(self, number: int) -> None:
        self.run_chosen.emit(number)
        self.to_list()

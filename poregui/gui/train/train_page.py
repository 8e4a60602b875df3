"""Lay out the train page: data and recipe left, curves, numbers and runs right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QFontDatabase, QShowEvent, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.wording import count
from poregui.gui.base import pieces
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import Tabbed
from poregui.gui.base.theme import GAP, MARGIN, scaled_font
from poregui.gui.lists.run_table import RunTable
from poregui.gui.plots.live_plots import LivePlots
from poregui.gui.plots.split_bars import SplitBars
from poregui.gui.plots.training_curves import Curves
from poregui.gui.train.train_text import TrainingHeadline, facts, progress, stage
from poregui.gui.widgets.crop_preview import CropPreview
from poregui.gui.widgets.facts import FactStrip
from poregui.gui.widgets.recipe_form import CrossValidationBox, RecipeForm
from poregui.store.files import open_plain

_LONGEST = 200_000


class LogDialog(QDialog):
    """Show the end of a log file beside the window."""

    def __init__(self, log_file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log_dialog")
        self.setWindowTitle(f"Log of run {log_file.parent.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 480)
        self.text = QPlainTextEdit(_end_of(log_file))
        self.text.setObjectName("log_text")
        self.text.setAccessibleName("Training log")
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.moveCursor(QTextCursor.MoveOperation.End)
        where = QLabel(str(log_file))
        where.setProperty("muted", True)
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        for widget in (where, self.text, pieces.close_buttons(self)):
            layout.addWidget(widget)


def _end_of(log_file: Path) -> str:
    try:
        with open_plain(log_file) as log:
            log.seek(max(0, log_file.stat().st_size - _LONGEST))
            return log.read().decode("utf-8", "replace") or "The log is empty."
    except OSError as error:
        return f"No log: {error.strerror}."


_LEFT_WIDTH = 308
_PROBLEM_LINES = 3
_DETAIL_LINES = 2


class TrainPage(QWidget):
    """Hold the widgets of training and say what a person wants; the presenter fills them."""

    train_requested = Signal()
    stop_requested = Signal()
    cancel_requested = Signal()
    resume_requested = Signal(int)
    review_requested = Signal(int)
    log_requested = Signal(int)
    remove_requested = Signal(int)
    test_split_requested = Signal()
    run_chosen = Signal(int)
    recipe_changed = Signal(object)
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train_page")
        self.setAccessibleName("Train")
        self._curves = Curves()
        self.split_bars = SplitBars()
        self.recipe_form = RecipeForm()
        self.cross_validation = CrossValidationBox()
        self.crop_preview = CropPreview()
        self.plots = LivePlots()
        self.facts = FactStrip(list(facts(self._curves)))
        self.run_table = RunTable()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setObjectName("train_splitter")
        splitter.setHandleWidth(1)
        splitter.addWidget(self._build_left())
        splitter.addWidget(self._build_right())
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_LEFT_WIDTH, 800])
        splitter.setCollapsible(1, False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._connect()
        self.set_running(False, can_train=False)

    # ---- setters ----------------------------------------------------------------------------

    def clear(self) -> None:
        """Show nothing."""
        marks = ClassMarks(())
        self.split_bars.set_bars((), (), marks)
        self.crop_preview.set_crops((), marks)
        self.set_preview_title("")
        self.set_data("", (), "")
        self.run_table.set_rows([])
        self.show_run(Curves(), None)
        self.plots.set_empty_text("")
        self.set_running(False, can_train=False)

    def set_data(self, sentence: str, warnings: Sequence[str], problem: str) -> None:
        """Say what would be trained on, what is to be known about it, and why it cannot start.

        Above the button that trains stands the reason, or where the warnings are; its room is kept.
        """
        self.data_sentence.setText(sentence)
        self.warnings_text.setText("\n".join(f"• {warning}" for warning in warnings))
        self.warnings_text.setVisible(bool(warnings))
        self.problem_text.setText(problem or _of_warnings(warnings))
        self.problem_text.setProperty("bad", bool(problem))
        self.problem_text.setProperty("warning", not problem)
        self.problem_text.style().unpolish(self.problem_text)
        self.problem_text.style().polish(self.problem_text)

    def set_preview_title(self, text: str) -> None:
        """Say what the sheet of crops shows."""
        self.preview_title.setText(text)
        for widget in (self._preview_heading, self.preview_title):
            widget.setVisible(bool(text))

    def set_running(self, running: bool, *, can_train: bool, stopping: bool = False) -> None:
        """Offer Train, or Stop and Cancel and another run that waits."""
        self.train_button.setEnabled(can_train and not running)
        if running:
            self.train_button.setText("Training…")
        else:
            self.train_button.setText("Train")
        self.train_button.setShortcut("Ctrl+Return")  # a button's text takes its shortcut away
        self.stop_button.setEnabled(running and not stopping)
        if running and stopping:
            self.stop_button.setText("Stopping…")
        else:
            self.stop_button.setText("Stop and keep best")
        self.cancel_button.setEnabled(running)
        self.queue_button.setVisible(running)
        self.queue_button.setEnabled(can_train)

    def show_run(self, curves: Curves, head: TrainingHeadline | None) -> None:
        """Draw a run, live or reopened."""
        self._curves = curves
        self.plots.show_curves(curves)
        self._show_facts()
        self.set_headline(head)

    def touch(self) -> None:
        """Say that the curves that are shown have grown."""
        self.plots.touch()

    def set_headline(self, head: TrainingHeadline | None) -> None:
        """Say how the run that is shown went."""
        shown = head or TrainingHeadline("", "")
        self.headline.setText(shown.text)
        self.headline_detail.setText(shown.detail)
        for mood in ("good", "bad", "warning"):
            self.headline.setProperty(mood, shown.mood == mood)
        self.headline.style().unpolish(self.headline)
        self.headline.style().polish(self.headline)

    def offer(self, *, review: bool, resume: bool, log: bool, remove: bool = False) -> None:
        """Offer what can be done with the run that is shown."""
        self.review_button.setVisible(review)
        self.resume_button.setVisible(resume)
        self.log_button.setVisible(log)
        self.remove_button.setVisible(remove)

    # ---- building ---------------------------------------------------------------------------

    def _build_left(self) -> QWidget:
        self.data_sentence = _text("data_sentence", muted=True)
        self.warnings_text = _text("warnings_text", look="warning")
        self.problem_text = _text("problem_text", look="bad")
        self.preview_title = _text("preview_title", muted=True)
        self._preview_heading = _heading("Network input")
        self.parts = Tabbed("train_parts", "What is trained, and on what")
        data = (self._build_data_heading(), self.data_sentence, self.split_bars, self.warnings_text)
        shown = (self._preview_heading, self.preview_title, self.crop_preview)
        self.parts.add("Recipe", _column_of(self.recipe_form))
        self.parts.add("Data", _column_of(*data))
        self.parts.add("Input", _column_of(*shown))
        panel = QWidget()
        panel.setProperty("panel", True)
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setMinimumWidth(260)
        panel.setMaximumWidth(420)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.parts, 1)
        layout.addLayout(self._build_buttons())
        return panel

    def _build_data_heading(self) -> QWidget:
        self.test_split_button = QToolButton()
        self.test_split_button.setObjectName("test_side_button")
        self.test_split_button.setText("Test set…")
        self.test_split_button.setAccessibleName("Choose the test set")
        self.test_split_button.setToolTip(
            "Choose the specimens, micrographs or sources for testing only"
        )
        self.test_split_button.setAutoRaise(True)
        self.test_split_button.clicked.connect(self.test_split_requested)
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(_heading("Data split"), 1)
        row.addWidget(self.test_split_button)
        return holder

    def _build_buttons(self) -> QGridLayout:
        self.train_button = _button(
            "train_button", "Train", "Train on labelled crops (Ctrl+Return)"
        )
        self.train_button.setProperty("primary", True)
        self.train_button.setMinimumHeight(38)
        self.stop_button = _button(
            "stop_button", "Stop and keep best", "Finish now; keep and test the best weights"
        )
        self.cancel_button = _button("cancel_button", "Discard", "Discard this training")
        self.queue_button = _button(
            "queue_button", "Add to queue", "Train with this recipe when the current run finishes"
        )
        self.queue_button.setMinimumHeight(38)
        first = QHBoxLayout()
        first.setSpacing(GAP)
        first.addWidget(self.train_button, 1)
        first.addWidget(self.queue_button)
        grid = QGridLayout()
        grid.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        grid.setSpacing(GAP)
        grid.addWidget(pieces.steady(_PROBLEM_LINES, self.problem_text), 0, 0, 1, 2)
        grid.addWidget(self.cross_validation, 1, 0, 1, 2)
        grid.addLayout(first, 2, 0, 1, 2)
        grid.addWidget(self.stop_button, 3, 0)
        grid.addWidget(self.cancel_button, 3, 1)
        grid.setColumnStretch(0, 1)
        return grid

    def _build_right(self) -> QWidget:
        above = QWidget()
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._build_headline())
        column.addWidget(self.plots, 1)
        column.addWidget(self.facts)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setHandleWidth(1)
        splitter.addWidget(above)
        splitter.addWidget(self.run_table)
        splitter.setStretchFactor(0, 4)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([560, 140])
        splitter.setCollapsible(0, False)
        self.run_table.setMinimumHeight(72)
        return splitter

    def _build_headline(self) -> QWidget:
        self.headline = _text("headline")
        self.headline.setFont(scaled_font(self.headline.font(), 1.2, bold=True))
        self.headline_detail = _text("headline_detail", muted=True)
        self.review_button = _button(
            "review_button", "Open in Review", "Review the predictions of this run"
        )
        self.resume_button = _button(
            "resume_button", "Resume", "Continue this run from its last checkpoint"
        )
        self.log_button = _button("log_button", "Show log", "Show the training log")
        self.remove_button = _button("remove_button", "Remove", "Remove this run from the queue")
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(pieces.steady(1, self.headline))
        texts.addWidget(pieces.steady(_DETAIL_LINES, self.headline_detail))
        self.headline_panel = QWidget()
        self.headline_panel.setProperty("panel", True)
        self.headline_panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self.headline_panel)
        row.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        row.addLayout(texts, 1)
        for button in (self.remove_button, self.log_button, self.resume_button, self.review_button):
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row.addWidget(button)
        self.offer(review=False, resume=False, log=False)
        return self.headline_panel

    def _connect(self) -> None:
        for button in (self.train_button, self.queue_button):
            button.clicked.connect(self.train_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        for button, signal in (
            (self.resume_button, self.resume_requested),
            (self.review_button, self.review_requested),
            (self.remove_button, self.remove_requested),
            (self.log_button, self.log_requested),
        ):
            button.clicked.connect(partial(self._ask_for_current, signal))
        self.run_table.chosen.connect(self.run_chosen)
        self.run_table.opened.connect(self._open)
        self.recipe_form.changed.connect(self.recipe_changed)
        self.plots.repainted.connect(self._show_facts)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def _ask_for_current(self, signal: SignalInstance) -> None:
        signal.emit(self.run_table.current())

    def _open(self, number: int) -> None:
        if self.review_button.isVisible():
            self.review_requested.emit(number)

    def _show_facts(self) -> None:
        self.facts.show_facts(facts(self._curves), stage(self._curves), progress(self._curves))


def _of_warnings(warnings: Sequence[str]) -> str:
    """Return the first warning, and how many there are under Data."""
    if len(warnings) > 1:
        return f"{warnings[0]} ({count(len(warnings), 'warning')} under Data.)"
    return "".join(warnings)


def _column_of(*widgets: QWidget) -> QScrollArea:
    """Return widgets below each other, which scroll where the window is low."""
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
    column.setSpacing(GAP)
    for widget in widgets:
        column.addWidget(widget)
    column.addStretch(1)
    return _scrolled(inner)


def _scrolled(inner: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    for widget in (inner, area.viewport()):
        widget.setAutoFillBackground(False)
    return area


def _text(name: str, *, muted: bool = False, look: str = "") -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if muted or look:
        label.setProperty(look or "muted", True)
    return label


def _heading(text: str, name: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setProperty("heading", True)
    return label


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(tip)
    button.setToolTip(tip)
    return button

"""Lay out the apply page: run, lock, micrographs, image with outlines, porosity per class."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.wording import count
from poregui.gui.apply.field_list import FieldPanel, FieldRow
from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.lists.number_table import NumberRow, NumberTable
from poregui.gui.lists.run_picker import RunPicker
from poregui.gui.plots.svg_view import Draw, SvgView

_LOCK_LINES = 2
_SAYING_LINES = 2


class LockPanel(QWidget):
    """Hold a sentence and buttons; `lock_requested`, `take_requested`, `unlock_requested` say what
    a person wants.
    """

    lock_requested = Signal()
    take_requested = Signal()
    unlock_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lock_panel")
        self.setAccessibleName("Locked recipe")
        self.state = pieces.muted("lock_state")
        self.text = pieces.muted("lock_text")
        self.state.setWordWrap(True)
        self.button = pieces.button("lock_button", "Lock…", "")
        self.button.clicked.connect(self._clicked)
        self.take_button = pieces.button(
            "take_lock_button", "Import…", "Import a recipe that was locked in another project"
        )
        self.take_button.setAccessibleName("Import locked recipe")
        self.take_button.clicked.connect(self.take_requested)
        self._locked = False
        head = pieces.row(self.state, self.take_button, self.button)
        head.setContentsMargins(0, 0, 0, 0)
        head.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(head)
        layout.addWidget(pieces.steady(_LOCK_LINES, self.text))
        self.set_unlocked()

    def set_unlocked(self, *, may_lock: bool = False) -> None:
        """Say that nothing is locked, and offer to lock where that can be done."""
        self._locked = False
        self.take_button.setVisible(True)
        self.take_button.setEnabled(may_lock)
        self.state.setText("Not locked")
        self.text.setVisible(False)
        self.setToolTip("")
        self.button.setText("Lock…")
        self.button.setToolTip(
            "Fix network, recipe and confidence, so that an operator runs them unchanged"
        )
        self.button.setAccessibleName("Lock the recipe")
        self.button.setEnabled(may_lock)

    def set_locked(self, state: str, sentence: str, details: str, *, may_unlock: bool) -> None:
        """Say who locked and what is fixed; `details` appear where the mouse rests."""
        self._locked = True
        self.take_button.setVisible(False)
        self.state.setText(state)
        self.text.setText(sentence)
        self.text.setVisible(True)
        self.setToolTip(details)
        self.button.setText("Unlock…")
        self.button.setToolTip("Allow network, recipe and confidence to be changed")
        self.button.setAccessibleName("Unlock the recipe")
        self.button.setEnabled(may_unlock)

    def _clicked(self) -> None:
        (self.unlock_requested if self._locked else self.lock_requested).emit()


HEADS = ("Class", "Area %", "95 % CI", "Pores", "Per mm²", "D50", "Largest")
_NUMBERS_HEIGHT = 172
"""Height that the table gets at least beside the image; what needs more scrolls."""
_SIZES_HEIGHT = 204
_SIZES_SHARE = 0.34
"""Height that the drawing of sizes gets: a share of the page, and no less than can be read."""


class ApplyPage(QWidget):
    """Hold the widgets of applying and say what a person wants; the presenter fills them.

    `field_chosen` and `field_opened` (a double click) carry the key of a micrograph,
    `group_chosen` the name of a specimen (empty: all), `confidence_changed` the wanted confidence
    as a fraction; `shown` tells that the page came into sight.
    """

    apply_requested = Signal()
    cancel_requested = Signal()
    files_requested = Signal()
    folder_requested = Signal()
    open_requested = Signal()
    report_requested = Signal()
    train_requested = Signal()
    run_chosen = Signal(int)
    field_chosen = Signal(str)
    field_opened = Signal(str)
    group_chosen = Signal(str)
    confidence_changed = Signal(float)
    unsure_requested = Signal()
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("apply_page")
        self.setAccessibleName("Apply")
        self.run_picker = RunPicker(self)
        self.lock_panel = LockPanel(self)
        self.fields = FieldPanel(self)
        self.field_list = self.fields.list
        self.fields_count = self.fields.count
        self.canvas = ImageCanvas(self)
        self.table = NumberTable("porosity_table", "Porosity per class")
        self.table.set_drawn_head("To scale")
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(self._build_empty())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._connect()

    # ---- setters ----------------------------------------------------------------------------

    def show_empty(self, empty: bool) -> None:
        """Say that a network is needed first, or show the work."""
        self._stack.setCurrentIndex(1 if empty else 0)

    def set_fields(self, rows: Sequence[FieldRow]) -> None:
        """List micrographs; those that stay keep their tick."""
        self.field_list.set_rows(rows)

    def wanted(self) -> list[str]:
        """Return the keys of the ticked micrographs, in their order."""
        return self.field_list.wanted()

    def chosen_field(self) -> str | None:
        """Return the key of the micrograph whose image is wanted."""
        return self.field_list.chosen()

    def choose_field(self, key: str) -> None:
        """Choose a micrograph of the list."""
        self.field_list.choose(key)

    def set_working(self, working: bool, text: str = "", done: int = 0, total: int = 0) -> None:
        """Show how far the work is, or that none goes on."""
        self._starting.setCurrentWidget(self.cancel_button if working else self.apply_button)
        self.progress.setVisible(working)
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.state_text.setText(text)

    def set_confidence(self, text: str) -> None:
        """Say what the wanted confidence means for the test crops."""
        self.confidence_text.setText(text)

    def set_waiting(self, pores: int) -> None:
        """Offer to look at the pores that wait for a person."""
        self.unsure_button.setText(f"Review {count(pores, 'unsure pore')}…")
        self.unsure_button.setVisible(pores > 0)

    def min_confidence(self) -> float:
        """Return the wanted confidence as a fraction."""
        return self.confidence_slider.value() / 100

    def set_min_confidence(self, min_confidence: float) -> None:
        """Set the wanted confidence, a fraction, without saying that a person did."""
        with QSignalBlocker(self.confidence_slider):
            self.confidence_slider.setValue(round(100 * min_confidence))

    def set_groups(self, names: Sequence[tuple[str, str]]) -> None:
        """Offer all specimens together and each alone: (text, name)."""
        pieces.fill(self.group_box, list(names))
        self.group_box.setVisible(len(names) > 1)

    def choose_group(self, name: str) -> None:
        """Ask for the numbers of a specimen, where it is offered."""
        found = self.group_box.findData(name)
        if found >= 0:
            self.group_box.setCurrentIndex(found)

    def group(self) -> str:
        """Return the name of the specimen whose numbers are wanted, empty for all."""
        return str(self.group_box.currentData() or "")

    def set_numbers(
        self, title: str, heads: Sequence[str], rows: Sequence[NumberRow], note: str
    ) -> None:
        """Show the porosity of each class and what it rests on."""
        self.result_title.setText(title)
        self.table.set_rows(heads, rows)
        self.result_note.setText(note)
        for button in (self.sizes_button, self.report_button, self.open_button):
            button.setVisible(bool(rows))
        self._choose_numbers_or_sizes()

    def refuse(self, problem: str) -> None:
        """Say in the place of numbers why there are none."""
        self.set_confidence("")
        self.set_waiting(0)
        self.set_numbers("", HEADS, (), problem)

    def set_sizes(self, draw: Draw) -> None:
        """Take what draws the sizes of the pores whose numbers are shown."""
        self.size_view.set_drawing(draw)

    def set_image_title(self, title: str, detail: str = "") -> None:
        """Name the micrograph that is shown."""
        self.image_title.setText(title)
        self.image_detail.setText(detail)

    def clear(self) -> None:
        """Forget everything that is shown of a project."""
        self.set_fields(())
        self.field_list.forget_choice()
        self.set_numbers("", HEADS, (), "")
        self.canvas.show_message("")
        self.set_image_title("")
        self.set_working(False)

    # ---- building ---------------------------------------------------------------------------

    def _build_work(self) -> QWidget:
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self._build_image())
        right.addWidget(self._build_result())
        right.setStretchFactor(0, 1)
        right.setChildrenCollapsible(False)
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self._build_left())
        whole.addWidget(right)
        whole.setStretchFactor(1, 1)
        whole.setSizes([280, 760])
        for splitter in (right, whole):
            splitter.setHandleWidth(1)
        return whole

    def _name_confidence(self) -> None:
        self.confidence_slider = QSlider(Qt.Orientation.Horizontal)
        self.confidence_slider.setObjectName("sureness_slider")
        self.confidence_slider.setAccessibleName("Minimum confidence")
        self.confidence_slider.setRange(0, 99)
        self.confidence_text = pieces.muted("sureness_text")
        self.unsure_button = _wide("unsure_button", "Review unsure pores…")
        self.unsure_button.setToolTip(
            "Import them into the project and label them; the numbers update"
        )
        self.unsure_button.hide()

    def _name_progress(self) -> None:
        self.state_text = pieces.muted("apply_state")
        self.progress = QProgressBar()
        self.progress.setObjectName("apply_progress")
        self.progress.setTextVisible(False)
        self.apply_button = _wide("apply_button", "Find and classify pores", primary=True)
        self.cancel_button = _wide("apply_cancel_button", "Stop")
        self.cancel_button.setToolTip("Stop; what was found so far is kept")
        self._starting = QStackedWidget()  # one in the place of the other
        self._starting.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        for button in (self.apply_button, self.cancel_button):
            self._starting.addWidget(button)

    def _build_left(self) -> QWidget:
        self._name_confidence()
        self._name_progress()
        panel = pieces.panel()
        panel.setMinimumWidth(248)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(pieces.heading("Network"))
        layout.addWidget(self.run_picker)
        layout.addWidget(self.lock_panel)
        layout.addWidget(self.fields, 1)
        layout.addWidget(pieces.heading("Minimum confidence"))
        layout.addWidget(self.confidence_slider)
        layout.addWidget(pieces.steady(_SAYING_LINES, self.confidence_text))
        pieces.keep_room(self.unsure_button)
        pieces.keep_room(self.progress)
        self.progress.setFixedHeight(4)
        layout.addWidget(self.unsure_button)
        layout.addWidget(self._starting)
        layout.addWidget(self.progress)
        layout.addWidget(pieces.steady(_SAYING_LINES, self.state_text))
        self.set_working(False)
        return panel

    def _build_image(self) -> QWidget:
        self.image_title = pieces.heading("", name="apply_picture_title", strong=True)
        self.image_detail = pieces.muted("apply_picture_detail")
        self.image_detail.setMinimumSize(QSize(1, 1))
        self.canvas.setObjectName("apply_canvas")
        self.canvas.setAccessibleName("Micrograph with its pores outlined")
        self.fit_button = pieces.button("apply_fit_button", "Fit", "Show the whole micrograph")
        panel = pieces.panel()
        layout = pieces.column(panel, 0)
        layout.addLayout(pieces.row(self.image_title, self.image_detail, None, self.fit_button))
        layout.addWidget(self.canvas, 1)
        return panel

    def _build_result(self) -> QWidget:
        self.result_title = pieces.heading("", name="result_title", strong=True)
        self.result_note = pieces.muted("result_note")
        self.result_note.setWordWrap(True)
        self.result_note.setMinimumHeight(3 * self.result_note.fontMetrics().lineSpacing() + 2)
        self.result_note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.group_box: QComboBox = pieces.combo("group_box", "Numbers of")
        self.group_box.hide()
        self.report_button = pieces.button(
            "apply_report_button", "Report…", "One page per specimen, as PDF or HTML"
        )
        self.open_button = pieces.button(
            "apply_open_button", "Open the folder", "Tables, outlines and images"
        )
        self.sizes_button = pieces.button(
            "apply_sizes_button", "Sizes", "Show how large the pores of each class are"
        )
        self.sizes_button.setCheckable(True)
        self.size_view = SvgView("size_view", "How large the pores of each class are")
        self.size_view.hide()
        panel = pieces.panel()
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        layout.setSpacing(GAP // 2)
        buttons = (self.sizes_button, self.report_button, self.open_button)
        head = pieces.row(self.result_title, None, self.group_box, *buttons)
        head.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self._build_numbers(), 1)
        return panel

    def _build_numbers(self) -> QWidget:
        """Return table, sizes and note in a place that scrolls when they need
        more than there is.
        """
        inner = pieces.panel()
        column = pieces.column(inner, GAP // 2)
        for widget in (self.table, self.size_view, self.result_note):
            column.addWidget(widget)
        column.setStretch(1, 1)
        scroll = self._numbers = QScrollArea()
        scroll.setObjectName("apply_numbers")
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setMinimumHeight(_NUMBERS_HEIGHT)
        scroll.setWidget(inner)
        return scroll

    def _build_empty(self) -> QWidget:
        title = pieces.heading("No network yet", strong=True)
        text = pieces.muted("apply_empty_text")
        text.setText(
            "Train one first; then it finds and sorts every pore of as many micrographs as you "
            "like."
        )
        self.train_button = _wide("apply_train_button", "Go to Train", primary=True)
        self.take_button = _wide("apply_take_button", "Import locked recipe…")
        self.take_button.setToolTip("Apply a recipe that was locked in another project")
        panel = QWidget()
        layout = QVBoxLayout(panel)
        layout.setSpacing(MARGIN)
        layout.addStretch(2)
        for widget in (title, text, self.train_button, self.take_button):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        return panel

    def _connect(self) -> None:
        self.apply_button.clicked.connect(self.apply_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.fields.files_button.clicked.connect(self.files_requested)
        self.fields.folder_button.clicked.connect(self.folder_requested)
        self.report_button.clicked.connect(self.report_requested)
        self.open_button.clicked.connect(self.open_requested)
        self.train_button.clicked.connect(self.train_requested)
        self.take_button.clicked.connect(self.lock_panel.take_requested)
        self.fit_button.clicked.connect(self.canvas.fit)
        self.unsure_button.clicked.connect(self.unsure_requested)
        self.sizes_button.toggled.connect(lambda _: self._choose_numbers_or_sizes())
        self.run_picker.run_chosen.connect(self.run_chosen)
        self.field_list.currentItemChanged.connect(lambda *_: self._choose_field())
        self.field_list.opened.connect(self.field_opened)
        self.field_list.ticks_changed.connect(self._allow_apply)
        self.group_box.currentIndexChanged.connect(lambda _: self.group_chosen.emit(self.group()))
        self.confidence_slider.valueChanged.connect(
            lambda value: self.confidence_changed.emit(value / 100)
        )

    def _choose_numbers_or_sizes(self) -> None:
        there = bool(self.table.rows)
        sizes = self.sizes_button.isChecked()
        self.table.setVisible(there and not sizes)
        self.result_note.setVisible(not (there and sizes))
        self.size_view.setVisible(there and sizes)
        if there and sizes:
            high = max(_SIZES_HEIGHT, round(_SIZES_SHARE * self.height()))
        else:
            high = _NUMBERS_HEIGHT
        self._numbers.setMinimumHeight(high)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._choose_numbers_or_sizes()

    def _choose_field(self) -> None:
        key = self.chosen_field()
        if key is not None:
            self.field_chosen.emit(key)

    def _allow_apply(self) -> None:
        self.apply_button.setEnabled(bool(self.wanted()))


def _wide(name: str, text: str, *, primary: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setProperty("primary", primary)
    return button

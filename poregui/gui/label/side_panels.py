"""Lay out the panels that find pores and that show how labelling gets on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.wording import count, noun
from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.class_scores import BalanceTable
from poregui.gui.lists.similar_strip import AlikeStrip
from poregui.gui.widgets.class_bar import USUAL_TARGET
from poregui.gui.widgets.detection_form import DetectionForm
from poregui.workflow.detecting.find_pores import DetectedPores, DetectionPlan, left_out_words
from poregui.workflow.training.learning_curve import GAIN_CAVEAT

_NARROWEST = 256
_PREVIEW_LINES = 2
_RESULT_LINES = 3
_MOST_FAILURES = 3


def porosity_text(value: float) -> str:
    """Return a porosity in per cent with its name."""
    return f"porosity {value:.2f} %"


def result_text(
    found: Sequence[DetectedPores], failed: Sequence[tuple[str, str]], plan: DetectionPlan | None
) -> str:
    """Say what was found, what became of candidates and labels, and which micrographs could not be
    searched.
    """
    lines = []
    if len(found) == 1:
        lines.append(
            f"{count(len(found[0].pores), 'pore')}, {porosity_text(found[0].area_percent)}."
        )
    elif found:
        total = sum(len(one.pores) for one in found)
        mean = sum(one.area_percent for one in found) / len(found)
        where = count(len(found), "micrograph")
        lines.append(f"{count(total, 'pore')} in {where}, mean {porosity_text(mean)}.")
    if plan is not None:
        parts = [count(plan.added, "new candidate")]
        if plan.removed:
            parts.append(f"{plan.removed:,} removed")
        if plan.carried:
            parts.append(f"{count(plan.carried, 'label')} kept")
        lines.append(f"{', '.join(parts)}.")
    if plan is not None and plan.stayed:
        crops = count(len(plan.stayed), "labelled crop")
        have = noun(len(plan.stayed), "has", "have")
        lines.append(f"{crops} {have} no pore now; nothing was changed there.")
    lines += left_out_words(found, "choose No surface in image in the Image tab and search again")
    lines += [f"{name}: {why}" for name, why in failed[:_MOST_FAILURES]]
    if len(failed) > _MOST_FAILURES:
        more = count(len(failed) - _MOST_FAILURES, "more micrograph")
        lines.append(f"{more} could not be processed.")
    return "\n".join(lines)


class FindPanel(QWidget):
    """Hold the recipe of detection, what it finds in the part that is seen, and the buttons that
    find pores.

    `find_here_requested` and `find_everywhere_requested` are the two wishes; `stayed_requested`
    asks for the labelled crops without a pore. `finder_chosen` tells that another way to find was
    chosen, `teach_requested` carries the kind of finder that is to learn. `mount_answered` tells
    that what lies along an edge is mounting material (True) or pore; `automatic_requested` asks for
    a recipe, `check_requested` for a check of how well pores were found.
    """

    finder_chosen = Signal()
    teach_requested = Signal(str)
    find_here_requested = Signal()
    find_everywhere_requested = Signal()
    stayed_requested = Signal()
    mount_answered = Signal(bool)
    automatic_requested = Signal()
    check_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("find_panel")
        self.setAccessibleName("Find pores")
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(_NARROWEST)
        self._build_finders()
        self.form = DetectionForm(self)
        self.preview_text = self._text("preview_text", "Pores in the visible part")
        self.result_text = self._text("detection_result", "Last result")
        self.stayed_button = pieces.button(
            "stayed_button", "Show these", "Show the labelled crops without a pore"
        )
        self.mount_button = pieces.button(
            "is_mount_button", "Mounting material", "What lies along the edge is no part of it"
        )
        self.pore_button = pieces.button(
            "is_pore_button",
            "Pore",
            "The specimen fills the image; what lies along the edge is pore",
        )
        for button in (self.stayed_button, self.mount_button, self.pore_button):
            button.hide()
        self.automatic_button = _automatic_button()
        self.here_button = QPushButton("Find pores here")
        self.here_button.setObjectName("find_here_button")
        self.here_button.setAccessibleName("Find pores in this micrograph")
        self.here_button.setProperty("primary", True)
        self.everywhere_button = QPushButton("In several micrographs…")
        self.everywhere_button.setObjectName("find_everywhere_button")
        self.everywhere_button.setAccessibleName("Find pores in several micrographs")
        self.check_button = _check_button()
        self._lay_out()
        self._connect()

    def _connect(self) -> None:
        self.automatic_button.clicked.connect(self.automatic_requested)
        self.here_button.clicked.connect(self.find_here_requested)
        self.everywhere_button.clicked.connect(self.find_everywhere_requested)
        self.check_button.clicked.connect(self.check_requested)
        self.stayed_button.clicked.connect(self.stayed_requested)
        self.mount_button.clicked.connect(lambda: self.mount_answered.emit(True))
        self.pore_button.clicked.connect(lambda: self.mount_answered.emit(False))

    def _build_finders(self) -> None:
        self.finder_box = QComboBox()
        self.finder_box.setObjectName("finder_box")
        self.finder_box.setAccessibleName("Find pores by")
        self.finder_box.setToolTip(
            "By a threshold, or by what a finder learned from checked areas; limits of size, "
            "split and edge count for both"
        )
        self.finder_box.addItem("Threshold", 0)
        self.finder_box.currentIndexChanged.connect(self._choose_finder)
        self.teach_text = self._text("teach_text", "What a finder can learn from")
        self.network_button = pieces.button(
            "teach_network_button", "Train network", "Takes minutes; best on textured images"
        )
        self.instant_button = pieces.button(
            "teach_instant_button", "Train instant", "Takes seconds; decides pixel by pixel"
        )
        self.network_button.clicked.connect(partial(self.teach_requested.emit, "network"))
        self.instant_button.clicked.connect(partial(self.teach_requested.emit, "instant"))

    def _choose_finder(self, _index: int) -> None:
        self._show_finder()
        self.finder_chosen.emit()

    def _show_finder(self) -> None:
        self.form.set_learned(bool(self.finder))
        self.automatic_button.setVisible(not self.finder)

    @property
    def finder(self) -> int:
        """Return the number of the finder that is chosen, 0 for a threshold."""
        return int(self.finder_box.currentData() or 0)

    def set_finders(self, finders: Sequence[tuple[int, str]]) -> None:
        """Offer finders by number and name; the chosen one stays, where it is among them."""
        chosen = self.finder
        with QSignalBlocker(self.finder_box):
            self.finder_box.clear()
            self.finder_box.addItem("Threshold", 0)
            for number, name in finders:
                self.finder_box.addItem(name, number)
            self.finder_box.setCurrentIndex(max(0, self.finder_box.findData(chosen)))
        self._show_finder()

    def choose_finder(self, number: int) -> None:
        """Choose a finder that is offered, or 0 for a threshold."""
        self.finder_box.setCurrentIndex(max(0, self.finder_box.findData(number)))

    def set_teaching(self, checked: int, *, idle: bool) -> None:
        """Say how many micrographs with checked areas a finder can learn from, and offer to teach
        one where there are any and nothing is being trained.
        """
        text = "Mark checked areas in the Image tab first: there, every pore has its outline."
        if checked:
            text = f"Train a finder on the checked areas of {count(checked, 'micrograph')}."
        self.teach_text.setText(text)
        for button in (self.network_button, self.instant_button):
            button.setEnabled(bool(checked) and idle)

    def set_ready(self, *, here: bool, everywhere: bool) -> None:
        """Offer or withhold the two ways to find pores."""
        self.automatic_button.setEnabled(here)
        self.here_button.setEnabled(here)
        self.everywhere_button.setEnabled(everywhere)
        self.check_button.setEnabled(everywhere)

    def set_preview(self, text: str) -> None:
        """Say what is found in the part that is seen, or why nothing is."""
        self.preview_text.setText(text)

    def set_result(self, text: str, *, stayed: bool = False, unsure: bool = False) -> None:
        """Say what was found last, offer the labelled crops for which nothing was, and ask what is
        mount where one is `unsure`.
        """
        self.result_text.setText(text)
        self.stayed_button.setVisible(stayed)
        self.mount_button.setVisible(unsure)
        self.pore_button.setVisible(unsure)

    def _text(self, name: str, accessible: str) -> QLabel:
        label = pieces.muted(name)
        label.setAccessibleName(accessible)
        label.setWordWrap(True)
        return label

    def _scrolled(self) -> QScrollArea:
        """Return the settings, which may be longer than the panel."""
        inner = pieces.panel()
        form = QVBoxLayout(inner)
        form.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        form.addWidget(_labelled("Find by", self.finder_box))
        form.addWidget(self.form)
        form.addWidget(pieces.heading("Learned finder"))
        form.addWidget(self.teach_text)
        teaching = pieces.row(self.network_button, self.instant_button, None)
        teaching.setContentsMargins(0, 0, 0, 0)
        form.addLayout(teaching)
        form.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        return scroll

    def _lay_out(self) -> None:
        scroll = self._scrolled()
        below = QVBoxLayout()
        below.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        below.setSpacing(GAP)
        below.addWidget(pieces.steady(_PREVIEW_LINES, self.preview_text))
        below.addWidget(self.automatic_button)
        below.addWidget(self.here_button)
        below.addWidget(self.everywhere_button)
        below.addWidget(self.check_button)
        below.addWidget(pieces.steady(_RESULT_LINES, self.result_text))
        row = QHBoxLayout()
        for button in (self.stayed_button, self.mount_button, self.pore_button):
            pieces.keep_room(button)
            row.addWidget(button)
        row.addStretch(1)
        below.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addLayout(below)


def _labelled(text: str, field: QWidget) -> QWidget:
    """Return a field with its name before it."""
    label = QLabel(text)
    label.setBuddy(field)
    held = QWidget()
    layout = QHBoxLayout(held)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(label)
    layout.addWidget(field, 1)
    return held


def _check_button() -> QPushButton:
    button = QPushButton("Check the finding…")
    button.setObjectName("check_finding_button")
    button.setAccessibleName("Check how well pores were found")
    button.setToolTip(
        "Look at random windows and mark what is missed and false, or count points: recall, "
        "precision and area with their intervals"
    )
    return button


def _automatic_button() -> QPushButton:
    button = QPushButton("Choose settings (Auto)")
    button.setObjectName("automatic_button")
    button.setAccessibleName("Choose the settings automatically")
    button.setToolTip(
        "Try thresholds and corrections on a sample of this micrograph, and take what depends "
        "least on its threshold"
    )
    return button


MOST = 100_000


class ProgressPanel(QScrollArea):
    """Show the progress; `target_changed` carries labels wanted of each class, `nudge_followed`
    tells of a click.
    """

    target_changed = Signal(int)
    nudge_followed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("progress_panel")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.target = pieces.WholeNumberBox()
        self.target.setObjectName("label_target")
        self.target.setAccessibleName("Target number of labels per class")
        self.target.setRange(1, MOST)
        self.target.setValue(USUAL_TARGET)
        self.target.setKeyboardTracking(False)
        self.pace = pieces.muted("label_pace")
        self.nudge = pieces.muted("balance_nudge")
        self.more = pieces.muted("more_labels")
        self.more.setAccessibleName("Expected gain from more labels of each class")
        self.more.setToolTip(GAIN_CAVEAT)
        for text in (self.pace, self.nudge, self.more):
            text.setWordWrap(True)
        self.nudge_button = QPushButton("Show these")
        self.nudge_button.setObjectName("nudge_button")
        self.nudge_button.setAccessibleName(
            "Show unlabelled crops for the cell with the fewest labels, most likely first"
        )
        self.table = BalanceTable()
        self.alike = AlikeStrip()
        self._lay_out()
        self.target.valueChanged.connect(self.target_changed)
        self.nudge_button.clicked.connect(self.nudge_followed)

    def _lay_out(self) -> None:
        wanted = QHBoxLayout()
        text = pieces.muted("target_words")
        text.setText("Target per class")
        wanted.addWidget(text, 1)
        wanted.addWidget(self.target)
        body = pieces.panel()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(pieces.heading("Speed"))
        layout.addLayout(wanted)
        layout.addWidget(pieces.steady(2, self.pace))
        layout.addWidget(pieces.heading("Most similar to current crop"))
        layout.addWidget(self.alike)
        layout.addWidget(pieces.heading("Balance"))
        layout.addWidget(pieces.steady(2, self.nudge))
        pieces.keep_room(self.nudge_button)
        layout.addWidget(self.nudge_button)
        layout.addWidget(self.table)
        layout.addWidget(pieces.heading("Gain from more labels"))
        layout.addWidget(self.more)
        layout.addStretch(1)
        self.setWidget(body)

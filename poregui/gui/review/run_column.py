"""Lay out what a run is worth: picker, headline, matrix, scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QLayout, QMenu, QToolButton, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.dataset import SplitName
from poregui.domain.evaluation import Evaluation
from poregui.gui.base.pieces import button, steady
from poregui.gui.base.theme import GAP, scaled_font
from poregui.gui.lists.class_scores import ClassScores
from poregui.gui.lists.run_picker import RunPicker
from poregui.gui.plots.confusion_matrix import ConfusionMatrix
from poregui.gui.review.review_parts import column, row, say, text
from poregui.gui.review.review_text import SPLIT_NAMES, RunHeadline
from poregui.workflow.reporting.figures import MatrixMode

_DETAIL_LINES = 2
_NOTE_LINES = 5
_SPLIT_TIPS = {
    "test": "Crops never used in training",
    "validation": "Crops used to decide when to stop training",
    "train": "Crops the network was trained on",
}
_MODES: dict[MatrixMode, tuple[str, str]] = {
    "counts": ("Counts", "Show the number of crops in each cell"),
    "rows": ("Row %", "Show shares of each label; the diagonal is the recall"),
    "columns": (
        "Column %",
        "Show shares of each predicted class; the diagonal is the precision",
    ),
}
EXPORTS = {
    "export_report": "Report as HTML…",
    "export_report_pdf": "Report as PDF…",
    "export_predictions": "Predictions as CSV…",
    "export_figures_svg": "Matrix and curves as SVG…",
    "export_figures_png": "Matrix and curves as PNG…",
    "export_model": "Network with its model card…",
}
"""What of the run can be exported, by the name of its action."""


class RunColumn(QWidget):
    """Hold the widgets at the left; `export_requested` carries a name of EXPORTS, `split_chosen` a
    split.
    """

    split_chosen = Signal(str)
    export_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run_picker = RunPicker(self)
        self.confusion_matrix = ConfusionMatrix(self)
        self.class_scores = ClassScores(self)
        self._build()

    # ---- setters ----------------------------------------------------------------------------

    def show_numbers(self, shown: bool) -> None:
        """Show or hide everything but the choice of the run."""
        self._numbers.setVisible(shown)
        self.export_button.setEnabled(shown)

    def set_headline(self, headline: RunHeadline, warnings: Sequence[str], seen: str) -> None:
        """Say what the run is worth, what makes that doubtful, and how unseen its test set still
        is.
        """
        self.headline_number.setText(headline.number)
        self.headline.setText(headline.detail)
        self.headline.setAccessibleName(headline.text)
        say(self.headline_note, headline.note)
        say(self.headline_seen, seen)
        say(self.headline_warnings, "\n".join(warnings))

    def set_splits(self, there: Collection[SplitName], chosen: SplitName) -> None:
        """Offer the splits that have predictions."""
        for split, one in self.split_buttons.items():
            one.setEnabled(split in there)
            one.setChecked(split == chosen)

    def set_classes(
        self, names: Sequence[str], ids: Sequence[int], known: Sequence[PoreClass]
    ) -> None:
        """Head the matrix with the run's classes; `known` are all of the
        project, retired ones too.
        """
        self.confusion_matrix.set_classes(names, ids, known)

    def set_numbers(
        self, evaluation: Evaluation, ids: Sequence[int], known: Sequence[PoreClass]
    ) -> None:
        """Show matrix and scores."""
        self.confusion_matrix.set_matrix(evaluation.matrix)
        self.class_scores.set_scores(evaluation.per_class, ids, known)

    # ---- building ---------------------------------------------------------------------------

    def _build(self) -> None:
        self.headline_number = text("headline_number", kind="title")
        self.headline_number.setFont(scaled_font(self.font(), 2.1, bold=True))
        self.headline_number.setFixedHeight(self.headline_number.fontMetrics().height() + 2)
        self.headline = text("review_headline", kind="plain", wrap=True)
        self.headline_note = text("headline_note", wrap=True)
        self.headline_seen = text("headline_seen", wrap=True)
        self.headline_warnings = text("headline_warnings", kind="warning", wrap=True)
        self._numbers = QWidget()
        layout = column(self._numbers, margin=0)
        notes = (self.headline_warnings, self.headline_note, self.headline_seen)
        layout.addWidget(self.headline_number)
        layout.addWidget(steady(_DETAIL_LINES, self.headline))
        layout.addWidget(steady(_NOTE_LINES, *notes))
        layout.addLayout(self._build_splits())
        layout.addWidget(self.confusion_matrix)
        layout.addLayout(self._build_modes())
        layout.addSpacing(GAP // 2)
        layout.addWidget(self.class_scores)
        outer = column(self, margin=0)
        self.run_button = button("run_menu_button", "Edit", "Name, resume, delete or restore runs")
        self.run_button.clicked.connect(self._ask_menu)
        title = text(kind="heading", content="Run")
        outer.addLayout(row(title, None, self.run_button, self._build_export()))
        outer.addWidget(self.run_picker)
        outer.addWidget(self._numbers)
        outer.addStretch(1)

    def _ask_menu(self) -> None:
        self.run_picker.ask_menu(self.run_button.mapToGlobal(self.run_button.rect().bottomLeft()))

    def _build_export(self) -> QToolButton:
        self.export_button = button(
            "take_away_button", "Export", "Export report, figures, predictions or network"
        )
        menu = QMenu(self.export_button)
        for name, title in EXPORTS.items():
            action = menu.addAction(title)
            action.setObjectName(f"{name}_action")
            action.triggered.connect(partial(self._export, name))
        self.export_button.setMenu(menu)
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return self.export_button

    def _export(self, name: str, _checked: bool = False) -> None:
        self.export_requested.emit(name)

    def _choose_split(self, split: SplitName, _checked: bool = False) -> None:
        self.split_chosen.emit(split)

    def _set_mode(self, mode: MatrixMode, _checked: bool = False) -> None:
        self.confusion_matrix.set_mode(mode)

    def _build_splits(self) -> QLayout:
        self.split_buttons: dict[SplitName, QToolButton] = {}
        group = QButtonGroup(self)
        for split, title in SPLIT_NAMES.items():
            one = button(f"part_{split}_button", title, _SPLIT_TIPS[split], checkable=True)
            one.setAccessibleName(f"{title}: {_SPLIT_TIPS[split].lower()}")
            group.addButton(one)
            self.split_buttons[split] = one
            one.clicked.connect(partial(self._choose_split, split))
        return row(*self.split_buttons.values(), None)

    def _build_modes(self) -> QLayout:
        self.mode_buttons: dict[MatrixMode, QToolButton] = {}
        group = QButtonGroup(self)
        for mode in get_args(MatrixMode):
            title, tip = _MODES[mode]
            one = button(f"matrix_{mode}_button", title, tip, checkable=True)
            one.setProperty("tab", True)
            one.setProperty("boxed", False)
            one.setChecked(mode == "counts")
            group.addButton(one)
            self.mode_buttons[mode] = one
            one.clicked.connect(partial(self._set_mode, mode))
        return row(*self.mode_buttons.values(), None)

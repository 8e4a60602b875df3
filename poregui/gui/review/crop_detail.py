"""Lay out what is known of one crop of a run: image, heat map, context, probabilities, label."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSizePolicy, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.records import Remark
from poregui.gui.base.pieces import Tabbed, button, keep_room, steady
from poregui.gui.base.theme import GAP
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.plots.heat_map import HeatMapView
from poregui.gui.plots.probability_bars import ProbabilityBars
from poregui.gui.plots.strip_plots import StripPlots
from poregui.gui.review.review_parts import column, row, say, text
from poregui.gui.widgets.context_view import ContextView
from poregui.gui.widgets.label_strip import LabelStrip

OF_PREDICTION = -1
OF_LABEL = -2
"""What the class choice of the heat map means beside indices of classes."""


_ANSWER_LINES = 3
_FACT_LINES = 4
SURROUNDINGS = "Context"
SIZE = "Size"
ALIKE = "Similar"
"""What is seen below the label: one of three."""


class DetailPanel(QWidget):
    """Hold the widgets of the chosen crop; `heat_changed` tells that switch or class of the heat
    map changed.

    `reviewed_changed` carries what a person marked, `note_changed` the id of the crop that a note
    is of and the note, `more_chosen` what is to be seen below.
    """

    heat_changed = Signal()
    reviewed_changed = Signal(bool)
    note_changed = Signal(int, str)
    more_chosen = Signal(str)
    label_requested = Signal(int)
    show_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review_detail")
        self.heat_map = HeatMapView(self)
        self.context_view = ContextView(self)
        for image, lowest in ((self.heat_map, 140), (self.context_view, 110)):
            image.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            image.setMinimumHeight(lowest)  # and no more: the images share what the texts leave
        self.probability_bars = ProbabilityBars(self)
        self.label_strip = LabelStrip(self)
        self.strip_plots = StripPlots(self)
        self.alike_grid = CropGrid(self)
        self._build()
        self._held = False
        self._note_of = 0
        self.heat_switch.toggled.connect(self._heat_switched)
        self.heat_class.activated.connect(self.heat_changed)
        self.label_strip.label_requested.connect(self.label_requested)
        self.show_button.clicked.connect(self.show_requested)
        self.reviewed_box.clicked.connect(self.reviewed_changed)
        self.note_field.editingFinished.connect(self._note_written)
        self.more.chosen.connect(self.more_chosen)

    # ---- setters ----------------------------------------------------------------------------

    def set_classes(
        self, names: Sequence[str], known: Sequence[PoreClass], active: Sequence[PoreClass]
    ) -> None:
        """Offer the run's class names for the heat map and the project's active
        classes as labels.
        """
        for widget in (self.probability_bars, self.strip_plots, self.alike_grid):
            widget.set_classes(known)
        self.label_strip.set_classes(active)
        kept = self.heat_class.currentData()
        entries = [("as predicted", OF_PREDICTION), ("as labelled", OF_LABEL)]
        entries += [(name, index) for index, name in enumerate(names)]
        with QSignalBlocker(self.heat_class):
            self.heat_class.clear()
            for title, index in entries:
                self.heat_class.addItem(title, index)
            self.heat_class.setCurrentIndex(max(0, self.heat_class.findData(kept)))

    def set_writable(self, writable: bool) -> None:
        """Offer or withhold labels, marks and notes."""
        for widget in (self.label_strip, self.reviewed_box, self.note_field):
            widget.setEnabled(writable)

    def set_remark(self, crop_id: int, remark: Remark) -> None:
        """Show what was noted at a crop; a note that is being written stays."""
        with QSignalBlocker(self.reviewed_box):
            self.reviewed_box.setChecked(remark.reviewed)
        if crop_id != self._note_of or not (
            self.note_field.hasFocus() and self.note_field.isModified()
        ):
            self.note_field.setText(remark.note)
        self._note_of = crop_id

    def set_alike_text(self, text: str) -> None:
        """Say what the nearest training crops tell, or why there are none."""
        say(self.alike_note, text)

    def set_size_text(self, text: str) -> None:
        """Say why sizes and shapes are not drawn, or nothing."""
        say(self.size_note, text)

    def set_no_heat(self, sentence: str) -> None:
        """Say why there is no heat map and hide its switch; an empty sentence offers it."""
        say(self.heat_note, sentence)
        self.heat_switch.setVisible(not sentence)
        self.heat_switch.setEnabled(not sentence)
        self.heat_class.setVisible(not sentence and self.heat_switch.isChecked())

    def set_texts(self, name: str, prediction: str, facts: str, history: str, changes: str) -> None:
        """Say which crop this is, what was predicted, its size, its label log and what changed
        since.
        """
        self.crop_name.setText(name)
        self.crop_name.setToolTip(name)
        self.crop_answer.setText(prediction)
        say(self.crop_facts, facts)
        say(self.crop_history, history)
        say(self.crop_changes, changes)

    def set_shown(self, crop: bool, *, surroundings: bool = True, findable: bool = True) -> None:
        """Show what goes with a chosen crop, or nothing but a sentence."""
        self.context_view.setVisible(crop and surroundings)
        sentence = "This crop was imported without its micrograph."
        if surroundings:
            sentence = ""
        say(self.no_surroundings, sentence)
        for widget in (
            self.probability_bars,
            self.label_strip,
            self.reviewed_box,
            self.note_field,
            self.more,
        ):
            widget.setVisible(crop)
        self.show_button.setVisible(crop and findable)
        self.show_button.setEnabled(crop and findable)
        if not crop:
            self.heat_map.clear()
            self.set_texts("", "", "", "", "")

    @property
    def heat_wanted(self) -> bool:
        """Tell whether the heat map should be seen: Space turns what the switch says around while
        it is held.
        """
        return self.heat_switch.isChecked() != self._held

    def hold(self, held: bool) -> None:
        """Turn the heat map around while a key is held."""
        if held != self._held:
            self._held = held
            self.heat_changed.emit()

    # ---- building ---------------------------------------------------------------------------

    def _build(self) -> None:
        self.crop_name = text("review_crop_name", kind="title")
        self.crop_name.setMinimumWidth(40)
        self.crop_answer = text("crop_answer", kind="title", wrap=True)
        self.heat_note = text("heat_note", wrap=True)
        self.crop_facts = text("review_crop_size", wrap=True)
        self.crop_history = text("review_crop_history", wrap=True)
        self.crop_changes = text("crop_changes", kind="warning", wrap=True)
        self.show_button = button(
            "show_in_label_button", "Show in micrograph", "Show this crop on the Label page (M)"
        )
        self._build_heat()
        layout = column(self, margin=0, spacing=GAP // 2)
        layout.addWidget(self.crop_name)
        layout.addWidget(self.heat_map, 3)
        heat = row(self.heat_switch, self.heat_class, self.heat_note, None)
        for index in (1, 2):
            heat.setStretch(index, 100)
        held = QWidget()
        held.setLayout(heat)
        held.setFixedHeight(self.heat_switch.sizeHint().height())
        layout.addWidget(held)
        layout.addWidget(steady(_ANSWER_LINES, self.crop_answer, self.crop_changes))
        layout.addWidget(self.probability_bars)
        layout.addWidget(self.label_strip)
        self._build_remark()
        layout.addLayout(row(self.reviewed_box, self.note_field))
        layout.addWidget(self._build_more(), 2)
        layout.addStretch(0)

    def _build_heat(self) -> None:
        self.heat_switch = button(
            "heat_map_switch", "Heat map", "Show the evidence for a class (H)", checkable=True
        )
        self.heat_class = QComboBox()
        self.heat_class.setObjectName("heat_map_class")
        self.heat_class.setAccessibleName("Class of the heat map")
        self.heat_class.setToolTip("Coloured: evidence for this class")
        self.heat_class.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.heat_class.setMinimumContentsLength(4)
        self.heat_class.setMinimumWidth(60)
        self.heat_class.setVisible(False)

    def _build_remark(self) -> None:
        self.reviewed_box = QCheckBox("Reviewed")
        self.reviewed_box.setObjectName("reviewed_box")
        self.reviewed_box.setAccessibleName("Mark the crop as reviewed (R)")
        self.reviewed_box.setToolTip(
            "Mark the crop as reviewed (R); it leaves the list of label errors"
        )
        self.note_field = QLineEdit()
        self.note_field.setObjectName("crop_note")
        self.note_field.setAccessibleName("Note on the crop")
        self.note_field.setPlaceholderText("Note (N)")
        self.note_field.setMinimumWidth(40)

    def _build_more(self) -> Tabbed:
        """Build what is seen below the label: surroundings, size and shape, or crops that are
        alike.
        """
        around = QWidget()
        sizes = QWidget()
        alike = QWidget()
        self.no_surroundings = text("no_surroundings", wrap=True)
        layout = column(around, margin=0, spacing=GAP // 2)
        layout.addWidget(self.context_view, 1)
        layout.addWidget(self.no_surroundings)
        keep_room(self.show_button)
        layout.addWidget(steady(_FACT_LINES, self.crop_facts, self.crop_history))
        layout.addLayout(row(self.show_button, None))
        layout.addStretch(0)
        self.size_note = text("size_note", wrap=True)
        layout = column(sizes, margin=0, spacing=GAP // 2)
        layout.addWidget(self.strip_plots)
        layout.addWidget(self.size_note)
        layout.addStretch(1)
        self.alike_grid.setObjectName("alike_grid")
        self.alike_grid.setAccessibleName("Training crops most similar to this one")
        self.alike_grid.set_cell(72, lines=1)
        self.alike_note = text("alike_note", wrap=True)
        layout = column(alike, margin=0, spacing=GAP // 2)
        layout.addWidget(self.alike_note)
        layout.addWidget(self.alike_grid, 1)
        self.more = Tabbed("review_more", "More about the crop")
        for title, panel in ((SURROUNDINGS, around), (SIZE, sizes), (ALIKE, alike)):
            self.more.add(title, panel)
        return self.more

    def _note_written(self) -> None:
        if self._note_of:
            self.note_changed.emit(self._note_of, self.note_field.text().strip())

    def _heat_switched(self, on: bool) -> None:
        self.heat_class.setVisible(on)
        self.heat_changed.emit()

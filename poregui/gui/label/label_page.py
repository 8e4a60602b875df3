"""Lay out the label page: micrographs, canvas, classes, current crop, grid."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QPushButton,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_NAME, UNSURE, UNSURE_NAME, PoreClass
from poregui.domain.wording import count, percent
from poregui.gui.base import pieces
from poregui.gui.base.key_map import key_map
from poregui.gui.base.pieces import ElidedLabel, Tabbed
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.image_panel import ImagePanel
from poregui.gui.label.measure_panel import MeasurePanel
from poregui.gui.label.side_panels import FindPanel, ProgressPanel
from poregui.gui.lists.crop_grid import LARGEST_CELL, SMALLEST_CELL, USUAL_CELL, CropGrid
from poregui.gui.lists.crop_list import no_image
from poregui.gui.lists.micrograph_list import MicrographList
from poregui.gui.lists.same_scale import ScaleStrip
from poregui.gui.lists.section_strip import SectionStrip
from poregui.gui.lists.similar_strip import AlikeRow
from poregui.gui.widgets.class_bar import ClassBar
from poregui.gui.widgets.class_card import ClassCard
from poregui.gui.widgets.context_view import ContextView
from poregui.gui.widgets.facts import CropFacts
from poregui.gui.widgets.key_filter import LabelKeys
from poregui.gui.widgets.label_strip import SuggestionLine

_HISTORY_LINES = 2


class LabelPage(QWidget):
    """Hold the widgets of labelling and say what a person wants; the presenter fills them.

    `properties_requested` carries the ids of micrographs, `key_pressed` what a key means (see
    widgets/key_filter.py).
    """

    import_requested = Signal()
    train_requested = Signal()
    properties_requested = Signal(object)
    filter_changed = Signal(object)
    key_pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("label_page")
        self.setAccessibleName("Label")
        self.micrograph_list = MicrographList(self)
        self.image_canvas = ImageCanvas(self)
        self.class_bar = ClassBar(self)
        self.context_view = ContextView(self)
        self.crop_grid = CropGrid(self)
        self.suggestion_line = SuggestionLine(self)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._build_work())
        self._stack.addWidget(self._build_empty())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self.class_card = ClassCard(self.top_splitter, self)
        escape = QShortcut(Qt.Key.Key_Escape, self.class_card, self.class_card.fold)
        escape.setContext(Qt.ShortcutContext.WindowShortcut)
        self._connect()

    # ---- setters ----------------------------------------------------------------------------

    def show_empty(self, empty: bool) -> None:
        """Show what to do in a project without images, or the work."""
        self._stack.setCurrentIndex(1 if empty else 0)

    def clear(self) -> None:
        """Forget everything that is shown of a project."""
        self.crop_grid.set_images(no_image)
        self.micrograph_list.set_images(no_image)
        self.crop_grid.set_rows(())
        self.micrograph_list.set_rows(())
        for box in (self.label_filter, self.specimen_filter, self.micrograph_filter):
            with QSignalBlocker(box):
                box.setCurrentIndex(0)
        self.image_canvas.show_message("")
        self.context_view.clear()
        self.set_title("")
        self.set_details("", "", "")

    def set_writable(self, writable: bool) -> None:
        """Offer or withhold what changes the project."""
        for button in (self.delete_micrograph_button, self.import_button, self.first_import_button):
            button.setEnabled(writable)
        text = "This project is open read-only and contains no images."
        if writable:
            text = (
                "Import micrographs to crop, or ready-made crops of pores.\n"
                "You can also drop folders here."
            )
        self._empty_text.setText(text)

    def set_classes(self, classes: Sequence[PoreClass], known: Sequence[PoreClass]) -> None:
        """Offer these classes for labelling; `known` are also the retired ones that crops may still
        carry.
        """
        self.class_bar.set_classes(classes)
        for widget in (self.image_canvas, self.crop_grid):
            widget.set_classes(known)
        self.keys.watch(self.class_bar.buttons.values())
        entries: list[tuple[str, object]] = [
            ("All labels", "any"),
            ("Unlabelled", None),
            ("Candidates", "proposals"),
        ]
        entries += [(c.name, c.id) for c in classes]
        entries += [(NOT_A_PORE_NAME, NOT_A_PORE), (UNSURE_NAME, UNSURE)]
        pieces.fill(self.label_filter, entries)

    def set_specimens(self, entries: Sequence[tuple[str, int]]) -> None:
        """Offer specimens (name, id) in the filter."""
        pieces.fill(self.specimen_filter, [("All specimens", None), *entries])
        self.specimen_filter.setVisible(bool(entries))

    def set_micrographs(self, entries: Sequence[tuple[str, int]]) -> None:
        """Offer micrographs (name, id) in the filter."""
        pieces.fill(self.micrograph_filter, [("All micrographs", None), *entries])
        self.micrograph_filter.setVisible(bool(entries))

    def set_grid_count(self, shown: int, total: int, selected: int) -> None:
        """Say how many crops the grid shows, of how many, and how many are selected."""
        empty = "No crops yet. Click a pore, or drag a box around it."
        if total:
            empty = "No crops match the filter. Reset shows all."
        self.crop_grid.set_empty_text(empty)
        text = count(total, "crop")
        if shown != total:
            text = f"{shown:,} of {text}"
        if selected > 1:
            text = f"{text} · {selected:,} selected"
        self.grid_count.setText(text)
        self.all_crops_button.setVisible(not self.crop_filter().is_open)

    def set_title(self, text: str, detail: str = "") -> None:
        """Name what the canvas shows."""
        self.canvas_title.setText(text)
        self.canvas_detail.setText(detail)

    def set_details(self, name: str, size: str, history: str) -> None:
        """Say of the current crop its label, its size and who labelled it when and how."""
        self.crop_label.setText(name)
        self.crop_size.setText(size)
        self.crop_history.setText(history)

    def crop_filter(self) -> CropFilter:
        """Return what the filters say."""
        return CropFilter(
            self.label_filter.currentData(),
            self.specimen_filter.currentData(),
            self.micrograph_filter.currentData(),
        )

    def set_filter(self, wanted: CropFilter) -> None:
        """Set the filters and tell of it once."""
        pairs = (
            (self.label_filter, wanted.label),
            (self.specimen_filter, wanted.specimen_id),
            (self.micrograph_filter, wanted.micrograph_id),
        )
        for box, value in pairs:
            with QSignalBlocker(box):
                box.setCurrentIndex(max(0, box.findData(value)))
        self._filter()

    # ---- building ---------------------------------------------------------------------------

    def _build_work(self) -> QWidget:
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(self._build_middle())
        whole.addWidget(self._build_side())
        whole.setStretchFactor(0, 1)
        whole.setSizes([900, 256])
        whole.setCollapsible(0, False)
        whole.setHandleWidth(1)
        return whole

    def _build_middle(self) -> QWidget:
        self.top_splitter = top = QSplitter(Qt.Orientation.Horizontal)
        top.setObjectName("label_top_splitter")
        top.addWidget(self._build_left())
        top.addWidget(self._build_centre())
        top.setStretchFactor(1, 1)
        top.setSizes([226, 700])
        top.setHandleWidth(1)
        self.below = Tabbed("label_below", "Below the micrograph")
        self.below.add("Crops", self._build_grid())
        self.below.add_beside("Crops", self._build_grid_view())
        self.measure_panel = MeasurePanel(self)
        self.below.add("Measurements", self.measure_panel)
        middle = QSplitter(Qt.Orientation.Vertical)
        middle.addWidget(top)
        middle.addWidget(self.below)
        middle.setStretchFactor(0, 3)
        middle.setStretchFactor(1, 1)
        middle.setSizes([520, 236])
        middle.setCollapsible(0, False)
        middle.setHandleWidth(1)
        return middle

    def _build_side(self) -> QWidget:
        self.side = Tabbed("label_side", "Beside the micrograph")
        self.side.add("Label", self._build_right())
        self.find_panel = FindPanel(self)
        self.side.add("Find pores", self.find_panel)
        self.image_panel = ImagePanel(self)
        self.side.add("Image", self.image_panel)
        self.progress_panel = ProgressPanel(self)
        self.side.add("Progress", self.progress_panel)
        return self.side

    def _build_left(self) -> QWidget:
        self.import_button = pieces.button(
            "import_button", "Import…", "Import micrographs or crops"
        )
        self.properties_button = pieces.button(
            "properties_button",
            "Properties…",
            "Specimen and pixel size of the selected micrographs",
        )
        self.delete_micrograph_button = pieces.button(
            "delete_micrograph_button", "Delete…", "Delete the selected micrographs and their crops"
        )
        panel = pieces.panel()
        panel.setMinimumWidth(216)
        layout = pieces.column(panel, 0)
        layout.addLayout(pieces.row(pieces.heading("Micrographs"), None, self.import_button))
        layout.addWidget(self.micrograph_list, 1)
        layout.addLayout(pieces.row(self.properties_button, None, self.delete_micrograph_button))
        return panel

    def _build_centre(self) -> QWidget:
        self.canvas_title = pieces.heading("", name="canvas_title", strong=True)
        self.canvas_detail = ElidedLabel("canvas_detail")
        self.zoom_text = pieces.muted("zoom_text")
        self.zoom_text.setMinimumWidth(self.zoom_text.fontMetrics().horizontalAdvance("1000.0 %"))
        self.zoom_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fit_button = pieces.button("fit_button", "Fit", "Show the whole micrograph (F)")
        self.one_to_one_button = pieces.button("one_to_one_button", "1:1", "Show at 100 %")
        panel = pieces.panel()
        layout = pieces.column(panel, 0)
        layout.addLayout(
            pieces.row(
                self.canvas_title,
                self.canvas_detail,
                None,
                self.zoom_text,
                self.fit_button,
                self.one_to_one_button,
            )
        )
        layout.addWidget(self.image_canvas, 1)
        return panel

    def _build_grid(self) -> QWidget:
        self.label_filter = pieces.combo("label_filter", "Show crops by label")
        self.specimen_filter = pieces.combo("specimen_filter", "Show crops of a specimen")
        self.micrograph_filter = pieces.combo("micrograph_filter", "Show crops of a micrograph")
        self.order_box = pieces.combo("crop_order", "Order of crops")
        panel = pieces.panel()
        layout = pieces.column(panel, 0)
        boxes = (self.label_filter, self.specimen_filter, self.micrograph_filter, self.order_box)
        row = pieces.row(*boxes, None)
        for index in range(len(boxes)):
            row.setStretch(index, 1)
        layout.addLayout(row)
        self.scale_strip = ScaleStrip()
        self.section_strip = SectionStrip()
        layout.addWidget(self.section_strip)
        layout.addWidget(self.crop_grid, 1)
        layout.addWidget(self.scale_strip)
        return panel

    def _build_grid_view(self) -> QWidget:
        self.grid_count = pieces.muted("grid_count")
        self.all_crops_button = pieces.button("all_crops_button", "Reset", "Show all crops again")
        pieces.keep_room(self.all_crops_button)
        self.one_scale_button = pieces.button(
            "one_scale_button",
            "Same scale",
            "Show all crops at the same scale in µm, to compare sizes",
        )
        self.one_scale_button.setCheckable(True)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setObjectName("thumbnail_size")
        self.size_slider.setAccessibleName("Thumbnail size")
        self.size_slider.setToolTip("Thumbnail size")
        self.size_slider.setRange(SMALLEST_CELL, LARGEST_CELL)
        self.size_slider.setValue(USUAL_CELL)
        self.size_slider.setFixedWidth(56)
        row = pieces.row(
            self.grid_count, self.all_crops_button, self.one_scale_button, self.size_slider
        )
        row.setContentsMargins(0, 0, 0, GAP // 2)
        whole = QWidget()
        whole.setLayout(row)
        return whole

    def _build_right(self) -> QWidget:
        self.crop_label = pieces.heading("", name="crop_label", strong=True)
        self.crop_size = pieces.muted("crop_size")
        self.crop_history = pieces.muted("crop_history")
        panel = pieces.panel()
        panel.setMinimumWidth(200)
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, MARGIN)
        layout.setSpacing(GAP // 2)
        self.train_button = pieces.button(
            "label_train_button", "Train", "Train a network on the labels"
        )
        head = pieces.row(pieces.heading("Classes"), None, self.train_button)
        head.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.class_bar)
        layout.addWidget(self.suggestion_line)
        layout.addSpacing(GAP)
        layout.addWidget(pieces.heading("Current crop"))
        layout.addWidget(self.context_view, 1)
        self.crop_facts = CropFacts()
        self.alike_row = AlikeRow()
        for widget in (
            self.crop_label,
            self.crop_facts,
            self.alike_row,
            pieces.steady(_HISTORY_LINES, self.crop_size, self.crop_history),
        ):
            layout.addWidget(widget)
        layout.addStretch(0)
        return panel

    def _build_empty(self) -> QWidget:
        title = pieces.heading("No images yet", strong=True)
        self._empty_text = pieces.muted("empty_text")
        self._empty_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.first_import_button = QPushButton("Import images…")
        self.first_import_button.setObjectName("first_import_button")
        self.first_import_button.setAccessibleName("Import images")
        self.first_import_button.setProperty("primary", True)
        panel = QWidget()
        layout = QVBoxLayout(panel)
        layout.setSpacing(MARGIN)
        layout.addStretch(2)
        for widget in (title, self._empty_text, self.first_import_button):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        return panel

    def _connect(self) -> None:
        self.micrograph_list.set_empty_text(
            "No micrographs. These crops were imported without one."
        )
        self.keys = LabelKeys(self)
        self.keys.watch(
            (self, self.image_canvas, self.crop_grid, self.context_view, self.class_bar)
        )
        self.keys.watch((self.class_card, self.measure_panel.plot))
        self.keys.watch((self.micrograph_list,), own={"delete"})
        self.keys.pressed.connect(self.key_pressed)
        key_map().changed.connect(self._name_keys)
        self._name_keys()
        self.keys.space.connect(self.image_canvas.hold_pan)
        self.import_button.clicked.connect(self.import_requested)
        self.first_import_button.clicked.connect(self.import_requested)
        self.train_button.clicked.connect(self.train_requested)
        self.fit_button.clicked.connect(self.image_canvas.fit)
        self.one_to_one_button.clicked.connect(self.image_canvas.one_to_one)
        self.image_canvas.zoomed.connect(self._say_zoom)
        self.size_slider.valueChanged.connect(self.crop_grid.set_cell)
        self.crop_grid.scale_changed.connect(self.scale_strip.show_scale)
        self.all_crops_button.clicked.connect(self._show_all)
        for box in (self.label_filter, self.specimen_filter, self.micrograph_filter):
            box.currentIndexChanged.connect(self._filter)
            box.activated.connect(self._back_to_grid)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stack.currentIndex() == 0:
            self.crop_grid.setFocus()

    def _name_keys(self) -> None:
        text = key_map().text
        self.fit_button.setToolTip(f"Show the whole micrograph ({text('fit')})")
        self.suggestion_line.accept_button.setToolTip(
            f"Label the selected crops as suggested ({text('accept')}); {text('accept_page')} "
            "accepts all visible suggestions"
        )

    def _say_zoom(self, scale: float) -> None:
        text = ""
        if scale:
            text = percent(scale, 0)
        self.zoom_text.setText(text)
        for button in (self.fit_button, self.one_to_one_button):
            button.setEnabled(scale > 0)

    def _filter(self) -> None:
        self.filter_changed.emit(self.crop_filter())

    def _show_all(self) -> None:
        self.set_filter(CropFilter())
        self.crop_grid.setFocus()

    def _back_to_grid(self) -> None:
        self.crop_grid.setFocus()

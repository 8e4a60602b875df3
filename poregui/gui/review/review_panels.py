"""Lay out the crops of a choice: title, order, filters, pictures; changes with how judged crops are listed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSlider, QStackedWidget, QWidget

from poregui.gui.base.pieces import combo
from poregui.gui.base.theme import MARGIN
from poregui.gui.lists.crop_grid import LARGEST_CELL, CropGrid
from poregui.gui.review.review_parts import button, centred, column, inset, row, text

_CELL, _SMALLEST = 106, 80
ORDERS = {
    "loss": "Worst first",
    "margin": "Closest call first",
    "sure": "Most sure first",
    "unsure": "Least sure first",
    "large": "Largest first",
    "small": "Smallest first",
}
"""The orders of run_table.py in words."""
_ORDER_TIP = (
    "Worst: greatest loss, -log of the probability of the label. Closest call: smallest margin between the two most "
    "probable classes. Sure: probability of the predicted class. Size: longer side of the crop."
)


class CropsPanel(QWidget):
    """Hold the list of judged crops; the signals tell what a person wants to see in it."""

    all_errors_requested = Signal()
    uncounted_requested = Signal()
    order_chosen = Signal(str)
    hide_reviewed_changed = Signal(bool)
    grid_heat_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.prediction_list = CropGrid(parent=self)
        self.prediction_list.setObjectName("prediction_list")
        self.prediction_list.setAccessibleName("Judged crops")
        self.prediction_list.set_cell(_CELL, lines=1)
        self._build()
        self._connect()

    def set_words(self, title: str, *, errors: int, uncounted: int, shown: str, nothing: str) -> None:
        """Name the list; `shown` is `errors` or `uncounted` where the list holds all of these."""
        self.list_title.setText(title)
        self.list_title.setToolTip(title)
        self.all_errors_button.setText(f"All errors ({errors})")
        self.all_errors_button.setChecked(shown == "errors")
        self.uncounted_button.setText(f"Not counted ({uncounted})")
        self.uncounted_button.setVisible(bool(uncounted) or shown == "uncounted")
        self.uncounted_button.setChecked(shown == "uncounted")
        self._list.setCurrentIndex(1 if nothing else 0)
        self.list_nothing.setText(nothing)

    def _build(self) -> None:
        self.list_title = text("list_title", kind="title")
        self.list_title.setMinimumWidth(40)
        self.all_errors_button = button(
            "all_errors_button", "All errors", "Show all crops that were predicted wrongly (E)", checkable=True
        )
        self.uncounted_button = button(
            "uncounted_button", "Not counted", "Show crops that were deleted, unsure or without a label", checkable=True
        )
        self.hide_reviewed_button = button(
            "hide_reviewed_button", "To do", "Hide crops that are marked as reviewed", checkable=True
        )
        self.grid_heat_button = button(
            "grid_heat_button", "Heat", "Show on every picture what speaks for its predicted class", checkable=True
        )
        self.order_box = combo("order_box", "Order of the crops")
        self.order_box.setToolTip(_ORDER_TIP)
        for order, words in ORDERS.items():
            self.order_box.addItem(words, order)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setObjectName("prediction_size")
        self.size_slider.setAccessibleName("Size of the pictures")
        self.size_slider.setToolTip("Size of the pictures")
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
        layout.addLayout(row(self.list_title, None, self.order_box, self.size_slider, margin=MARGIN))
        filters = (self.all_errors_button, self.uncounted_button, self.hide_reviewed_button, self.grid_heat_button)
        layout.addLayout(row(*filters, None, margin=MARGIN))
        layout.addWidget(self._list, 1)

    def _connect(self) -> None:
        self.all_errors_button.clicked.connect(self.all_errors_requested)
        self.uncounted_button.clicked.connect(self.uncounted_requested)
        self.hide_reviewed_button.toggled.connect(self.hide_reviewed_changed)
        self.grid_heat_button.toggled.connect(self.grid_heat_changed)
        self.order_box.activated.connect(lambda _place: self.order_chosen.emit(self.order_box.currentData()))
        self.size_slider.valueChanged.connect(lambda side: self.prediction_list.set_cell(side, lines=1))

"""Lay out the panel of measurements below the micrograph: choices, table, plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTableView,
    QToolButton,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.measurement import EXAMPLE, Condition, conditions_from
from poregui.gui.base import pieces
from poregui.gui.lists.pore_table import (
    LOGARITHMIC,
    NUMBERS,
    TEXTS,
    PoreTable,
    PoreTableModel,
    offered,
)
from poregui.gui.plots.pore_plot import PlotAxis, PlotGroup, PorePlot

USUAL = (
    "label", "micrograph", "area_um2", "ecd", "circularity", "aspect_ratio", "feret_max",
    "solidity", "nearest_edge", "mean_grey",
)  # fmt: skip
_COLUMN_WIDTH = 104
_NUMBER_TIP = (
    f"Show only pores whose numbers meet these conditions, such as {EXAMPLE}. A column is called "
    "by its title, or how that begins."
)


@dataclass(frozen=True)
class PoreFilter:
    """Hold which pores are shown; `label` may be `any`, None for those without one; `here` means
    this micrograph.
    """

    label: int | str | None = "any"
    here: bool = False
    reliable: bool = False
    conditions: tuple[Condition, ...] = ()


class MeasurePanel(QWidget):
    """Show the numbers of pores as a table and a plot.

    `chosen` carries the crop of a row or point that was clicked, `lassoed` those of the points
    that a line was drawn around, `filter_changed` tells of other
    choices, `export_requested` that a CSV is wanted.
    """

    chosen = Signal(int)
    lassoed = Signal(object)
    filter_changed = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("measure_panel")
        self.setAccessibleName("Measurements")
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = PoreTableModel(self)
        self._chosen_columns: tuple[str, ...] = USUAL
        self._shown: PoreTable = PoreTable.empty()
        self._kept = np.zeros(0, np.bool_)
        self._current: int | None = None
        self._conditions: tuple[Condition, ...] = ()
        self._build_choices()
        self.table = self._build_table()
        self.plot = PorePlot(self)
        self._empty = QLabel()
        self._empty.setObjectName("measure_empty")
        self._empty.setProperty("muted", True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._lay_out()
        self.plot.chosen.connect(self.chosen)
        self.plot.lassoed.connect(self.lassoed)
        self.model.layoutChanged.connect(self._keep_place)
        self.set_table(PoreTable.empty(), np.zeros(0, np.bool_))

    # ---- setters ----------------------------------------------------------------------------

    def set_classes(self, classes: Sequence[PoreClass], known: Sequence[PoreClass]) -> None:
        """Offer these classes in the filter; `known` are also those that are no longer offered."""
        entries: list[tuple[str, object]] = [("All pores", "any"), ("Unlabelled", None)]
        pieces.fill(self.class_box, [*entries, *((c.name, c.id) for c in classes)])
        self.plot.set_classes(known)

    def set_table(self, table: PoreTable, kept: np.ndarray) -> None:
        """Show the pores of a table that `kept` (n,) marks."""
        self._shown = table
        self._kept = kept
        numbers = [(table.title(name), name) for name in NUMBERS if name in offered(table)]
        if len(table):
            pieces.fill(self.x_box, numbers)
            pieces.fill(self.y_box, [("Histogram", ""), *numbers])
        self._show_columns()
        self._draw_plot()
        self._pages.setCurrentIndex(0 if len(table) else 1)
        self.export_button.setEnabled(len(table) > 0)

    def set_empty_text(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._empty.setText(text)

    def set_summary(self, text: str) -> None:
        """Say in a line what the fields sum up to."""
        self.summary.setText(text)
        self.summary.setToolTip(text)

    def set_current(self, crop_id: int | None) -> None:
        """Mark the row and the point of a crop."""
        self._current = crop_id
        row = self.model.row(crop_id) if crop_id is not None else None
        if row is None:
            self.table.clearSelection()
        else:
            self.table.selectRow(row)
            self.table.scrollTo(self.model.index(row, 0))
        self.plot.set_current(crop_id)

    def pore_filter(self) -> PoreFilter:
        """Return what the choices say."""
        return PoreFilter(
            self.class_box.currentData(),
            self.here_box.isChecked(),
            self.reliable_box.isChecked(),
            self._conditions,
        )

    # ---- following --------------------------------------------------------------------------

    def _show_columns(self) -> None:
        there = offered(self._shown)
        usual = tuple(
            "area_px" if name == "area_um2" and "area_um2" not in there else name
            for name in self._chosen_columns
        )
        names = [name for name in there if name in usual]
        self.model.show(self._shown, names, self._kept)
        header = self.table.horizontalHeader()
        metrics = header.fontMetrics()
        for index in range(len(names)):
            wide = metrics.horizontalAdvance(self._shown.title(names[index])) + 34
            self.table.setColumnWidth(
                index, max(wide, _COLUMN_WIDTH if names[index] in TEXTS else 72)
            )

    def _fill_menu(self) -> None:
        self._menu.clear()
        for name in offered(self._shown):
            action = self._menu.addAction(self._shown.title(name))
            action.setCheckable(True)
            action.setChecked(name in self.model.names)
            action.toggled.connect(lambda on, name=name: self._choose_column(name, on))

    def _choose_column(self, name: str, on: bool) -> None:
        names = [one for one in self.model.names if one != name]
        self._chosen_columns = (*names, name) if on else tuple(names)
        self._show_columns()
        self.set_current(self._current)

    def _draw_plot(self, _: object = None) -> None:
        x = self.x_box.currentData()
        y = self.y_box.currentData()
        if not len(self._shown) or x is None:
            self.plot.show_groups((), PlotAxis("", False), None)
            return
        table = self._shown
        groups = []
        across = table.plain(x)
        up = table.plain(y) if y else None
        labels = np.array([-99 if label is None else label for label in table.labels], np.int64)
        for label in sorted(set(labels[self._kept].tolist())):
            rows = self._kept & (labels == label)
            known = None if label == -99 else int(label)
            groups.append(
                PlotGroup(
                    known, table.crop_ids[rows], across[rows], None if up is None else up[rows]
                )
            )
        axes = [
            PlotAxis(table.title(name), name in LOGARITHMIC) if name else None for name in (x, y)
        ]
        assert axes[0] is not None
        self.plot.show_groups(groups, axes[0], axes[1])

    def _clicked(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid():
            return
        crop_id = self.model.crop_id(current.row())
        if crop_id != self._current:
            self._current = crop_id
            self.chosen.emit(crop_id)

    # ---- building ---------------------------------------------------------------------------

    def _build_choices(self) -> None:
        self._build_filter()
        self._build_columns()
        self._build_axes()
        self.export_button = pieces.button(
            "measure_export", "Export CSV…", "Export one row per pore as CSV"
        )
        self.export_button.clicked.connect(self.export_requested)
        self.summary = pieces.muted("measure_summary")
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def _build_filter(self) -> None:
        self.class_box = pieces.combo("measure_class", "Show pores with a label")
        self.class_box.setMinimumContentsLength(4)
        pieces.fill(self.class_box, [("All pores", "any")])
        self.here_box = _switch(
            "measure_here", "This micrograph only", "Show only pores of the current micrograph"
        )
        self.reliable_box = _switch(
            "measure_reliable",
            "≥ 10 px only",
            "Show only pores at least 10 px across; the shape of smaller ones is unreliable",
        )
        self.number_field = QLineEdit()
        self.number_field.setObjectName("measure_numbers")
        self.number_field.setAccessibleName("Show only pores whose numbers are")
        self.number_field.setPlaceholderText(EXAMPLE)
        self.number_field.setToolTip(_NUMBER_TIP)
        self.number_field.setClearButtonEnabled(True)
        self.number_field.setMinimumWidth(120)
        self.number_field.textChanged.connect(self._read_conditions)
        self.class_box.currentIndexChanged.connect(self._filter)
        for switch in (self.here_box, self.reliable_box):
            switch.toggled.connect(self._filter)

    def _build_columns(self) -> None:
        self.columns_button = pieces.button("measure_columns", "Columns", "Choose the columns")
        self.columns_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self.columns_button)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.columns_button.setMenu(self._menu)

    def _build_axes(self) -> None:
        self.x_box = pieces.combo("measure_x", "Horizontal axis of the plot")
        self.y_box = pieces.combo("measure_y", "Vertical axis of the plot, or a histogram")
        self.x_box.addItem("Equivalent diameter", "ecd")
        self.y_box.addItem("Histogram", "")
        for box in (self.x_box, self.y_box):
            box.setMinimumContentsLength(6)
            box.currentIndexChanged.connect(self._draw_plot)

    def _read_conditions(self, text: str) -> None:
        """Take conditions as soon as they can be read; until then the last ones hold, and the tool
        tip says what is missing.
        """
        problem = ""
        try:
            conditions = conditions_from(text)
        except PoreguiError as error:
            problem = str(error)
        self.number_field.setToolTip(problem or _NUMBER_TIP)
        self.number_field.setProperty("bad", bool(problem))
        self.number_field.style().unpolish(self.number_field)
        self.number_field.style().polish(self.number_field)
        if not problem and conditions != self._conditions:
            self._conditions = conditions
            self._filter()

    def _keep_place(self) -> None:
        """Stay at the chosen pore where the order of the rows changes."""
        self.set_current(self._current)

    def _filter(self, _: object = None) -> None:
        self.filter_changed.emit()

    def _build_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("measure_table")
        table.setAccessibleName("Pore measurements")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSortingEnabled(True)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.selectionModel().currentRowChanged.connect(self._clicked)
        return table

    def _build_plot(self) -> QWidget:
        """Return the plot with the choice of its axes above it."""
        area = QWidget(self)
        layout = pieces.column(area, 0)
        layout.addLayout(pieces.row(self.x_box, self.y_box))
        layout.addWidget(self.plot, 1)
        return area

    def _lay_out(self) -> None:
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setHandleWidth(1)
        both.addWidget(self.table)
        both.addWidget(self._build_plot())
        both.setSizes([620, 380])
        both.setStretchFactor(0, 1)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(both)
        self._pages.addWidget(self._empty)
        layout = pieces.column(self, 0)
        boxes = (self.class_box, self.here_box, self.reliable_box)
        choices = pieces.row(*boxes, self.number_field, self.columns_button)
        choices.setStretch(len(boxes), 1)
        layout.addLayout(choices)
        layout.addWidget(self._pages, 1)
        layout.addLayout(pieces.row(self.summary, self.export_button))


def _switch(name: str, text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setObjectName(name)
    box.setAccessibleName(tip)
    box.setToolTip(tip)
    return box

"""Draw numbers of pores by class: a histogram of one, or one against another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

from poregui.domain.classes import PoreClass
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme

_SYMBOLS = ("o", "s", "t", "d", "p", "h", "star", "+")
_MOST_BINS = 40
_FEWEST_BINS = 8
_MANY = 3000


@dataclass(frozen=True, eq=False)
class PlotGroup:
    """Hold the pores of one label (None: not labelled): crop ids, `x` and `y` (n,); `y` is None for
    a histogram.
    """

    label: int | None
    crop_ids: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64] | None


@dataclass(frozen=True)
class PlotAxis:
    """Hold the title of an axis and whether it is logarithmic."""

    title: str
    logarithmic: bool


class _Axis(pg.AxisItem):
    """Label a logarithmic axis at 1, 2 and 5 times each power of ten, in plain figures."""

    powers = False

    def tickValues(
        self, lowest: float, highest: float, size: float
    ) -> list[tuple[float, list[float]]]:
        if not self.powers:
            return super().tickValues(lowest, highest, size)
        steps = (1, 2, 5) if highest - lowest < 2.5 else (1,)
        values = [
            p + math.log10(s)
            for p in range(math.floor(lowest), math.ceil(highest) + 1)
            for s in steps
        ]
        return [(1.0, [value for value in values if lowest <= value <= highest])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self.powers:
            return [f"{10**v:.7g}" for v in values]
        return super().tickStrings(values, scale, spacing)


class PorePlot(pg.PlotWidget):
    """Show groups of pores; `chosen` carries the crop of a point that was clicked, `lassoed` a list
    of those whose points a line was drawn around, with Shift or from the menu.
    """

    chosen = Signal(int)
    lassoed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        axes = {side: _Axis(side) for side in ("left", "bottom")}
        super().__init__(
            parent=parent, enableMenu=False, viewBox=pg.ViewBox(enableMenu=False), axisItems=axes
        )
        self.setObjectName("pore_plot")
        self.setAccessibleName("Plot of pores by class")
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.setMinimumSize(180, 100)
        item = self.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.ctrlMenu.setParent(
            self, item.ctrlMenu.windowFlags()
        )  # it would outlive the plot as a window of its own
        item.setContentsMargins(0, 6, 10, 0)
        for axis in axes.values():
            axis.enableAutoSIPrefix(False)
        self._axes = axes
        self._marks = ClassMarks(())
        self._shown: tuple[tuple[PlotGroup, ...], PlotAxis, PlotAxis | None] | None = None
        self._current: int | None = None
        self._here = pg.ScatterPlotItem(size=13, pxMode=True)
        self._here.setZValue(10)
        self._make_lasso()
        self.setToolTip(
            "Scroll to zoom, drag to move, click a point to select its pore.\n"
            "Shift and drag draws a lasso; then a class key labels the pores inside."
        )
        theme().changed.connect(self._dress)
        self._dress()

    def _make_lasso(self) -> None:
        self._picked = pg.ScatterPlotItem(size=9, pxMode=True)
        self._line = pg.PlotCurveItem()
        self._lasso: list[QPointF] | None = None
        self._lasso_next = False
        for above in (self._picked, self._line):
            above.setZValue(9)
        self._picked_ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Use the colours of these classes."""
        self._marks = ClassMarks(classes)
        self._draw()

    def show_groups(self, groups: Sequence[PlotGroup], x: PlotAxis, y: PlotAxis | None) -> None:
        """Draw groups against one axis as a histogram, or against two as points."""
        self._shown = (tuple(groups), x, y)
        box = self.getPlotItem().getViewBox()
        lowest = None
        if y is None:
            lowest = 0.0  # there are no fewer pores than none
        box.setLimits(yMin=lowest)
        self._draw()
        box.autoRange(padding=0.04)

    def set_current(self, crop_id: int | None) -> None:
        """Ring the point of a crop."""
        self._current = crop_id
        self._mark_current()

    def start_lasso(self) -> None:
        """Let the next drag draw a lasso."""
        self._lasso_next = self._is_scatter
        self.setCursor(Qt.CursorShape.CrossCursor)

    def inside(self, polygon: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the crops whose points lie in a polygon, (n, 2) in the units of the axes."""
        nothing = np.zeros(0, np.int64)
        if self._shown is None or len(polygon) < 3:
            return nothing
        groups, x, y = self._shown
        if y is None:
            return nothing
        found = [
            group.crop_ids[_in_polygon(_scaled(group.x, x), _scaled(group.y, y), polygon)]
            for group in groups
            if group.y is not None
        ]
        return np.concatenate(found) if found else nothing

    @property
    def _is_scatter(self) -> bool:
        return self._shown is not None and self._shown[2] is not None

    # ---- lasso ------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._is_scatter and (shift or self._lasso_next):
            self.setFocus()
            self._lasso = [event.position()]
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._lasso is None:
            super().mouseMoveEvent(event)
            return
        self._lasso.append(event.position())
        line = self._in_units(self._lasso)
        self._line.setData(line[:, 0], line[:, 1])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._lasso is None:
            super().mouseReleaseEvent(event)
            return
        polygon = self._in_units([*self._lasso, event.position()])
        self._lasso = None
        self._lasso_next = False
        self.unsetCursor()
        self._line.setData([], [])
        found = self.inside(polygon)
        self._picked_ids = found
        self._mark_picked()
        if len(found):
            self.lassoed.emit(found.tolist())

    def _in_units(self, points: Sequence[QPointF]) -> NDArray[np.float64]:
        """Return points of the widget in the units of the axes, (n, 2)."""
        box = self.getPlotItem().getViewBox()
        found = [box.mapSceneToView(self.mapToScene(point.toPoint())) for point in points]
        return np.array([(one.x(), one.y()) for one in found], np.float64)

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        lasso = menu.addAction("Select with lasso")
        lasso.setEnabled(self._is_scatter)
        lasso.triggered.connect(self.start_lasso)
        menu.addAction("Show all").triggered.connect(self._show_all)
        menu.popup(self.mapToGlobal(at))

    def _show_all(self) -> None:
        self.getPlotItem().getViewBox().autoRange(padding=0.04)

    # ---- drawing ----------------------------------------------------------------------------

    def _dress(self) -> None:
        tokens = theme().tokens
        self.setBackground(tokens.plot_background)
        for axis in self._axes.values():
            axis.setPen(tokens.border)
            axis.setTextPen(tokens.muted)
        self._here.setPen(pg.mkPen(tokens.text, width=2))
        self._here.setBrush(None)
        self._picked.setPen(pg.mkPen(tokens.text, width=1))
        self._picked.setBrush(None)
        self._line.setPen(pg.mkPen(tokens.text, width=1.5))
        self._draw()

    def _draw(self) -> None:
        item = self.getPlotItem()
        item.clear()
        if self._shown is None:
            return
        groups, x, y = self._shown
        for axis, shown in ((self._axes["bottom"], x), (self._axes["left"], y)):
            axis.powers = False
            title = "Pores"
            if shown is not None:
                axis.powers = shown.logarithmic
                title = shown.title
            axis.setLabel(title)
        if y is None:
            self._draw_histogram(groups, x)
        else:
            for index, group in enumerate(groups):
                self._draw_points(group, x, y, _SYMBOLS[index % len(_SYMBOLS)])
        for above in (self._here, self._picked, self._line):
            item.addItem(above)
        self._mark_current()
        self._mark_picked()

    def _draw_histogram(self, groups: Sequence[PlotGroup], axis: PlotAxis) -> None:
        values = [_scaled(group.x, axis) for group in groups]
        known = [one[np.isfinite(one)] for one in values]
        every = np.concatenate(known) if known else np.zeros(0)
        if not len(every):
            return
        low = float(every.min())
        high = float(every.max())
        span = high - low or max(abs(high), 1.0) * 0.1
        bins = int(np.clip(np.sqrt(len(every)) * 1.5, _FEWEST_BINS, _MOST_BINS))
        edges = np.linspace(low, low + span, bins + 1)
        for group, one in zip(groups, known, strict=True):
            counts, _ = np.histogram(one, bins=edges)
            colour = self._colour(group.label)
            fill = QColor(colour)
            fill.setAlpha(70)
            pen = pg.mkPen(colour, width=1.6)
            self.addItem(
                pg.PlotDataItem(edges, counts, stepMode="center", fillLevel=0, brush=fill, pen=pen)
            )

    def _draw_points(self, group: PlotGroup, x: PlotAxis, y: PlotAxis, symbol: str) -> None:
        assert group.y is not None
        across = _scaled(group.x, x)
        up = _scaled(group.y, y)
        known = np.isfinite(across) & np.isfinite(up)
        colour = self._colour(group.label)
        size = 7
        colour.setAlpha(170)
        if len(across) >= _MANY:
            size = 4
            colour.setAlpha(90)
        points = pg.ScatterPlotItem(
            x=across[known],
            y=up[known],
            data=group.crop_ids[known],
            symbol=symbol,
            size=size,
            pen=None,
            brush=colour,
        )
        points.sigClicked.connect(self._point_clicked)
        self.addItem(points)

    def _point_clicked(self, _item: object, hit: Sequence[pg.SpotItem], _event: object) -> None:
        if len(hit):
            self.chosen.emit(int(hit[0].data()))

    def _mark_picked(self) -> None:
        """Ring the points that the last lasso held."""
        self._picked.setData([], [])
        if self._shown is None or not len(self._picked_ids):
            return
        groups, x, y = self._shown
        if y is None:
            return
        across: list[NDArray[np.float64]] = []
        up: list[NDArray[np.float64]] = []
        for group in groups:
            if group.y is not None:
                own = np.isin(group.crop_ids, self._picked_ids)
                across.append(_scaled(group.x[own], x))
                up.append(_scaled(group.y[own], y))
        if across:
            self._picked.setData(np.concatenate(across), np.concatenate(up))

    def _mark_current(self) -> None:
        self._here.setData([], [])
        if self._shown is None or self._current is None or self._shown[2] is None:
            return
        groups, x, y = self._shown
        for group in groups:
            index = np.flatnonzero(group.crop_ids == self._current)
            if len(index) and group.y is not None and y is not None:
                at = _scaled(group.x[index[:1]], x), _scaled(group.y[index[:1]], y)
                if np.isfinite(at).all():
                    self._here.setData(*at)

    def _colour(self, label: int | None) -> QColor:
        if label is None:
            return QColor(theme().tokens.muted)
        return QColor(self._marks.colour(label))


def _in_polygon(
    x: NDArray[np.float64], y: NDArray[np.float64], polygon: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which points (n,) lie in a polygon, by how often a ray from each crosses its sides."""
    odd = np.zeros(len(x), np.bool_)
    before = np.roll(polygon, 1, axis=0)
    for (x1, y1), (x2, y2) in zip(polygon.tolist(), before.tolist(), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        odd ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return odd


def _scaled(values: NDArray[np.float64], axis: PlotAxis) -> NDArray[np.float64]:
    if not axis.logarithmic:
        return values
    return np.log10(np.where(values > 0, values, np.nan))

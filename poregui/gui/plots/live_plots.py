"""Draw the curves of a training: loss with the learning rate above accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from poregui.gui.base.theme import GAP, theme
from poregui.gui.plots.training_curves import Curves, positive


@dataclass(frozen=True)
class Ink:
    """Hold the colours of the curves for one theme."""

    train: str
    validation: str
    rate: str


def ink() -> Ink:
    """Return the colours of the curves: blue and orange stay apart for every
    kind of colour vision.
    """
    if theme().dark:
        return Ink(train="#5aaef5", validation="#f2994a", rate="#7d8794")
    return Ink(train="#0b6bcb", validation="#c8500a", rate="#8a94a1")


class Legend(QWidget):
    """Name the lines of the plots, each beside a piece of it."""

    _ENTRIES = ("training", "each batch", "validation", "best epoch", "learning rate")
    _SWATCH = 18

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plot_legend")
        self.setAccessibleName("Legend: " + ", ".join(self._ENTRIES))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = sum(
            metrics.horizontalAdvance(text) + self._SWATCH + 2 * GAP for text in self._ENTRIES
        )
        return QSize(wide, metrics.height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = 0.0
        middle = self.height() / 2
        for text in self._ENTRIES:
            self._draw_swatch(painter, text, QRectF(x, middle - 6, self._SWATCH - 4, 12))
            painter.setPen(QColor(theme().tokens.muted))
            x += self._SWATCH
            width = self.fontMetrics().horizontalAdvance(text)
            painter.drawText(
                QRectF(x, 0, width + 2, self.height()),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                text,
            )
            x += width + 2 * GAP

    def _draw_swatch(self, painter: QPainter, text: str, area: QRectF) -> None:
        colours = ink()
        middle = area.center()
        across = (QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
        if text == "training":
            painter.setPen(QPen(QColor(colours.train), 1.8))
            painter.drawLine(*across)
        elif text == "each batch":
            faint = QColor(colours.train)
            faint.setAlpha(130)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faint)
            for x, y in ((0.1, -2), (0.45, 2), (0.8, -1)):
                painter.drawEllipse(
                    QPointF(area.left() + x * area.width(), middle.y() + y), 1.6, 1.6
                )
        elif text == "validation":
            painter.setPen(QPen(QColor(colours.validation), 2.2))
            painter.drawLine(*across)
        elif text == "best epoch":
            painter.setPen(QPen(QColor(colours.validation), 2))
            painter.setBrush(QColor(theme().tokens.panel))
            painter.drawEllipse(middle, 4, 4)
        else:
            painter.setPen(QPen(QColor(colours.rate), 1))
            painter.drawPolyline(
                [
                    across[0] + QPointF(0, -3),
                    middle + QPointF(0, -3),
                    middle + QPointF(0, 3),
                    across[1] + QPointF(0, 3),
                ]
            )


REPAINT_MS = 200
"""Time between two repaints of a live run; no batch repaints by itself."""
_AXIS_WIDTH = 58
_FEWEST_EPOCHS = 5
_WIDEST_RATE = 6


class _EpochAxis(pg.AxisItem):
    """Label an axis at whole epochs only."""

    def tickSpacing(self, lowest: float, highest: float, size: float) -> list[tuple[float, float]]:
        levels = super().tickSpacing(lowest, highest, size)
        return [level for level in levels if level[0] >= 1] or [(1, 0)]


class _RateAxis(pg.AxisItem):
    """Label an axis of powers of ten at 1, 2 and 5 times each power, in figures short enough for
    its width.
    """

    def tickValues(
        self, lowest: float, highest: float, size: float
    ) -> list[tuple[float, list[float]]]:
        powers = range(math.floor(lowest), math.ceil(highest) + 1)
        steps = (1, 2, 5) if highest - lowest < 2.5 else (1,)
        values = [power + math.log10(step) for power in powers for step in steps]
        return [(1.0, [value for value in values if lowest <= value <= highest])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        plain = [f"{10**value:.6f}".rstrip("0").rstrip(".") for value in values]
        return [
            text if len(text) <= _WIDEST_RATE else f"{float(text):.0e}".replace("e-0", "e-")
            for text in plain
        ]


class _Plot(pg.PlotWidget):
    """Hold one plot over epochs with training, validation and batch curves and a mark at the best
    epoch.
    """

    whole_wanted = Signal()

    def __init__(self, name: str, accessible: str, unit: str, parent: QWidget) -> None:
        super().__init__(
            parent=parent,
            enableMenu=False,
            viewBox=pg.ViewBox(enableMenu=False),
            axisItems={"right": _RateAxis("right"), "bottom": _EpochAxis("bottom")},
        )
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.setMinimumHeight(110)
        self.setToolTip("Scroll to zoom, drag to move, double-click to show all.")
        self._prepare_axes(unit)
        item = self.getPlotItem()
        self.batches = pg.ScatterPlotItem(size=3, pen=None, pxMode=True)
        self.train = pg.PlotDataItem(connect="finite")
        self.validation = pg.PlotDataItem(connect="finite", symbolSize=4)
        self.best_line = pg.InfiniteLine(angle=90, movable=False)
        self.best_point = pg.ScatterPlotItem(size=11, pxMode=True)
        self.best_line.hide()
        for drawn in (self.best_line, self.train, self.validation, self.best_point):
            item.addItem(drawn)
        item.addItem(self.batches, ignoreBounds=False)
        self.batches.setZValue(-5)

    def _prepare_axes(self, unit: str) -> None:
        item = self.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.ctrlMenu.setParent(
            self, item.ctrlMenu.windowFlags()
        )  # it would outlive the plot as a window of its own
        item.setContentsMargins(0, 4, 0, 0)
        item.disableAutoRange()
        item.showGrid(x=False, y=True, alpha=0.15)
        item.showAxis("right")
        for side in ("left", "right"):
            item.getAxis(side).setWidth(_AXIS_WIDTH)
            item.getAxis(side).enableAutoSIPrefix(False)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.getAxis("right").setStyle(showValues=False, tickLength=0)
        item.setLabel("left", unit)
        item.getViewBox().setLimits(xMin=0)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.whole_wanted.emit()
        event.accept()

    def dress(self) -> None:
        tokens = theme().tokens
        colours = ink()
        self.setBackground(tokens.plot_background)
        for side in ("left", "bottom", "right"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(tokens.border)
            axis.setTextPen(tokens.muted)
        faint = QColor(colours.train)
        faint.setAlpha(70)
        self.batches.setBrush(faint)
        self.train.setPen(pg.mkPen(colours.train, width=1.5))
        self.validation.setPen(pg.mkPen(colours.validation, width=2))
        self.validation.setSymbol("o")
        self.validation.setSymbolBrush(colours.validation)
        self.validation.setSymbolPen(None)
        self.best_line.setPen(pg.mkPen(tokens.muted, width=1, style=Qt.PenStyle.DashLine))
        self.best_point.setBrush(tokens.plot_background)
        self.best_point.setPen(pg.mkPen(colours.validation, width=2))

    def draw_lines(
        self,
        curves: Curves,
        batches: Sequence[float],
        train: Sequence[float],
        validation: Sequence[float],
        *,
        log: bool = False,
    ) -> None:
        self.batches.setData(np.array(curves.batch_x), _axis_values(batches, log))
        self.train.setData(np.array(curves.x), np.array(train))
        self.validation.setData(np.array(curves.x), np.array(validation))
        best = curves.best
        self.best_line.setVisible(best is not None)
        if best is None:
            self.best_point.setData([], [])
            return
        self.best_line.setValue(best.epoch)
        self.best_point.setData(
            [best.epoch], _axis_values([validation[curves.epochs.index(best)]], log)
        )


def _axis_values(values: Sequence[float], log: bool) -> np.ndarray:
    if log:
        return np.log10(positive(values))
    return np.array(values, float)


def _room_for_epochs(curves: Curves) -> float:
    """Return an end of the axis that seldom moves, for moving an axis paints all of it again; where
    no more epochs are to come, it is where they end.
    """
    reached = max([0.0, *curves.x[-1:], *curves.batch_x[-1:]])
    if curves.final is not None:
        return max(1.0, reached)
    step = 20
    if reached <= 50:
        step = 5
    room = max(_FEWEST_EPOCHS, step * math.ceil(reached / step))
    planned = room
    if curves.started is not None and curves.started.epochs:
        planned = max(curves.started.epochs, math.ceil(reached))
    return min(room, planned)


def _usual(losses: Sequence[float]) -> list[float]:
    """Return the range of batch losses without the rare ones far off, which would press all others
    flat.
    """
    if losses:
        return [float(value) for value in np.quantile(positive(losses), (0.01, 0.99))]
    return []


def _room_for_losses(losses: Sequence[float], log: bool) -> tuple[float, float]:
    if not losses:
        if log:
            return (-2.0, 0.0)
        return (0.0, 1.0)
    if log:
        return math.floor(4 * math.log10(min(losses))) / 4, math.ceil(
            4 * math.log10(max(losses))
        ) / 4 + 0.01
    power = 10 ** math.floor(math.log10(max(losses)))
    return 0.0, power * math.ceil(2 * max(losses) / power) / 2


class LivePlots(QWidget):
    """Show the curves of one run; `touch` says that they have grown, and the end of a slow timer
    repaints.

    `repainted` tells of it, so that numbers beside the plots can keep step.
    """

    repainted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves = Curves()
        self._dirty = False
        self._follows = True
        self.loss_plot = _Plot("loss_plot", "Loss over epochs", "Loss", self)
        self.accuracy_plot = _Plot("accuracy_plot", "Accuracy over epochs", "Accuracy, %", self)
        self.accuracy_plot.getPlotItem().getViewBox().setXLink(
            self.loss_plot.getPlotItem().getViewBox()
        )
        self.accuracy_plot.getPlotItem().setLabel("bottom", "Epoch")
        self.accuracy_plot.setYRange(0.0, 1.0, padding=0.06)
        self.accuracy_plot.getPlotItem().getViewBox().setMouseEnabled(x=True, y=False)
        self.accuracy_plot.getPlotItem().getAxis("left").setTicks(
            [[(n / 100, str(n)) for n in range(0, 101, 25)]]
        )
        self.log_switch = QCheckBox("Log scale")
        self.log_switch.setObjectName("log_switch")
        self.log_switch.setAccessibleName("Logarithmic scale of the loss")
        self.log_switch.toggled.connect(self._set_log)
        self._legend = Legend()
        self._lay_out()
        self._add_rate()
        self._timer = QTimer(self, interval=REPAINT_MS, singleShot=True)
        self._timer.timeout.connect(self._repaint_if_dirty)
        self._half_time = QTimer(self, interval=REPAINT_MS // 2, singleShot=True)
        self._half_time.timeout.connect(self._draw_accuracy)
        for plot in (self.loss_plot, self.accuracy_plot):
            plot.whole_wanted.connect(self.show_whole)
            plot.getPlotItem().getViewBox().sigRangeChangedManually.connect(self._leave_whole)
        theme().changed.connect(self._dress)
        self._dress()

    def show_curves(self, curves: Curves) -> None:
        """Draw these curves from now on."""
        self._curves = curves
        self.show_whole()

    def show_whole(self) -> None:
        """Show all epochs, and those to come."""
        self._follows = True
        self.repaint_curves()

    def touch(self) -> None:
        """Say that the curves have grown."""
        self._dirty = True
        if not self._timer.isActive():
            self._timer.start()

    def repaint_curves(self) -> None:
        """Draw the curves as they are now."""
        self._dirty = False
        self._draw_loss()
        self._draw_accuracy()

    def _draw_loss(self) -> None:
        curves = self._curves
        log = self.log_switch.isChecked()
        losses = positive(curves.values("loss"))
        validation = positive(curves.values("validation_loss"))
        self.loss_plot.draw_lines(curves, positive(curves.batch_loss), losses, validation, log=log)
        self._draw_rate(curves)
        if self._follows:
            self.loss_plot.setRange(
                xRange=(0, _room_for_epochs(curves)),
                yRange=_room_for_losses([*losses, *validation, *_usual(curves.batch_loss)], log),
                padding=0.015,
            )
        self._empty.setVisible(not curves.batch_x and not curves.epochs)

    def _draw_accuracy(self) -> None:
        curves = self._curves
        self.accuracy_plot.draw_lines(
            curves,
            curves.batch_accuracy,
            curves.values("accuracy"),
            curves.values("validation_accuracy"),
        )

    def set_empty_text(self, text: str) -> None:
        """Say what the plots tell while there is nothing to draw."""
        self._empty.setText(text)
        self._empty.setVisible(bool(text) and not self._curves.batch_x and not self._curves.epochs)

    def _draw_rate(self, curves: Curves) -> None:
        rates = positive(curves.values("learning_rate"))
        passed = np.array([0.0, *curves.x])  # each epoch has its step, the first one too
        self.rate.setData(passed[: len(rates) + 1], np.array([*rates[:1], *rates]))
        self.loss_plot.getPlotItem().getAxis("right").setStyle(
            showValues=bool(rates), tickLength=-4 if rates else 0
        )
        if rates:
            self._rate_view.setYRange(
                math.log10(min(rates) / 1.6), math.log10(max(rates) * 1.6), padding=0
            )

    def _leave_whole(self) -> None:
        self._follows = False

    def _repaint_if_dirty(self) -> None:
        """Draw one plot now and the other one between two ticks, so that neither keeps the window
        long.
        """
        if self._dirty and self.isVisible():
            self._dirty = False
            self._draw_loss()
            self._half_time.start()
            self.repainted.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), QColor(theme().tokens.plot_background))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._repaint_if_dirty()

    def _lay_out(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(GAP, 0, GAP, 0)
        header.setSpacing(2 * GAP)
        for widget in (_heading("Loss"), self._legend):
            header.addWidget(widget)
        header.addStretch(1)
        header.addWidget(self.log_switch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(header)
        layout.addWidget(self.loss_plot, 1)
        second = QHBoxLayout()
        second.setContentsMargins(GAP, 0, GAP, 0)
        second.addWidget(_heading("Accuracy"))
        layout.addLayout(second)
        layout.addWidget(self.accuracy_plot, 1)
        self._empty = QLabel(self.loss_plot)
        self._empty.setObjectName("plots_empty")
        self._empty.setProperty("muted", True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner = QVBoxLayout(self.loss_plot)
        inner.addWidget(self._empty, 0, Qt.AlignmentFlag.AlignCenter)

    def _add_rate(self) -> None:
        """Lay the learning rate, on an axis of its own at the right, over the loss."""
        item = self.loss_plot.getPlotItem()
        axis = item.getAxis("right")
        axis.setLabel("Learning rate")
        axis.enableAutoSIPrefix(False)
        self._rate_view = pg.ViewBox(enableMenu=False)
        self._rate_view.setMouseEnabled(x=False, y=False)
        item.scene().addItem(self._rate_view)
        axis.linkToView(self._rate_view)
        self._rate_view.setXLink(item.getViewBox())
        self.rate = pg.PlotDataItem(stepMode="left")
        self.rate.setLogMode(False, True)
        self._rate_view.addItem(self.rate)
        item.getViewBox().sigResized.connect(self._follow_size)

    def _follow_size(self) -> None:
        self._rate_view.setGeometry(self.loss_plot.getPlotItem().getViewBox().sceneBoundingRect())

    def _set_log(self, log: bool) -> None:
        self.loss_plot.getPlotItem().setLogMode(False, log)
        self.repaint_curves()

    def _dress(self) -> None:
        for plot in (self.loss_plot, self.accuracy_plot):
            plot.dress()
        self.rate.setPen(pg.mkPen(ink().rate, width=1))
        self._legend.update()
        self.update()


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("heading", True)
    return label

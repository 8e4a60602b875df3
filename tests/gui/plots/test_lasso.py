"""Hold that a lasso in the scatter plot holds the pores it was drawn around."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from poregui.gui.plots.pore_plot import PlotAxis, PlotGroup, PorePlot

LEFT = Qt.MouseButton.LeftButton
X, Y = PlotAxis("x", True), PlotAxis("y", False)


@pytest.fixture
def plot(qtbot: QtBot) -> PorePlot:
    """Show a plot of four pores at 1, 10, 100 and 1000, logarithmic, and one that has no place."""
    made = PorePlot()
    qtbot.addWidget(made)
    made.resize(400, 300)
    x = np.array([1.0, 10.0, 100.0, 1000.0, np.nan])
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    made.show_groups(
        [PlotGroup(1, np.arange(2), x[:2], y[:2]), PlotGroup(2, np.arange(2, 5), x[2:], y[2:])],
        X,
        Y,
    )
    made.show()
    QApplication.processEvents()
    return made


def at(plot: PorePlot, x: float, y: float) -> QPoint:
    """Return where a point (logarithm of x, y) lies on the widget."""
    place = plot.getPlotItem().getViewBox().mapViewToScene(QPointF(x, y))
    return plot.mapFromScene(place)


def lasso(plot: PorePlot, corners: list[tuple[float, float]], *, shift: bool = True) -> None:
    keys = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    places = [at(plot, *corner) for corner in corners]
    QTest.mousePress(plot.viewport(), LEFT, keys, places[0])
    for place in places[1:]:
        QTest.mouseMove(plot.viewport(), place)
    QTest.mouseRelease(plot.viewport(), LEFT, keys, places[-1])


AROUND_TWO = [(0.7, 1.7), (2.3, 1.7), (2.3, 3.3), (0.7, 3.3)]


def test_a_drag_with_shift_selects_the_pores_inside(plot: PorePlot) -> None:
    held: list[list[int]] = []
    plot.lassoed.connect(held.append)
    lasso(plot, AROUND_TWO)
    assert held == [[1, 2]]
    lasso(plot, [(0.2, 3.5), (0.4, 3.5), (0.4, 3.9)])
    assert held == [[1, 2]]


def test_the_menu_starts_a_lasso_and_shows_all_again(plot: PorePlot) -> None:
    held: list[list[int]] = []
    plot.lassoed.connect(held.append)
    plot.customContextMenuRequested.emit(QPoint(50, 50))
    menu = next(one for one in plot.findChildren(QMenu) if one.isVisible())
    actions = {action.text(): action for action in menu.actions()}
    actions["Select with lasso"].trigger()
    menu.close()
    lasso(plot, AROUND_TWO, shift=False)
    assert held == [[1, 2]]
    plot.getPlotItem().getViewBox().setRange(xRange=(5, 6))
    actions["Show all"].trigger()
    assert plot.getPlotItem().getViewBox().viewRange()[0][0] < 0.1


def test_a_histogram_has_no_lasso(plot: PorePlot) -> None:
    plot.show_groups([PlotGroup(1, np.arange(2), np.array([1.0, 2.0]), None)], X, None)
    assert len(plot.inside(np.array([(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]))) == 0


def test_a_lasso_holds_what_lies_in_a_circle_of_20000_pores(plot: PorePlot) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 1, (2, 20_000))
    axis = PlotAxis("", False)
    plot.show_groups([PlotGroup(1, np.arange(20_000), x, y)], axis, axis)
    turn = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([0.5 + 0.3 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)], axis=1)
    expected = np.flatnonzero((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.2999**2)
    assert set(expected) <= set(plot.inside(circle).tolist())
    assert len(plot.inside(circle)) == pytest.approx(20_000 * np.pi * 0.09, rel=0.05)

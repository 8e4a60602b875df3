"""Hold that the window draws a figure as a report does, and tells the point under the pointer."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip

from poregui.gui.base.theme import theme
from poregui.gui.plots.svg_view import FigureView
from poregui.workflow.reporting.plots import DASHES, Figure, Line, PlotFrame, figure_svg, row_svg


def a_figure() -> Figure:
    """Return a figure of two curves."""
    x = np.linspace(0, 1, 2000)
    lines = (
        Line("Gas 0.900", x, x**0.2, "#2166ac"),
        Line("Keyhole 0.700", x, x**0.6, "#c8501e", DASHES[1]),
    )
    return Figure("ROC", "False positive rate", "True positive rate", lines, diagonal=True)


def texts(svg: str) -> list[str]:
    """Return the texts of a drawing in their order."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]


def test_the_window_shows_the_texts_and_lines_of_the_report(qtbot) -> None:
    view = FigureView("one_figure")
    qtbot.addWidget(view)
    view.resize(420, 340)
    view.set_figure(a_figure())
    shown = view.svg()
    assert shown is not None
    assert texts(shown) == texts(figure_svg(a_figure()))
    assert 'stroke="#2166ac"' in shown
    assert 'stroke-dasharray="7 3"' in shown
    assert theme().tokens.panel in shown


def test_a_figure_is_drawn_anew_at_another_size(qtbot) -> None:
    view = FigureView("one_figure")
    qtbot.addWidget(view)
    view.set_figure(a_figure())
    for width, height in ((300, 240), (600, 400)):
        view.resize(width, height)
        assert f'width="{width}" height="{height}"' in (view.svg() or "")
        assert view.grab().width() == width


def test_the_pointer_tells_the_nearest_point_and_nothing_far_from_all() -> None:
    frame = PlotFrame(a_figure(), 420, 340)
    x, y = frame.at(0.0, 0.0)
    assert frame.nearest(x, y) == (
        "Keyhole 0.700\nFalse positive rate: 0.0 %\nTrue positive rate: 0.0 %"
    )
    assert frame.nearest(*frame.at(1.0, 0.1)) is None


def test_moving_the_pointer_over_a_curve_shows_its_values(qtbot) -> None:
    view = FigureView("one_figure")
    qtbot.addWidget(view)
    view.resize(420, 340)
    view.set_figure(a_figure())
    with qtbot.waitExposed(view):
        view.show()
    x, y = PlotFrame(a_figure(), view.width(), view.height(), text_size=12).at(1.0, 1.0)
    QTest.mouseMove(view, QPoint(200, 200))
    QTest.mouseMove(view, QPoint(round(x), round(y)))
    qtbot.waitUntil(lambda: "True positive rate" in QToolTip.text())


@pytest.mark.parametrize("count", [1, 2])
def test_figures_stand_side_by_side_without_overlap(count: int) -> None:
    root = ElementTree.fromstring(row_svg([a_figure()] * count, "Both"))
    width = float(root.attrib["width"])
    starts = [
        float(element.attrib["x"])
        for element in root.iter("{http://www.w3.org/2000/svg}text")
        if element.text == "ROC"
    ]
    assert len(starts) == count
    assert all(0 < start < width for start in starts)
    assert starts == pytest.approx([starts[0] + i * width / count for i in range(count)])


def test_the_legend_keeps_clear_of_the_curves_where_it_can() -> None:
    root = ElementTree.fromstring(figure_svg(a_figure()))
    name = next(element for element in root.iter() if element.text == "Gas 0.900")
    frame = PlotFrame(a_figure(), 400, 330)
    assert float(name.attrib["y"]) > (frame.top + frame.bottom) / 2
    assert float(name.attrib["x"]) > (frame.left + frame.right) / 2

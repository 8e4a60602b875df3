"""Hold contrast, masks and the measured scale bar in the window: drawn at once,
one undo step each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_bench import Bench, grid_of_pores
from detect_desk import detect_desk, idle
from label_desk import LEFT, PLAIN, Desk
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from poregui.domain.records import Display
from poregui.gui.dialogs.micrograph_dialogs import BarLengthDialog


@pytest.fixture
def desk(qtbot, tmp_path: Path) -> Iterator[Desk]:
    bench = Bench(tmp_path / "pores", grid_of_pores()[:6])
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as opened:
        opened.page.side.show_panel("Image")
        yield opened


def first(desk: Desk):
    return desk.project.micrographs()[0]


def shown(desk: Desk) -> int:
    return desk.page.image_canvas.tiles.overview_image().pixelColor(2, 2).red()


def test_a_drag_of_white_is_drawn_at_once_and_is_one_undo_step_on_release(desk: Desk) -> None:
    plot, before = desk.page.image_panel.histogram, shown(desk)
    height = plot.height() // 2
    QTest.mousePress(plot, LEFT, PLAIN, QPoint(round(plot.place(255)), height))
    for value in (240, 230, 225):
        QTest.mouseMove(plot, QPoint(round(plot.place(value)), height))
    assert shown(desk) > before
    assert first(desk).display is None
    QTest.mouseRelease(plot, LEFT, PLAIN, QPoint(round(plot.place(225)), height))
    assert first(desk).display.high == pytest.approx(225, abs=3)
    desk.session.undo()
    assert first(desk).display is None
    assert shown(desk) == before


def test_automatic_gamma_and_full_range_are_remembered(desk: Desk) -> None:
    panel = desk.page.image_panel
    panel.auto_button.click()
    chosen = first(desk).display
    assert chosen is not None
    assert chosen.low > 0
    panel.gamma_box.setValue(2.0)
    assert first(desk).display == Display(chosen.low, chosen.high, 2.0)
    panel.reset_button.click()
    assert first(desk).display is None


def test_a_crop_keeps_the_greys_of_the_file_whatever_is_shown(desk: Desk) -> None:
    desk.page.image_panel.auto_button.click()
    known = {crop.id for crop in desk.project.crops()}
    desk.drag((200, 200), (240, 240))
    (made,) = [crop for crop in desk.project.crops() if crop.id not in known]
    pixels = desk.project.pixels.get(made.pixels)
    assert (pixels.grey_low, pixels.grey_high) == (0, 255)


def test_a_box_mask_is_drawn_refuses_crops_and_is_taken_away(desk: Desk) -> None:
    panel, crops = desk.page.image_panel, len(list(desk.project.crops()))
    panel.box_button.click()
    desk.drag((100, 100), (300, 300))
    (mask,) = first(desk).masks
    assert mask.contains(200, 200)
    assert mask.kind == "region"
    desk.drag((180, 180), (220, 220))
    assert len(list(desk.project.crops())) == crops
    assert "area is masked" in desk.notes[-1]
    panel.unmask_button.click()
    desk.click(200, 200)
    assert first(desk).masks == ()
    desk.session.undo()
    assert first(desk).masks == (mask,)


def test_a_box_and_the_whole_micrograph_are_marked_as_checked_and_taken_back(desk: Desk) -> None:
    panel = desk.page.image_panel
    panel.checked_box_button.click()
    desk.drag((100, 100), (300, 300))
    (area,) = first(desk).checked_areas
    assert area[0] == pytest.approx((100, 100), abs=2)
    panel.checked_button.click()
    assert first(desk).is_checked
    assert "whole micrograph" in panel.checked_text.text()
    panel.unchecked_button.click()
    assert first(desk).checked_areas == ()
    desk.session.undo()
    assert first(desk).is_checked


def test_a_lasso_marks_an_area_as_checked(desk: Desk) -> None:
    desk.page.image_panel.checked_lasso_button.click()
    tool = desk.page.image_canvas.tool
    assert tool is not None
    tool.press(QPointF(100, 100), PLAIN)
    for x, y in ((300, 110), (310, 260), (200, 300), (110, 250)):
        tool.move(QPointF(x, y), pressed=True)
    tool.release(QPointF(110, 250))
    (area,) = first(desk).checked_areas
    assert len(area) == 5
    assert desk.page.image_canvas.tool is None
    assert "1 area" in desk.page.image_panel.checked_text.text()
    desk.session.undo()
    assert first(desk).checked_areas == ()


def test_a_polygon_closes_with_return(desk: Desk) -> None:
    desk.page.image_panel.polygon_button.click()
    for corner in ((100, 100), (300, 100), (200, 300)):
        desk.click(*corner)
    QTest.keyClick(desk.page.image_canvas, Qt.Key.Key_Return)
    assert len(first(desk).masks[0].points) == 3
    assert desk.page.image_canvas.tool is None


def test_a_picture_without_bar_says_so(desk: Desk, qtbot) -> None:
    desk.page.image_panel.bar_button.click()
    idle(desk, qtbot)
    assert desk.notes[-1] == "No info bar was found."


def test_two_clicks_and_a_length_with_a_comma_set_the_scale(desk: Desk) -> None:
    desk.page.image_panel.calibrate_button.click()
    desk.click(100, 100)
    desk.click(300, 100)
    (dialog,) = desk.page.findChildren(BarLengthDialog)
    dialog.findChild(QLineEdit, "bar_length_edit").setText("50,0")
    dialog.ok.click()
    assert first(desk).um_per_px == pytest.approx(0.25, rel=0.03)
    assert "measured on a scale bar" in desk.page.image_panel.scale_text.text()

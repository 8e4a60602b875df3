"""Hold what a person sets about build direction and surface in the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from detect_bench import Bench, grid_of_pores
from detect_desk import detect_desk, measured, settled
from label_desk import Desk
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent

from poregui.gui.canvas.region_tools import PathTool
from poregui.workflow.editing.micrograph_edits import project_build_direction


@pytest.fixture
def desk(qtbot, tmp_path: Path) -> Iterator[Desk]:
    bench = Bench(tmp_path / "pores", grid_of_pores())
    bench.find()
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as opened:
        yield opened


def draw(desk: Desk, *points: tuple[float, float]) -> None:
    tool = desk.page.image_canvas._tool
    assert isinstance(tool, PathTool)
    for x, y in points:
        tool.release(QPointF(x, y))
    tool.key(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier))


def test_a_direction_is_typed_drawn_and_given_to_all(desk: Desk) -> None:
    box = desk.page.image_panel.frame_box
    assert "Unknown" in box.direction_text.text()
    box.angle_box.setValue(45)
    assert desk.project.micrographs()[0].build_direction_deg == 45
    box.draw_button.click()
    draw(desk, (10, 100), (10, 20))
    assert desk.project.micrographs()[0].build_direction_deg == 90
    box.all_button.click()
    assert project_build_direction(desk.project) == 90
    assert desk.project.micrographs()[0].build_direction_deg is None
    assert "project default" in box.direction_text.text()
    for _ in range(3):
        desk.presenter.undo()
    assert "Unknown" in box.direction_text.text()


def test_a_surface_is_drawn_denied_and_left_to_detection(desk: Desk) -> None:
    box = desk.page.image_panel.frame_box
    assert "No surface found or drawn" in box.surface_text.text()
    box.line_button.click()
    draw(desk, (0, 0), (640, 0))
    assert desk.project.micrographs()[0].surfaces == (((0, 0), (640, 0)),)
    assert "drawn by hand" in box.surface_text.text()
    box.none_button.click()
    assert desk.project.micrographs()[0].surfaces == ()
    box.found_button.click()
    assert desk.project.micrographs()[0].surfaces is None
    desk.presenter.undo()
    assert "set by hand" in box.surface_text.text()


def test_the_measurements_follow_direction_and_surface(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    assert not np.isfinite(model.table.columns["orientation_deg"]).any()
    box = desk.page.image_panel.frame_box
    box.angle_box.setValue(90)
    box.line_button.click()
    draw(desk, (0, 0), (640, 0))
    settled(desk, qtbot)
    assert np.isfinite(model.table.columns["orientation_deg"]).all()
    assert np.isfinite(model.table.columns["surface"]).all()

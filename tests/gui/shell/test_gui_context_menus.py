"""Hold what a right click offers, zoom in the menu View, and a drop zone that can be clicked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from label_desk import add_micrograph
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.gui.shell.main_window import MainWindow
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import new_crop


@pytest.fixture
def labelling(window: MainWindow, tmp_path: Path) -> MainWindow:
    """Show a micrograph with one crop on the Label page."""
    with labelled_project(tmp_path / "pores") as project:
        one = add_micrograph(project)
        add_crop(project, one)
    window.open_project(tmp_path / "pores")
    window.workspace.label.state.show_micrograph(one.id)
    window.background.wait()
    return window


def add_crop(project: Project, one: Micrograph) -> None:
    pixels = CropPixels(np.full((40, 40), 90, np.uint8), 0, 255)
    History(project).apply(new_crop(project, one, Box(100, 60, 40, 40), pixels, who="ada"))


def menu_on(widget: QWidget, at: QPoint) -> list[str]:
    """Right-click and return what is offered; the menu is closed again."""
    widget.customContextMenuRequested.emit(at)
    menu = widget.findChild(QMenu, f"{widget.objectName()}_menu")
    assert menu.isVisible()
    menu.close()
    return [action.text().partition("\t")[0] for action in menu.actions() if action.text()]


def test_a_right_click_on_a_pore_chooses_it_and_offers_what_can_be_done(
    labelling: MainWindow,
) -> None:
    canvas = labelling.label_page.image_canvas
    view = canvas.view
    corner = view.to_image(QPointF(0, 0))
    at = QPointF((120 - corner.x()) * view.scale, (80 - corner.y()) * view.scale).toPoint()
    offered = menu_on(canvas, at)
    assert offered[:2] == ["Label as", "Not a pore"]
    assert offered[-1] == "Delete selected crops"
    assert labelling.workspace.label.state.crop.box == Box(100, 60, 40, 40)


def test_crops_classes_and_predictions_have_menus(labelling: MainWindow) -> None:
    page = labelling.label_page
    assert "Remove label" in menu_on(page.crop_grid, QPoint(5, 5))
    assert menu_on(page.class_bar, QPoint(5, 5)) == ["Class card", "Classes…"]
    for grid in labelling.review_page.grids:
        assert "Show crop in micrograph" in menu_on(grid, QPoint(5, 5))


def test_the_menu_view_zooms_the_micrograph_in_sight(labelling: MainWindow) -> None:
    canvas = labelling.label_page.image_canvas
    fitted = canvas.scale
    labelling.actions_by_name["zoom_in"].trigger()
    assert canvas.scale == pytest.approx(1.25 * fitted)
    labelling.actions_by_name["zoom_out"].trigger()
    assert canvas.scale == pytest.approx(fitted)
    labelling.actions_by_name["zoom_actual"].trigger()
    assert canvas.scale == 1.0
    labelling.actions_by_name["zoom_fit"].trigger()
    assert canvas.scale == pytest.approx(fitted)
    labelling.show_page(labelling.train_page)
    labelling.actions_by_name["zoom_in"].trigger()
    assert canvas.scale == pytest.approx(fitted)


@pytest.mark.parametrize("by_key", [True, False])
def test_the_drop_zone_is_clicked_to_choose_images(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, by_key: bool
) -> None:
    dropped: list[list[Path]] = []
    monkeypatch.setattr(window.projects, "drop", dropped.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (["/a.png"], ""))
    zone = window.start_page.findChild(QWidget, "drop_zone")
    if by_key:
        zone.setFocus()
        QTest.keyClick(zone, Qt.Key.Key_Return)
    else:
        QTest.mouseClick(zone, Qt.MouseButton.LeftButton)
    assert dropped == [[Path("/a.png")]]

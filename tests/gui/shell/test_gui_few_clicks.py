"""Hold how many clicks the first steps take: import with scale, first training; and that similar
micrographs follow one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import labelled_project
from label_desk import drawn
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QFileDialog, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from poregui.domain.geometry import Mask
from poregui.gui.dialogs.import_dialog import ImportDialog
from poregui.gui.dialogs.micrograph_dialogs import BarLengthDialog, MicrographDialog
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.shell.micrograph_flow import change_micrograph
from poregui.store.project import Project
from poregui.workflow.editing.micrograph_edits import set_masks

LEFT = Qt.MouseButton.LeftButton
IN_FILE_DIALOG = 3
"""Clicks in the file dialog of the system, which a test cannot open: two files and Open."""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = []
    for name, image in (("a.png", drawn()), ("b.png", drawn()[:, ::-1])):
        Image.fromarray(image).save(tmp_path / name)
        made.append(str(tmp_path / name))
    return made


def test_two_micrographs_with_scale_are_ready_to_label_after_8_clicks(
    window: MainWindow,
    files: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    Project.create(tmp_path / "pores").close()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (files, ""))
    window.resize(1100, 760)
    window.open_project(tmp_path / "pores")
    page = window.label_page
    clicks = 0

    def click(widget: QWidget) -> None:
        nonlocal clicks
        clicks += 1
        assert widget.isVisible()
        QTest.mouseClick(widget, LEFT)

    click(page.first_import_button)
    clicks += IN_FILE_DIALOG
    click(window.findChild(ImportDialog).ok)
    window.background.wait()
    qtbot.waitUntil(lambda: page.image_canvas.view is not None)
    click(page.findChild(QToolButton, "label_side_image_tab"))
    click(page.image_panel.calibrate_button)
    drag(page.image_canvas, (100, 250), (200, 250))
    clicks += 1
    QTest.keyClicks(window.findChild(QLineEdit, "bar_length_edit"), "50")
    assert window.findChild(QCheckBox, "bar_similar_box").isChecked()
    QTest.keyClick(window.findChild(QLineEdit, "bar_length_edit"), Qt.Key.Key_Return)
    first, second = window.session.project.micrographs()
    assert first.um_per_px == pytest.approx(0.5, rel=0.03)
    assert second.um_per_px == first.um_per_px
    assert page.canvas_title.text() == "a.png"
    assert clicks <= 8
    window.session.undo()
    assert [m.um_per_px for m in window.session.project.micrographs()] == [None, None]


def drag(canvas: QWidget, start: tuple[int, int], end: tuple[int, int]) -> None:
    a, b = (on_canvas(canvas, *at) for at in (start, end))
    QTest.mousePress(canvas, LEFT, pos=a)
    QTest.mouseMove(canvas, b)
    QTest.mouseRelease(canvas, LEFT, pos=b)
    QApplication.processEvents()


def on_canvas(canvas: QWidget, x: int, y: int) -> QPoint:
    corner = canvas.view.to_image(QPointF(0, 0))
    scale = canvas.view.scale
    return QPoint(round((x - corner.x()) * scale), round((y - corner.y()) * scale))


def test_an_import_leaves_the_micrograph_that_is_shown(
    window: MainWindow, files: list[str], tmp_path: Path
) -> None:
    Project.create(tmp_path / "pores").close()
    window.open_project(tmp_path / "pores")
    state = window.workspace.label.state
    dialog = ImportDialog([], [])
    dialog.check()
    for file in files:
        window.workspace.importing.start([Path(file)], dialog.options)
        window.background.wait()
    dialog.deleteLater()
    assert state.micrograph.name == "a.png"
    assert len(window.session.project.micrographs()) == 2


def test_the_first_training_is_one_click_from_the_label_page(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_project(tmp_path / "pores").close()
    window.open_project(tmp_path / "pores")
    started: list[bool] = []
    monkeypatch.setattr(window.workspace.train, "train", lambda: started.append(True))
    QTest.mouseClick(window.label_page.train_button, LEFT)
    assert started == [True]
    assert window.stack.currentWidget() is window.train_page


def test_properties_give_scale_and_masks_to_similar_micrographs_as_one_step(
    window: MainWindow, files: list[str], tmp_path: Path
) -> None:
    Project.create(tmp_path / "pores").close()
    window.open_project(tmp_path / "pores")
    import_dialog = ImportDialog([], [])
    import_dialog.check()
    window.workspace.importing.start([Path(file) for file in files], import_dialog.options)
    import_dialog.deleteLater()
    window.background.wait()
    session = window.session
    session.apply(set_masks(session.project.micrographs()[0], (mask(),)))
    first, _ = session.project.micrographs()
    dialog = MicrographDialog(first, "", [], None, similar=1)
    dialog.findChild(QLineEdit, "micrograph_scale_edit").setText("0.25")
    dialog.similar_box.setChecked(True)
    dialog.masks_box.setChecked(True)
    dialog.check()
    change_micrograph(session, window.background, first, dialog)
    dialog.deleteLater()
    first, second = session.project.micrographs()
    assert (first.um_per_px, second.um_per_px) == (0.25, 0.25)
    assert second.masks == first.masks == (mask(),)
    session.undo()
    assert session.project.micrographs()[1].masks == ()


def mask() -> Mask:
    return Mask(((0.0, 0.0), (40.0, 0.0), (40.0, 30.0)))


def test_the_next_crop_by_key_stands_in_the_middle_of_the_grid(qtbot: QtBot) -> None:
    grid = CropGrid()
    qtbot.addWidget(grid)
    grid.resize(300, 300)
    grid.set_rows([CropRow(n, None) for n in range(1, 61)])
    grid.show()
    grid.choose(7)
    for _ in range(20):
        grid.step(1)
    middle = grid.visualRect(grid.currentIndex()).center().y()
    assert abs(middle - grid.viewport().height() / 2) < grid.gridSize().height() / 2
    QTest.keyClick(grid, Qt.Key.Key_Down)
    middle = grid.visualRect(grid.currentIndex()).center().y()
    assert abs(middle - grid.viewport().height() / 2) < grid.gridSize().height() / 2


@pytest.mark.parametrize(("similar", "shown"), [(0, False), (3, True)])
def test_similar_micrographs_are_offered_only_where_there_are_some(
    qtbot: QtBot, similar: int, shown: bool
) -> None:
    dialog = BarLengthDialog(100.0, None, similar)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.similar_box.isVisible() == shown
    assert dialog.for_similar == shown

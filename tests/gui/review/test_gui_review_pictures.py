"""Hold what the review page draws: heat maps, surroundings, the colours and cells of the matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import add_crops, add_micrograph, add_specimens, labelled_project
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from review_desk import ReviewDesk, make_run, review_desks

from poregui.gui.base.theme import DARK, LIGHT
from poregui.gui.plots.colour_scales import cell_colours, heat_table
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell, ConfusionMatrix
from poregui.gui.plots.heat_map import evidence_for, heat_image
from poregui.gui.review import heat_maps
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.predict import ScaledCrop
from poregui.workflow.reporting.svg import luminance


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return labelled_project(tmp_path / "pores")


@pytest.fixture
def open_desk(qtbot) -> Iterator[Callable[[Project], ReviewDesk]]:
    with review_desks(qtbot) as build:
        yield build


def test_a_run_without_a_network_says_why_there_is_no_heat_map(project: Project, open_desk) -> None:
    make_run(project, folds=5)
    desk = open_desk(project)
    assert "is a cross-validation" in desk.page.detail.heat_note.text()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_H)
    assert not desk.page.detail.heat_switch.isVisible()
    assert not desk.page.detail.heat_class.isVisible()
    assert not desk.page.detail.heat_map.has_heat


class OneSidedPredictor:
    """Answer that the left half speaks for the first class and the right half for the second."""

    def __init__(self, _run: RunFolder, *, threads: int = 0) -> None:
        self.threads = threads

    def activation_maps(self, crop: ScaledCrop) -> np.ndarray:
        height, width = crop.pixels.array.shape[:2]
        maps = np.zeros((3, height, width), np.float32)
        maps[0, :, : width // 2] = maps[1, :, width // 2 :] = 1
        return maps


def left_and_right(desk: ReviewDesk) -> tuple[bool, bool]:
    heat = desk.page.detail.heat_map._heat
    return heat.pixelColor(2, 2).alpha() > 0, heat.pixelColor(heat.width() - 2, 2).alpha() > 0


def test_the_heat_map_speaks_of_the_predicted_class_or_of_the_one_that_is_chosen(
    project: Project, open_desk, monkeypatch
) -> None:
    monkeypatch.setattr(heat_maps, "Predictor", OneSidedPredictor)
    run = make_run(project)
    for file in (run.onnx_file, run.sidecar_file):
        file.touch()
    desk = open_desk(project)
    panel = desk.page.detail
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_H)
    desk.background.wait()
    assert left_and_right(desk) == (False, True)
    panel.heat_class.setCurrentIndex(panel.heat_class.findText("as labelled"))
    panel.heat_class.activated.emit(panel.heat_class.currentIndex())
    assert left_and_right(desk) == (True, False)
    panel.heat_class.setCurrentIndex(panel.heat_class.findText("Lack of Fusion"))
    panel.heat_class.activated.emit(panel.heat_class.currentIndex())
    assert left_and_right(desk) == (False, False)
    assert panel.heat_map.accessibleDescription() == "No evidence for Lack of Fusion in this crop"
    QTest.keyPress(desk.page.prediction_list, Qt.Key.Key_Space)
    assert not panel.heat_map.has_heat
    QTest.keyRelease(desk.page.prediction_list, Qt.Key.Key_Space)
    assert panel.heat_map.has_heat


def test_a_damaged_network_is_named_in_the_place_of_its_heat_map(
    project: Project, open_desk
) -> None:
    run = make_run(project)
    for file in (run.onnx_file, run.sidecar_file):
        file.write_text("nonsense")
    desk = open_desk(project)
    desk.page.detail.heat_switch.click()
    desk.background.wait()
    assert "cannot be read" in desk.page.detail.heat_note.text()
    assert not desk.page.detail.heat_switch.isVisible()


def test_the_surroundings_vanish_with_the_micrograph_and_the_crop_stays(
    tmp_path: Path, open_desk, qtbot
) -> None:
    project = Project.create(tmp_path / "pores")
    files = []
    for index, specimen in enumerate(add_specimens(project, *(f"S{i}" for i in range(5)))):
        file = tmp_path / f"m{index}.png"
        micrograph = add_micrograph(project, file, specimen_id=specimen.id, seed=index)
        add_crops(project, [1, 2, 3] * 4, micrograph=micrograph, seed=index)
        files.append(file)
    make_run(project)
    for file in files:
        file.unlink()
    desk = open_desk(project)
    context = desk.page.context_view
    qtbot.waitUntil(lambda: "kept in the project" in context._empty_text)
    assert context.isVisible()
    assert not desk.page.detail.heat_map._crop.isNull()
    shown: list[int] = []
    desk.page.show_in_label_requested.connect(shown.append)
    desk.page.detail.show_button.click()
    assert shown == [desk.presenter.current]


# ---- widgets --------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [DARK, LIGHT])
def test_the_numbers_of_the_matrix_can_be_read_on_every_colour(tokens) -> None:
    for right in (True, False):
        for share in np.linspace(0, 1, 21):
            fill, ink = cell_colours(float(share), right=right, tokens=tokens)
            low, high = sorted((luminance(fill.name()), luminance(ink.name())))
            assert (high + 0.05) / (low + 0.05) >= 4.5


def test_more_in_a_heat_map_is_lighter_and_less_clear() -> None:
    table = heat_table()
    light = [luminance(QColor(*map(int, row[:3])).name()) for row in table]
    assert np.all(np.diff(light) > -1e-3)
    assert light[-1] > light[0] + 0.5
    assert table[0, 3] == 0
    assert np.all(np.diff(table[:, 3].astype(int)) >= 0)


def test_a_heat_map_shows_what_speaks_for_a_class_and_compares_the_classes_of_a_crop() -> None:
    maps = np.array([[[4.0, -4.0]], [[2.0, 0.0]]], np.float32)
    assert evidence_for(maps, 0).tolist() == [[1.0, 0.0]]
    assert evidence_for(maps, 1).tolist() == [[0.5, 0.0]]
    assert evidence_for(-np.abs(maps), 0).tolist() == [[0.0, 0.0]]
    image = heat_image(evidence_for(maps, 0))
    assert (image.width(), image.height()) == (2, 1)
    assert image.pixelColor(1, 0).alpha() == 0
    assert image.pixelColor(0, 0).alpha() > 128


@pytest.mark.parametrize("n", [2, 3, 10, 30])
def test_every_cell_of_a_matrix_of_any_size_can_be_clicked(qtbot, n: int) -> None:
    matrix = ConfusionMatrix()
    qtbot.addWidget(matrix)
    matrix.resize(310, 300)
    matrix.set_classes([f"Class {i}" for i in range(n)], list(range(n)), [])
    matrix.set_matrix(np.arange(n * n).reshape(n, n))
    for cell in (
        Cell(0, 0),
        Cell(n - 1, 0),
        Cell(n - 1, n - 1),
        Cell(None, n - 1),
        Cell(n - 1, None),
        EVERYTHING,
    ):
        assert matrix.cell_at(matrix.cell_rect(cell.row, cell.column).center()) == cell
    assert matrix.cell_rect(n - 1, n - 1).bottom() <= matrix.minimumHeight()
    with pytest.raises(ValueError, match="for"):
        matrix.set_matrix(np.zeros((n + 1, n + 1), np.int64))

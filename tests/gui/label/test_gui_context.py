"""Hold what stands beside the current crop: its measurements, and the labelled
crops most like it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from label_desk import add_micrograph, add_ready_made, drawn
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop
from poregui.gui.label.crop_context import number_text, source_text
from poregui.store.pixels import CropPixels
from poregui.workflow.detecting.measuring import numbers_of_crop
from poregui.workflow.editing.edits import AddCrops


def never() -> CropPixels:
    raise AssertionError("pixels were read although there is an outline")


def circle(x: float, y: float, radius: float) -> Outline:
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return Outline.of(np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1))


def add_pores(project) -> None:
    """Add two crops of one disc of 10 px radius, the second one outlined."""
    micrograph = add_micrograph(project)
    pixels = CropPixels(drawn()[50:110, 90:150], 0, 255)
    key = project.pixels.add(pixels)
    crops = [
        Crop(i, key, 60, 60, micrograph.id, Box(90, 50, 60, 60), um_per_px=0.5) for i in (1, 2)
    ]
    with project.transaction():
        AddCrops(tuple(crops), who="ada", outlines=((2, circle(120.5, 80.5, 10)),)).do(project)


def test_an_outline_gives_the_numbers_and_its_pixels_are_not_read():
    numbers = numbers_of_crop(Crop(1, "k", 60, 60, um_per_px=0.5), circle(30, 30, 10), never)
    assert numbers is not None
    assert numbers.unit == "um"
    assert numbers.area == pytest.approx(math.pi * 25, rel=0.01)
    assert numbers.diameter == pytest.approx(10, rel=0.01)
    assert numbers.circularity == pytest.approx(1, abs=0.01)
    assert numbers.reliable
    assert source_text(numbers) == "from its outline"


def test_without_an_outline_the_numbers_come_from_the_pixels_and_say_so():
    pixels = CropPixels(drawn()[50:110, 90:150], 0, 255)
    numbers = numbers_of_crop(Crop(1, "k", 60, 60), None, lambda: pixels)
    assert numbers is not None
    assert numbers.diameter == pytest.approx(20, rel=0.1)
    assert number_text(numbers)["Diameter"].endswith(" px")
    assert source_text(numbers) == "from the crop's pixels"


def test_a_crop_without_a_pore_has_no_numbers():
    assert (
        numbers_of_crop(
            Crop(1, "k", 9, 9), None, lambda: CropPixels(np.full((9, 9), 7, np.uint8), 0, 255)
        )
        is None
    )


@pytest.mark.parametrize(("radius", "reliable"), [(4.5, False), (5.5, True)])
@pytest.mark.parametrize("um_per_px", [None, 0.2, 4.0])
def test_below_ten_px_the_shape_is_too_small_to_tell_whatever_the_scale(
    radius, reliable, um_per_px
):
    numbers = numbers_of_crop(
        Crop(1, "k", 60, 60, um_per_px=um_per_px), circle(30, 30, radius), never
    )
    assert numbers is not None
    assert numbers.reliable == reliable
    assert ("too small to measure" in source_text(numbers)) != reliable


def test_the_panel_tells_the_numbers_of_each_crop_that_is_chosen(project, open_desk, qtbot):
    add_pores(project)
    desk = open_desk(project)
    facts = desk.page.crop_facts
    qtbot.waitUntil(lambda: facts.source.text() == "from the crop's pixels")
    desk.presenter.choose(2)
    assert facts.text("Area") == "–"
    qtbot.waitUntil(lambda: facts.source.text() == "from its outline")
    assert facts.text("Diameter") == "10 µm"
    assert not facts.is_grey("Circularity")


def test_shape_numbers_of_a_small_pore_are_grey_and_its_size_is_not(project, open_desk, qtbot):
    rows, columns = np.mgrid[:30, :30]
    image = np.where((rows - 15) ** 2 + (columns - 15) ** 2 <= 9, 40, 200).astype(np.uint8)
    with project.transaction():
        AddCrops((Crop(1, project.pixels.add(CropPixels(image, 0, 255)), 30, 30),), who="ada").do(
            project
        )
    facts = open_desk(project).page.crop_facts
    qtbot.waitUntil(lambda: "too small to measure" in facts.source.text())
    assert facts.is_grey("Circularity")
    assert facts.is_grey("Aspect ratio")
    assert not facts.is_grey("Diameter")


def test_crops_that_a_held_key_passes_are_not_asked_about(project, open_desk, qtbot, monkeypatch):
    add_ready_made(project, 12)
    desk = open_desk(project)
    asked: list[int | None] = []
    monkeypatch.setattr(
        desk.presenter._suggesting,
        "ask_alike_to_current",
        lambda: asked.append(desk.presenter.current),
    )
    for _ in range(8):
        desk.presenter.step(1)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [9]


def test_the_labelled_crops_most_alike_stand_beside_the_crop_and_a_click_goes_there(
    project,
    open_desk,
    qtbot,
):
    add_ready_made(project, 14)
    desk = open_desk(project)
    for number in range(12):
        desk.key("12"[number % 2])
    row = desk.page.alike_row
    qtbot.waitUntil(lambda: any(row.shown().values()), timeout=60_000)
    assert row.isVisible()
    assert all(len(ids) <= 2 for ids in row.shown().values())
    labels = dict(enumerate(desk.labels(), 1))
    assert all(labels[i] == label for label, ids in row.shown().items() for i in ids)
    point = next(QPoint(x, y) for y in range(0, row.height(), 4) for x in range(0, row.width(), 4)
                 if row.crop_at(QPoint(x, y)) is not None)  # fmt: skip
    wanted = row.crop_at(point)
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=point)
    assert desk.presenter.current == wanted


def test_an_answer_for_another_crop_is_not_shown(project, open_desk):
    add_ready_made(project, 3)
    desk = open_desk(project)
    desk.presenter._suggesting.alike_found.emit(2, {1: [3]})
    assert not any(desk.page.alike_row.shown().values())
    desk.presenter._suggesting.alike_found.emit(1, {1: [3]})
    assert desk.page.alike_row.shown()[1] == (3,)


def test_a_low_window_folds_the_crops_alike_away(project, open_desk, qtbot):
    add_ready_made(project, 3)
    desk = open_desk(project)
    desk.presenter._suggesting.alike_found.emit(1, {1: [3]})
    assert desk.page.alike_row.isVisible()
    desk.page.resize(1024, 560)
    qtbot.waitUntil(lambda: desk.page.alike_row.isHidden())
    assert desk.page.crop_facts.isVisible()

"""Hold the overview over the canvas: it says where one is, and leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from poregui.gui.canvas.canvas_inset import CanvasInset
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.tile_layer import layer_of


@pytest.fixture
def canvas(qtbot: QtBot) -> Iterator[ImageCanvas]:
    made = ImageCanvas()
    made.resize(800, 600)
    made.show()
    image = np.zeros((300, 400), np.uint8)
    image[:, 200:] = 255
    made.set_tiles(layer_of(image))
    yield made
    made.close()
    made.deleteLater()


def inset_of(canvas: ImageCanvas) -> CanvasInset:
    return canvas.findChild(CanvasInset, "canvas_inset")


def test_it_is_there_only_while_a_part_of_the_image_is_seen(canvas: ImageCanvas) -> None:
    inset = inset_of(canvas)
    assert not inset.isVisible()
    canvas.zoom(8)
    assert inset.isVisible()
    assert inset.geometry().right() < canvas.width()
    canvas.fit()
    assert not inset.isVisible()
    canvas.zoom(8)
    canvas.show_message("gone")
    assert not inset.isVisible()


def test_a_press_or_drag_on_it_moves_the_view_there(canvas: ImageCanvas) -> None:
    canvas.zoom(8)
    inset = inset_of(canvas)
    QTest.mousePress(
        inset, Qt.MouseButton.LeftButton, pos=QPoint(inset.width() // 4, inset.height() // 4)
    )
    assert canvas.view.centre.x() == pytest.approx(100, abs=4)
    assert canvas.view.centre.y() == pytest.approx(75, abs=4)
    QTest.mouseMove(inset, QPoint(inset.width() * 3 // 4, inset.height() // 2))
    QTest.mouseRelease(inset, Qt.MouseButton.LeftButton)
    canvas.centre_on(QPointF(300, 150))
    assert canvas.view.centre.x() == pytest.approx(300)


def test_it_shows_the_image_with_a_frame_around_what_is_seen(canvas: ImageCanvas) -> None:
    canvas.zoom(6)
    canvas.centre_on(QPointF(100, 150))
    shown = inset_of(canvas).grab().toImage()
    assert shown.pixelColor(4, 4).lightness() < 40
    assert shown.pixelColor(shown.width() - 5, 4).lightness() > 215
    row = [shown.pixelColor(x, shown.height() // 2) for x in range(shown.width() // 2 - 2)]
    assert max(colour.saturation() for colour in row) > 60


def test_a_small_canvas_has_no_room_for_it(canvas: ImageCanvas) -> None:
    canvas.zoom(8)
    canvas.resize(260, 200)
    QTest.qWait(1)
    assert not inset_of(canvas).isVisible()

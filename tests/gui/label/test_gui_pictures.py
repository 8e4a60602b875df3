"""Hold how pixels become pictures: grey ranges, levels of large images, lengths of scale bars."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from poregui.domain.measurement import length_text, nice_length
from poregui.gui.canvas.canvas_view import to_eight_bits
from poregui.gui.canvas.tile_layer import layer_of
from poregui.gui.lists.crop_list import CropListModel, CropRow
from poregui.gui.services.thumbnails import crop_image
from poregui.store.pixels import CropPixels


def test_16_bit_grey_is_mapped_by_its_grey_range():
    array = np.array([[0, 1000, 1500, 2000, 60000]], np.uint16)
    assert to_eight_bits(array, 1000, 2000).tolist() == [[0, 0, 128, 255, 255]]


def test_colour_stays_colour():
    image = crop_image(CropPixels(np.array([[[255, 0, 10]]], np.uint8), 0, 255))
    assert image.pixelColor(0, 0) == QColor(255, 0, 10)


@pytest.mark.parametrize("shape", [(2000, 1501), (1501, 2000, 3)])
def test_a_large_image_is_drawn_right_from_every_level(qapp, shape):
    array = np.zeros(shape, np.uint8)
    array[:, shape[1] // 2 :] = 255
    image = layer_of(array)
    assert [round(image.pyramid.factor(level)[0]) for level in range(2)] == [1, 2]
    for side in (64, 400, 1000):
        drawn = QImage(side, side, QImage.Format.Format_RGB32)
        painter = QPainter(drawn)
        image.draw(painter, QRectF(0, 0, side, side), QRectF(0, 0, image.width, image.height))
        painter.end()
        assert drawn.pixelColor(side // 4, side // 2).red() == 0
        assert drawn.pixelColor(3 * side // 4, side // 2).red() == 255


@pytest.mark.parametrize(("most", "length"), [(7.3, 5), (100, 100), (0.034, 0.02), (1999, 1000)])
def test_scale_bars_have_round_lengths(most, length):
    assert nice_length(most) == pytest.approx(length)


@pytest.mark.parametrize(("um", "text"), [(5, "5 µm"), (0.2, "200 nm"), (2000, "2 mm")])
def test_lengths_carry_a_unit_that_is_easy_to_read(um, text):
    assert length_text(um) == text


def test_a_list_of_crops_takes_away_and_adds_only_what_changed(qtbot):
    model = CropListModel()
    model.show(CropRow(i, None) for i in range(10))
    resets: list[None] = []
    model.modelReset.connect(lambda: resets.append(None))
    with qtbot.waitSignals([model.rowsRemoved, model.rowsInserted, model.dataChanged]):
        model.show(
            [*(CropRow(i, 1 if i == 2 else None) for i in range(10) if i != 5), CropRow(11, None)]
        )
    assert [row.crop_id for row in model.rows] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 11]
    assert model.position(11) == 9
    assert model.rows[2].label == 1
    assert resets == []

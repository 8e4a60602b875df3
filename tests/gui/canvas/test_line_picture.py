"""Hold how outlines are drawn: in their colours, dashed evenly, with rims, and
nothing elsewhere.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from poregui.gui.canvas.outline_layer import Lines, line_image
from poregui.vision.shape.polygons import Polygons

ORANGE = QColor("#d95f02")
WHITE = QColor("#ffffff")


def circle(x: float, y: float, radius: float) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)])


def drawn(*groups: Lines, ratio: float = 1.0) -> NDArray[np.uint8]:
    """Return (height, width, 4), red, green, blue and cover, the colours
    multiplied by the cover.
    """
    image = line_image(groups, 200, 160, ratio)
    assert image.format() == QImage.Format.Format_RGBA8888_Premultiplied
    return np.array(image.constBits(), np.uint8).reshape(
        image.height(), image.bytesPerLine() // 4, 4
    )[:, :200]


def around(pixels: NDArray[np.uint8], x: float, y: float, radius: float) -> NDArray[np.uint8]:
    """Return the pixels on a circle, (720, 4)."""
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    rows, columns = y + radius * np.sin(turn), x + radius * np.cos(turn)
    return pixels[np.floor(rows).astype(int), np.floor(columns).astype(int)]


def test_a_line_lies_where_its_points_are_in_its_colour_with_a_dark_rim_beside_it() -> None:
    pixels = drawn(Lines(Polygons.of([circle(60, 70, 30)]), ORANGE))
    line = around(pixels, 60, 70, 30)
    assert np.median(line[:, 0]) == pytest.approx(ORANGE.red(), abs=25)
    assert np.median(line[:, 3]) > 230
    for radius in (28.3, 31.7):
        rim = around(pixels, 60, 70, radius).mean(axis=0)
        assert 40 < rim[3] < 200
        assert rim[0] < 0.5 * rim[3]
    for radius in (26, 34):
        assert not around(pixels, 60, 70, radius).any()
    assert not pixels[:, 150:].any()


def test_no_colour_is_brighter_than_its_cover_allows() -> None:
    pixels = drawn(
        Lines(Polygons.of([circle(60, 70, 30), circle(70, 70, 25)]), WHITE, dashed=True),
        Lines(Polygons.of([circle(65, 70, 30)]), ORANGE),
    )
    assert (pixels[..., :3] <= pixels[..., 3:]).all()


def test_dashes_cover_about_half_of_each_ring_and_close_without_a_seam() -> None:
    polygons = [circle(60, 70, 30), circle(150, 70, 12)]
    pixels = drawn(Lines(Polygons.of(polygons), WHITE, dashed=True))
    for x, radius, dashes in ((60, 30, 23), (150, 12, 9)):
        bright = (
            np.max([around(pixels, x, 70, radius + off)[:, 0] for off in (-0.7, 0, 0.7)], axis=0)
            > 70
        )
        starts = np.flatnonzero(bright & ~np.roll(bright, 1))
        assert len(starts) == dashes
        apart = np.diff([*starts, starts[0] + 720])
        assert apart.max() <= 1.6 * apart.min()
        assert 0.4 < bright.mean() < 0.8


def test_a_ring_shorter_than_a_dash_is_still_drawn() -> None:
    pixels = drawn(Lines(Polygons.of([circle(60, 70, 0.6)]), WHITE, dashed=True))
    assert pixels[66:74, 56:64, 0].max() > 100


def test_lines_are_thicker_where_pixels_are_finer() -> None:
    covers = [
        float(
            (
                drawn(Lines(Polygons.of([circle(80, 80, 50)]), ORANGE), ratio=ratio)[..., 0] > 100
            ).sum()
        )
        for ratio in (1.0, 2.0, 3.0)
    ]
    assert 1.5 < covers[1] / covers[0] < 3.0
    assert covers[2] > 1.3 * covers[1]


def test_lines_far_outside_the_picture_draw_nothing_and_do_no_harm() -> None:
    far = circle(2e6, -3e6, 5e5)
    across = np.array([[-4e5, 80.0], [4e5, 80.0], [4e5, 81.0], [-4e5, 81.0]])
    pixels = drawn(Lines(Polygons.of([far, across]), ORANGE))
    assert (pixels[80, :, 0] > 100).all()
    assert not pixels[:70].any()


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert not drawn().any()

"""Hold that a click finds the pore under it, and nothing where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.geometry import Box
from poregui.vision.pores.edit import SMALLEST, crop_around, pore_box
from poregui.vision.synthetic import draw_unseen


def disc(side: int, radius: int, *, dark: int = 40, bright: int = 200) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    inside = (columns - side // 2) ** 2 + (rows - side // 2) ** 2 <= radius**2
    return np.where(inside, dark, bright).astype(np.uint8)


def found(image: np.ndarray, x: float, y: float, reach: float = 4) -> Box | None:
    return pore_box(image, x, y, low=0, high=255 if image.dtype == np.uint8 else 65535, reach=reach)


@pytest.mark.parametrize(("radius", "minimum"), [(3, 0.5), (12, 0.8), (60, 0.9), (200, 0.9)])
def test_the_box_fits_a_disc_of_any_size(radius, minimum):
    box = found(disc(1200, radius), 600 + radius * 0.5, 600)
    assert box is not None
    assert box.overlap(Box(600 - radius, 600 - radius, 2 * radius + 1, 2 * radius + 1)) > minimum


def test_grey_of_16_bits_and_colour_are_as_good():
    grey = disc(300, 20)
    deep = grey.astype(np.uint16) * 257
    colour = np.repeat(grey[..., None], 3, axis=2)
    assert found(grey, 150, 150) is not None
    assert found(deep, 150, 150) == found(colour, 150, 150) == found(grey, 150, 150)


def test_a_point_close_to_a_pore_finds_it_within_reach_only():
    image = disc(300, 10)
    assert found(image, 164, 150, reach=8) is not None
    assert found(image, 175, 150, reach=8) is None


def test_matrix_without_pores_gives_nothing():
    rng = np.random.default_rng(1)
    assert found(rng.normal(180, 4, (400, 400)).astype(np.uint8), 200, 200) is None


def test_a_pore_at_the_edge_of_the_image_is_found():
    box = found(disc(300, 20)[150:], 150, 3)
    assert box is not None
    assert box.y == 0


def test_a_bright_particle_is_no_pore():
    assert found(disc(300, 15, dark=250, bright=120), 150, 150) is None


def test_the_crop_is_a_square_inside_the_image_and_never_tiny():
    crop = crop_around(Box(0, 0, 4, 3), 500, 400)
    assert crop == Box(0, 0, SMALLEST, SMALLEST)
    assert crop_around(Box(100, 100, 50, 20), 500, 400).width == 90


def test_gas_and_keyholes_of_drawn_titanium_are_found_by_a_click_on_their_middle():
    drawn = next(iter(draw_unseen(0)))
    pores = [pore for pore in drawn.pores if pore.class_name != "Lack of Fusion"]
    missed = []
    for pore in pores:
        box = pore_box(drawn.image, pore.x, pore.y, low=0, high=255, reach=6)
        if box is None or not box.contains(pore.x, pore.y):
            missed.append(pore.number)
    assert pores
    assert missed == []

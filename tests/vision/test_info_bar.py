"""Hold that burned-in bars are found where they are, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from info_bars import noise, with_bar

from poregui.domain.geometry import Box
from poregui.vision.info_bar import find_info_bar
from poregui.vision.io.pyramid import array_pyramid, open_pyramid
from poregui.vision.io.reader import Image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def found(pixels: np.ndarray) -> Box | None:
    return find_info_bar(array_pyramid(Image(pixels, 0.0, float(np.iinfo(pixels.dtype).max))))


@pytest.mark.parametrize(("ground", "ink"), [(0, 255), (255, 0), (40, 230)])
def test_a_bar_with_writing_is_found_at_the_bottom(ground: int, ink: int) -> None:
    assert found(with_bar(ground, ink)) == Box(0, 552, 800, 48)


def test_a_bar_is_found_at_the_top_and_in_16_bits() -> None:
    assert found(with_bar(0, 255, top=True).astype(np.uint16) * 257) == Box(0, 0, 800, 48)


def test_a_black_edge_without_writing_a_plain_picture_and_a_dark_noisy_edge_are_no_bars() -> None:
    edge, dark = noise(), noise()
    edge[-40:] = 0
    dark[-40:] = np.random.default_rng(4).integers(0, 30, (40, 800))
    assert [found(one) for one in (edge, dark, noise(), np.zeros((600, 800), np.uint8))] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("file", "box"),
    [
        ("sem/fei/sample_1.tif", Box(0, 1025, 1536, 78)),
        ("sem/membrane/test_pore1.bmp", Box(0, 896, 1280, 64)),
        ("sem/zeiss/nanoporous_gold_zeiss.tif", Box(0, 692, 1024, 76)),
        ("optical/smartzoom_melt_track.tif", None),
    ],
)
def test_the_bars_of_real_pictures_are_found(file: str, box: Box | None) -> None:
    if not (SHARED / file).exists():
        pytest.skip("the shared pictures are not here")
    with open_pyramid(SHARED / file) as image:
        assert find_info_bar(image) == box

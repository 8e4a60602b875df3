"""Hold black borders around an image to be neither pore nor field, and dark pores at the edge to be
pores.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.vision.pores import plan as plan_module
from poregui.vision.pores.borders import border_of
from poregui.vision.pores.detection import detect

SIDE = 240
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5
IN_CIRCLE = np.hypot(COLUMNS - SIDE / 2, ROWS - SIDE / 2) < SIDE / 2 - 2
RECIPE = DetectionRecipe()


def matrix() -> NDArray[np.uint16]:
    """Return a noisy matrix with one pore."""
    grey = np.random.default_rng(5).normal(9000, 200, (SIDE, SIDE))
    grey[np.hypot(COLUMNS - 100, ROWS - 120) < 12] = 2500
    return grey.astype(np.uint16)


def turned() -> NDArray[np.bool_]:
    across, down = COLUMNS - SIDE / 2, ROWS - SIDE / 2
    return np.maximum(abs(across * 0.94 + down * 0.34), abs(down * 0.94 - across * 0.34)) < 95


def stitched() -> NDArray[np.bool_]:
    left = (COLUMNS < 130) & (ROWS < 200)
    return left | ((COLUMNS >= 130) & (ROWS > 31))


@pytest.mark.parametrize("field", [IN_CIRCLE, turned(), stitched()], ids=["round", "turned", "two"])
@pytest.mark.parametrize("sampled", [SIDE * SIDE, SIDE * SIDE // 4])
def test_a_black_border_is_neither_pore_nor_field(
    monkeypatch: pytest.MonkeyPatch, field: NDArray[np.bool_], sampled: int
) -> None:
    monkeypatch.setattr(plan_module, "_SAMPLED", sampled)
    found = detect(np.where(field, matrix(), 0).astype(np.uint16), RECIPE, None)
    assert found.areas == pytest.approx([np.pi * 12**2], rel=0.02)
    assert found.field_area_px == pytest.approx(np.count_nonzero(field), rel=1e-4)
    assert found.border_share == pytest.approx(1 - field.mean(), abs=0.01)
    assert found.removed["mount"] == 0


def test_a_black_pore_at_a_corner_or_an_edge_is_a_pore() -> None:
    image = matrix()
    image[np.hypot(COLUMNS, ROWS) < 60] = 0
    image[np.hypot(COLUMNS - SIDE, ROWS - 120) < 40] = 0
    assert border_of(image.astype(np.float32), SIDE, SIDE) is None
    assert len(detect(image, RECIPE, None).outlines) == 3


def test_what_may_be_mount_or_pore_and_is_more_than_half_is_asked_for() -> None:
    image = matrix()
    image[100:] = 3000
    asked = detect(image, RECIPE, None)
    assert asked.unsure_percent == pytest.approx(100 * 140 / 240, rel=0.02)
    assert asked.area_percent > 50
    assert not asked.surfaces
    mount = detect(image, RECIPE, None, specimen_ends=True)
    assert (mount.unsure_percent, len(mount.surfaces), mount.removed["mount"]) == (0, 1, 1)
    pore = detect(image, RECIPE, None, specimen_ends=False)
    assert (pore.unsure_percent, pore.area_percent) == (0, asked.area_percent)
    small = replace(RECIPE, polarity="bright")
    assert detect(image, small, None).unsure_percent == 0

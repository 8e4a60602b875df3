"""Hold drawn slices of computed tomography to their truth."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.vision.synthetic.slices import draw_slice


@pytest.mark.parametrize("in_air", [False, True])
def test_a_slice_has_dark_pores_in_metal_and_black_corners(in_air: bool) -> None:
    drawn = draw_slice(7, side=256, pores=25, in_air=in_air)
    assert drawn.image.dtype == np.uint16
    assert len(np.unique(drawn.mask)) == 26 == drawn.pores + 1
    assert not drawn.image[:20, :20].any()
    around = (drawn.mask == 0) & (np.hypot(*(np.mgrid[:256, :256] - 128.0)) < 80)
    assert np.median(drawn.image[drawn.mask > 0]) < 0.8 * np.median(drawn.image[around])


def test_the_same_seed_draws_the_same_slice() -> None:
    first, again = draw_slice(3, side=128, pores=5), draw_slice(3, side=128, pores=5)
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, draw_slice(4, side=128, pores=5).image)

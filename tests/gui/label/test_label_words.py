"""Hold how places and values under the pointer are told."""

from __future__ import annotations

import numpy as np

from poregui.domain.records import Crop
from poregui.gui.label.grid_order import by_size
from poregui.gui.widgets.crop_text import values_text


def test_a_place_is_told_in_um_only_where_the_scale_is_known() -> None:
    assert values_text(np.uint16(812), 10, 20) == "x 10  y 20  ·  812"
    assert values_text(np.array([1, 2, 3]), 10, 20, 0.5) == "x 10  y 20  ·  5, 10 µm  ·  1 2 3"
    assert values_text(None, 10, 20, 0.5) == "x 10  y 20  ·  5, 10 µm"


def test_crops_are_ordered_by_um_only_where_all_scales_are_known() -> None:
    def crop(number: int, size: int, um_per_px: float | None) -> Crop:
        return Crop(number, "h", size, size, um_per_px=um_per_px)

    assert by_size([crop(1, 100, 0.1), crop(2, 50, 1.0)]) == [2, 1]
    assert by_size([crop(1, 100, 0.1), crop(2, 50, None)]) == [1, 2]

"""Hold that the grid can show all crops at one scale, and says which it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from poregui.domain.records import Crop
from poregui.gui.lists.same_scale import cell_width
from poregui.store.pixels import CropPixels
from poregui.workflow.editing.edits import AddCrops


@pytest.fixture
def sized(project, open_desk, qtbot):
    """Return a desk on white crops of 40 x 40 px: of 0.5 and 2 um per px, and of unknown scale."""
    first = project.next_id("crops")
    keys = [
        project.pixels.add(CropPixels(np.full((40, 40), 255 - i, np.uint8), 0, 255 - i))
        for i in range(3)
    ]
    scales = (0.5, 2.0, None)
    crops = [Crop(first + i, key, 40, 40, um_per_px=scales[i]) for i, key in enumerate(keys)]
    with project.transaction():
        AddCrops(tuple(crops), who="ada").do(project)
    desk = open_desk(project)
    image_of = desk.presenter.state.thumbnail
    qtbot.waitUntil(lambda: all(image_of(crop.id) is not None for crop in crops))
    return desk


def widths(desk) -> list[int]:
    """Return how many white px the middle row of each cell has."""
    grid = desk.page.crop_grid
    image = grid.viewport().grab().toImage()
    found = []
    for index in range(grid.rows.rowCount()):
        cell = grid.visualRect(grid.rows.index(index))
        row = cell.top() + 4 + grid._delegate.side // 2
        shades = [
            QColor(image.pixel(x, row)).lightness()
            for x in range(cell.left() + 8, cell.right() - 8)
        ]
        found.append(sum(shade > 250 for shade in shades))
    return found


def test_a_cell_is_as_wide_as_the_largest_crop_and_moves_in_steps():
    assert cell_width([1.0, None, 8.0]) == pytest.approx(8.0)
    assert cell_width([9.0]) == cell_width([11.0]) == pytest.approx(128**0.5)
    assert cell_width([None, None]) is None
    assert cell_width([]) is None


def test_at_one_scale_a_crop_four_times_smaller_is_drawn_four_times_smaller(sized, qtbot):
    fitted = widths(sized)
    assert max(fitted) - min(fitted) <= 1
    sized.page.one_scale_button.click()
    small, large, unknown = widths(sized)
    side, across = sized.page.crop_grid._delegate.side, 128**0.5 * 8
    assert small == pytest.approx(side * 20 / across, abs=2)
    assert large == pytest.approx(side * 80 / across, abs=2)
    assert unknown == fitted[2]
    sized.page.one_scale_button.click()
    assert widths(sized) == fitted


def test_the_strip_below_tells_the_scale_and_the_crops_without_one(sized):
    strip = sized.page.scale_strip
    assert not strip.isVisible()
    sized.page.one_scale_button.click()
    assert strip.isVisible()
    widths(sized)
    assert strip.caption() == "Same scale, except 1 crop of unknown pixel size (marked ?)"
    um_per_px = 128**0.5 * 8 / sized.page.crop_grid._delegate.side
    assert 160 * um_per_px / 2.5 <= strip._bar() <= 160 * um_per_px
    assert "The bar is 100 µm long." in strip.accessibleDescription()

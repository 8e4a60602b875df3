"""Hold how outlines look on the label page: thin, filled or hidden, the current one bright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from detect_bench import Bench, grid_of_pores
from detect_desk import detect_desk
from label_desk import Desk
from PySide6.QtCore import QSizeF
from PySide6.QtGui import QImage, QPainter

from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.outline_layer import BRIGHT, DrawnOutline, OutlineLayer


def circle(x: float, y: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.column_stack([x + 20 * np.cos(turn), y + 20 * np.sin(turn)]).astype(np.float32)


def painted(layer: OutlineLayer) -> np.ndarray:
    """Return (120, 200, 4) red, green, blue and cover of what a layer paints on nothing."""
    image = QImage(200, 120, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    view = CanvasView.fitted(QSizeF(200, 120), QSizeF(216, 136)).resized(QSizeF(200, 120))
    layer.paint(painter, view)
    painter.end()
    return np.array(image.constBits(), np.uint8).reshape(120, 200, 4).astype(int)


@pytest.fixture
def layer(qtbot) -> OutlineLayer:
    made = OutlineLayer()
    made.set_outlines(
        [DrawnOutline(1, circle(50, 60), None), DrawnOutline(2, circle(150, 60), None)]
    )
    made.current = 1
    return made


def test_the_current_outline_is_solid_and_the_others_are_half_transparent(
    layer: OutlineLayer,
) -> None:
    pixels = painted(layer)
    current, other = pixels[:, :100], pixels[:, 100:]
    assert current[..., 3].max() == 255
    assert 90 < other[..., 3].max() < 190
    bright = (BRIGHT.red(), BRIGHT.green(), BRIGHT.blue())
    assert (np.abs(current[..., :3] - bright).max(axis=2) < 12).sum() > 60


def test_filled_pores_are_seen_through_and_hidden_ones_leave_the_current_one(
    layer: OutlineLayer,
) -> None:
    assert painted(layer)[60, 150, 3] == 0
    layer.set_style("filled")
    assert 40 < painted(layer)[60, 150, 3] < 110
    layer.set_style("hidden")
    pixels = painted(layer)
    assert pixels[:, :100, 3].max() == 255
    assert not pixels[:, 100:].any()


@pytest.fixture
def desk(qtbot, tmp_path: Path) -> Iterator[Desk]:
    bench = Bench(tmp_path / "pores", grid_of_pores()[:6])
    bench.find()
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as opened:
        yield opened


def test_h_changes_how_outlines_look_on_canvas_and_cells(desk: Desk) -> None:
    outlining = desk.presenter._outlining
    layer = outlining.layer
    first, second = sorted(desk.project.outlines())[:2]
    desk.presenter.choose(first)
    assert layer.current == first
    outline = outlining.line_in_crop
    line = outline(second)
    assert line is not None
    assert 0 < line.min() < line.max() < 1
    styles = []
    for _ in range(3):
        desk.key("H")
        styles.append(layer.style)
    assert styles == ["filled", "hidden", "lines"]
    desk.key("H")
    desk.key("H")
    assert outline(second) is None
    assert outline(first) is not None
    assert "H shows them again" in desk.notes[-1]

"""Find room for pores in a field and draw the boxes of the person who crops them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.synthetic.pore_shapes import PoreShape
from poregui.vision.synthetic.scene import Look

CELL = 4
GAP = 9
BORDER = 6


def place_pores(
    shapes: Sequence[PoreShape], um_per_px: float, width: int, height: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return where each pore's origin goes (px), so that no two bounding boxes come closer than `GAP` px.

    Raises ValueError when a pore finds no room.
    """
    spans = [(shape.outline.min(axis=0) / um_per_px, shape.outline.max(axis=0) / um_per_px) for shape in shapes]
    order = sorted(range(len(shapes)), key=lambda index: -float(np.prod(spans[index][1] - spans[index][0])))
    taken = np.zeros((height // CELL, width // CELL), dtype=bool)
    places: dict[int, tuple[float, float]] = {}
    for index in order:
        low, high = spans[index]
        cells = np.ceil((high - low + GAP) / CELL).astype(int) + 1
        column, row = _choose(_free(taken, int(cells[0]), int(cells[1])), list(places.values()), rng)
        taken[row : row + cells[1], column : column + cells[0]] = True
        x, y = np.array([column, row]) * CELL + GAP / 2 - low + rng.uniform(0, 1, 2) * CELL
        places[index] = (float(x), float(y))
    return [places[index] for index in range(len(shapes))]


def _free(taken: NDArray[np.bool_], wide: int, high: int) -> NDArray[np.int64]:
    """Return the (column, row) of every place where a box of cells is free, int64 (N, 2)."""
    sums = np.pad(np.cumsum(np.cumsum(taken, axis=0, dtype=np.int64), axis=1), ((1, 0), (1, 0)))
    if high + 2 * BORDER > taken.shape[0] or wide + 2 * BORDER > taken.shape[1]:
        raise ValueError("a pore is larger than the field of view")
    covered = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    rows, columns = np.nonzero(covered[BORDER:-BORDER, BORDER:-BORDER] == 0)
    if rows.size == 0:
        raise ValueError("the pores find no room; draw more or larger fields")
    return np.stack([columns, rows], axis=1) + BORDER


def _choose(free: NDArray[np.int64], placed: list[tuple[float, float]], rng: np.random.Generator) -> tuple[int, int]:
    """Choose a free place, one in three near a pore that is there already."""
    chance, pick, neighbour = rng.random(3)
    if placed and chance < 0.33:
        near = np.array(placed[int(neighbour * len(placed))]) / CELL
        close = free[np.hypot(*(free - near).T) < 110 / CELL]
        free = close if len(close) else free
    column, row = free[int(pick * len(free))]
    return int(column), int(row)


def draw_crop_box(pore: Box, look: Look, width: int, height: int, rng: np.random.Generator) -> Box:
    """Return the box that a person draws around a pore: roughly square, some multiple of it, seldom centred.

    Small pores get a box of 48 to 64 px, for a smaller one is hard to draw; large ones are boxed more tightly.
    """
    extent = max(pore.width, pore.height)
    loose = (look.box_ratio * math.exp(rng.normal(0, 0.28)) - 1.2) * math.exp(-extent / 220)
    side = max(rng.uniform(48, 64), extent * max(1.2, 1.2 + loose))
    stretch = math.exp(rng.normal(0, 0.09))
    wide = min(width, max(round(side * stretch), pore.width + 4))
    high = min(height, max(round(side / stretch), pore.height + 4))
    loose_x, loose_y = (wide - pore.width) / 2, (high - pore.height) / 2
    x, y = pore.centre
    x += float(np.clip(rng.normal(0, 0.45), -0.95, 0.95)) * loose_x
    y += float(np.clip(rng.normal(0, 0.45), -0.95, 0.95)) * loose_y
    return Box(round(x - wide / 2), round(y - high / 2), wide, high).moved_inside(width, height)

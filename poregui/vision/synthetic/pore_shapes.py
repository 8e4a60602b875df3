"""Shape single pores of each class and find room for them in a field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.synthetic.scene import GAS, KEYHOLE, LACK_OF_FUSION, FloatArray, Look

ROUND_WOBBLE = 0.014
"""How far gas pores, and keyholes cut across, are from a circle: alike, so that size has to tell
them apart.
"""
CUT_ACROSS = 0.5
"""The part of the keyholes that the section cuts across, so that they look round."""


@dataclass(frozen=True)
class Grain:
    """Hold a powder grain inside a pore: middle and radius in um, brightness as a fraction of the
    matrix.
    """

    x: float
    y: float
    radius: float
    tone: float


@dataclass(frozen=True)
class PoreShape:
    """Hold a pore about the origin.

    `outline` is float64 (N, 2) in um; `tone` the grey of its floor as a fraction of the matrix
    level; `glint` what the middle of the floor adds to it, `glint_offset` where (fractions of the
    depth to the wall); `roughness` the spread of the floor's tone; `halo` the relief around it, a
    fraction of the matrix level.
    """

    class_name: str
    outline: FloatArray
    tone: float
    glint: float
    glint_offset: tuple[float, float]
    roughness: float
    halo: float
    grains: tuple[Grain, ...]


def polygon_area(outline: FloatArray) -> float:
    """Return the area of a simple polygon by the shoelace formula."""
    x = outline[:, 0]
    y = outline[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def shape_pore(class_name: str, look: Look, rng: np.random.Generator) -> PoreShape:
    """Return a pore of a class as this specimen grows them."""
    if class_name == GAS:
        return _gas(look, rng)
    if class_name == KEYHOLE:
        return _keyhole(look, rng)
    return _lack_of_fusion(look, rng)


def _gas(look: Look, rng: np.random.Generator) -> PoreShape:
    diameter = _diameter(look.diameter_um[GAS], 0.55, 2.8 * look.um_per_px, 32.0, rng)
    outline = _round(rng, wobble=ROUND_WOBBLE, aspect=rng.uniform(1.0, 1.11))
    return PoreShape(
        class_name=GAS,
        outline=_scaled(outline, diameter, rng.uniform(0, 2 * math.pi)),
        tone=float(np.clip(rng.uniform(0.16, 0.38) + look.tone_shift, 0.08, 0.42)),
        glint=float(rng.uniform(0.0, 0.28)) if rng.random() < 0.6 else 0.0,
        glint_offset=(float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))),
        roughness=0.01,
        halo=float(rng.uniform(-0.005, 0.02)),
        grains=(),
    )


def _keyhole(look: Look, rng: np.random.Generator) -> PoreShape:
    diameter = _diameter(look.diameter_um[KEYHOLE], 0.40, 11.0, 85.0, rng)
    if rng.random() < CUT_ACROSS:
        outline = _round(rng, wobble=ROUND_WOBBLE, aspect=rng.uniform(1.0, 1.12))
    else:
        outline = _drop(rng)
    glint = 0.0
    if rng.random() < 0.25:
        glint = float(rng.uniform(0.0, 0.2))
    return PoreShape(
        class_name=KEYHOLE,
        outline=_scaled(outline, diameter, look.build_angle + rng.normal(0, 0.45)),
        tone=float(np.clip(rng.uniform(0.10, 0.30) + look.tone_shift, 0.05, 0.4)),
        glint=glint,
        glint_offset=(float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25))),
        roughness=float(rng.uniform(0.01, 0.03)),
        halo=float(rng.uniform(-0.025, 0.01)),
        grains=(),
    )


def _lack_of_fusion(look: Look, rng: np.random.Generator) -> PoreShape:
    diameter = _diameter(look.diameter_um[LACK_OF_FUSION], 0.55, 17.0, 170.0, rng)
    compact = rng.random() < 0.05 + 0.55 * math.exp(-((diameter / 44) ** 2))
    angle = look.build_angle + math.pi / 2 + rng.normal(0, 0.5)
    outline = _scaled(_pocket(rng) if compact else _gash(rng), diameter, angle)
    return PoreShape(
        class_name=LACK_OF_FUSION,
        outline=outline,
        tone=float(np.clip(rng.uniform(0.10, 0.30) + look.tone_shift, 0.05, 0.4)),
        glint=0.0,
        glint_offset=(0.0, 0.0),
        roughness=float(rng.uniform(0.02, 0.06)),
        halo=float(rng.uniform(-0.03, 0.015)),
        grains=_grains(outline, diameter, rng),
    )


def _diameter(
    middle: float, spread: float, minimum: float, most: float, rng: np.random.Generator
) -> float:
    """Draw a log-normal diameter (um) between two limits."""
    while True:
        diameter = middle * math.exp(rng.normal(0, spread))
        if minimum <= diameter <= most:
            return diameter


def _scaled(outline: FloatArray, diameter: float, angle: float) -> FloatArray:
    """Turn an outline, give it the area of a circle of `diameter`, and put its centroid at the
    origin.
    """
    x = outline[:, 0]
    y = outline[:, 1]
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    middle = ((outline + np.roll(outline, -1, axis=0)) * cross[:, None]).sum(axis=0) / (
        3 * cross.sum()
    )
    cos = math.cos(angle)
    sin = math.sin(angle)
    turned = (outline - middle) @ np.array([[cos, sin], [-sin, cos]])
    return np.asarray(
        turned * (diameter / 2 * math.sqrt(math.pi / polygon_area(outline))), dtype=np.float64
    )


def _wobble(
    rng: np.random.Generator, angles: FloatArray, amplitude: float, orders: range
) -> FloatArray:
    """Return 1 plus a few harmonics that weaken with their order."""
    radius = np.ones_like(angles)
    for order in orders:
        radius += rng.normal(0, amplitude * 2 / order) * np.cos(
            order * angles + rng.uniform(0, 2 * math.pi)
        )
    return radius


def _round(rng: np.random.Generator, *, wobble: float, aspect: float) -> FloatArray:
    angles = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    radius = _wobble(rng, angles, wobble, range(2, 6))
    return np.stack([radius * np.cos(angles) * aspect, radius * np.sin(angles)], axis=1)


def _drop(rng: np.random.Generator) -> FloatArray:
    """Shape a drop whose tail points along x, a little bent."""
    angles = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    radius = _wobble(rng, angles, 0.015 + 0.045 * rng.random() ** 2, range(2, 8))
    length = rng.uniform(1.0, 1.9)
    taper = rng.uniform(0.1, 1.2)
    x = length * np.cos(angles) * radius
    y = np.sin(angles) * np.abs(np.sin(angles / 2)) ** taper * radius
    return np.stack([x, y + rng.normal(0, 0.12) * x**2], axis=1)


def _fractal(rng: np.random.Generator, stations: FloatArray, octaves: int) -> FloatArray:
    """Return a rough curve along stations from 0 to 1, each octave twice as fine and 0.6 times as
    high.
    """
    curve = np.zeros_like(stations)
    for octave in range(octaves):
        knots = 4 * 2**octave + 1
        curve += 0.6**octave * np.interp(
            stations, np.linspace(0, 1, knots), rng.uniform(-1, 1, knots)
        )
    return curve


def _gash(rng: np.random.Generator) -> FloatArray:
    """Shape a gash along x, sharp at both ends: a lens about a bent middle line, bitten into by
    powder at its walls.
    """
    stations = np.linspace(0, 1, 121)
    half = rng.uniform(1.0, 3.6)
    x = (2 * stations - 1) * half
    taper = np.sin(math.pi * stations) ** rng.uniform(0.55, 1.3)
    middle = rng.normal(0, 0.28) * x**2 / half + taper * 0.22 * _fractal(rng, stations, 2)
    edges = []
    for _ in range(2):
        edge = taper * np.maximum(0.3, rng.uniform(0.55, 1.0) + 0.22 * _fractal(rng, stations, 4))
        edges.append(np.maximum(edge - _bites(rng, x, edge), 0.13 * taper))
    upper = np.stack([x, middle + edges[0]], axis=1)
    lower = np.stack([x, middle - edges[1]], axis=1)
    return np.concatenate([upper[:-1], lower[:0:-1]])


def _pocket(rng: np.random.Generator) -> FloatArray:
    """Shape a small compact hollow between melt tracks, with a blunt tip and an uneven wall."""
    angles = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    radius = _wobble(rng, angles, rng.uniform(0.03, 0.11), range(2, 10))
    x = rng.uniform(1.0, 1.9) * np.cos(angles) * radius
    y = np.sin(angles) * np.abs(np.sin(angles / 2)) ** rng.uniform(0.0, 0.9) * radius
    return np.stack([x, y + rng.normal(0, 0.15) * x**2], axis=1)


def _bites(rng: np.random.Generator, x: FloatArray, edge: FloatArray) -> FloatArray:
    """Return how far round powder grains, molten to the wall, reach into a gash; two side by side
    leave a sharp tip.
    """
    reach = np.zeros_like(x)
    for _ in range(int(rng.integers(1, 5))):
        middle = int(rng.integers(8, len(x) - 8))
        radius = rng.uniform(0.25, 0.85)
        height = edge[middle] + radius * rng.uniform(-0.15, 0.6)
        inside = np.abs(x - x[middle]) < radius
        foot = height - np.sqrt(np.maximum(0, radius**2 - (x - x[middle]) ** 2))
        reach = np.where(inside, np.maximum(reach, edge - foot), reach)
    return np.maximum(reach, 0)


def _grains(outline: FloatArray, diameter: float, rng: np.random.Generator) -> tuple[Grain, ...]:
    """Strew unmelted powder over the floor; the drawing keeps it off the walls."""
    low = outline.min(axis=0)
    high = outline.max(axis=0)
    count = int(rng.poisson(min(14.0, 1.2 + diameter / 9)))
    grains = []
    for _ in range(count):
        x, y = rng.uniform(low, high)
        radius = min(rng.uniform(2.5, 11.0), diameter * 0.22)
        grains.append(Grain(float(x), float(y), float(radius), float(rng.uniform(0.45, 0.98))))
    return tuple(grains)


CELL = 4
GAP = 9
BORDER = 6


def place_pores(
    shapes: Sequence[PoreShape], um_per_px: float, width: int, height: int, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return where each pore's origin goes (px), so that no two bounding boxes come closer than
    `GAP` px.

    Raises ValueError when a pore finds no room.
    """
    spans = [
        (shape.outline.min(axis=0) / um_per_px, shape.outline.max(axis=0) / um_per_px)
        for shape in shapes
    ]
    order = sorted(
        range(len(shapes)), key=lambda index: -float(np.prod(spans[index][1] - spans[index][0]))
    )
    taken = np.zeros((height // CELL, width // CELL), dtype=bool)
    places: dict[int, tuple[float, float]] = {}
    for index in order:
        low, high = spans[index]
        cells = np.ceil((high - low + GAP) / CELL).astype(int) + 1
        column, row = _choose(
            _free(taken, int(cells[0]), int(cells[1])), list(places.values()), rng
        )
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


def _choose(
    free: NDArray[np.int64], placed: list[tuple[float, float]], rng: np.random.Generator
) -> tuple[int, int]:
    """Choose a free place, one in three near a pore that is there already."""
    chance, pick, neighbour = rng.random(3)
    if placed and chance < 0.33:
        near = np.array(placed[int(neighbour * len(placed))]) / CELL
        close = free[np.hypot(*(free - near).T) < 110 / CELL]
        free = close if len(close) else free
    column, row = free[int(pick * len(free))]
    return int(column), int(row)


def draw_crop_box(pore: Box, look: Look, width: int, height: int, rng: np.random.Generator) -> Box:
    """Return the box that a person draws around a pore: roughly square, some multiple of it, seldom
    centred.

    Small pores get a box of 48 to 64 px, for a smaller one is hard to draw; large ones are boxed
    more tightly.
    """
    extent = max(pore.width, pore.height)
    loose = (look.box_ratio * math.exp(rng.normal(0, 0.28)) - 1.2) * math.exp(-extent / 220)
    side = max(rng.uniform(48, 64), extent * max(1.2, 1.2 + loose))
    stretch = math.exp(rng.normal(0, 0.09))
    wide = min(width, max(round(side * stretch), pore.width + 4))
    high = min(height, max(round(side / stretch), pore.height + 4))
    loose_x = (wide - pore.width) / 2
    loose_y = (high - pore.height) / 2
    x, y = pore.centre
    x += float(np.clip(rng.normal(0, 0.45), -0.95, 0.95)) * loose_x
    y += float(np.clip(rng.normal(0, 0.45), -0.95, 0.95)) * loose_y
    return Box(round(x - wide / 2), round(y - high / 2), wide, high).moved_inside(width, height)

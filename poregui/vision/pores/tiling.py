"""Find the pores of a large micrograph tile by tile, each of them once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.pores.half_level import ANNULUS, REACH
from poregui.vision.pores.plan import Plan
from poregui.vision.pores.segmentation import Regions
from poregui.vision.pores.window import Window, WindowPores, outline, segment
from poregui.vision.shape.polygons import IntArray, Polygons, ranges

WHOLE = 1 << 24
"""Pixels up to which an image is one tile."""
TILE = 1024
OVERLAP = 64
"""Small enough for the labels to stay in the heap: larger arrays cost more for fresh memory than
for their pixels.
"""
_LARGEST = 1 << 26
_THREADS = max(1, min(4, os.cpu_count() or 1))
_GUARD = REACH + ANNULUS
"""How far in px the edge of a pore depends on what lies around."""


@dataclass
class _Pieces:
    """Hold regions that lie on the line between two tiles: which are one, where they are, and which
    are outlined.
    """

    parent: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    seeds: list[tuple[int, int]] = field(default_factory=list)
    done: list[bool] = field(default_factory=list)

    def add(self, box: Box, seed: tuple[int, int], done: bool) -> int:
        self.parent.append(len(self.parent))
        self.boxes.append(box)
        self.seeds.append(seed)
        self.done.append(done)
        return len(self.parent) - 1

    def root(self, piece: int) -> int:
        while self.parent[piece] != piece:
            self.parent[piece] = self.parent[self.parent[piece]]
            piece = self.parent[piece]
        return piece

    def unite(self, one: int, other: int) -> None:
        self.parent[self.root(one)] = self.root(other)

    def left_over(self) -> Iterator[tuple[Box, list[tuple[int, int]]]]:
        """Yield the box and the seeds of each region that no tile could outline."""
        groups: dict[int, list[int]] = {}
        for piece in range(len(self.parent)):
            groups.setdefault(self.root(piece), []).append(piece)
        for pieces in groups.values():
            if not any(self.done[piece] for piece in pieces):
                yield (
                    _around([self.boxes[piece] for piece in pieces]),
                    [self.seeds[piece] for piece in pieces],
                )


@dataclass(frozen=True)
class Tiled:
    """Hold the pores of all tiles, the field without masks in px², and how many regions were too
    large or lie in masks.
    """

    found: WindowPores
    field_area: float
    too_large: int
    in_masks: int


def find_all(
    plan: Plan,
    progress: Callable[[int, int, str], None],
    tile: int = TILE,
    overlap: int = OVERLAP,
    whole: int = WHOLE,
) -> Tiled:
    """Return the pores of a whole micrograph.

    A pore belongs to the tile that its first pixel (uppermost, then leftmost) lies in, and is
    outlined there when the tile and its overlap hold all of it. Those that reach further are put
    together from their pieces on the lines between tiles and outlined in a window of their own.
    """
    width = plan.source.width
    height = plan.source.height
    side = tile
    if width * height <= whole:
        side = max(width, height)
    cores = [
        Box(x, y, min(side, width - x), min(side, height - y))
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]
    pieces = _Pieces()
    found = []
    field_area = 0.0
    in_masks = 0
    lines: dict[tuple[str, int, int], IntArray] = {}
    with ThreadPoolExecutor(min(_THREADS, len(cores))) as pool:
        try:
            for number, tile_ in enumerate(
                pool.map(partial(_tile, overlap=overlap, plan=plan), cores)
            ):
                progress(number, len(cores), "")
                found.append(tile_.found)
                field_area += tile_.field_area
                in_masks += tile_.in_masks
                _join(tile_, pieces, lines)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    parts, too_large = _outline_left_over(plan, pieces)
    together = WindowPores.together(found + parts)
    if len(cores) > 1 and plan.recipe.fill_holes:
        together = _without_nested(together, cores[0].width, overlap)
    progress(len(cores), len(cores), "")
    return Tiled(together, field_area, too_large, in_masks)


def _widened(box: Box, by: int, width: int, height: int) -> Box:
    wide = Box(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by).clipped(
        width, height
    )
    assert wide is not None
    return wide


def _around(boxes: list[Box]) -> Box:
    left = min(box.x for box in boxes)
    top = min(box.y for box in boxes)
    return Box(
        left, top, max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top
    )


def _masked_within(window: Window, core: Box) -> int:
    if window.masked is None:
        return 0
    top = core.y - window.box.y
    left = core.x - window.box.x
    return int(np.count_nonzero(window.masked[top : top + core.height, left : left + core.width]))


def _begun_in_masks(window: Window, core: Box) -> int:
    """Return how many regions in masks have their first pixel in the core."""
    if window.in_masks is None:
        return 0
    return int(np.count_nonzero(_inside(_first_pixels(window.in_masks, window.box), core)))


def _first_pixels(regions: Regions, box: Box) -> IntArray:
    """Return (x, y) in the micrograph of the first pixel of each region of a box, row by row,
    (n, 2).
    """
    left, top, width, _ = regions.boxes.T
    label = np.repeat(np.arange(1, regions.count + 1), width)
    x = ranges(left, width)
    y = np.repeat(top, width)
    there = regions.labels[y, x] == label
    first = np.flatnonzero(there)[np.searchsorted(label[there], np.arange(1, regions.count + 1))]
    return np.stack([x[first] + box.x, y[first] + box.y], axis=1)


def _inside(points: IntArray, core: Box) -> NDArray[np.bool_]:
    x, y = points.T
    return np.asarray((x >= core.x) & (x < core.right) & (y >= core.y) & (y < core.bottom))


def _cut(window: Window, width: int, height: int) -> NDArray[np.bool_]:
    """Tell which regions come close to an edge of their window that is not one of the image."""
    left, top, wide, high = window.regions.boxes.T
    box = window.box
    return np.asarray(
        ((left < _GUARD) & (box.x > 0))
        | ((top < _GUARD) & (box.y > 0))
        | ((left + wide > box.width - _GUARD) & (box.right < width))
        | ((top + high > box.height - _GUARD) & (box.bottom < height))
    )


@dataclass(frozen=True)
class _Tile:
    """Hold the pores of one tile and what the next ones have to know of it.

    `strips` are the labels on its first column and row and on those of the tiles after it, by ("x",
    column, first row) or ("y", row, first column); `boxes`, `first` pixels and `accepted` are of
    all regions, in px of the micrograph. `in_masks` counts the regions that begin in its core and
    lie in masks.
    """

    found: WindowPores
    field_area: float
    in_masks: int
    strips: dict[tuple[str, int, int], NDArray[np.int32]]
    boxes: IntArray
    first: IntArray
    accepted: NDArray[np.bool_]


def _tile(core: Box, plan: Plan, overlap: int) -> _Tile:
    width = plan.source.width
    height = plan.source.height
    window = segment(_widened(core, overlap, width, height), plan)
    first = _first_pixels(window.regions, window.box)
    accepted = _inside(first, core) & ~_cut(window, width, height)
    labels = window.regions.labels
    box = window.box
    rows = slice(core.y - box.y, min(core.bottom + 1, height) - box.y)
    columns = slice(core.x - box.x, min(core.right + 1, width) - box.x)
    strips = {
        ("x", x, core.y): labels[rows, x - box.x].copy()
        for x in (core.x, core.right)
        if 0 < x < width
    }
    strips |= {
        ("y", y, core.x): labels[y - box.y, columns].copy()
        for y in (core.y, core.bottom)
        if 0 < y < height
    }
    return _Tile(
        found=outline(window, accepted, plan),
        field_area=float(core.area - _masked_within(window, core)),
        in_masks=_begun_in_masks(window, core),
        strips=strips,
        boxes=window.regions.boxes + np.array([box.x, box.y, 0, 0]),
        first=first,
        accepted=accepted,
    )


def _join(tile: _Tile, pieces: _Pieces, lines: dict[tuple[str, int, int], IntArray]) -> None:
    """Add the regions on the lines of a tile to the pieces, and unite them with those that other
    tiles saw there.
    """
    number = np.full(len(tile.accepted) + 1, -1, dtype=np.int64)
    for label in np.unique(np.concatenate([*tile.strips.values(), np.zeros(1, np.int32)])):
        if label > 0:
            x, y = (int(value) for value in tile.first[label - 1])
            box = Box(*(int(value) for value in tile.boxes[label - 1]))
            number[label] = pieces.add(box, (x, y), bool(tile.accepted[label - 1]))
    for line, strip in tile.strips.items():
        mine = number[strip]
        before = lines.pop(line, None)
        if before is None:
            lines[line] = mine
            continue
        both = (mine >= 0) & (before >= 0)
        for one, other in np.unique(np.stack([mine[both], before[both]], axis=1), axis=0):
            pieces.unite(int(one), int(other))


def _outline_left_over(plan: Plan, pieces: _Pieces) -> tuple[list[WindowPores], int]:
    width = plan.source.width
    height = plan.source.height
    found = []
    too_large = 0
    for box, seeds in pieces.left_over():
        if box.area > _LARGEST:
            too_large += 1
            continue
        window = segment(_widened(box, 2 * _GUARD, width, height), plan)
        chosen = np.zeros(window.regions.count + 1, dtype=np.bool_)
        for x, y in seeds:
            chosen[window.regions.labels[y - window.box.y, x - window.box.x]] = True
        found.append(outline(window, chosen[1:], plan))
    return found, too_large


def _without_nested(found: WindowPores, side: int, overlap: int) -> WindowPores:
    """Drop pores within the outlines of those that one tile did not see whole, so that their holes
    were not filled.
    """
    low, high = Polygons.of(found.outlines).bounds()
    kept = np.ones(len(low), dtype=np.bool_)
    crosses = low // side != high // side
    large = high - low > overlap - _GUARD - 1
    for index in np.flatnonzero(crosses.any(axis=1) & large.any(axis=1)):
        within = (low > low[index]).all(axis=1) & (high < high[index]).all(axis=1)
        for other in np.flatnonzero(within):
            x, y = (float(value) for value in found.outlines[other][0])
            kept[other] &= cv2.pointPolygonTest(found.outlines[index], (x, y), False) <= 0
    outlines = [line for line, wanted in zip(found.outlines, kept, strict=True) if wanted]
    return replace(found, outlines=outlines, areas=found.areas[kept], contrast=found.contrast[kept])

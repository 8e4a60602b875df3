"""Outline the pore at a click, join outlines and cut them in two; changes with what a hand can ask of an outline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.detection import preview
from poregui.vision.pores.pore_at import pore_box
from poregui.vision.pores.split import split as split_regions
from poregui.vision.shape.binary import mask_rings
from poregui.vision.shape.rings import Rings

Points = NDArray[np.float32]
_WINDOW = 868
_MARGIN = 0.6
_LEAST_MARGIN = 12
_FINE = 4
"""Cells per px in which outlines are joined and cut."""
_MOST_CELLS = 4000
_LEAST_PART = 4.0
"""Area in px² of the smallest part of a cut pore."""
_LINE_TOLERANCE = 0.6
_SAME_PORE = 0.25


def outline_near(image: Pyramid, x: float, y: float, *, reach: float, polarity: str = "dark") -> Points | None:
    """Return the outline (N, 2) in px of the pore within `reach` px of a point, or None where there is none.

    Only the surroundings are read: the pore is found as for a click, and outlined at the half level between it and the
    matrix around it, as detection does. Raises ImageError where the file is damaged.
    """
    window = Box.around(x, y, _WINDOW).clipped(image.width, image.height)
    if window is None or not (0 <= x < image.width and 0 <= y < image.height):
        return None
    part = image.read(0, window)
    low, high = image.grey_low, image.grey_high
    seen = part if polarity == "dark" else (np.clip(low + high - part.astype(np.float32), low, high)).astype(part.dtype)
    found = pore_box(seen, x - window.x, y - window.y, low=low, high=high, reach=reach)
    return None if found is None else _outlined(part, found, window, polarity)


def _outlined(part: NDArray[Any], found: Box, window: Box, polarity: str) -> Points | None:
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(found.width, found.height)))
    around = Box(found.x - margin, found.y - margin, found.width + 2 * margin, found.height + 2 * margin)
    inner = around.clipped(window.width, window.height)
    assert inner is not None
    recipe = DetectionRecipe(polarity=polarity, smallest=0.0, contrast=0.0)
    pores = preview(part[inner.y : inner.bottom, inner.x : inner.right], recipe, None)
    wanted = Box(found.x - inner.x, found.y - inner.y, found.width, found.height)
    alike = [pores.box(place).overlap(wanted) for place in range(len(pores.outlines))]
    if not alike or max(alike) < _SAME_PORE:
        return None
    corner = np.array([window.x + inner.x, window.y + inner.y], np.float32)
    return np.asarray(pores.outlines[int(np.argmax(alike))] + corner, np.float32)


def joined(outlines: Sequence[NDArray[Any]]) -> Points:
    """Return one outline (N, 2) around several in px; those that lie apart are joined by a bridge where they are near.

    Raises ValueError for fewer than two.
    """
    if len(outlines) < 2:
        raise ValueError("there is nothing to join")
    frame = _Frame(outlines)
    mask = frame.blank()
    for points in outlines:
        frame.fill(mask, points)
    reached = [0]
    while len(reached) < len(outlines):
        pairs = [(_gap(outlines[i], outlines[j]), j) for i in reached for j in range(len(outlines)) if j not in reached]
        (_, one, other, width), j = min(pairs, key=lambda pair: pair[0][0])
        line = frame.cells(np.array([one, other]))
        thick = max(2, round(width * frame.scale))
        cv2.line(mask, line[0].tolist(), line[1].tolist(), 1, thick, cv2.LINE_8, _Frame.SHIFT)
        reached.append(j)
    return frame.lines(mask)[0]


def _gap(one: NDArray[Any], other: NDArray[Any]) -> tuple[float, NDArray[Any], NDArray[Any], float]:
    """Return the least distance of the corners of two outlines, where it is, and how wide a bridge there is."""
    from scipy.spatial import cKDTree

    away, at = cKDTree(other).query(one)
    place = int(away.argmin())
    across = min(float(np.ptp(points, axis=0).min()) for points in (one, other))
    return float(away[place]), one[place], other[int(at[place])], max(1.0, across / 2)


def cut_in_parts(points: NDArray[Any]) -> list[Points]:
    """Return the parts (N, 2) of an outline cut at its waists, in px; raises PoreguiError where it has none."""
    frame = _Frame([points])
    mask = frame.blank()
    frame.fill(mask, points)
    parts = split_regions(mask.astype(np.int32), 1.0)
    lines = [line for line in frame.lines(parts) if cv2.contourArea(line) >= _LEAST_PART]
    if len(lines) < 2:
        raise PoreguiError("This pore has no waist to cut it at.", "Draw the outlines of its parts by hand.")
    return lines


class _Frame:
    """Hold the grid, finer than px, that outlines are drawn into."""

    SHIFT = 4

    def __init__(self, outlines: Sequence[NDArray[Any]]) -> None:
        rings = Rings.of(outlines)
        low, high = rings.points.min(axis=0), rings.points.max(axis=0)
        self.corner = np.floor(low) - 2
        size = np.ceil(high) + 2 - self.corner
        self.scale = min(float(_FINE), _MOST_CELLS / float(size.max()))
        self.width, self.height = (int(np.ceil(length * self.scale)) for length in size)

    def blank(self) -> NDArray[np.uint8]:
        return np.zeros((self.height, self.width), np.uint8)

    def cells(self, points: NDArray[Any]) -> NDArray[np.int32]:
        """Return points in px as cells in fixed point."""
        return np.rint(((points - self.corner) * self.scale - 0.5) * (1 << self.SHIFT)).astype(np.int32)

    def fill(self, mask: NDArray[np.uint8], points: NDArray[Any]) -> None:
        cv2.fillPoly(mask, [self.cells(points)], 1, cv2.LINE_8, self.SHIFT)

    def lines(self, labels: NDArray[Any]) -> list[Points]:
        """Return the outlines in px of all labels, the largest first, without needless corners."""
        rings = mask_rings(labels)
        found = []
        for first, last in zip(rings.starts[:-1], rings.starts[1:], strict=True):
            ring = rings.points[first:last].astype(np.float32)
            few = cv2.approxPolyDP(ring, _LINE_TOLERANCE, True).reshape(-1, 2)
            found.append(np.asarray((few if len(few) > 2 else ring) / self.scale + self.corner, np.float32))
        return sorted(found, key=lambda line: -float(cv2.contourArea(line)))

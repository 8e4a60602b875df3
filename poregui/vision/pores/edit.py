"""Find the pore at a point, join outlines and cut them in two."""

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
from poregui.vision.pores.split import split as split_regions
from poregui.vision.shape.measurement import mask_polygons
from poregui.vision.shape.polygons import Polygons

MARGIN = 1.8
"""The side of the crop over the longer side of the pore."""
SMALLEST = 24
"""Shortest side in px of a crop that is put by a click."""
_WINDOWS = (96, 288, 864)
_FEWEST_PIXELS = 4
_NOISE = 3.0
"""How many robust standard deviations of the matrix a pore is darker than it."""
_MIN_CONTRAST = 0.08
"""The least darkness of a pore as a fraction of the grey range."""


def pore_box(
    image: NDArray[Any], x: float, y: float, *, low: float, high: float, reach: float
) -> Box | None:
    """Return the box of the dark, connected pore within `reach` px of a point, or None where there
    is none.

    `image` is (H, W) or (H, W, 3), uint8 or uint16, `low` and `high` its grey range. The pore is
    what lies below the middle between its darkest grey near the point and the median of the matrix
    around.
    """
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        return None
    matrix, noise = _matrix(image, x, y)
    for side in _WINDOWS:
        window = Box.around(x, y, side).clipped(width, height)
        assert window is not None
        grey = _grey(image[window.y : window.bottom, window.x : window.right])
        seed = _darkest(grey, x - window.x, y - window.y, reach)
        darkness = matrix - float(grey[seed])
        if darkness < max(_NOISE * noise, _MIN_CONTRAST * (high - low)):
            return None
        found = _component(grey < matrix - darkness / 2, seed)
        if found is not None and not _cut_off(found, window, width, height):
            return Box(window.x + found.x, window.y + found.y, found.width, found.height)
    return None


def pore_near(image: Pyramid, x: float, y: float, *, reach: float) -> Box | None:
    """Return what `pore_box` does, of an image of any size: only the surroundings of the point are
    read.

    Raises ImageError where the file is damaged.
    """
    window = Box.around(x, y, _WINDOWS[-1] + 4).clipped(image.width, image.height)
    if window is None or not (0 <= x < image.width and 0 <= y < image.height):
        return None
    part = image.read(0, window)
    found = pore_box(
        part, x - window.x, y - window.y, low=image.grey_low, high=image.grey_high, reach=reach
    )
    if found is not None:
        return Box(window.x + found.x, window.y + found.y, found.width, found.height)
    return None


def crop_around(pore: Box, width: int, height: int) -> Box:
    """Return the square crop of a pore inside an image of `width` x `height` px: `MARGIN` times its
    longer side.
    """
    side = max(SMALLEST, round(MARGIN * max(pore.width, pore.height)))
    return Box.around(*pore.centre, side).moved_inside(width, height)


def _grey(part: NDArray[Any]) -> NDArray[np.float32]:
    grey = part.astype(np.float32)
    if grey.ndim == 3:
        grey = grey.mean(axis=2)
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(grey), (0, 0), 0.8), np.float32)


def _matrix(image: NDArray[Any], x: float, y: float) -> tuple[float, float]:
    """Return the median grey around a point and the robust standard deviation above it, where no
    pores are.
    """
    height, width = image.shape[:2]
    window = Box.around(x, y, _WINDOWS[-1]).clipped(width, height)
    assert window is not None
    grey = _grey(image[window.y : window.bottom : 3, window.x : window.right : 3])
    middle = float(np.median(grey))
    bright = grey[grey >= middle]
    return middle, 1.4826 * float(np.median(bright - middle))


def _darkest(grey: NDArray[np.float32], x: float, y: float, reach: float) -> tuple[int, int]:
    rows, columns = np.ogrid[: grey.shape[0], : grey.shape[1]]
    near = (rows - y) ** 2 + (columns - x) ** 2 <= max(reach, 1.0) ** 2
    index = int(np.argmin(np.where(near, grey, np.inf)))
    return index // grey.shape[1], index % grey.shape[1]


def _component(dark: NDArray[np.bool_], seed: tuple[int, int]) -> Box | None:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    label = int(labels[seed])
    if label == 0:
        return None
    left, top, wide, high, area = (int(value) for value in stats[label])
    if area >= _FEWEST_PIXELS:
        return Box(left, top, wide, high)
    return None


def _cut_off(found: Box, window: Box, width: int, height: int) -> bool:
    """Tell whether the window, and not the image, ends the component."""
    return (
        (found.x == 0 and window.x > 0)
        or (found.y == 0 and window.y > 0)
        or (found.right == window.width and window.right < width)
        or (found.bottom == window.height and window.bottom < height)
    )


Points = NDArray[np.float32]
_WINDOW = 868
_MARGIN = 0.6
_MIN_MARGIN = 12
_FINE = 4
"""Cells per px in which outlines are joined and cut."""
_MOST_CELLS = 4000
_MIN_PART = 4.0
"""Area in px² of the smallest part of a cut pore."""
_LINE_TOLERANCE = 0.6
_SAME_PORE = 0.25


def outline_near(
    image: Pyramid, x: float, y: float, *, reach: float, polarity: str = "dark"
) -> Points | None:
    """Return the outline (N, 2) in px of the pore within `reach` px of a point, or None where there
    is none.

    Only the surroundings are read: the pore is found as for a click, and outlined at the half level
    between it and the matrix around it, as detection does. Raises ImageError where the file is
    damaged.
    """
    window = Box.around(x, y, _WINDOW).clipped(image.width, image.height)
    if window is None or not (0 <= x < image.width and 0 <= y < image.height):
        return None
    part = image.read(0, window)
    low = image.grey_low
    high = image.grey_high
    if polarity == "dark":
        seen = part
    else:
        seen = (np.clip(low + high - part.astype(np.float32), low, high)).astype(part.dtype)
    found = pore_box(seen, x - window.x, y - window.y, low=low, high=high, reach=reach)
    if found is None:
        return None
    return _outlined(part, found, window, polarity)


def _outlined(part: NDArray[Any], found: Box, window: Box, polarity: str) -> Points | None:
    margin = max(_MIN_MARGIN, round(_MARGIN * max(found.width, found.height)))
    around = Box(
        found.x - margin, found.y - margin, found.width + 2 * margin, found.height + 2 * margin
    )
    inner = around.clipped(window.width, window.height)
    assert inner is not None
    recipe = DetectionRecipe(polarity=polarity, smallest=0.0, contrast=0.0)
    pores = preview(part[inner.y : inner.bottom, inner.x : inner.right], recipe, None)
    wanted = Box(found.x - inner.x, found.y - inner.y, found.width, found.height)
    alike = [pores.box(index).overlap(wanted) for index in range(len(pores.outlines))]
    if not alike or max(alike) < _SAME_PORE:
        return None
    corner = np.array([window.x + inner.x, window.y + inner.y], np.float32)
    return np.asarray(pores.outlines[int(np.argmax(alike))] + corner, np.float32)


def joined(outlines: Sequence[NDArray[Any]]) -> Points:
    """Return one outline (N, 2) around several in px; those that lie apart are joined by a bridge
    where they are near.

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
        pairs = [
            (_gap(outlines[i], outlines[j]), j)
            for i in reached
            for j in range(len(outlines))
            if j not in reached
        ]
        (_, one, other, width), j = min(pairs, key=lambda pair: pair[0][0])
        line = frame.cells(np.array([one, other]))
        thick = max(2, round(width * frame.scale))
        cv2.line(mask, line[0].tolist(), line[1].tolist(), 1, thick, cv2.LINE_8, _Frame.SHIFT)
        reached.append(j)
    return frame.lines(mask)[0]


def _gap(one: NDArray[Any], other: NDArray[Any]) -> tuple[float, NDArray[Any], NDArray[Any], float]:
    """Return the least distance of the corners of two outlines, where it is, and how wide a bridge
    there is.
    """
    from scipy.spatial import cKDTree

    away, at = cKDTree(other).query(one)
    index = int(away.argmin())
    across = min(float(np.ptp(points, axis=0).min()) for points in (one, other))
    return float(away[index]), one[index], other[int(at[index])], max(1.0, across / 2)


def cut_in_parts(points: NDArray[Any]) -> list[Points]:
    """Return the parts (N, 2) of an outline cut at its waists, in px; raises PoreguiError where it
    has none.
    """
    frame = _Frame([points])
    mask = frame.blank()
    frame.fill(mask, points)
    parts = split_regions(mask.astype(np.int32), 1.0)
    lines = [line for line in frame.lines(parts) if cv2.contourArea(line) >= _MIN_PART]
    if len(lines) < 2:
        raise PoreguiError(
            "This pore has no waist to cut it at.", "Draw the outlines of its parts by hand."
        )
    return lines


class _Frame:
    """Hold the grid, finer than px, that outlines are drawn into."""

    SHIFT = 4

    def __init__(self, outlines: Sequence[NDArray[Any]]) -> None:
        polygons = Polygons.of(outlines)
        low = polygons.points.min(axis=0)
        high = polygons.points.max(axis=0)
        self.corner = np.floor(low) - 2
        size = np.ceil(high) + 2 - self.corner
        self.scale = min(float(_FINE), _MOST_CELLS / float(size.max()))
        self.width, self.height = (int(np.ceil(length * self.scale)) for length in size)

    def blank(self) -> NDArray[np.uint8]:
        return np.zeros((self.height, self.width), np.uint8)

    def cells(self, points: NDArray[Any]) -> NDArray[np.int32]:
        """Return points in px as cells in fixed point."""
        return np.rint(((points - self.corner) * self.scale - 0.5) * (1 << self.SHIFT)).astype(
            np.int32
        )

    def fill(self, mask: NDArray[np.uint8], points: NDArray[Any]) -> None:
        cv2.fillPoly(mask, [self.cells(points)], 1, cv2.LINE_8, self.SHIFT)

    def lines(self, labels: NDArray[Any]) -> list[Points]:
        """Return the outlines in px of all labels, the largest first, without needless corners."""
        polygons = mask_polygons(labels)
        found = []
        for first, last in zip(polygons.starts[:-1], polygons.starts[1:], strict=True):
            polygon = polygons.points[first:last].astype(np.float32)
            few = cv2.approxPolyDP(polygon, _LINE_TOLERANCE, True).reshape(-1, 2)
            found.append(
                np.asarray(
                    (few if len(few) > 2 else polygon) / self.scale + self.corner, np.float32
                )
            )
        return sorted(found, key=lambda line: -float(cv2.contourArea(line)))

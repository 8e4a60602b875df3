"""Tell the specimen from its mount and from masked regions; find its surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box, Mask
from poregui.vision.shape.polygons import Polygons, spans

_ALONG = 0.5
"""The part of an edge of the image that a region runs along without a gap to be the mount (or an
info bar).
"""
_KEPT_PX = 0.25


def fewer_points(line: NDArray[Any]) -> tuple[tuple[float, float], ...]:
    """Return a line (N, 2) as points (x, y) that are left when none may move it by more than a
    quarter of a pixel.
    """
    kept = cv2.approxPolyDP(np.ascontiguousarray(line, np.float32), _KEPT_PX, closed=False).reshape(
        -1, 2
    )
    return tuple((round(x, 2), round(y, 2)) for x, y in kept.tolist())


def ends_in_view(surfaces: Sequence[object] | None) -> bool | None:
    """Tell whether a specimen with these surfaces ends in view; None where nobody has said."""
    if surfaces is None:
        return None
    return len(surfaces) > 0


def mounts(polygons: Polygons, image: Box) -> NDArray[np.bool_]:
    """Tell which regions (n,) lie along more than half of an edge of the image; most do not even
    touch one.
    """
    low, high = polygons.bounds()
    near = np.logical_or(
        (low == (image.x, image.y)).any(axis=1), (high == (image.right, image.bottom)).any(axis=1)
    )
    for index in np.flatnonzero(near):
        near[index] = is_mount(
            polygons.points[polygons.starts[index] : polygons.starts[index + 1]], image
        )
    return near


def is_mount(outline: NDArray[Any], image: Box) -> bool:
    """Tell whether a region (N, 2) lies along more than half of an edge of the image, as no pore
    does.
    """
    sides = ((0, image.x, 1, image.height), (0, image.right, 1, image.height),
             (1, image.y, 0, image.width), (1, image.bottom, 0, image.width))  # fmt: skip
    for axis, edge, along, length in sides:
        positions = np.sort(outline[outline[:, axis] == edge, along])
        if len(positions) > _ALONG * length:
            gaps = np.flatnonzero(np.diff(positions) > 1.5)
            if np.diff(np.concatenate(([0], gaps + 1, [len(positions)]))).max() > _ALONG * length:
                return True
    return False


def surface_of(outline: NDArray[np.float32], image: Box) -> list[NDArray[np.float32]]:
    """Return the lines along which a mount (N, 2) meets the specimen: its outline without the edges
    of the image.
    """
    x, y = outline.T
    inner = (x != image.x) & (x != image.right) & (y != image.y) & (y != image.bottom)
    if inner.all() or not inner.any():
        if inner.all():
            return [outline]
        return []
    first = int(np.flatnonzero(~inner)[0])
    turned = np.roll(outline, -first, axis=0)
    kept = np.roll(inner, -first)
    starts = np.flatnonzero(np.diff(kept.astype(np.int8), prepend=0, append=0) == 1)
    ends = np.flatnonzero(np.diff(kept.astype(np.int8), prepend=0, append=0) == -1)
    return [turned[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1]


_NEAR_PX = 1.0


def masked_pixels(masks: Sequence[Mask], box: Box) -> NDArray[np.bool_] | None:
    """Return which pixels of a box, (height, width), have their middle in a mask, or None where
    none can have.
    """
    near = [mask for mask in masks if _meet(mask.bounds, box)]
    if not near:
        return None
    turns = np.zeros((box.height, box.width + 1), np.int32)
    for mask in near:
        found = spans(Polygons.of([np.asarray(mask.points)]))
        row = found.row - box.y
        seen = (row >= 0) & (row < box.height)
        for column, turn in ((found.left, 1), (found.right, -1)):
            np.add.at(turns, (row[seen], np.clip(column[seen] - box.x, 0, box.width)), turn)
    return np.cumsum(turns, axis=1)[:, :-1] > 0


def masked_area(masks: Sequence[Mask], points: NDArray[Any]) -> int:
    """Return how many pixels inside an outline (N, 2) in px have their middle in a mask."""
    polygon = Polygons.of([points])
    low = np.floor(polygon.points.min(axis=0)).astype(int)
    width, height = (np.ceil(polygon.points.max(axis=0)).astype(int) - low + 1).tolist()
    box = Box(int(low[0]), int(low[1]), width, height)
    masked = masked_pixels(masks, box)
    if masked is None:
        return 0
    found = spans(polygon)
    rows = zip(
        (found.row - box.y).tolist(),
        (found.left - box.x).tolist(),
        (found.right - box.x).tolist(),
        strict=True,
    )
    return sum(int(np.count_nonzero(masked[row, left:right])) for row, left, right in rows)


def touching(polygons: Polygons, view: Box, masks: Sequence[Mask]) -> NDArray[np.bool_]:
    """Return which rings come within 1 px of the edge of a view, such as the whole image, or of a
    mask.
    """
    low, high = polygons.bounds()
    first = np.array([view.x, view.y]) + _NEAR_PX
    last = np.array([view.right, view.bottom]) - _NEAR_PX
    touches = np.logical_or((low < first).any(axis=1), (high > last).any(axis=1))
    for mask in masks:
        box = mask.bounds
        near = (high >= (box.x - 1, box.y - 1)).all(axis=1) & (
            low <= (box.right + 1, box.bottom + 1)
        ).all(axis=1)
        corners = np.asarray(mask.points, dtype=np.float32)
        for index in np.flatnonzero(near & ~touches):
            points = polygons.points[polygons.starts[index] : polygons.starts[index + 1]]
            touches[index] = any(
                cv2.pointPolygonTest(corners, (x, y), True) >= -_NEAR_PX for x, y in points.tolist()
            )
    return touches


def beside(
    polygons: Polygons, view: Box, missing: Callable[[Box], NDArray[np.bool_] | None] | None
) -> NDArray[np.bool_]:
    """Return which rings come within 1 px of a pixel of the view that has no value."""
    touches = np.zeros(polygons.count, dtype=np.bool_)
    if missing is None:
        return touches
    for index in range(polygons.count):
        points = np.floor(
            polygons.points[polygons.starts[index] : polygons.starts[index + 1]]
        ).astype(int)
        left, top = (points.min(axis=0) - 1).tolist()
        right, bottom = (points.max(axis=0) + 2).tolist()
        box = Box(left, top, right - left, bottom - top)
        seen = Box(*_limits(box, view))
        there = missing(seen)
        if there is None:
            continue
        near = cv2.dilate(there.astype(np.uint8), np.ones((3, 3), np.uint8))
        column = np.clip(points[:, 0] - seen.x, 0, seen.width - 1)
        row = np.clip(points[:, 1] - seen.y, 0, seen.height - 1)
        touches[index] = bool(near[row, column].any())
    return touches


def _limits(box: Box, view: Box) -> tuple[int, int, int, int]:
    """Return x, y, width and height of the part of a box inside a view that it meets."""
    left = min(max(box.x, view.x), view.right - 1)
    top = min(max(box.y, view.y), view.bottom - 1)
    right = max(min(box.right, view.right), left + 1)
    bottom = max(min(box.bottom, view.bottom), top + 1)
    return left, top, right - left, bottom - top


def _meet(one: Box, other: Box) -> bool:
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.bottom
        and other.y < one.bottom
    )

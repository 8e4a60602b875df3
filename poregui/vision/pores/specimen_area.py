"""Tell which pixels and outlines masked regions take away; changes with what a masked region means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.vision.shape.polygons import spans
from poregui.vision.shape.rings import Rings

_NEAR_PX = 1.0


def masked_pixels(masks: Sequence[Mask], box: Box) -> NDArray[np.bool_] | None:
    """Return which pixels of a box, (height, width), have their middle in a mask, or None where none can have."""
    near = [mask for mask in masks if _meet(mask.bounds, box)]
    if not near:
        return None
    turns = np.zeros((box.height, box.width + 1), np.int32)
    for mask in near:
        found = spans(Rings.of([np.asarray(mask.points)]))
        row = found.row - box.y
        seen = (row >= 0) & (row < box.height)
        for column, turn in ((found.left, 1), (found.right, -1)):
            np.add.at(turns, (row[seen], np.clip(column[seen] - box.x, 0, box.width)), turn)
    return np.cumsum(turns, axis=1)[:, :-1] > 0


def masked_area(masks: Sequence[Mask], points: NDArray[Any]) -> int:
    """Return how many pixels inside an outline (N, 2) in px have their middle in a mask."""
    ring = Rings.of([points])
    low = np.floor(ring.points.min(axis=0)).astype(int)
    width, height = (np.ceil(ring.points.max(axis=0)).astype(int) - low + 1).tolist()
    box = Box(int(low[0]), int(low[1]), width, height)
    masked = masked_pixels(masks, box)
    if masked is None:
        return 0
    found = spans(ring)
    rows = zip((found.row - box.y).tolist(), (found.left - box.x).tolist(), (found.right - box.x).tolist(), strict=True)
    return sum(int(np.count_nonzero(masked[row, left:right])) for row, left, right in rows)


def touching(rings: Rings, view: Box, masks: Sequence[Mask]) -> NDArray[np.bool_]:
    """Return which rings come within 1 px of the edge of a view, such as the whole image, or of a mask."""
    low, high = rings.bounds()
    first, last = np.array([view.x, view.y]) + _NEAR_PX, np.array([view.right, view.bottom]) - _NEAR_PX
    touches = np.logical_or((low < first).any(axis=1), (high > last).any(axis=1))
    for mask in masks:
        box = mask.bounds
        near = (high >= (box.x - 1, box.y - 1)).all(axis=1) & (low <= (box.right + 1, box.bottom + 1)).all(axis=1)
        corners = np.asarray(mask.points, dtype=np.float32)
        for index in np.flatnonzero(near & ~touches):
            points = rings.points[rings.starts[index] : rings.starts[index + 1]]
            touches[index] = any(cv2.pointPolygonTest(corners, (x, y), True) >= -_NEAR_PX for x, y in points.tolist())
    return touches


def _meet(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom

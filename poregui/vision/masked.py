"""Tell which pixels and outlines masked regions take away; changes with what a masked region means."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.vision.rings import Rings

_FRACTION_BITS = 4
_NEAR_PX = 1.0


def masked_pixels(masks: Sequence[Mask], box: Box) -> NDArray[np.bool_] | None:
    """Return which pixels of a box, (height, width), are masked, or None where none is."""
    near = [mask for mask in masks if _meet(mask.bounds, box)]
    if not near:
        return None
    painted = np.zeros((box.height, box.width), np.uint8)
    for mask in near:
        points = (np.asarray(mask.points) - (box.x + 0.5, box.y + 0.5)) * (1 << _FRACTION_BITS)
        cv2.fillPoly(painted, [np.rint(points).astype(np.int32)], 1, cv2.LINE_8, _FRACTION_BITS)
    return painted.astype(bool)


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

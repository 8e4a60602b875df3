"""Tell the mount around a specimen from its pores and find the surface between; changes with how a mount looks."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.shape.rings import Rings

_ALONG = 0.5
"""The part of an edge of the image that a region runs along without a gap to be the mount (or an info bar)."""
_KEPT_PX = 0.25


def fewer_points(line: NDArray[Any]) -> tuple[tuple[float, float], ...]:
    """Return a line (N, 2) as points (x, y) that are left when none may move it by more than a quarter of a pixel."""
    kept = cv2.approxPolyDP(np.ascontiguousarray(line, np.float32), _KEPT_PX, closed=False).reshape(-1, 2)
    return tuple((round(x, 2), round(y, 2)) for x, y in kept.tolist())


def mounts(rings: Rings, image: Box) -> NDArray[np.bool_]:
    """Tell which regions (n,) lie along more than half of an edge of the image; most do not even touch one."""
    low, high = rings.bounds()
    near = np.logical_or((low == (image.x, image.y)).any(axis=1), (high == (image.right, image.bottom)).any(axis=1))
    for index in np.flatnonzero(near):
        near[index] = is_mount(rings.points[rings.starts[index] : rings.starts[index + 1]], image)
    return near


def is_mount(outline: NDArray[Any], image: Box) -> bool:
    """Tell whether a region (N, 2) lies along more than half of an edge of the image, as no pore does."""
    sides = ((0, image.x, 1, image.height), (0, image.right, 1, image.height),
             (1, image.y, 0, image.width), (1, image.bottom, 0, image.width))  # fmt: skip
    for axis, edge, along, length in sides:
        places = np.sort(outline[outline[:, axis] == edge, along])
        if len(places) > _ALONG * length:
            gaps = np.flatnonzero(np.diff(places) > 1.5)
            if np.diff(np.concatenate(([0], gaps + 1, [len(places)]))).max() > _ALONG * length:
                return True
    return False


def surface_of(outline: NDArray[np.float32], image: Box) -> list[NDArray[np.float32]]:
    """Return the lines along which a mount (N, 2) meets the specimen: its outline without the edges of the image."""
    x, y = outline.T
    inner = (x != image.x) & (x != image.right) & (y != image.y) & (y != image.bottom)
    if inner.all() or not inner.any():
        return [outline] if inner.all() else []
    first = int(np.flatnonzero(~inner)[0])
    turned, kept = np.roll(outline, -first, axis=0), np.roll(inner, -first)
    starts = np.flatnonzero(np.diff(kept.astype(np.int8), prepend=0, append=0) == 1)
    ends = np.flatnonzero(np.diff(kept.astype(np.int8), prepend=0, append=0) == -1)
    return [turned[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1]

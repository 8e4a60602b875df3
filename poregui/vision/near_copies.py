"""Find crops that show nearly the same image (re-encoded, resized, turned, mirrored)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 32
ALIKE = 0.975
"""Correlation of two fingerprints from which two images are copies. Images that were turned,
shrunk to four fifths and stored as JPEG had 0.979 and more (three sets, 20 to 260 px), images of
different pores at most 0.968."""
_DETAIL_SIGMA = 1.5
_CHUNK = 512


def fingerprint(pixels: NDArray[Any]) -> Floats:
    """Return (SIDE * SIDE,) float32 of mean 0 and length 1 (or all 0 for a flat image) that tells
    images apart.

    The image is averaged to SIDE x SIDE px whatever its proportions, and what is smooth over some
    of these px is taken off: two round pores look alike but for the fine detail of ground and rim,
    which a copy has too.
    """
    grey = pixels.astype(np.float32)
    if grey.ndim == 3:
        grey = grey.mean(axis=2)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    detail = small - cv2.GaussianBlur(small, (0, 0), _DETAIL_SIGMA)
    detail -= detail.mean()
    length = float(np.linalg.norm(detail))
    return np.asarray(
        detail.ravel() / length if length > 1e-3 else np.zeros(SIDE * SIDE), np.float32
    )


def near_copies(prints: Floats) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of rows of (n, SIDE * SIDE) fingerprints that are copies in any
    of eight positions.

    An image can be turned by quarters and mirrored; both are tried by turning one side. Takes n² x
    8 x 1024 multiplications: 0.3 s for 1,000 crops.
    """
    pairs: set[tuple[int, int]] = set()
    for turned in _positions(prints):
        for start in range(0, len(prints), _CHUNK):
            rows, columns = np.nonzero(prints[start : start + _CHUNK] @ turned.T > ALIKE)
            pairs |= {
                (min(i, j), max(i, j))
                for i, j in zip((rows + start).tolist(), columns.tolist(), strict=True)
            }
    return sorted(pair for pair in pairs if pair[0] != pair[1])


def _positions(prints: Floats) -> Iterable[Floats]:
    squares = prints.reshape(-1, SIDE, SIDE)
    for turns in range(4):
        turned = np.rot90(squares, turns, axes=(1, 2))
        for one in (turned, turned[:, :, ::-1]):
            yield np.ascontiguousarray(one).reshape(len(prints), -1)


def clusters(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of two or more numbers that pairs join, each sorted, in order of their
    first number.
    """
    parent: dict[int, int] = {}

    def root(one: int) -> int:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for one in sorted(parent):
        found.setdefault(root(one), []).append(one)
    return sorted(found.values())

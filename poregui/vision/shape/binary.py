"""Measure regions of label images, where no grey says how far the edge is into a pixel; changes with those formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.pores.contours import trace
from poregui.vision.shape.rings import FloatArray, Rings

_DIRECTIONS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, np.sqrt(2)), (1, -1, np.sqrt(2)))
"""Step in rows and columns, and the distance of two pixels along it, which is that of the lines as well."""


def crofton_perimeters(labels: NDArray[Any]) -> FloatArray:
    """Return the perimeter of each label from 1 to the largest in px, (n,), 0 for those without pixels.

    Cauchy and Crofton: the length of a line is pi / 2 times the mean over directions of how often parallel lines cross
    it, times their distance. Counted along rows, columns and both diagonals (D. Legland, K. Kieu and M.-F. Devaux,
    Image Anal. Stereol. 26 (2007) 83), for each label on its own: where two pores touch, the side between them counts
    for both and changes nothing else.
    """
    framed = np.pad(labels, 1).astype(np.int64)
    total = np.zeros(int(labels.max(initial=0)) + 1)
    for down, across, step in _DIRECTIONS:
        here, there = _pairs(framed, down, across)
        differ = here != there
        count = np.bincount(here[differ], minlength=len(total)) + np.bincount(there[differ], minlength=len(total))
        total += count * (np.pi / 8 / step)
    return total[1:]


def mask_rings(labels: NDArray[Any]) -> Rings:
    """Return the outer line of each label that has pixels, half way to the pixels outside, in rising order."""
    count = int(labels.max(initial=0))
    framed = np.pad(labels, 1)
    traced = trace(framed, np.zeros(framed.shape, np.float32), np.zeros(count + 1))
    order = np.lexsort((traced.area, traced.label))
    outer = order[np.flatnonzero(np.diff(traced.label[order], append=count + 1))]
    starts, points = traced.rings.starts, traced.rings.points
    return Rings.of([points[starts[ring] : starts[ring + 1]] for ring in outer])


def _pairs(framed: NDArray[np.int64], down: int, across: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    height, width = framed.shape
    left, right = max(0, -across), width - max(0, across)
    return framed[: height - down, left:right], framed[down:, left + across : right + across]

"""Segment one window of a micrograph and outline the pores in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.pores.contours import Traced, trace
from poregui.vision.pores.half_level import bands_of, levels_of, move_to_level
from poregui.vision.pores.plan import Plan
from poregui.vision.pores.segmentation import (
    FloatImage,
    Regions,
    fill_holes,
    keep,
    pore_pixels,
    regions_of,
)
from poregui.vision.pores.split import split
from poregui.vision.shape.polygons import FloatArray, IntArray

_MIN_HOLE = 2.0
"""Area in px² below which a hole is noise."""


@dataclass(frozen=True)
class Window:
    """Hold a segmented box of the micrograph: smoothed `grey`, its `regions`, and which pixels are
    masked.
    """

    box: Box
    grey: FloatImage
    regions: Regions
    masked: NDArray[np.bool_] | None


@dataclass(frozen=True)
class WindowPores:
    """Hold pores in px of the micrograph: outlines (N, 2), areas and contrasts (n,)."""

    outlines: list[NDArray[np.float32]]
    areas: FloatArray
    contrast: FloatArray

    @staticmethod
    def together(parts: list[WindowPores]) -> WindowPores:
        """Return the pores of several windows."""
        return WindowPores(
            [outline for part in parts for outline in part.outlines],
            np.concatenate([part.areas for part in parts] or [np.zeros(0)]),
            np.concatenate([part.contrast for part in parts] or [np.zeros(0)]),
        )


def segment(box: Box, plan: Plan) -> Window:
    """Return the regions of a box that are pore, before their size is looked at."""
    grey = plan.smoothed(box)
    pores = pore_pixels(grey, plan.recipe, plan.threshold, plan.window)
    top = min(plan.halo, box.y)
    left = min(plan.halo, box.x)
    inner = (slice(top, top + box.height), slice(left, left + box.width))
    grey = np.ascontiguousarray(grey[inner])
    pores = np.ascontiguousarray(pores[inner])
    masked = plan.hidden(box)
    if masked is not None:
        pores[masked] = 0
    if plan.recipe.fill_holes:
        pores = fill_holes(pores)
        if masked is not None:
            pores[masked] = 0
    return Window(box, grey, regions_of(pores), masked)


def outline(window: Window, chosen: NDArray[np.bool_], plan: Plan) -> WindowPores:
    """Return the outlines of chosen regions (n,), but for specks too small for the recipe; the
    others stand around.
    """
    large = window.regions.pixels >= max(4.0, 0.5 * np.pi / 4 * plan.smallest**2)
    regions = keep(window.regions, large)
    wanted = np.concatenate(([False], chosen[large]))
    if not wanted.any():
        return WindowPores.together([])
    labels = regions.labels
    count = regions.count
    if plan.recipe.split:
        labels = split(labels, plan.recipe.split_strength)
        count = int(labels.max())
        wanted = wanted[_wholes(labels, regions.labels, count)]
    framed = np.asarray(cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.int32)
    bright, (low, high) = plan.recipe.polarity == "bright", plan.span
    dark = -window.grey if bright else window.grey
    grey = np.asarray(cv2.copyMakeBorder(dark, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)
    bands = bands_of(framed, count)
    levels = levels_of(
        grey,
        framed,
        bands,
        count,
        plan.recipe.smoothing,
        (-high, -low) if bright else plan.span,
        -plan.middle if bright else plan.middle,
    )
    move_to_level(grey, framed, bands, levels)
    if window.masked is not None:
        framed[1:-1, 1:-1][window.masked] = 0
    # two regions that were cut apart meet anywhere, others only where they may have moved
    edges = None if plan.recipe.split or window.masked is not None else bands.edges(framed)
    traced = trace(framed, grey, levels.edge, edges)
    points = (traced.polygons.points + np.array([window.box.x, window.box.y])).astype(np.float32)
    outer = _outer(traced, wanted)
    found = [
        points[traced.polygons.starts[polygon] : traced.polygons.starts[polygon + 1]]
        for polygon in outer
    ]
    areas = traced.area[outer]
    if not plan.recipe.fill_holes:
        _take_out_holes(traced, points, outer, found, areas)
    return WindowPores(found, areas, levels.contrast[traced.label[outer]])


def _wholes(labels: NDArray[np.int32], regions: NDArray[np.int32], count: int) -> IntArray:
    """Return for each label (count + 1,) the region that it was split from."""
    wholes = np.zeros(count + 1, dtype=np.int64)
    inside = labels > 0
    wholes[labels[inside]] = regions[inside]
    return wholes


def _outer(traced: Traced, wanted: NDArray[np.bool_]) -> IntArray:
    """Return the ring with the largest area of each wanted label (labels + 1,) that has one of at
    least 4 corners.
    """
    order = np.lexsort((traced.area, traced.label))
    last = np.flatnonzero(np.diff(traced.label[order], append=len(wanted)))
    chosen = order[last]
    fits = (
        (traced.area[chosen] > 0)
        & (traced.polygons.lengths[chosen] >= 4)
        & wanted[traced.label[chosen]]
    )
    return np.sort(chosen[fits])


def _take_out_holes(
    traced: Traced,
    points: NDArray[np.float32],
    outer: IntArray,
    found: list[NDArray[np.float32]],
    areas: FloatArray,
) -> None:
    """Lead each outline with holes into them along a seam, there and back, and lower its area."""
    index_of_label = {int(label): index for index, label in enumerate(traced.label[outer])}
    for polygon in np.flatnonzero(traced.area <= -_MIN_HOLE):
        index = index_of_label.get(int(traced.label[polygon]))
        if index is not None:
            hole = points[traced.polygons.starts[polygon] : traced.polygons.starts[polygon + 1]]
            found[index] = _with_hole(found[index], hole)
            areas[index] += traced.area[polygon]


def _with_hole(line: NDArray[np.float32], hole: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.spatial.distance import cdist

    at, into = divmod(int(cdist(line, hole, "sqeuclidean").argmin()), len(hole))
    return np.concatenate([line[: at + 1], hole[into:], hole[: into + 1], line[at:]])

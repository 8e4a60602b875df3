"""Segment one window of a micrograph and outline the pores in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.pores.contours import Traced, trace
from poregui.vision.pores.half_level import bands_of, levels_of, move_to_level
from poregui.vision.pores.plan import Plan
from poregui.vision.pores.segmentation import (
    FloatImage,
    Labels,
    Regions,
    fill_holes,
    keep,
    pore_pixels,
    regions_of,
)
from poregui.vision.pores.specimen_area import masked_pixels
from poregui.vision.pores.split import split
from poregui.vision.shape.polygons import FloatArray, IntArray

_MIN_HOLE = 2.0
"""Area in px² below which a hole is noise."""


@dataclass(frozen=True)
class Window:
    """Hold a segmented box of the micrograph: smoothed `grey`, dark in pores, its `regions`, and
    which pixels are masked.

    `in_masks` are the regions that lie in masks of a person, None where there is no mask.
    """

    box: Box
    grey: FloatImage
    regions: Regions
    masked: NDArray[np.bool_] | None
    in_masks: Regions | None = None


@dataclass(frozen=True)
class WindowPores:
    """Hold pores in px of the micrograph: outlines (N, 2), areas and contrasts (n,).

    `specks` are regions that were too small to be outlined at all.
    """

    outlines: list[NDArray[np.float32]]
    areas: FloatArray
    contrast: FloatArray
    specks: int = 0

    @staticmethod
    def together(parts: list[WindowPores]) -> WindowPores:
        """Return the pores of several windows."""
        return WindowPores(
            [outline for part in parts for outline in part.outlines],
            np.concatenate([part.areas for part in parts] or [np.zeros(0)]),
            np.concatenate([part.contrast for part in parts] or [np.zeros(0)]),
            sum(part.specks for part in parts),
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
    in_masks = _in_masks(pores, box, plan)
    if masked is not None:
        pores[masked] = 0
    if plan.recipe.fill_holes:
        pores = fill_holes(pores, plan.largest_hole)
        if masked is not None:
            pores[masked] = 0
    return Window(box, grey, regions_of(pores), masked, in_masks)


def _in_masks(pores: NDArray[np.uint8], box: Box, plan: Plan) -> Regions | None:
    """Return the regions of pore pixels (H, W) of a box that are in masks, but for specks."""
    masked = masked_pixels(plan.masks, box)
    if masked is None:
        return None
    regions = regions_of((pores.view(np.bool_) & masked).astype(np.uint8))
    return keep(regions, regions.pixels >= _specks_below(plan))


def _specks_below(plan: Plan) -> float:
    """Return the pixels below which a region is too small for the recipe without its outline."""
    return max(4.0, 0.5 * np.pi / 4 * plan.smallest**2)


def outline(window: Window, chosen: NDArray[np.bool_], plan: Plan) -> WindowPores:
    """Return the outlines of chosen regions (n,), but for specks too small for the recipe; the
    others stand around.

    A region that falls into several parts at its half level gives a pore for each of them.
    """
    large = window.regions.pixels >= _specks_below(plan)
    specks = int(np.count_nonzero(chosen & ~large))
    regions = keep(window.regions, large)
    wanted = np.concatenate(([False], chosen[large]))
    if not wanted.any():
        return replace(WindowPores.together([]), specks=specks)
    labels = regions.labels
    if plan.recipe.split:
        labels = split(labels, plan.recipe.split_strength)
        wanted = wanted[_wholes(labels, regions.labels, int(labels.max()))]
    traced, contrast = _traced(window, labels, plan)
    points = (traced.polygons.points + np.array([window.box.x, window.box.y])).astype(np.float32)
    lines = _Lines.of(traced, points)
    outer = lines.outer(wanted, in_holes=not plan.recipe.fill_holes)
    found = [lines.line(int(index)) for index in outer]
    areas = traced.area[outer]
    smallest_hole = plan.largest_hole / 2 if plan.recipe.fill_holes else _MIN_HOLE
    lines.take_out_holes(outer, found, areas, smallest_hole)
    return WindowPores(found, areas, contrast[traced.label[outer]], specks)


def _traced(window: Window, labels: Labels, plan: Plan) -> tuple[Traced, FloatArray]:
    """Return the lines around labels (H, W) at their half level, and the contrast of each label
    (labels + 1,).
    """
    count = int(labels.max())
    framed = np.asarray(cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.int32)
    grey = np.asarray(cv2.copyMakeBorder(window.grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)
    bands = bands_of(framed, count)
    levels = levels_of(grey, framed, bands, count, plan.recipe.smoothing, plan.span, plan.middle)
    move_to_level(grey, framed, bands, levels)
    if window.masked is not None:
        framed[1:-1, 1:-1][window.masked] = 0
    # two regions that were cut apart meet anywhere, others only where they may have moved
    edges = None if plan.recipe.split or window.masked is not None else bands.edges(framed)
    return trace(framed, grey, levels.edge, edges), levels.contrast


def _wholes(labels: Labels, regions: Labels, count: int) -> IntArray:
    """Return for each label (count + 1,) the region that it was split from."""
    wholes = np.zeros(count + 1, dtype=np.int64)
    inside = labels > 0
    wholes[labels[inside]] = regions[inside]
    return wholes


@dataclass(frozen=True)
class _Lines:
    """Hold traced lines with their points in px of the micrograph (N, 2) and the `low` and `high`
    corners (n, 2) of each.
    """

    traced: Traced
    points: NDArray[np.float32]
    low: FloatArray
    high: FloatArray

    @staticmethod
    def of(traced: Traced, points: NDArray[np.float32]) -> _Lines:
        low, high = traced.polygons.bounds()
        return _Lines(traced, points, low, high)

    def line(self, index: int) -> NDArray[np.float32]:
        starts = self.traced.polygons.starts
        return self.points[starts[index] : starts[index + 1]]

    def outer(self, wanted: NDArray[np.bool_], *, in_holes: bool) -> IntArray:
        """Return all lines around parts of wanted labels (labels + 1,) that have at least 4
        corners.

        Those within a hole of their own label are left out unless `in_holes`: they are part of the
        pore that the hole was filled in.
        """
        label = self.traced.label
        fits = (self.traced.area > 0) & (self.traced.polygons.lengths >= 4) & wanted[label]
        if not in_holes:
            several = np.bincount(label[fits], minlength=len(wanted)) > 1
            for hole in np.flatnonzero((self.traced.area < 0) & several[label]):
                fits[self._within(int(hole), np.flatnonzero(fits & (label == label[hole])))] = False
        return np.flatnonzero(fits)

    def _within(self, hole: int, lines: IntArray) -> IntArray:
        """Return which of some lines lie inside a hole."""
        near = (self.low[lines] > self.low[hole]).all(axis=1) & (
            self.high[lines] < self.high[hole]
        ).all(axis=1)
        around = self.line(hole)
        return np.array(
            [index for index in lines[near] if _holds(around, self.line(int(index)))], np.int64
        )

    def take_out_holes(
        self,
        outer: IntArray,
        found: list[NDArray[np.float32]],
        areas: FloatArray,
        smallest: float,
    ) -> None:
        """Lead each outline with holes of at least `smallest` px² into them along a seam, there and
        back, and lower its area.
        """
        of_label: dict[int, list[int]] = {}
        for index, label in enumerate(self.traced.label[outer].tolist()):
            of_label.setdefault(label, []).append(index)
        for hole in np.flatnonzero(self.traced.area <= -smallest):
            indices = of_label.get(int(self.traced.label[hole]), [])
            owner = self._around(int(hole), outer, indices)
            if owner is not None:
                found[owner] = _with_hole(found[owner], self.line(int(hole)))
                areas[owner] += self.traced.area[hole]

    def _around(self, hole: int, outer: IntArray, indices: list[int]) -> int | None:
        """Return which of some outer lines of its label is the innermost around a hole."""
        inner = self.line(hole)
        around = [
            index
            for index in indices
            if (self.low[outer[index]] < self.low[hole]).all()
            and (self.high[outer[index]] > self.high[hole]).all()
            and _holds(self.line(int(outer[index])), inner)
        ]
        return min(around, key=lambda index: float(self.traced.area[outer[index]]), default=None)


def _holds(line: NDArray[np.float32], inner: NDArray[np.float32]) -> bool:
    """Tell whether a line that crosses another nowhere lies around it."""
    x, y = (float(value) for value in inner[0])
    return cv2.pointPolygonTest(line, (x, y), False) > 0


def _with_hole(line: NDArray[np.float32], hole: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.spatial.distance import cdist

    at, into = divmod(int(cdist(line, hole, "sqeuclidean").argmin()), len(hole))
    return np.concatenate([line[: at + 1], hole[into:], hole[: into + 1], line[at:]])

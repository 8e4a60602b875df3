"""Find and outline the pores of one window of a micrograph; changes with the order of the steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.half_level import REACH, grow, levels_of, within_level
from poregui.vision.masked import masked_pixels
from poregui.vision.planning import Plan
from poregui.vision.rings import FloatArray
from poregui.vision.segmenting import Regions, fill_holes, keep, pore_pixels, regions_of
from poregui.vision.tracing import Traced, trace


@dataclass(frozen=True)
class Found:
    """Hold pores in px of the micrograph: outlines (N, 2), areas and contrasts (n,), and the field without masks."""

    outlines: list[NDArray[np.float32]]
    areas: FloatArray
    contrast: FloatArray
    field_area: float


def find_in(box: Box, plan: Plan) -> Found:
    """Return the pores of a box of the micrograph, whatever their size, but for specks of a few pixels."""
    grey = plan.smoothed(box)
    wide_left, wide_top = min(plan.halo, box.x), min(plan.halo, box.y)
    pores = pore_pixels(grey, plan.recipe, plan.threshold, plan.window)
    inner = (slice(wide_top, wide_top + box.height), slice(wide_left, wide_left + box.width))
    grey, pores = np.ascontiguousarray(grey[inner]), np.ascontiguousarray(pores[inner])
    masked = masked_pixels(plan.masks, box)
    field = float(box.area)
    if masked is not None:
        pores[masked] = 0
        field -= float(np.count_nonzero(masked))
    if plan.recipe.fill_holes:
        pores = fill_holes(pores)
        if masked is not None:
            pores[masked] = 0
    regions = _large_enough(regions_of(pores), plan)
    if not regions.count:
        return Found([], np.zeros(0), np.zeros(0), field)
    if plan.recipe.polarity == "bright":
        grey = -grey
    near = grow(regions.labels, REACH)
    levels = levels_of(grey, regions.labels, near, regions.count, plan.recipe.smoothing)
    labels = within_level(grey, regions.labels, near, levels)
    if masked is not None:
        labels[masked] = 0
    traced = trace(labels, grey, levels.edge)
    outer = _outer(traced, regions.count)
    points = (traced.rings.points + np.array([box.x, box.y])).astype(np.float32)
    starts = traced.rings.starts
    outlines = [points[starts[ring] : starts[ring + 1]] for ring in outer]
    return Found(outlines, traced.area[outer], levels.contrast[traced.label[outer]], field)


def _large_enough(regions: Regions, plan: Plan) -> Regions:
    """Drop what is too small to become a pore of the recipe, so that noise costs no time."""
    least = max(4.0, 0.5 * np.pi / 4 * plan.smallest**2)
    chosen = regions.pixels >= least
    return regions if chosen.all() else keep(regions, chosen)


def _outer(traced: Traced, count: int) -> NDArray[np.int64]:
    """Return the ring with the largest area of each label that has one of at least 4 corners."""
    order = np.lexsort((traced.area, traced.label))
    last = np.flatnonzero(np.diff(traced.label[order], append=count + 1))
    chosen = order[last]
    return np.sort(chosen[(traced.area[chosen] > 0) & (traced.rings.lengths[chosen] >= 4)])

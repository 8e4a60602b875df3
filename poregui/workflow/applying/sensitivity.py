"""Find the pores of a micrograph again with a shifted threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.store.run_files import BROKEN, read_arrays, write_arrays
from poregui.vision.pores.detection import Detected, preview
from poregui.vision.pores.plan import Plan, Source

SHIFTS = (-10, -5, 5, 10)
"""Per cent of the step from the darkest grey to the matrix that the threshold is moved by."""
_ORDER = (0, *SHIFTS)
FILE = "sensitivity.npz"
WHOLE = 1 << 22
"""Pixels up to which a micrograph is looked at as a whole; of larger ones four windows are."""
_WINDOW = 768
_FRACTIONS = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
Classify = Callable[[Detected], NDArray[np.float32]]
Floats = NDArray[np.float64]


_STORED = ("shift", "areas", "places", "sure", "seen_px")
"""Names of the arrays of a Sensitivity in its file, in the order of its fields."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Hold the pores that shifted thresholds found, (n,) each: their `shift` in per cent (0: as
    asked), `areas` in px².

    `class_indices` are the predicted classes and `confidence` their probabilities. `seen_px`
    (shifts + 1,) is how much field was looked at without its mount, in px², in the order of 0 and
    `SHIFTS`. A pore that overlaps one of the unshifted threshold has the class of that one; others
    were classified anew.
    """

    shift: NDArray[np.int8]
    areas: NDArray[np.float32]
    class_indices: NDArray[np.int8]
    confidence: NDArray[np.float32]
    seen_px: Floats

    def percents(self, shift: int, classes: int, min_confidence: float) -> Floats:
        """Return (classes + 1,) area per cent at a shift; the last one is of pores below the
        confidence `min_confidence`.
        """
        own = self.shift == shift
        chosen = np.where(self.confidence[own] >= min_confidence, self.class_indices[own], classes)
        seen = float(self.seen_px[_ORDER.index(shift)])
        return 100 * np.bincount(chosen, self.areas[own], classes + 1) / seen

    def change(self, shift: int, classes: int, min_confidence: float) -> Floats:
        """Return by how many area per cent the classes change when the threshold is shifted, as
        `percents`.
        """
        return self.percents(shift, classes, min_confidence) - self.percents(
            0, classes, min_confidence
        )


@dataclass(frozen=True, eq=False)
class Shifted:
    """Hold what each threshold, in the order of 0 and `SHIFTS`, finds in a box, which may be the
    `whole` micrograph.
    """

    box: Box
    whole: bool
    found: tuple[Detected, ...]


def find_shifted(
    found: Detected,
    plan: Plan,
    um_per_px: float | None,
    sure: Callable[[Detected], Detected] = lambda found: found,
) -> tuple[Shifted, ...]:
    """Return what shifted thresholds find of a micrograph whose pores are `found` by a plan; no
    network is needed for it.

    Up to `WHOLE` pixels the whole of it is looked at, else four windows whose places do not depend
    on what they show. For a local threshold its level relative to the surroundings is shifted.
    `sure` leaves out of what is found what counts at no threshold.
    """
    source = plan.source
    if plan.specimen_ends is None:
        plan = replace(plan, specimen_ends=found.unsure_mount_px == 0)
    views = []
    for view in _views(source):
        if view is None:
            base = found
        else:
            base = sure(_shifted(plan, 0, um_per_px, view))
        at_each = (base, *(sure(_shifted(plan, shift, um_per_px, view)) for shift in SHIFTS))
        views.append(Shifted(view or Box(0, 0, source.width, source.height), view is None, at_each))
    return tuple(views)


def sense(
    found: Detected,
    predictions: NDArray[np.float32],
    shifted: Sequence[Shifted],
    classify: Classify,
) -> Sensitivity:
    """Return how a micrograph whose pores are `found` and have `predictions` (n, classes) depends
    on the threshold.

    `classify` answers pores that are new.
    """
    rows: list[tuple[NDArray[Any], ...]] = []
    seen = np.zeros(len(_ORDER))
    for one in shifted:
        known = _Known(found, predictions, one.box)
        for index, (shift, at) in enumerate(zip(_ORDER, one.found, strict=True)):
            kept, own = _rows(at, shift, known, classify, whole=one.whole)
            rows.append(own)
            seen[index] += at.field_area_px - float(at.areas[~kept].sum())
    shifts, areas, class_indices, confidence = (
        np.concatenate(parts) for parts in zip(*rows, strict=True)
    )
    return Sensitivity(
        shifts.astype(np.int8),
        areas.astype(np.float32),
        class_indices.astype(np.int8),
        confidence.astype(np.float32),
        np.maximum(seen, 1.0),
    )


def _views(source: Source) -> list[Box | None]:
    if source.width * source.height <= WHOLE:
        return [None]
    wide = min(_WINDOW, source.width)
    high = min(_WINDOW, source.height)
    views = [
        Box.around(source.width * x, source.height * y, _WINDOW).moved_inside(
            source.width, source.height
        )
        for x, y in _FRACTIONS
    ]
    return list(dict.fromkeys(Box(v.x, v.y, wide, high) for v in views))


def _shifted(plan: Plan, shift: int, um_per_px: float | None, view: Box | None) -> Detected:
    # greys of a plan are turned round for bright pores: a higher threshold is a lower one there
    shift *= plan.sign
    recipe = plan.recipe
    if recipe.method == "local":
        recipe = replace(recipe, offset=min(max(recipe.offset - shift, 0.0), 100.0))
    threshold = plan.threshold + shift / 100 * max(plan.middle, plan.threshold)
    moved = replace(plan, recipe=recipe, threshold=threshold)
    return preview(plan.source, recipe, um_per_px, plan.masks, view=view, plan=moved)


class _Known:
    """Know which pore of the unshifted threshold lies at each pixel of a box."""

    def __init__(self, found: Detected, predictions: NDArray[np.float32], box: Box) -> None:
        self.box = box
        if len(predictions):
            self.class_indices = predictions.argmax(axis=1)
        else:
            self.class_indices = np.empty(0, np.int64)
        self.confidence = predictions.max(axis=1, initial=0.0)
        self._labels = np.zeros((box.height, box.width), np.int32)
        if len(found.boxes):
            x, y, wide, high = found.boxes.T
        else:
            x, y, wide, high = np.empty((4, 0), np.int64)
        inside = (x < box.right) & (x + wide > box.x) & (y < box.bottom) & (y + high > box.y)
        for pore in np.flatnonzero(inside).tolist():
            cv2.fillPoly(self._labels, [self._points(found.outlines[pore], box.x, box.y)], pore + 1)

    def pore_at(self, outline: NDArray[np.float32], own: Box) -> int:
        """Return which pore an outline overlaps most, -1 for none."""
        left = max(own.x, self.box.x)
        top = max(own.y, self.box.y)
        right = min(own.right, self.box.right)
        bottom = min(own.bottom, self.box.bottom)
        if right <= left or bottom <= top:
            return -1
        part = self._labels[
            top - self.box.y : bottom - self.box.y, left - self.box.x : right - self.box.x
        ]
        mask = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(mask, [self._points(outline, left, top)], 1)
        under = part[(mask > 0) & (part > 0)]
        if len(under):
            return int(np.bincount(under).argmax()) - 1
        return -1

    @staticmethod
    def _points(outline: NDArray[np.float32], left: int, top: int) -> NDArray[np.int32]:
        return np.floor(outline - np.array([left, top], np.float32)).astype(np.int32)


def _rows(
    at: Detected, shift: int, known: _Known, classify: Classify, *, whole: bool
) -> tuple[NDArray[np.bool_], tuple[NDArray[Any], ...]]:
    """Return which of the pores that a threshold found count, and their shift, area, class and
    confidence.

    A new pore that the edge of a window cuts is left out: it may be the mount around the specimen.
    """
    pores = np.array(
        [known.pore_at(line, at.box(k)) for k, line in enumerate(at.outlines)], np.int64
    )
    if whole:
        kept = np.ones(len(pores), bool)
    else:
        kept = (pores >= 0) | ~at.touches_edge
    new = np.flatnonzero((pores < 0) & kept)
    class_indices = np.zeros(len(pores), np.int64)
    confidence = np.zeros(len(pores))
    old = pores >= 0
    class_indices[old], confidence[old] = (
        known.class_indices[pores[old]],
        known.confidence[pores[old]],
    )
    if len(new):
        outlines = tuple(at.outlines[k] for k in new)
        fresh = replace(
            at,
            outlines=outlines,
            boxes=at.boxes[new],
            areas=at.areas[new],
            touches_edge=at.touches_edge[new],
        )
        predictions = classify(fresh)
        class_indices[new], confidence[new] = predictions.argmax(axis=1), predictions.max(axis=1)
    return kept, (
        np.full(int(kept.sum()), shift),
        at.areas[kept],
        class_indices[kept],
        confidence[kept],
    )


def write_sensitivity(sensed: Sensitivity, folder: Path) -> None:
    """Write what shifted thresholds found into a folder of results."""
    write_arrays(folder / FILE, dict(zip(_STORED, vars(sensed).values(), strict=True)))


def read_sensitivity(folder: Path) -> Sensitivity | None:
    """Return what shifted thresholds found, None where that is not there or damaged."""
    try:
        kept = read_arrays(folder / FILE)
        shift, areas, class_indices, confidence, seen = (kept[name] for name in _STORED)
    except BROKEN:
        return None
    if seen.shape == (len(_ORDER),):
        return Sensitivity(shift, areas, class_indices, confidence, seen)
    return None

"""Find the pores of a micrograph and outline them to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.vision.pores.plan import Plan, Source, make_plan
from poregui.vision.pores.specimen_area import beside, mounts, surface_of, touching
from poregui.vision.pores.tiling import find_all
from poregui.vision.pores.window import WindowPores, outline, segment
from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons

Progress = Callable[[int, int, str], None]
Pixels = NDArray[Any] | Callable[[Box], NDArray[Any]] | Source


@dataclass(frozen=True)
class Detected:
    """Hold the pores that a recipe found in one micrograph.

    `outlines` are float32 (N, 2), x and y in px, pixel (0, 0) covering 0 to 1; `boxes` int64 (n,
    4): x, y, width and height of whole pixels around them; `areas` float64 (n,) in px²;
    `touches_edge` (n,): cut by the edge of the image or a mask. `pore_area_px` counts pores that
    the edge rule left out as well, so that the area per cent does not depend on it; `field_area_px`
    is the image without its masked regions. `threshold` is the grey that parted pores from matrix,
    under even light; None for a local one. `surfaces` are lines (M, 2) in px where the specimen
    ends: a region along more than half of an edge of the image is the mount or an info bar, no
    pore, and not part of the field; `mount_area_px` is how much that was. `too_large` counts
    regions whose box passes 64 megapixels; they are not outlined. `faint` counts regions of the
    wanted size that the least contrast leaves out, of `faint_area_px` in all.
    """

    outlines: tuple[NDArray[np.float32], ...]
    boxes: IntArray
    areas: FloatArray
    touches_edge: NDArray[np.bool_]
    pore_area_px: float
    field_area_px: float
    threshold: float | None
    too_large: int = 0
    surfaces: tuple[NDArray[np.float32], ...] = ()
    mount_area_px: float = 0.0
    faint: int = 0
    faint_area_px: float = 0.0

    @property
    def mask_fraction(self) -> float:
        """Return the part of the field that is pore, 0 to 1."""
        if self.field_area_px:
            return self.pore_area_px / self.field_area_px
        return 0.0

    @property
    def area_percent(self) -> float:
        """Return the part of the field that is pore in per cent."""
        return 100 * self.mask_fraction

    @property
    def mount_percent(self) -> float:
        """Return the part of the unmasked image that was taken for the mount, in per cent."""
        whole = self.field_area_px + self.mount_area_px
        if whole:
            return 100 * self.mount_area_px / whole
        return 0.0

    def box(self, index: int) -> Box:
        """Return the box of a pore."""
        return Box(*(int(value) for value in self.boxes[index]))


def detect(
    pixels: Pixels,
    recipe: DetectionRecipe,
    um_per_px: float | None,
    masks: Sequence[Mask] = (),
    *,
    size: tuple[int, int] | None = None,
    specimen_ends: bool = True,
    progress: Progress = lambda done, total, text: None,
) -> Detected:
    """Return the pores of a micrograph, from its upper left to its lower right.

    `pixels` is (H, W) or (H, W, channels) of any depth, a callable that returns the pixels of a box
    of an image of `size` (width, height), or a source, which knows of missing pixels, too: they are
    neither pore nor field. `specimen_ends` False says that the mount is nowhere
    in view. `progress` hears (done, total, text); an exception that it raises ends the work. Raises
    PoreguiError when the recipe has a length in um and the scale is unknown.
    """
    source = Source.of(pixels, size)
    plan = replace(make_plan(source, recipe, um_per_px, masks), specimen_ends=specimen_ends)
    return detect_by(plan, progress)


def detect_by(plan: Plan, progress: Progress = lambda done, total, text: None) -> Detected:
    """Return the pores of a micrograph by a plan that is made already."""
    source = plan.source
    tiled = find_all(plan, progress)
    return _kept(
        tiled.found, plan, Box(0, 0, source.width, source.height), tiled.field_area, tiled.too_large
    )


def preview(
    pixels: Pixels,
    recipe: DetectionRecipe,
    um_per_px: float | None,
    masks: Sequence[Mask] = (),
    *,
    size: tuple[int, int] | None = None,
    view: Box | None = None,
    plan: Plan | None = None,
) -> Detected:
    """Return the pores of a part of a micrograph, in px of the whole, in less than 100 ms for 2
    megapixels.

    `view` is the visible part, the whole without one. A `plan` of `make_plan` with the same recipe
    saves looking at the rest of the image for its light and threshold. Pores that the view cuts are
    outlined as far as it goes and counted as touching the edge.
    """
    source = Source.of(pixels, size)
    plan = plan or make_plan(source, recipe, um_per_px, masks)
    whole = Box(0, 0, source.width, source.height)
    box = (view or whole).clipped(source.width, source.height) or Box(0, 0, 1, 1)
    window = segment(box, plan)
    found = outline(window, np.ones(window.regions.count, dtype=np.bool_), plan)
    if window.masked is None:
        masked = 0
    else:
        masked = int(np.count_nonzero(window.masked))
    return _kept(found, plan, box, float(box.area - masked))


def _kept(
    found: WindowPores, plan: Plan, view: Box, field_area: float, too_large: int = 0
) -> Detected:
    """Apply the rules of contrast, size and edge to the pores of a view."""
    recipe = plan.recipe
    image = Box(0, 0, plan.source.width, plan.source.height)
    diameter = 2 * np.sqrt(found.areas / np.pi)
    polygons = Polygons.of(found.outlines)
    may_end = view == image and plan.specimen_ends
    if may_end:
        mount = mounts(polygons, image)
    else:
        mount = np.zeros(polygons.count, dtype=np.bool_)
    sized = (diameter >= plan.smallest) & (diameter <= plan.largest) & ~mount
    faint = sized & (found.contrast < recipe.contrast / 100)
    chosen = sized & ~faint
    touches = touching(polygons, view, plan.masks) | beside(polygons, view, plan.source.missing)
    boxes = _boxes(polygons)
    kept = np.flatnonzero(chosen & ~touches if recipe.edge == "drop" else chosen)
    order = kept[np.lexsort((boxes[kept, 0], boxes[kept, 1]))]
    return Detected(
        outlines=tuple(found.outlines[position] for position in order.tolist()),
        boxes=boxes[order],
        areas=found.areas[order],
        touches_edge=touches[order],
        pore_area_px=float(found.areas[chosen].sum()),
        field_area_px=field_area - float(found.areas[mount].sum()),
        mount_area_px=float(found.areas[mount].sum()),
        threshold=plan.threshold + plan.black if recipe.method != "local" else None,
        too_large=too_large,
        surfaces=tuple(
            line
            for index in np.flatnonzero(mount)
            for line in surface_of(found.outlines[index], image)
        ),
        faint=int(np.count_nonzero(faint)),
        faint_area_px=float(found.areas[faint].sum()),
    )


def _boxes(polygons: Polygons) -> IntArray:
    """Return the boxes of whole pixels around rings, (n, 4)."""
    low, high = polygons.bounds()
    first = np.floor(low).astype(np.int64)
    return np.concatenate([first, np.maximum(np.ceil(high).astype(np.int64) - first, 1)], axis=1)

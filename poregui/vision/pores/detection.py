"""Find the pores of a micrograph and outline them to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
_MOST_MOUNT = 0.5
"""Part of the field that is taken for the mount without asking."""
CONTRAST = "contrast"
SMALLEST = "smallest"
LARGEST = "largest"
EDGE = "edge"
MOUNT = "mount"
MASK = "mask"
TOO_LARGE = "too_large"
UNSURE = "unsure"
"""What a learned finder is nowhere sure of."""
RULES = (CONTRAST, SMALLEST, LARGEST, EDGE, MOUNT, MASK, TOO_LARGE)
"""What can leave a region out; the last one is a box of more than 64 megapixels."""


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
    pore, and not part of the field; `mount_area_px` is how much that was. `removed` says how many
    regions each rule left out; the `removed_area_px` of those that were outlined is by rule as
    well.
    """

    outlines: tuple[NDArray[np.float32], ...]
    boxes: IntArray
    areas: FloatArray
    touches_edge: NDArray[np.bool_]
    pore_area_px: float
    field_area_px: float
    threshold: float | None
    surfaces: tuple[NDArray[np.float32], ...] = ()
    mount_area_px: float = 0.0
    unsure_mount_px: float = 0.0
    border_share: float = 0.0
    removed: Mapping[str, int] = field(default_factory=dict)
    removed_area_px: Mapping[str, float] = field(default_factory=dict)

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
    def unsure_percent(self) -> float:
        """Return the part of the field that may be the mount or pore, in per cent."""
        return 100 * self.unsure_mount_px / max(self.field_area_px, 1.0)

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
    specimen_ends: bool | None = None,
    progress: Progress = lambda done, total, text: None,
) -> Detected:
    """Return the pores of a micrograph, from its upper left to its lower right.

    `pixels` is (H, W) or (H, W, channels) of any depth, a callable that returns the pixels of a box
    of an image of `size` (width, height), or a source, which knows of missing pixels, too: they are
    neither pore nor field. `specimen_ends` False says that the mount is nowhere in view, True that
    it is; None that nobody knows: then it is not taken for the mount where it would be more than
    half of the image. `progress` hears (done, total, text); an exception that it raises ends the
    work. Raises PoreguiError when the recipe has a length in um and the scale is unknown.
    """
    source = Source.of(pixels, size)
    plan = replace(make_plan(source, recipe, um_per_px, masks), specimen_ends=specimen_ends)
    return detect_by(plan, progress)


def detect_by(plan: Plan, progress: Progress = lambda done, total, text: None) -> Detected:
    """Return the pores of a micrograph by a plan that is made already."""
    source = plan.source
    tiled = find_all(plan, progress)
    found = _kept(tiled.found, plan, Box(0, 0, source.width, source.height), tiled.field_area)
    removed = {**found.removed, MASK: tiled.in_masks, TOO_LARGE: tiled.too_large}
    return replace(found, removed={rule: removed[rule] for rule in RULES})


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


def _kept(found: WindowPores, plan: Plan, view: Box, field_area: float) -> Detected:
    """Apply the rules of contrast, size and edge to the pores of a view."""
    recipe = plan.recipe
    image = Box(0, 0, plan.source.width, plan.source.height)
    diameter = 2 * np.sqrt(found.areas / np.pi)
    polygons = Polygons.of(found.outlines)
    mount = np.zeros(polygons.count, dtype=np.bool_)
    unsure = 0.0
    if view == image and plan.specimen_ends is not False:
        mount = mounts(polygons, image)
        much = float(found.areas[mount].sum())
        if plan.specimen_ends is None and much > _MOST_MOUNT * field_area:
            unsure = much
            mount[:] = False
    small = (diameter < plan.smallest) & ~mount
    large = (diameter > plan.largest) & ~mount
    sized = ~(small | large | mount)
    faint = sized & (found.contrast < recipe.contrast / 100)
    chosen = sized & ~faint
    touches = touching(polygons, view, plan.masks) | beside(polygons, view, plan.source.missing)
    cut = chosen & touches & (recipe.edge == "drop")
    boxes = _boxes(polygons)
    kept = np.flatnonzero(chosen & ~cut)
    order = kept[np.lexsort((boxes[kept, 0], boxes[kept, 1]))]
    rules = {CONTRAST: faint, SMALLEST: small, LARGEST: large, EDGE: cut, MOUNT: mount}
    removed = {rule: int(np.count_nonzero(those)) for rule, those in rules.items()}
    removed[SMALLEST] += found.specks
    return Detected(
        outlines=tuple(found.outlines[position] for position in order.tolist()),
        boxes=boxes[order],
        areas=found.areas[order],
        touches_edge=touches[order],
        pore_area_px=float(found.areas[chosen].sum()),
        field_area_px=field_area - float(found.areas[mount].sum()),
        mount_area_px=float(found.areas[mount].sum()),
        unsure_mount_px=unsure,
        border_share=plan.border_share,
        threshold=plan.level,
        surfaces=tuple(
            line
            for index in np.flatnonzero(mount)
            for line in surface_of(found.outlines[index], image)
        ),
        removed=removed,
        removed_area_px={rule: float(found.areas[those].sum()) for rule, those in rules.items()},
    )


def _boxes(polygons: Polygons) -> IntArray:
    """Return the boxes of whole pixels around rings, (n, 4)."""
    low, high = polygons.bounds()
    first = np.floor(low).astype(np.int64)
    return np.concatenate([first, np.maximum(np.ceil(high).astype(np.int64) - first, 1)], axis=1)

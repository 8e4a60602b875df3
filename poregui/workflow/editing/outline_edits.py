"""Build the edits that join, cut and draw the outlines of pores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop, Micrograph, Origin
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.edit import cut_in_parts, joined
from poregui.vision.shape.overlaps import checked_outline
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.editing.edits import OutlinedCrop, ReplacePores
from poregui.workflow.editing.micrograph_edits import (
    check_outline_outside_masks,
    check_outside_masks,
)

Pore = tuple[Crop, Outline]


def join_pores(
    project: Project, pores: Sequence[Pore], micrograph: Micrograph, image: Pyramid
) -> ReplacePores:
    """Return the edit that makes one pore of several: the first crop stays and takes the others in.

    It keeps its label; without one it takes that which most of the others have. Raises PoreguiError
    where the bridge between them would lie in a mask, and for a project that cannot be written.
    """
    outline = Outline.of(joined([outline.points for _, outline in pores]))
    check_outline_outside_masks(micrograph, outline, [old for _, old in pores])
    kept = pores[0][0]
    others = Counter(crop.label for crop, _ in pores[1:] if crop.label is not None)
    changed = _by_hand(_around(project, kept, outline, micrograph, image))
    removed = tuple(crop.id for crop, _ in pores[1:])
    if kept.label is not None or not others:
        before = OutlinedCrop(kept, pores[0][1])
        return ReplacePores((), (before,), (changed,), removed, text="join pores")
    new = replace(changed.crop, id=project.next_id("crops"), label=others.most_common(1)[0][0])
    return ReplacePores(
        (OutlinedCrop(new, outline),), removed=(kept.id, *removed), text="join pores"
    )


def cut_pore(project: Project, pore: Pore, micrograph: Micrograph, image: Pyramid) -> ReplacePores:
    """Return the edit that cuts a pore at its waists: the largest part stays the crop, the others
    are new, unlabelled.

    Raises PoreguiError where there is no waist, or for a project that cannot be written.
    """
    crop, outline = pore
    lines = [Outline.of(points) for points in cut_in_parts(outline.points)]
    changed = _by_hand(_around(project, crop, lines[0], micrograph, image))
    first = project.next_id("crops")
    added = tuple(
        _new(project, first + index, line, micrograph, image, "hand")
        for index, line in enumerate(lines[1:])
    )
    return ReplacePores(added, (OutlinedCrop(crop, outline),), (changed,), text="split pore")


def draw_pore(
    project: Project,
    known: tuple[Crop, Outline | None] | None,
    outline: Outline,
    micrograph: Micrograph,
    image: Pyramid,
    origin: Origin = "hand",
) -> ReplacePores:
    """Return the edit that gives a crop, or a new one of an origin, an outline; detection leaves
    those by hand alone.

    The outline is kept as `checked_outline` mends it. Raises PoreguiError where it encloses nothing
    on the image or reaches into a mask, and for a project that cannot be written.
    """
    outline = checked_outline(outline.points, (micrograph.width, micrograph.height))
    check_outline_outside_masks(
        micrograph, outline, [known[1]] if known and known[1] is not None else []
    )
    if known is None:
        new = _new(project, project.next_id("crops"), outline, micrograph, image, origin)
        return ReplacePores((new,), text="draw outline")
    crop, before = known
    changed = _by_hand(_around(project, crop, outline, micrograph, image))
    return ReplacePores((), (OutlinedCrop(crop, before),), (changed,), text="change outline")


def _by_hand(one: OutlinedCrop) -> OutlinedCrop:
    """Return the same, marked as made by hand, so that detection leaves the outline alone."""
    return replace(one, crop=replace(one.crop, origin="hand"))


def _new(
    project: Project,
    crop_id: int,
    outline: Outline,
    micrograph: Micrograph,
    image: Pyramid,
    origin: Origin,
) -> OutlinedCrop:
    box = _box(project, outline, micrograph)
    check_outside_masks(micrograph, box)
    crop = Crop(
        crop_id,
        _keep(project, image, box),
        box.width,
        box.height,
        micrograph.id,
        box,
        origin=origin,
    )
    return OutlinedCrop(crop, outline)


def _around(
    project: Project, crop: Crop, outline: Outline, micrograph: Micrograph, image: Pyramid
) -> OutlinedCrop:
    """Return a crop with another outline, its box moved where the outline leaves it."""
    inner = outline.bounds
    box = crop.box
    fits = box is not None and box.x <= inner.x and box.y <= inner.y
    if fits and box is not None and inner.right <= box.right and inner.bottom <= box.bottom:
        return OutlinedCrop(crop, outline)
    box = _box(project, outline, micrograph)
    moved = replace(
        crop, box=box, width=box.width, height=box.height, pixels=_keep(project, image, box)
    )
    return OutlinedCrop(moved, outline)


def _box(project: Project, outline: Outline, micrograph: Micrograph) -> Box:
    recipe = detection_recipe(project)
    if recipe.view == "fixed" and recipe.view_unit == "um" and micrograph.um_per_px is None:
        recipe = replace(recipe, view="multiple")
    bounds = outline.bounds.clipped(micrograph.width, micrograph.height) or Box(0, 0, 1, 1)
    return recipe.crop_box(bounds, micrograph.width, micrograph.height, micrograph.um_per_px)


def _keep(project: Project, image: Pyramid, box: Box) -> str:
    project.check_writable()
    return project.pixels.add(CropPixels(cut(image, box), image.grey_low, image.grey_high))

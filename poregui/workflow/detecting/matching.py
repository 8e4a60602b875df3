"""Match the pores that were found with the crops that are there, so that labels stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop, Origin
from poregui.vision.shape.overlaps import Overlaps, near_boxes, overlaps
from poregui.workflow.editing.edits import OutlinedCrop, ReplacePores

SAME = 0.4
"""Intersection over union from which two outlines are of the same pore; below, too much changed to
trust a label.
"""
_COVERED = 0.5
"""Part of a pore in a crop that stays (or the other way round) from which it is not proposed a
second time.
"""
_SEEN = 0.01
"""Part of a hand-drawn box that a pore beside its middle fills at least to be what the box was
drawn for.
"""


@dataclass(frozen=True)
class NewPore:
    """Hold a pore that was found: its outline, its crop, and the key of the crop's pixels."""

    outline: Outline
    box: Box
    pixels: str


@dataclass(frozen=True)
class Settled:
    """Hold the edit that brings new pores in, and what it means for labels.

    `carried` labelled crops took the outline of a new pore; `stayed` are the ids of labelled crops
    for which none was found (they stay as they were); `kept_by_hand` counts crops whose outline a
    person drew or brought, left alone.
    """

    edit: ReplacePores
    carried: int
    stayed: tuple[int, ...]
    kept_by_hand: int


def settle(
    micrograph_id: int,
    crops: Sequence[Crop],
    outlines: Mapping[int, Outline],
    pores: Sequence[NewPore],
    first_id: int,
) -> Settled:
    """Return what becomes of a micrograph's crops when these pores are found; `first_id` is the
    next free crop id.

    A crop whose outline is that of a new pore keeps its id, and with it its label, log and remarks,
    and takes the new outline; a crop without outline takes that of the pore in its box. Outlines
    drawn by hand or imported are left alone. What has a label, or was put by a person, stays;
    proposals that were not found again go.
    """
    outlined = [crop for crop in crops if crop.id in outlines]
    shared = overlaps(
        [outlines[c.id].points for c in outlined], [pore.outline.points for pore in pores]
    )
    pore_of = _same(shared, [crop.label is not None for crop in outlined])
    pairs = {outlined[index].id: pore for index, pore in pore_of.items()}
    taken = set(pairs.values())
    pairs |= _in_the_box(
        [c for c in crops if c.id not in outlines and c.box is not None], pores, taken
    )
    by_hand = {crop.id for crop in outlined if crop.origin in ("hand", "import")}
    gone = {crop.id for crop in crops if crop.id not in pairs and crop.is_candidate}
    stays = {
        index
        for index, c in enumerate(outlined)
        if c.id in by_hand or (c.id not in pairs and c.id not in gone)
    }
    new = sorted(set(range(len(pores))) - set(pairs.values()) - _covered(shared, stays))
    before = []
    after = []
    for crop in crops:
        if crop.id in pairs and crop.id not in by_hand:
            old = OutlinedCrop(crop, outlines.get(crop.id))
            changed = OutlinedCrop(
                _moved(crop, pores[pairs[crop.id]]), pores[pairs[crop.id]].outline
            )
            if changed != old:
                before.append(old)
                after.append(changed)
    added = tuple(
        _candidate(first_id + index, micrograph_id, pores[number])
        for index, number in enumerate(new)
    )
    return Settled(
        ReplacePores(added, tuple(before), tuple(after), tuple(sorted(gone))),
        carried=sum(crop.label is not None and crop.id in pairs for crop in crops),
        stayed=tuple(crop.id for crop in crops if crop.label is not None and crop.id not in pairs),
        kept_by_hand=len(by_hand),
    )


def _same(shared: Overlaps, labelled: Sequence[bool]) -> dict[int, int]:
    """Return for places in the first set the place in the second that is the same pore, each at
    most once.
    """
    if len(shared.first):
        rank = np.array(labelled, dtype=np.bool_)[shared.first]
    else:
        rank = np.zeros(0, np.bool_)
    order = np.lexsort((-shared.iou, ~rank))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for pair in order[shared.iou[order] >= SAME].tolist():
        one = int(shared.first[pair])
        other = int(shared.second[pair])
        if one not in found and other not in taken:
            found[one] = other
            taken.add(other)
    return found


def _in_the_box(crops: Sequence[Crop], pores: Sequence[NewPore], taken: set[int]) -> dict[int, int]:
    """Return for crops without outline, by id, the free pore that they show: around the middle,
    else the largest.
    """
    boxes = _edges([c.box for c in crops if c.box])
    bounds = _edges([pore.outline.bounds for pore in pores])
    one, other = near_boxes(boxes, bounds)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    room = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    beyond = np.minimum(middle[one] - bounds[other, :2], bounds[other, 2:] - middle[one])
    around = beyond.min(axis=1, initial=np.inf) >= 0
    inside = np.minimum(boxes[one, 2:], bounds[other, 2:]) - np.maximum(
        boxes[one, :2], bounds[other, :2]
    )
    area = (bounds[other, 2:] - bounds[other, :2]).prod(axis=1)
    fits = inside.prod(axis=1) >= _COVERED * area
    candidates = np.flatnonzero((around | (area >= _SEEN * room[one])) & fits)
    order = candidates[np.lexsort((-area[candidates], ~around[candidates]))]
    found: dict[int, int] = {}
    used = set(taken)
    for pair in order.tolist():
        crop_id = crops[int(one[pair])].id
        pore = int(other[pair])
        if crop_id not in found and pore not in used:
            found[crop_id] = pore
            used.add(pore)
    return found


def _edges(boxes: Sequence[Box]) -> NDArray[np.float64]:
    edges = [(box.x, box.y, box.right, box.bottom) for box in boxes]
    return np.array(edges, np.float64).reshape(-1, 4)


def _covered(shared: Overlaps, stays: set[int]) -> set[int]:
    """Return the new pores that lie in a crop which stays as it is, or hold one."""
    most = np.maximum(shared.of_first, shared.of_second) > _COVERED
    return {
        int(other)
        for one, other in zip(shared.first[most], shared.second[most], strict=True)
        if int(one) in stays
    }


def _moved(crop: Crop, pore: NewPore) -> Crop:
    """Return a crop around a new outline: a proposal as the recipe says, another one only where it
    must move.

    A box that was drawn or imported without outline then holds one that was found, as if it had
    been clicked, and follows the next recipe.
    """
    assert crop.box is not None
    origin: Origin = crop.origin
    if origin in ("hand", "import"):
        origin = "click"
    if crop.origin != "detected" and _holds(crop.box, pore.outline.bounds):
        return replace(crop, origin=origin)
    box = pore.box
    return replace(
        crop, box=box, width=box.width, height=box.height, pixels=pore.pixels, origin=origin
    )


def _holds(box: Box, inner: Box) -> bool:
    return (
        box.x <= inner.x
        and box.y <= inner.y
        and inner.right <= box.right
        and inner.bottom <= box.bottom
    )


def _candidate(crop_id: int, micrograph_id: int, pore: NewPore) -> OutlinedCrop:
    box = pore.box
    crop = Crop(crop_id, pore.pixels, box.width, box.height, micrograph_id, box, origin="detected")
    return OutlinedCrop(crop, pore.outline)

"""Build the edits that labelling, drawing and accepting suggestions ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from poregui.domain.classes import (
    FEWEST_CLASSES,
    NOT_A_PORE,
    PoreClass,
    check_free,
    class_named,
    clean_name,
    letter_for,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop, How, Micrograph, Origin, Specimen, check_pixel_size
from poregui.domain.wording import count, noun
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import (
    AddCrops,
    AddSpecimens,
    ChangeCrop,
    ChangeMicrographs,
    Combined,
    Edit,
    LabelChange,
    Remove,
    SetClasses,
    SetLabels,
    SetReferenceCrops,
)
from poregui.workflow.editing.micrograph_edits import check_outside_masks

_FEW = 1000
"""Crops whose labels are asked for by id; for more, all labels are read."""
SMALLEST_CROP = 8
"""Shortest side of a crop in px that can be drawn."""


def label_crops(
    project: Project, crop_ids: Sequence[int], label: int | None, *, who: str, how: How = "hand"
) -> SetLabels:
    """Return the edit that gives crops a label (None takes it away); crops that have it already
    stay as they are, but for accepted suggestions, which are a person's from then on.
    """
    if len(crop_ids) <= _FEW:
        labels = project.labels_of(crop_ids)
    else:
        labels = project.labels()
    changes = []
    same = []
    for crop_id in crop_ids:
        before = (
            labels[crop_id] if crop_id in labels else project.crop(crop_id).label
        )  # raises for one that is gone
        if before != label:
            changes.append(LabelChange(crop_id, before, label))
        elif label is not None and how == "hand":
            same.append(crop_id)
    if same:
        accepted = project.accepted_labels()
        changes += [LabelChange(one, label, label) for one in same if one in accepted]
    return SetLabels(tuple(changes), who=who, how=how)


def new_crop(
    project: Project,
    micrograph: Micrograph,
    box: Box,
    pixels: CropPixels,
    *,
    who: str,
    label: int | None = None,
    origin: Origin = "hand",
    outline: Outline | None = None,
) -> AddCrops:
    """Keep the pixels of a box of a micrograph and return the edit that adds the crop.

    Raises PoreguiError when the project is read-only or the box is too small.
    """
    check_outside_masks(micrograph, box)
    crop = Crop(
        id=project.next_id("crops"),
        pixels=_keep(project, box, pixels),
        width=box.width,
        height=box.height,
        micrograph_id=micrograph.id,
        box=box,
        label=label,
        origin=origin,
    )
    return AddCrops((crop,), who=who, outlines=() if outline is None else ((crop.id, outline),))


def move_crop(project: Project, crop: Crop, box: Box, pixels: CropPixels) -> ChangeCrop:
    """Keep the pixels of the new box and return the edit that moves or resizes a crop."""
    before = project.crop(crop.id)
    for micrograph in project.micrographs():
        if micrograph.id == before.micrograph_id:
            check_outside_masks(micrograph, box)
    after = replace(
        before, box=box, width=box.width, height=box.height, pixels=_keep(project, box, pixels)
    )
    return ChangeCrop(before, after)


def _keep(project: Project, box: Box, pixels: CropPixels) -> str:
    project.check_writable()
    if min(box.width, box.height) < SMALLEST_CROP:
        raise PoreguiError(
            f"A crop of {box.width} x {box.height} px is too small to show a pore.",
            "Draw a larger box.",
        )
    if pixels.array.shape[:2] != (box.height, box.width):
        raise ValueError(
            f"pixels of shape {pixels.array.shape} for a box of {box.width} x {box.height}"
        )
    return project.pixels.add(pixels)


def remove_crops(crop_ids: Sequence[int]) -> Remove:
    """Return the edit that deletes crops."""
    return Remove(tuple(crop_ids))


def remove_micrographs(project: Project, micrograph_ids: Sequence[int]) -> Remove:
    """Return the edit that deletes micrographs with their crops."""
    crops = [crop for one in micrograph_ids for crop in project.crops(micrograph_id=one)]
    return Remove(tuple(crop.id for crop in crops), tuple(micrograph_ids))


def labels_lost_with(project: Project, micrograph_ids: Sequence[int]) -> int:
    """Return how many labelled crops go when micrographs are deleted."""
    return sum(
        crop.label is not None
        for one in micrograph_ids
        for crop in project.crops(micrograph_id=one)
    )


def set_scale(
    micrographs: Sequence[Micrograph], um_per_px: float | None, *, source: str = "set by hand"
) -> Edit:
    """Return the edit that sets the scale of micrographs in um per px; None makes it unknown.

    Raises PoreguiError for a scale that no micrograph has.
    """
    if um_per_px is not None:
        check_pixel_size(um_per_px)
    after = tuple(
        replace(m, um_per_px=um_per_px, scale_source=source if um_per_px is not None else "")
        for m in micrographs
    )
    return ChangeMicrographs(tuple(micrographs), after, text="set scale")


def set_specimen(project: Project, micrographs: Sequence[Micrograph], name: str) -> Edit:
    """Return the edit that assigns micrographs to the specimen of a name, which is made when it is
    new.
    """
    wanted = " ".join(name.split())
    edits: list[Edit] = []
    specimen_id: int | None = None
    if wanted:
        specimen_id = next((s.id for s in project.specimens() if s.name == wanted), None)
        if specimen_id is None:
            specimen_id = project.next_id("specimens")
            edits.append(AddSpecimens((Specimen(specimen_id, wanted),)))
    after = tuple(replace(m, specimen_id=specimen_id) for m in micrographs)
    edits.append(ChangeMicrographs(tuple(micrographs), after, text="set specimen"))
    return Combined(tuple(edits), text="set specimen")


def add_class(project: Project, name: str) -> SetClasses:
    """Return the edit that adds a class, or brings back the retired one of that name.

    Raises PoreguiError for an unfit or taken name.
    """
    before = project.classes(retired=True)
    added = class_named(project.next_id("classes"), name, before)
    kept = tuple(c for c in before if c.id != added.id)
    verb = "add" if len(kept) == len(before) else "bring back"
    return SetClasses(before, (*kept, added), text=f"{verb} class {added.name}")


def change_class(project: Project, changed: PoreClass) -> SetClasses:
    """Return the edit that renames, recolours or redefines a class.

    Raises PoreguiError for an unfit or taken name.
    """
    before = project.classes(retired=True)
    name = clean_name(changed.name)
    others = [c for c in before if c.id != changed.id and not c.retired]
    old = next(c for c in before if c.id == changed.id)
    if name != old.name:
        check_free(
            name,
            [c for c in before if c.id != changed.id],
            "Choose another name, or merge the two.",
        )
    letter = changed.letter
    if name != old.name and letter == old.letter:
        letter = letter_for(name, {c.letter for c in others})
    after = tuple(
        replace(changed, name=name, letter=letter) if c.id == changed.id else c for c in before
    )
    return SetClasses(before, after, text=f"change class {name}")


def reorder_classes(project: Project, class_ids: Sequence[int]) -> SetClasses:
    """Return the edit that puts the classes in this order; keys and matrices follow."""
    before = project.classes(retired=True)
    position_of = {class_id: i for i, class_id in enumerate(class_ids)}
    after = tuple(
        replace(c, position=position_of.get(c.id, len(position_of) + c.position)) for c in before
    )
    return SetClasses(before, after, text="reorder classes")


def retire_class(project: Project, class_id: int) -> SetClasses:
    """Return the edit that retires a class: it takes no new labels, and old runs still know it.

    Raises PoreguiError when crops carry it, or when fewer than two classes would be left.
    """
    before = project.classes(retired=True)
    name = next(c.name for c in before if c.id == class_id)
    carried = project.label_counts()[class_id]
    if carried:
        raise PoreguiError(
            f"{count(carried, 'crop')} {noun(carried, 'is', 'are')} labelled {name}.",
            "Merge it into another class, or relabel them first.",
        )
    return SetClasses(before, _retired(before, class_id), text=f"archive class {name}")


def merge_classes(project: Project, merged_id: int, into_id: int, *, who: str) -> Edit:
    """Return the edit that relabels all crops of a class with another one and retires the first."""
    if merged_id == into_id:
        raise PoreguiError("A class cannot be merged into itself.", "Choose another class.")
    before = project.classes(retired=True)
    names = {c.id: c.name for c in before}
    relabelled = tuple(
        LabelChange(c.id, merged_id, into_id) for c in project.crops() if c.label == merged_id
    )
    text = f"merge {names[merged_id]} into {names[into_id]}"
    retired = SetClasses(before, _retired(before, merged_id), text)
    if not relabelled:
        return retired
    return Combined((retired, SetLabels(relabelled, who, "merge")), text)


def _retired(classes: tuple[PoreClass, ...], class_id: int) -> tuple[PoreClass, ...]:
    active = [c for c in classes if not c.retired and c.id != class_id]
    if len(active) < FEWEST_CLASSES:
        raise PoreguiError(
            f"A project needs at least {FEWEST_CLASSES} classes.", "Add another class first."
        )
    position_of = {c.id: i for i, c in enumerate(active)}
    return tuple(
        replace(
            c, retired=c.retired or c.id == class_id, position=position_of.get(c.id, c.position)
        )
        for c in classes
    )


def set_reference_crops(
    project: Project, class_id: int, crop_ids: Sequence[int]
) -> SetReferenceCrops:
    """Return the edit that chooses the crops of a class card."""
    return SetReferenceCrops(class_id, project.reference_crops(class_id), tuple(crop_ids))


def accept_suggestions(project: Project, suggested: Mapping[int, int], *, who: str) -> SetLabels:
    """Return the edit that labels crops (id to label) as suggested, all in one step; the log says
    `accepted`.

    Crops that are gone, or that a person has labelled already, stay as they are, and so do those
    that were taken for a class that has been archived since.
    """
    live = {NOT_A_PORE, *(pore_class.id for pore_class in project.classes())}
    if len(suggested) <= _FEW:
        labels = project.labels_of(suggested)
    else:
        labels = project.labels()
    changes = [
        LabelChange(crop_id, None, label)
        for crop_id, label in suggested.items()
        if label in live and crop_id in labels and labels[crop_id] is None
    ]
    return SetLabels(tuple(changes), who=who, how="accepted")

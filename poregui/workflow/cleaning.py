"""Build the edits of how micrographs are shown, masked and sorted into specimens; changes with what can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from poregui.domain.display import Display
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.domain.outline import Outline
from poregui.domain.records import Micrograph, Specimen
from poregui.store.project import Project
from poregui.vision.masked import masked_area
from poregui.workflow.edits import AddSpecimens, ChangeMicrographs, Combined, Edit

_ROUNDED_PX, _ROUNDED = 2, 0.02
"""Pixels, and share of those masked before, by which drawing an outline anew may seem to reach further."""
Step = Callable[[Sequence[Micrograph]], Edit | None]


def set_display(micrographs: Sequence[Micrograph], display: Display | None) -> ChangeMicrographs:
    """Return the edit that shows micrographs through a contrast window; None shows the file's own range.

    Only the picture on the screen changes: crops keep the stored values and the grey range of their file.
    """
    after = tuple(replace(m, display=display) for m in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="change contrast")


def set_masks(micrograph: Micrograph, masks: Sequence[Mask], *, text: str = "change masks") -> ChangeMicrographs:
    """Return the edit that gives a micrograph these masks."""
    return ChangeMicrographs((micrograph,), (replace(micrograph, masks=tuple(masks)),), text=text)


def mask_info_bars(found: Iterable[tuple[Micrograph, Box]]) -> ChangeMicrographs:
    """Return the edit that masks the info bar of each micrograph in the place of one that was masked before."""
    pairs = tuple(found)
    after = tuple(
        replace(m, masks=(*(mask for mask in m.masks if mask.kind != "bar"), Mask.of_box(box, "bar")))
        for m, box in pairs
    )
    return ChangeMicrographs(tuple(m for m, _ in pairs), after, text="mask info bar")


def check_outside_masks(micrograph: Micrograph, box: Box) -> None:
    """Raise PoreguiError when the middle of a box lies in a mask of the micrograph."""
    if any(mask.contains(*box.centre) for mask in micrograph.masks):
        raise PoreguiError("This place is masked off.", "Crop elsewhere, or take the mask away (tab Picture).")


def check_outline_outside_masks(micrograph: Micrograph, outline: Outline, before: Sequence[Outline] = ()) -> None:
    """Raise PoreguiError when an outline reaches into a mask, by more than those that it takes the place of did."""
    reaches = masked_area(micrograph.masks, outline.points)
    if not reaches:
        return
    did = sum(masked_area(micrograph.masks, old.points) for old in before)
    if reaches > did + max(_ROUNDED_PX, _ROUNDED * did):
        raise PoreguiError(
            "This outline reaches into what is masked off.", "Draw it beside that, or take the mask away (tab Picture)."
        )


def set_specimens(project: Project, named: Iterable[tuple[Micrograph, str | None]]) -> Edit | None:
    """Return the one edit that assigns micrographs to the specimens named, made where new; None when nothing changes.

    Micrographs with None keep the specimen that they have.
    """
    known = {s.name: s.id for s in project.specimens()}
    following = project.next_id("specimens")
    added: list[Specimen] = []
    before: list[Micrograph] = []
    after: list[Micrograph] = []
    for micrograph, name in named:
        if name is None:
            continue
        if name not in known:
            known[name] = following + len(added)
            added.append(Specimen(known[name], name))
        if micrograph.specimen_id != known[name]:
            before.append(micrograph)
            after.append(replace(micrograph, specimen_id=known[name]))
    if not before:
        return None
    change = ChangeMicrographs(tuple(before), tuple(after), text="set specimens")
    edits: tuple[Edit, ...] = (AddSpecimens(tuple(added)), change) if added else (change,)
    return Combined(edits, text="set specimens")


def change_several(micrographs: Sequence[Micrograph], steps: Iterable[Step]) -> Edit | None:
    """Return the one edit of all steps, each built on what those before it leave; None when nothing changes."""
    now = {m.id: m for m in micrographs}
    edits: list[Edit] = []
    for step in steps:
        edit = step(tuple(now.values()))
        if edit is not None:
            edits.append(edit)
            now |= {m.id: m for m in _left_by(edit)}
    if len(edits) == 1:
        return edits[0]
    return Combined(tuple(edits), text="change micrographs") if edits else None


def _left_by(edit: Edit) -> tuple[Micrograph, ...]:
    if isinstance(edit, Combined):
        return tuple(m for part in edit.edits for m in _left_by(part))
    return edit.after if isinstance(edit, ChangeMicrographs) else ()

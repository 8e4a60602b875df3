"""Build the edits of how micrographs are shown, masked and sorted into specimens; changes with what can be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from poregui.domain.display import Display
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.domain.outline import Outline
from poregui.domain.records import Micrograph, Specimen
from poregui.store.project import Project
from poregui.vision.pores.specimen_area import masked_area
from poregui.workflow.editing.edits import AddSpecimens, ChangeMicrographs, Combined, Edit

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


def specimen_expression(pattern: str) -> re.Pattern[str]:
    """Return what finds the specimen in a file name.

    `pattern` is plain, such as `{specimen}_*.tif` (`*` any characters, `?` one), or a regular expression with a group
    named `specimen`, or else with a first group. Raises PoreguiError for others.
    """
    text = pattern.strip()
    if "{specimen}" in text:
        parts = re.split(r"(\{specimen\}|\*|\?)", text)
        if parts.count("{specimen}") > 1:
            raise PoreguiError(f"The pattern {text!r} names the specimen twice.", "Write {specimen} once.")
        meant = {"{specimen}": "(?P<specimen>.+?)", "*": ".*", "?": "."}
        return re.compile("^" + "".join(meant.get(part, re.escape(part)) for part in parts) + "$", re.IGNORECASE)
    try:
        made = re.compile(text)
    except re.error as error:
        raise PoreguiError(
            f"{text!r} is no regular expression ({error}).", "Write for example {specimen}_*.tif."
        ) from error
    if not made.groups:
        raise PoreguiError(
            f"The pattern {text!r} has no group.", "Write {specimen} in the place of the specimen: {specimen}_*.tif."
        )
    return made


def specimens_in_names(micrographs: Sequence[Micrograph], pattern: str) -> tuple[tuple[Micrograph, str | None], ...]:
    """Return each micrograph with the specimen that its name holds, None where the pattern does not fit.

    Raises PoreguiError for an unfit pattern.
    """
    expression = specimen_expression(pattern)
    return tuple((m, specimen_in(m.name, expression)) for m in micrographs)


def specimen_in(name: str, expression: re.Pattern[str]) -> str | None:
    """Return the specimen that an expression (see `specimen_expression`) finds in a file name, or None."""
    found = expression.search(name)
    group: str | int = "specimen" if "specimen" in expression.groupindex else 1
    return " ".join((found.group(group) or "").split()) or None if found else None


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

"""Build the edits of how micrographs are shown, masked, oriented and sorted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import (
    Changed,
    Detection,
    Display,
    Line,
    Micrograph,
    Plane,
    Specimen,
)
from poregui.store.project import Project
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.io.reader import read_header
from poregui.vision.pores.specimen_area import masked_area
from poregui.workflow.editing.edits import (
    AddSpecimens,
    ChangeMicrographs,
    Combined,
    Edit,
    SetSetting,
    Swap,
    changed,
)
from poregui.workflow.importing.image_identity import check_same

_ROUNDED_PX = 2
_ROUNDED = 0.02
"""Pixels, and share of those masked before, by which drawing an outline anew may seem to reach
further.
"""
Step = Callable[[Sequence[Micrograph]], Edit | None]


def set_display(micrographs: Sequence[Micrograph], display: Display | None) -> ChangeMicrographs:
    """Return the edit that shows micrographs through a contrast window; None shows the file's own
    range.

    Only the image on the screen changes: crops keep the stored values and the grey range of their
    file.
    """
    after = tuple(replace(m, display=display) for m in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="change contrast")


def set_masks(
    micrograph: Micrograph, masks: Sequence[Mask], *, text: str = "change masks"
) -> ChangeMicrographs:
    """Return the edit that gives a micrograph these masks."""
    return ChangeMicrographs((micrograph,), (replace(micrograph, masks=tuple(masks)),), text=text)


def give_masks(
    micrographs: Sequence[Micrograph], masks: Sequence[Mask], *, text: str = "copy masks"
) -> ChangeMicrographs | None:
    """Return the edit that gives these masks to all of the micrographs that have none, None where
    every one has some.
    """
    bare = tuple(one for one in micrographs if not one.masks)
    if not bare:
        return None
    return ChangeMicrographs(bare, tuple(replace(m, masks=tuple(masks)) for m in bare), text=text)


def similar_to(one: Micrograph, micrographs: Iterable[Micrograph]) -> list[Micrograph]:
    """Return the other micrographs whose images are of the same size and kind, which the same
    camera at the same settings makes.
    """

    def kind(micrograph: Micrograph) -> tuple[int, int, int, int]:
        return micrograph.width, micrograph.height, micrograph.bits, micrograph.channels

    return [other for other in micrographs if other.id != one.id and kind(other) == kind(one)]


def set_checked(
    micrographs: Sequence[Micrograph], *, checked: bool = True
) -> ChangeMicrographs | None:
    """Return the edit that says of whole micrographs that every pore in them has its outline, or
    takes back what was said of any part of them; None when nothing changes.
    """
    before = [one for one in micrographs if not checked or not one.is_checked]
    before = [one for one in before if checked or one.checked_areas]
    if not before:
        return None
    after = tuple(replace(one, checked_areas=(one.whole,) if checked else ()) for one in before)
    text = "mark as checked" if checked else "mark as not checked"
    return ChangeMicrographs(tuple(before), after, text=text)


def add_checked_area(micrograph: Micrograph, area: Line) -> ChangeMicrographs:
    """Return the edit that says that every pore in a part of a micrograph has its outline."""
    areas = (*micrograph.checked_areas, area)
    return set_checked_areas(micrograph, areas, text="mark area as checked")


def set_checked_areas(
    micrograph: Micrograph, areas: Sequence[Line], *, text: str = "remove checked area"
) -> ChangeMicrographs:
    """Return the edit that gives a micrograph these checked areas."""
    after = replace(micrograph, checked_areas=tuple(areas))
    return ChangeMicrographs((micrograph,), (after,), text=text)


def mask_info_bars(found: Iterable[tuple[Micrograph, Box]]) -> ChangeMicrographs:
    """Return the edit that masks the info bar of each micrograph in the place of one that was
    masked before.
    """
    pairs = tuple(found)
    after = tuple(
        replace(
            m, masks=(*(mask for mask in m.masks if mask.kind != "bar"), Mask.of_box(box, "bar"))
        )
        for m, box in pairs
    )
    return ChangeMicrographs(tuple(m for m, _ in pairs), after, text="mask info bar")


def check_outside_masks(micrograph: Micrograph, box: Box) -> None:
    """Raise PoreguiError when the middle of a box lies in a mask of the micrograph."""
    if any(mask.contains(*box.centre) for mask in micrograph.masks):
        raise PoreguiError(
            "This area is masked.", "Crop elsewhere, or remove the mask (Image tab)."
        )


def check_outline_outside_masks(
    micrograph: Micrograph, outline: Outline, before: Sequence[Outline] = ()
) -> None:
    """Raise PoreguiError when an outline reaches into a mask, by more than those that it takes the
    place of did.
    """
    reaches = masked_area(micrograph.masks, outline.points)
    if not reaches:
        return
    did = sum(masked_area(micrograph.masks, old.points) for old in before)
    if reaches > did + max(_ROUNDED_PX, _ROUNDED * did):
        raise PoreguiError(
            "This outline reaches into a masked area.",
            "Draw it outside that area, or remove the mask (Image tab).",
        )


def set_specimens(project: Project, named: Iterable[tuple[Micrograph, str | None]]) -> Edit | None:
    """Return the one edit that assigns micrographs to the specimens named, made where new; None
    when nothing changes.

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
    edits: tuple[Edit, ...]
    if added:
        edits = (AddSpecimens(tuple(added)), change)
    else:
        edits = (change,)
    return Combined(edits, text="set specimens")


def change_several(micrographs: Sequence[Micrograph], steps: Iterable[Step]) -> Edit | None:
    """Return the one edit of all steps, each built on what those before it leave; None when nothing
    changes.
    """
    now = {m.id: m for m in micrographs}
    edits: list[Edit] = []
    for step in steps:
        edit = step(tuple(now.values()))
        if edit is not None:
            edits.append(edit)
            now |= {m.id: m for m in _left_by(edit)}
    if len(edits) == 1:
        return edits[0]
    if edits:
        return Combined(tuple(edits), text="change micrographs")
    return None


def _left_by(edit: Edit) -> tuple[Micrograph, ...]:
    if isinstance(edit, Combined):
        return tuple(m for part in edit.edits for m in _left_by(part))
    if isinstance(edit, ChangeMicrographs):
        return edit.after
    return ()


def name_of(file: Path, plane: Plane) -> str:
    """Return what a micrograph is called: its file, and the plane where it is not the first."""
    return ", ".join(filter(None, (file.name, plane.text)))


def with_plane(file: Path, micrograph: Micrograph, plane: Plane) -> Micrograph:
    """Return a micrograph as it is with another plane of its file, which is read for it; may run in
    any thread.

    The scale follows where it is the one that the file gives for the plane until now. Raises
    ImageError, also for a file that is another one now.
    """
    check_same(micrograph, file, None)
    try:
        before = read_header(file, Plane.parse(micrograph.plane))
        follows = (before.um_per_px, before.scale_source) == (
            micrograph.um_per_px,
            micrograph.scale_source,
        )
    except ImageError:
        follows = False
    with open_pyramid(file, plane=plane) as image:
        after = replace(
            micrograph,
            name=name_of(file, plane),
            plane=str(plane),
            width=image.width,
            height=image.height,
            bits=image.bits,
            channels=image.channels,
            checked_areas=(),
        )
        if follows:
            return replace(after, um_per_px=image.um_per_px, scale_source=image.scale_source)
        return after


def change_plane(project: Project, before: Micrograph, after: Micrograph) -> ChangeMicrographs:
    """Return the edit that shows another plane; crops that were cut keep their pixels.

    Raises PoreguiError when a plane of another size is chosen, into which the crops that are there
    would not fit.
    """
    if (before.width, before.height) != (after.width, after.height) and project.crops(
        micrograph_id=before.id
    ):
        raise PoreguiError(
            f"{after.name} is {after.width} × {after.height} px, but the crops of "
            f"{before.shown_name} are from an image of {before.width} × {before.height} px.",
            "Import the file once more with that page.",
        )
    return ChangeMicrographs((before,), (after,), text="change page")


BUILD_DIRECTION_KEY = "build_direction_deg"
"""Under which the project keeps the build direction of micrographs that have none of their own."""


@dataclass(frozen=True)
class Frame:
    """Hold what orientation and distance to the surface rest on: degrees counter-clockwise from the
    right, and lines.

    `build_direction_deg` is None and `surfaces` empty where they are not known. `drawn` tells that
    a person drew the lines, or said that there are none.
    """

    build_direction_deg: float | None = None
    surfaces: tuple[Line, ...] = ()
    drawn: bool = False

    @property
    def lines(self) -> tuple[NDArray[np.float64], ...]:
        """Return the surfaces as arrays (M, 2)."""
        return tuple(np.array(line, dtype=np.float64) for line in self.surfaces)


def project_build_direction(project: Project) -> float | None:
    """Return the build direction that the project keeps, None where nobody gave one."""
    try:
        return checked_direction(float(project.meta(BUILD_DIRECTION_KEY)))
    except (ValueError, PoreguiError):
        return None


def frame_of(
    micrograph: Micrograph, detection: Detection | None, build_direction_deg: float | None
) -> Frame:
    """Return the frame of a micrograph: its own words first, then what detection found and the
    project says.
    """
    own = micrograph.build_direction_deg
    direction = build_direction_deg
    if own is not None:
        direction = own
    if micrograph.surfaces is not None:
        return Frame(direction, micrograph.surfaces, drawn=True)
    return Frame(direction, () if detection is None else detection.surfaces)


def frames_of(project: Project, micrographs: Iterable[Micrograph]) -> dict[int, Frame]:
    """Return the frames of micrographs by id, read from the project."""
    detections = project.detections()
    direction = project_build_direction(project)
    return {
        micrograph.id: frame_of(micrograph, detections.get(micrograph.id), direction)
        for micrograph in micrographs
    }


def checked_direction(degrees: float) -> float:
    """Return an angle as 0 to below 360 degrees. Raises PoreguiError for one that is none."""
    if not math.isfinite(degrees) or abs(degrees) > 360:
        raise PoreguiError(
            f"{degrees:g} degrees is not a direction.",
            "Give 0 (right) to 360; 90 is upwards in the image.",
        )
    return degrees % 360


def direction_of(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return where a line from one point (x, y) in px to another points, in
    degrees as in `Frame`.
    """
    return round(math.degrees(math.atan2(start[1] - end[1], end[0] - start[0])) % 360, 1) % 360


def set_build_direction(
    micrographs: Sequence[Micrograph], degrees: float | None
) -> ChangeMicrographs:
    """Return the edit that gives micrographs a build direction; None leaves them to the project's.

    Raises PoreguiError for an angle that is none.
    """
    wanted = None if degrees is None else checked_direction(degrees)
    after = tuple(replace(micrograph, build_direction_deg=wanted) for micrograph in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="set build direction")


def set_project_build_direction(project: Project, degrees: float | None) -> SetSetting:
    """Return the edit that gives the project a build direction, None: unknown.

    Raises PoreguiError as above.
    """
    if degrees is None:
        text = ""
    else:
        text = f"{checked_direction(degrees):.10g}"
    return SetSetting(
        BUILD_DIRECTION_KEY, project.meta(BUILD_DIRECTION_KEY), text, "set build direction"
    )


def set_surfaces(
    micrographs: Sequence[Micrograph], lines: Sequence[Line] | None
) -> ChangeMicrographs:
    """Return the edit that says where the specimen ends: lines, none in view, or (None) what
    detection found.

    Raises PoreguiError for a line with fewer than two points, or with values that are no numbers.
    """
    for line in lines or ():
        if len(line) < 2 or not np.isfinite(np.array(line, dtype=np.float64)).all():
            raise PoreguiError(
                "A line needs at least two points.", "Click both ends and the corners between them."
            )
    surfaces = None if lines is None else tuple(lines)
    after = tuple(replace(micrograph, surfaces=surfaces) for micrograph in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="change surface")


_Noted = tuple[tuple[int, Detection | None], ...]


@dataclass(frozen=True)
class SetDetections(Swap[_Noted]):
    """Note of micrographs (by id) that pores were looked for in them; None before: never."""

    before: _Noted
    after: _Noted
    text: str = "find pores"

    def put(self, project: Project, value: _Noted) -> Changed:
        """Write what is said."""
        for micrograph_id, detection in value:
            project.put_detection(micrograph_id, detection)
        return changed("detections")

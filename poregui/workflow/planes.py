"""Change which page, channel or slice of its file a micrograph shows; changes with what depends on that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.plane import Plane
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.vision.image_io import read_header
from poregui.vision.large_images import open_pyramid
from poregui.workflow.edits import ChangeMicrographs
from poregui.workflow.same_picture import check_same


def name_of(file: Path, plane: Plane) -> str:
    """Return what a micrograph is called: its file, and the plane where it is not the first."""
    return ", ".join(filter(None, (file.name, plane.words)))


def with_plane(file: Path, micrograph: Micrograph, plane: Plane) -> Micrograph:
    """Return a micrograph as it is with another plane of its file, which is read for it; may run in any thread.

    The scale follows where it is the one that the file gives for the plane until now. Raises ImageError, also for a
    file that is another one now.
    """
    check_same(micrograph, file, None)
    try:
        before = read_header(file, Plane.parse(micrograph.plane))
        follows = (before.um_per_px, before.scale_source) == (micrograph.um_per_px, micrograph.scale_source)
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
        )
        return replace(after, um_per_px=image.um_per_px, scale_source=image.scale_source) if follows else after


def change_plane(project: Project, before: Micrograph, after: Micrograph) -> ChangeMicrographs:
    """Return the edit that shows another plane; crops that were cut keep their pixels.

    Raises PoreguiError when a plane of another size is chosen, into which the crops that are there would not fit.
    """
    if (before.width, before.height) != (after.width, after.height) and project.crops(micrograph_id=before.id):
        raise PoreguiError(
            f"{after.name} is {after.width} x {after.height} px, and the crops of {before.shown_name} lie in a picture "
            f"of {before.width} x {before.height} px.",
            "Import the file once more with that page.",
        )
    return ChangeMicrographs((before,), (after,), text="change page")

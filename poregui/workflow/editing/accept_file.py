"""Accept the file of a micrograph as it is now, when it is not the one that was imported.

An image that was only saved anew stays the micrograph that it was. One whose crops show other
pixels now comes in as a micrograph of its own, for labels belong to what was seen when they were
given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, Micrograph, Plane
from poregui.domain.wording import count
from poregui.store.files import current_hash
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.workflow.editing.edits import AddMicrographs, ChangeMicrographs, Combined, Edit
from poregui.workflow.editing.micrograph_edits import SetDetections
from poregui.workflow.importing.image_identity import CACHE

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class FileNow:
    """Hold what a file is now: hash, size in px, depth, scale; and whether the crops cut from it
    show the same pixels.

    `same_pixels` is None where there are no crops that could tell. `cut_again` is how many crops
    had lost their pixels and got them back from the file, `still_lost` how many did not.
    """

    sha256: str
    width: int
    height: int
    bits: int
    channels: int
    um_per_px: float | None
    scale_source: str
    same_pixels: bool | None
    cut_again: int = 0
    still_lost: int = 0


@dataclass(frozen=True)
class Accepted:
    """Hold the edit that accepts a file (None: there is nothing to accept) and
    a sentence for it.
    """

    edit: Edit | None
    sentence: str


def look_at_file(
    micrograph: Micrograph,
    file: Path,
    folder: Path,
    crops: Sequence[Crop],
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
) -> FileNow:
    """Read what the file of a micrograph is now; needs no project, so any thread may.

    Where it is the file that was imported, crops whose pixels are lost are cut from it again.
    `crops` are those of the micrograph, `folder` is the project's. Raises PoreguiError when the
    file cannot be read.
    """
    sha256 = current_hash(file, folder / CACHE)
    with open_pyramid(file, plane=Plane.parse(micrograph.plane)) as image:
        same: bool | None = True
        cut_again = still_lost = 0
        if sha256 == micrograph.sha256:
            cut_again, still_lost = _cut_again(image, micrograph, crops, pixels, progress)
        else:
            same = _shows_the_same(image, micrograph, crops, pixels, progress)
        return FileNow(
            sha256,
            image.width,
            image.height,
            image.bits,
            image.channels,
            image.um_per_px,
            image.scale_source,
            same,
            cut_again,
            still_lost,
        )


def _cut_again(
    image: Pyramid,
    micrograph: Micrograph,
    crops: Sequence[Crop],
    pixels: PixelStore,
    progress: Progress,
) -> tuple[int, int]:
    """Return how many crops got their pixels back from their image, and how many are lost yet."""
    kept = pixels.keys() if pixels.is_there else set()
    lost = [crop for crop in crops if crop.pixels not in kept]
    if not lost:
        return 0, 0
    pixels.make()
    again = 0
    with pixels.batch():
        for done, crop in enumerate(lost):
            progress(done, len(lost), micrograph.shown_name)
            if crop.box is not None:
                found = CropPixels(cut(image, crop.box), image.grey_low, image.grey_high)
                again += found.hash == crop.pixels and pixels.add(found) == crop.pixels
    return again, len(lost) - again


def _shows_the_same(
    image: Pyramid,
    micrograph: Micrograph,
    crops: Sequence[Crop],
    pixels: PixelStore,
    progress: Progress,
) -> bool | None:
    placed = [(crop, crop.box) for crop in crops if crop.box is not None]
    if not placed:
        return None
    if (image.width, image.height) != (micrograph.width, micrograph.height):
        return False
    for done, (crop, box) in enumerate(placed):
        progress(done, len(placed), micrograph.shown_name)
        if not np.array_equal(cut(image, box), pixels.get(crop.pixels).array):
            return False
    return True


def accept_file(project: Project, micrograph: Micrograph, now: FileNow) -> Accepted:
    """Return the edit that makes a file as it is now the one of a micrograph, or of a new one.

    Raises PoreguiError when the project is read-only or has the file's image as another
    micrograph.
    """
    project.check_writable()
    name = micrograph.shown_name
    if now.sha256 == micrograph.sha256:
        return Accepted(None, f"{name} is the file that was imported; {_lost_text(now)}")
    _check_unknown(project, micrograph, now)
    if now.same_pixels:
        return Accepted(
            _change(micrograph, _saved_anew(micrograph, now)),
            f"{name} was saved again, and its crops show the same pixels. It is accepted.",
        )
    if now.same_pixels is None:
        return Accepted(
            _in_its_place(project, micrograph, now), f"{name} is accepted as it is now."
        )
    return Accepted(
        _as_a_new_one(project, micrograph, now),
        f"{name} now contains a different image, imported as a new micrograph. The old micrograph "
        "keeps its crops and labels; import its original file to display it again.",
    )


def _lost_text(now: FileNow) -> str:
    """Return what became of crops without pixels, the second half of a sentence."""
    again = f"{count(now.cut_again, 'lost crop')} cut from it again."
    lost = (
        f"{count(now.still_lost, 'crop')} cannot be cut from it again; restore pixels.db from a "
        "backup."
    )
    if now.cut_again and now.still_lost:
        return f"{again} {lost}"
    if now.cut_again:
        return again
    if now.still_lost:
        return lost
    return "there is nothing to accept."


def _check_unknown(project: Project, micrograph: Micrograph, now: FileNow) -> None:
    for one in project.micrographs():
        if one.id != micrograph.id and (one.sha256, one.plane) == (now.sha256, micrograph.plane):
            raise PoreguiError(
                f"{micrograph.shown_name} now contains the image of {one.shown_name} (#{one.id}).",
                "Import the folder of both: each is found again by its content.",
            )


def _change(before: Micrograph, after: Micrograph) -> ChangeMicrographs:
    return ChangeMicrographs((before,), (after,), text="accept file")


def _saved_anew(micrograph: Micrograph, now: FileNow) -> Micrograph:
    return replace(micrograph, sha256=now.sha256, bits=now.bits, channels=now.channels)


def _in_its_place(project: Project, micrograph: Micrograph, now: FileNow) -> Edit:
    """Return the edit for a micrograph without crops: what was drawn on it stays where the size
    does.
    """
    after = replace(_saved_anew(micrograph, now), width=now.width, height=now.height)
    if (now.width, now.height) != (micrograph.width, micrograph.height):
        after = replace(after, masks=(), surfaces=None, checked_areas=())
    change = _change(micrograph, after)
    detection = project.detections().get(micrograph.id)
    if detection is None:
        return change
    forgotten = SetDetections(((micrograph.id, detection),), ((micrograph.id, None),))
    return Combined((change, forgotten), text="accept file")


def _as_a_new_one(project: Project, micrograph: Micrograph, now: FileNow) -> Edit:
    """Return the edit that adds the new image and leaves the old micrograph without a file."""
    folder, slash, file = micrograph.path.rpartition("/")
    aside = replace(micrograph, path=f"{folder}{slash}replaced {micrograph.sha256[:8]}/{file}")
    new = Micrograph(
        id=project.next_id("micrographs"),
        path=micrograph.path,
        name=micrograph.name,
        sha256=now.sha256,
        width=now.width,
        height=now.height,
        bits=now.bits,
        channels=now.channels,
        um_per_px=now.um_per_px,
        scale_source=now.scale_source,
        specimen_id=micrograph.specimen_id,
        plane=micrograph.plane,
    )
    return Combined((_change(micrograph, aside), AddMicrographs((new,))), text="accept file")

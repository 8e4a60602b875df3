"""Compare a micrograph's file with the image that was imported; find its pyramid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from poregui.domain.errors import ImageError, PoreguiError, faults_of
from poregui.domain.records import Micrograph, Plane
from poregui.store.files import (
    WORTH,
    current_hash,
    explain_write_error,
    is_link,
    open_plain,
    remembered_hash,
    replace_file,
    stamp_of,
)
from poregui.store.project import Project
from poregui.vision.io.pyramid import OpenFile, Pyramid, open_pyramid
from poregui.vision.io.pyramid_building import build_pyramid

CACHE = "cache"
"""The folder in a project whose files may be deleted at any time."""


def pyramid_file(folder: Path, micrograph: Micrograph) -> Path:
    """Return the file below a folder, usually a project's, that keeps the sizes of a micrograph
    with this content.
    """
    plane = "".join(f"-{part}" for part in micrograph.plane.replace("=", "").split(";") if part)
    return folder / CACHE / f"{micrograph.sha256[:32]}{plane}.tif"


def kept_sizes(folder: Path, micrograph: Micrograph) -> OpenFile:
    """Return what opens the file of `pyramid_file`, where it is a plain one."""
    return partial(open_plain, pyramid_file(folder, micrograph))


@contextmanager
def opened_micrograph(micrograph: Micrograph, file: Path, folder: Path) -> Iterator[Pyramid]:
    """Open the image of a micrograph, in the project of a folder, where its file still holds it.

    Whatever is wrong with the image while it is read is said as its own fault. Raises PoreguiError
    when the file cannot be read or holds another image now.
    """
    plane = Plane.parse(micrograph.plane)
    with (
        faults_of(micrograph.shown_name),
        open_pyramid(file, kept_sizes(folder, micrograph), plane) as image,
    ):
        if (image.width, image.height) != (micrograph.width, micrograph.height):
            raise PoreguiError(
                f"{micrograph.shown_name} is {image.width} x {image.height} px now, and was "
                f"{micrograph.width} x {micrograph.height} px.",
                "Restore the original file.",
            )
        check_same(micrograph, file, folder)
        yield image


def make_pyramid(
    source: Pyramid, of: Path, kept: Path, progress: Callable[[int, int], None]
) -> None:
    """Build the sizes that a large image lacks into the file `kept`, which is whole or not there.

    `progress` hears of tiles done and of how many, and may raise to stop; nothing is left then.
    What is no plain file in its place is removed. Raises PoreguiError when the image is damaged or
    the disk is full.
    """
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if is_link(kept) or not kept.is_file():
            kept.unlink(missing_ok=True)
    except OSError as error:
        raise explain_write_error(error, kept) from error
    replace_file(kept, lambda beside: build_pyramid(source, of, beside, progress))


def forget_pyramids(folder: Path, micrographs: Sequence[Micrograph]) -> None:
    """Delete the files of micrographs that are no longer there, and what a program that was killed
    left.
    """
    wanted = {pyramid_file(folder, micrograph).name for micrograph in micrographs}
    for file in (folder / CACHE).glob("*.tif"):
        if file.name not in wanted:
            with suppress(
                OSError
            ):  # another program may have it open; the next time is soon enough
                file.unlink()


REMEDY = (
    "Restore the original file, or import it from its new location. To use the new file, "
    "right-click the micrograph and choose Accept changed file, or run poregui micrographs PROJECT "
    "--name NAME --accept-file."
)


class OtherImage(ImageError):
    """Say that a file holds another image than the one that labels and outlines belong to."""


def check_same(micrograph: Micrograph, file: Path, folder: Path | None) -> None:
    """Raise OtherImage when a file's content is not that of the micrograph, ImageError when it
    cannot be read.

    `folder` is the project's, in whose cache it is remembered what was read; None: it is not
    remembered there.
    """
    check_content(file, micrograph.sha256, micrograph.shown_name, folder)


def check_content(file: Path, sha256: str, name: str, folder: Path | None = None) -> None:
    """Do what `check_same` does for a file whose hash is to be `sha256`; an empty one is not known
    and passes.
    """
    if sha256 and current_hash(file, _cache(folder)) != sha256:
        raise other_image(name)


def other_image(name: str) -> OtherImage:
    """Return the sentence for a file, called `name`, that holds another image now."""
    return OtherImage(f"{name} has changed since it was imported.", REMEDY)


def seems_other(micrograph: Micrograph, file: Path, folder: Path | None) -> bool:
    """Tell whether a file holds another image; a large one is not read for it, and False where
    nobody has looked.
    """
    try:
        if stamp_of(file)[0] < WORTH:
            return current_hash(file, _cache(folder)) != micrograph.sha256
        known = remembered_hash(file, _cache(folder))
    except ImageError:
        return False
    return known is not None and known != micrograph.sha256


def micrographs_by_file(project: Project) -> list[Micrograph]:
    """Return the micrographs of a project, of several on one file and plane the one whose image
    it holds.

    Projects of older versions may hold a micrograph for each image that a file had in turn.
    """
    by_file: dict[tuple[str, str], list[Micrograph]] = {}
    for micrograph in project.micrographs():
        key = str(project.micrograph_file(micrograph).resolve()), micrograph.plane
        by_file.setdefault(key, []).append(micrograph)
    found = [_held(project, several) for several in by_file.values()]
    return sorted(found, key=lambda one: one.id)


def _held(project: Project, several: list[Micrograph]) -> Micrograph:
    if len(several) > 1:
        file = project.micrograph_file(several[0])
        try:
            now = current_hash(file, _cache(project.folder))
        except ImageError:
            return several[-1]
        return next((one for one in several if one.sha256 == now), several[-1])
    return several[0]


def _cache(folder: Path | None) -> Path | None:
    return None if folder is None else folder / CACHE

"""Say where a project keeps the sizes that were built of large images, and build them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from poregui.domain.records import Micrograph
from poregui.store.files import explain_write_error, replace_file
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.io.pyramid_building import build_pyramid

CACHE = "cache"
"""The folder in a project whose files may be deleted at any time."""


def pyramid_file(folder: Path, micrograph: Micrograph) -> Path:
    """Return the file below a folder, usually a project's, that keeps the sizes of a micrograph
    with this content.
    """
    plane = "".join(f"-{part}" for part in micrograph.plane.replace("=", "").split(";") if part)
    return folder / CACHE / f"{micrograph.sha256[:32]}{plane}.tif"


def make_pyramid(
    source: Pyramid, of: Path, kept: Path, progress: Callable[[int, int], None]
) -> None:
    """Build the sizes that a large image lacks into the file `kept`, which is whole or not there.

    `progress` hears of tiles done and of how many, and may raise to stop; nothing is left then.
    Raises PoreguiError when the image is damaged or the disk is full.
    """
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
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

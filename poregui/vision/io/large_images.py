"""Open an image file so that parts of it can be read; changes with the ways in which files keep several sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poregui.domain.errors import ImageError
from poregui.domain.plane import FIRST, Plane
from poregui.vision.io.pixel_values import TooLarge
from poregui.vision.io.pyramid import LARGE, Level, Notes, Pyramid, array_pyramid
from poregui.vision.io.reader import in_a_sentence, read_image, read_size
from poregui.vision.io.scale import SPOILT, tiff_scale
from poregui.vision.io.tiff_decoding import check_stored, is_tiff, tiff_notes
from poregui.vision.io.tiff_levels import TiffFileParts, TiffLevel, readable_by_parts
from poregui.vision.io.tiff_sizes import sizes_of
from poregui.vision.io.tiff_stack import tiff_stack

FORMAT = 1
"""The way in which built pyramids are kept; others are built anew."""
_MOST_SIDE = 1_000_000
_ORIENTATION = 274


def open_pyramid(path: Path, cached: Path | None = None, plane: Plane = FIRST) -> Pyramid:
    """Return an image of any size, whose parts are read when they are asked for; `close` it at the end.

    Below `LARGE` pixels it is read as a whole. Above, a TIFF file is read by its own tiles or strips and smaller sizes;
    what it lacks comes from `cached`, a file of `build_pyramid`, where that is there and was made of this very file.
    Others are read as a whole where they fit into memory, and give a pyramid that is not complete.
    Raises ImageError with a sentence that names the file.
    """
    size = read_size(path, plane)
    if size is None or size[0] * size[1] <= LARGE:
        return array_pyramid(read_image(path, plane), path.name)
    with in_a_sentence(path):
        own = _by_parts(path, plane)
        if own is not None and own.is_complete:
            return own
        if cached is not None:
            found = _from_cache(path, cached, own)
            if found is not None:
                return found
        if own is not None:
            return own
    return array_pyramid(read_image(path, plane), path.name, least=_MOST_SIDE)


def _by_parts(path: Path, plane: Plane) -> Pyramid | None:
    """Return a TIFF file that is read by parts, or None where it has to be read as a whole."""
    with open(path, "rb") as file:
        if not is_tiff(file.read(8)):
            return None
    parts = TiffFileParts(path)
    try:
        size = path.stat().st_size
        stack = tiff_stack(parts.tiff, size)
        found = stack.find(parts.tiff, plane)
        page = found.page
        if found.skipped or not readable_by_parts(page):
            parts.close()
            return None
        if max(page.imagewidth, page.imagelength) > _MOST_SIDE:
            raise TooLarge(
                f"says that it is {page.imagewidth} x {page.imagelength} px, which is too large to open.",
                "Cut it into smaller pictures.",
            )
        check_stored(page, size)
        scale = tiff_scale(parts.tiff, page, found.image)
        notes = Notes(scale.um_per_px, scale.source, (*tiff_notes(stack, plane, page), *scale.warnings))
        levels = [TiffLevel(parts, one, found.sample) for one in sizes_of(parts.tiff, page)]
        tag = page.tags.get(_ORIENTATION)
        turn = int(tag.value) if tag and tag.value in range(1, 9) else 1
        return Pyramid(levels, name=path.name, orientation=turn, notes=notes, close=parts.close)
    except BaseException:
        parts.close()
        raise


def stamp(path: Path) -> dict[str, int]:
    """Return what changes when a file is replaced: its size in bytes and the time of its last change in ns."""
    status = path.stat()
    return {"bytes": status.st_size, "changed_ns": status.st_mtime_ns}


def _from_cache(path: Path, cached: Path, own: Pyramid | None) -> Pyramid | None:
    """Return the sizes that were built of a file, behind its own full size where that is tiled; None when unfit."""
    try:
        parts = TiffFileParts(cached)
    except (OSError, *SPOILT):
        return None
    try:
        pages = [page.aspage() for page in parts.tiff.pages]
        told: dict[str, Any] = json.loads(pages[0].description)
        if told["poregui_pyramid"] != FORMAT or told["of"] != stamp(path):
            raise ValueError("made of another file")
        for page in pages:
            check_stored(page, cached.stat().st_size)
        built: list[Level] = [TiffLevel(parts, page) for page in pages]
        if not told["whole"]:
            assert own is not None
            built.insert(0, own.levels[0])
        grey_low, grey_high = (float(value) for value in told["grey"])
        notes = Notes(told["um_per_px"], told["scale_source"], tuple(told["warnings"]))
        turn = int(told["orientation"])
    except (AssertionError, ImageError, *SPOILT):
        parts.close()
        return None

    def close() -> None:
        parts.close()
        if own is not None:
            own.close()

    return Pyramid(built, name=path.name, orientation=turn, grey=(grey_low, grey_high), notes=notes, close=close)

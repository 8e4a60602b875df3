"""Open an image file so that parts of it can be read; changes with the ways in which files keep several sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile

from poregui.domain.errors import ImageError
from poregui.vision.image_io import in_a_sentence, read_image, read_size
from poregui.vision.pixel_values import TooLarge
from poregui.vision.pyramid import LARGE, Level, Notes, Pyramid, array_pyramid
from poregui.vision.scale import SPOILT, tiff_scale
from poregui.vision.tiff_io import check_stored, is_tiff, tiff_notes
from poregui.vision.tiff_levels import TiffFileParts, TiffLevel, readable_by_parts

FORMAT = 1
"""The way in which built pyramids are kept; others are built anew."""
_MOST_SIDE = 1_000_000
_MOST_PAGES = 40
_ORIENTATION = 274


def open_pyramid(path: Path, cached: Path | None = None) -> Pyramid:
    """Return an image of any size whose parts are read when they are asked for; `close` it at the end.

    Below `LARGE` pixels it is read as a whole. Above, a TIFF file is read by its own tiles or strips and smaller sizes;
    what it lacks comes from `cached`, a file of `build_pyramid`, where that is there and was made of this very file.
    Others are read as a whole where they fit into memory, and give a pyramid that is not complete.
    Raises ImageError with a sentence that names the file.
    """
    size = read_size(path)
    if size is None or size[0] * size[1] <= LARGE:
        return array_pyramid(read_image(path), path.name)
    with in_a_sentence(path):
        own = _by_parts(path)
        if own is not None and own.is_complete:
            return own
        if cached is not None:
            found = _from_cache(path, cached, own)
            if found is not None:
                return found
        if own is not None:
            return own
    return array_pyramid(read_image(path), path.name, least=_MOST_SIDE)


def _by_parts(path: Path) -> Pyramid | None:
    """Return a TIFF file that is read by parts, or None where it has to be read as a whole."""
    with open(path, "rb") as file:
        if not is_tiff(file.read(8)):
            return None
    parts = TiffFileParts(path)
    try:
        page = parts.tiff.pages[0].aspage()
        if not readable_by_parts(page):
            parts.close()
            return None
        if max(page.imagewidth, page.imagelength) > _MOST_SIDE:
            raise TooLarge(
                f"says that it is {page.imagewidth} x {page.imagelength} px, which is too large to open.",
                "Cut it into smaller pictures.",
            )
        check_stored(page, path.stat().st_size)
        scale = tiff_scale(parts.tiff, page)
        notes = Notes(scale.um_per_px, scale.source, (*tiff_notes(parts.tiff, page), *scale.warnings))
        levels = [TiffLevel(parts, one) for one in _sizes(parts.tiff, page)]
        tag = page.tags.get(_ORIENTATION)
        turn = int(tag.value) if tag and tag.value in range(1, 9) else 1
        return Pyramid(levels, name=path.name, orientation=turn, notes=notes, close=parts.close)
    except BaseException:
        parts.close()
        raise


def _sizes(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """Return a page and the smaller pictures of it that the file holds, each at most 0.75 times the one before."""
    sizes = [page]
    found = sorted(_smaller(tiff, page), key=lambda one: -int(one.imagewidth))
    for one in found:
        if one.imagewidth <= 0.75 * sizes[-1].imagewidth and _same_picture(one, page):
            sizes.append(one)
    return sizes


def _smaller(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Iterator[tifffile.TiffPage]:
    """Return the pages that may be smaller pictures of a page: its own sub-pages, or those marked as reduced."""
    try:
        if page.subifds:
            assert page.pages is not None
            for number in range(min(len(page.subifds), _MOST_PAGES)):
                yield page.pages[number].aspage()
            return
        for number in range(1, _MOST_PAGES):
            one = tiff.pages[number].aspage()
            if one.is_reduced or (tiff.is_svs and one.is_tiled):
                yield one
            elif not tiff.is_svs:
                return
    except SPOILT:  # a damaged list of pages ends where it is damaged
        return


def _same_picture(one: tifffile.TiffPage, page: tifffile.TiffPage) -> bool:
    """Tell whether a page has the proportions and the sort of values of another and can be read by parts."""
    wide, high = int(one.imagewidth), int(one.imagelength)
    if wide < 1 or high < 1 or not readable_by_parts(one):
        return False
    shrinks = page.imagewidth / wide
    return (
        abs(page.imagelength / shrinks - high) <= 2
        and one.dtype == page.dtype
        and one.samplesperpixel == page.samplesperpixel
        and int(one.photometric) == int(page.photometric)
    )


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

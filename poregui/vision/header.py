"""Describe image files by their headers, without decoding them; changes with what people ask of a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import IO

import numpy as np
import PIL.Image
import tifffile

from poregui.vision.pixel_values import TooLarge, check_size
from poregui.vision.scale import SPOILT, tiff_scale
from poregui.vision.tiff_io import check_stored, tiff_notes
from poregui.vision.tiff_levels import readable_by_parts

_MOST_PAGES = 10_000
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True)
class Header:
    """Describe an image as it is stored, for once it is read it may have fewer channels and another type.

    `width` and `height` are in px and of the upright image; `dtype` is the name of a NumPy type, `bits` those used of
    each value; `channels` counts alpha too, and 1 for a palette; `pages` are its pictures, each z-slice and each frame
    one; `levels` are the first page's sizes, 1 without a pyramid. `um_per_px`, `scale_source` and `warnings` are those
    of Image.
    """

    width: int
    height: int
    dtype: str
    bits: int
    channels: int
    pages: int = 1
    levels: int = 1
    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()


def tiff_header(file: IO[bytes], size: int) -> Header:
    """Return the header of a TIFF file of `size` bytes.

    Raises Unfit for what is damaged or stored in a way that we do not know; tifffile raises other errors.
    """
    # Other files, which OME may name, are none of our business.
    with tifffile.TiffFile(file, name="image.tif", _multifile=False) as tiff:
        page = tiff.pages[0].aspage()
        large: tuple[str, ...] = ()
        if not readable_by_parts(page):
            large = _too_large(page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample)
        check_stored(page, size)
        scale = tiff_scale(tiff, page)
        notes = (*tiff_notes(tiff, page), *scale.warnings)  # before the pages are looked at, for that changes them
        pages, levels, more = _pages_and_levels(tiff)
        width, height = _upright(page.imagewidth, page.imagelength, getattr(page.tags.get(274), "value", 1))
        return Header(
            width,
            height,
            dtype=str(page.dtype),
            bits=page.bitspersample,
            channels=page.samplesperpixel,
            pages=pages,
            levels=levels,
            um_per_px=scale.um_per_px,
            scale_source=scale.source,
            warnings=(*large, *notes, *more),
        )


def picture_header(picture: PIL.Image.Image, head: bytes, orientation: object) -> Header:
    """Return the header of an opened PNG, JPEG or BMP file, given its first 32 bytes and its Exif orientation."""
    channels, bits = len(picture.getbands()), 1 if picture.mode == "1" else 8
    if picture.format == "PNG":
        bits, channels = head[24], _PNG_CHANNELS.get(head[25], channels)
    large = _too_large(*picture.size, channels, bits)
    pages = int(getattr(picture, "n_frames", 1))
    several = ("It has several pages; the first is used.",) if pages > 1 else ()
    dtype = np.dtype(np.bool_ if bits == 1 else np.uint16 if bits == 16 else np.uint8)
    width, height = _upright(*picture.size, orientation)
    return Header(width, height, str(dtype), bits, channels, pages=pages, warnings=(*large, *several))


def _too_large(width: int, height: int, channels: int, bits: int) -> tuple[str, ...]:
    try:
        check_size(width, height, channels, math.ceil(bits / 8))
    except TooLarge as error:
        return (f"It {error}",)
    return ()


def _upright(width: int, height: int, orientation: object) -> tuple[int, int]:
    return (height, width) if orientation in (5, 6, 7, 8) else (width, height)


def _pages_and_levels(tiff: tifffile.TiffFile) -> tuple[int, int, tuple[str, ...]]:
    """Return how many pictures a file holds, in how many sizes the first one is there, and remarks."""
    listed, whole = _listed_pages(tiff)
    if not whole:
        return listed, 1, ("Its list of pages is damaged.",)
    if listed >= _MOST_PAGES:
        return listed, 1, (f"It has {_MOST_PAGES} pages or more.",)
    try:
        series = [one for one in tiff.series if not one.keyframe.is_reduced]
        pages = sum(
            math.prod(length for axis, length in zip(one.axes, one.shape, strict=True) if axis not in "YXS")
            for one in series
        )
        return pages, len(series[0].levels), ()
    except SPOILT:
        return listed, 1, ("How its pages belong together is not clear.",)


def _listed_pages(tiff: tifffile.TiffFile) -> tuple[int, bool]:
    """Return how many pages are listed, counted up to a bound, and whether the list is whole.

    One by one, for asked for all of them, tifffile would follow some circles of pages for hours.
    """
    seen: set[int] = set()
    try:
        while len(seen) < _MOST_PAGES:
            offset = tiff.pages[len(seen)].offset
            if offset in seen:
                return len(seen), False
            seen.add(offset)
    except IndexError:
        return len(seen), True
    except SPOILT:
        return len(seen), False
    return len(seen), True

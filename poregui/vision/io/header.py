"""Describe image files by their headers, without decoding them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import IO

import numpy as np
import PIL.Image

from poregui.domain.geometry import TURNED, orientation_of, turned_text
from poregui.domain.records import FIRST, Plane
from poregui.vision.io.pixel_values import TooLarge, check_size
from poregui.vision.io.scale import tiff_scale
from poregui.vision.io.tiff_decoding import check_stored, opened_tiff, tiff_notes
from poregui.vision.io.tiff_levels import readable_by_parts, sizes_of
from poregui.vision.io.tiff_stack import tiff_stack

_TYPES = {1: np.bool_, 16: np.uint16}
"""The type of pixels by their bits; all others are read as uint8."""
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True)
class Header:
    """Describe an image as it is stored, for once it is read it may have fewer channels and another
    type.

    `width` and `height` are in px and of the upright image; `dtype` is the name of a NumPy type,
    `bits` those used of each value; `channels` counts alpha too, and 1 for a palette; `pages` are
    its pages or times, `slices` those of a stack, and each slice of each page has all channels;
    `levels` are the plane's sizes, 1 without a pyramid. `um_per_px`, `scale_source`, `warnings`
    and `turned` are those of Image.
    """

    width: int
    height: int
    dtype: str
    bits: int
    channels: int
    pages: int = 1
    slices: int = 1
    levels: int = 1
    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()
    turned: int = 1


def tiff_header(file: IO[bytes], size: int, plane: Plane = FIRST) -> Header:
    """Return the header of a plane of a TIFF file of `size` bytes.

    Raises Unfit for what is damaged or stored in a way that we do not know; tifffile raises other
    errors.
    """
    with opened_tiff(file) as tiff:
        stack = tiff_stack(tiff, size)
        found = stack.find(tiff, plane)
        page = found.page
        large: tuple[str, ...] = ()
        if not readable_by_parts(page):
            large = too_large(
                page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample
            )
        check_stored(page, size)
        scale = tiff_scale(tiff, page, found.image)
        notes = (*tiff_notes(stack, plane, page), *scale.warnings)
        turn = getattr(page.tags.get(274), "value", 1)
        width, height = _upright(page.imagewidth, page.imagelength, turn)
        return Header(
            width,
            height,
            dtype=str(page.dtype),
            bits=page.bitspersample,
            channels=stack.channels,
            pages=stack.pages,
            slices=stack.slices,
            levels=len(sizes_of(tiff, page)),
            um_per_px=scale.um_per_px,
            scale_source=scale.source,
            warnings=(*large, *notes, *turned_text(turn)),
            turned=orientation_of(turn),
        )


def image_header(image: PIL.Image.Image, head: bytes, orientation: object) -> Header:
    """Return the header of an opened PNG, JPEG or BMP file, given its first 32 bytes and its Exif
    orientation.
    """
    channels = len(image.getbands())
    bits = 8
    if image.mode == "1":
        bits = 1
    if image.format == "PNG":
        bits = head[24]
        channels = _PNG_CHANNELS.get(head[25], channels)
    large = too_large(*image.size, channels, bits)
    pages = int(getattr(image, "n_frames", 1))
    several: tuple[str, ...] = ()
    if pages > 1:
        several = ("It has several pages; the first is used.",)
    dtype = np.dtype(_TYPES.get(bits, np.uint8))
    width, height = _upright(*image.size, orientation)
    return Header(
        width,
        height,
        str(dtype),
        bits,
        channels,
        pages=pages,
        warnings=(*large, *several, *turned_text(orientation)),
        turned=orientation_of(orientation),
    )


def too_large(width: int, height: int, channels: int, bits: int) -> tuple[str, ...]:
    """Return a warning for an image that would not fit into memory."""
    try:
        check_size(width, height, channels, math.ceil(bits / 8))
    except TooLarge as error:
        return (f"It {error}",)
    return ()


def _upright(width: int, height: int, orientation: object) -> tuple[int, int]:
    if orientation in TURNED:
        return (height, width)
    return (width, height)

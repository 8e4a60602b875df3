"""Decode TIFF files, LZW among them, and check what comes out against the header."""

from __future__ import annotations

import io
import logging
import math
import struct
from dataclasses import replace
from operator import index
from typing import IO, Any

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from poregui.domain.records import FIRST, Plane
from poregui.vision.io.pixel_values import (
    Decoded,
    Missing,
    Unfit,
    apply_palette,
    check_shape,
    check_size,
    damaged,
    decoded,
    drop_channels,
    oriented,
    spread_bits,
    to_unsigned,
    transparent,
)
from poregui.vision.io.scale import SPOILT, tiff_scale
from poregui.vision.io.tiff_stack import PageMatch, TiffStack, absent, tiff_stack

_CLEAR = 256
_END = 257
_FIRST = 258
_LONGEST_WALK = 2 * 2**20
_HEADER = 122


def lzw_decode(data: bytes, out: int | None = None) -> bytes:
    """Return up to `out` decoded bytes. Raises ValueError for damaged data.

    Pillow's libtiff decodes, which wants to be told the exact length; it is twice as fast as
    imagecodecs, whose decoder (2026.3.6) reads outside of its memory when a table begins with a
    code that is not in it. Where the length is not known, as for packed bits, imagecodecs gets what
    a walk through all codes has found to be in order.
    """
    if out:
        try:
            return _by_libtiff(bytes(data), int(out))
        except (OSError, ValueError, SyntaxError):
            pass
    _check(bytes(data))
    return bytes(imagecodecs.lzw_decode(data, out=out))


def use_our_lzw() -> None:
    """Let tifffile decode LZW by `lzw_decode`, in the whole process."""
    decoders: Any = tifffile.TIFF.DECOMPRESSORS
    decoders._codecs[int(tifffile.COMPRESSION.LZW)] = lzw_decode


def _by_libtiff(data: bytes, length: int) -> bytes:
    """Return the bytes of a TIFF file of one row whose only strip is `data`."""
    tags = (
        (256, length),
        (257, 1),
        (258, 8),
        (259, 5),
        (262, 1),
        (273, _HEADER),
        (277, 1),
        (278, 1),
        (279, len(data)),
    )
    entries = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in tags)
    file = io.BytesIO(b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + data)
    with PIL.Image.open(file, formats=("TIFF",)) as row:
        return row.tobytes()


def _check(data: bytes) -> None:
    """Raise ValueError for codes that are not in the table when they come, or for more data than we
    walk through.
    """
    if len(data) > _LONGEST_WALK:
        raise ValueError("LZW data of another length than the header says")
    waiting = 0
    bits = 0
    width = 9
    following = _FIRST
    fresh = True
    for byte in data:
        waiting = (waiting << 8) | byte
        bits = bits + 8
        if bits < width:
            continue
        bits -= width
        code = waiting >> bits
        waiting = waiting & ((1 << bits) - 1)
        if code == _END:
            return
        if code == _CLEAR:
            width = 9
            following = _FIRST
            fresh = True
            continue
        if code > (_END if fresh else following) or following > 4096:
            raise ValueError("LZW data with codes that are not in their table")
        if not fresh:
            following += 1
        fresh = False
        if following + 1 >= 1 << width and width < 12:
            width += 1


use_our_lzw()
# What tifffile finds odd goes to the program's log and never to a person's terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_WHITE_IS_ZERO = 0
_BLACK_IS_ZERO = 1
_RGB = 2
_PALETTE = 3
_YCBCR = 6
_JPEG = 7
_GDAL_NODATA = 42113
_ALPHA = (1, 2)
"""Kinds of extra samples that say how opaque a pixel is."""
_MOST_CHUNKS = 4_000_000
_UNFOLDS = {1: 1, 5: 4096, 8: 1040, 32946: 1040, 32773: 128}
"""How many bytes a byte of a page without compression, of LZW, deflate and PackBits unfolds to at
most.
"""
_LITTLE = 2**20


def read_tiff(file: IO[bytes], size: int, plane: Plane = FIRST) -> Decoded:
    """Return a plane of a TIFF file of `size` bytes.

    Raises Unfit for what is damaged, too large or stored in a way that we do not know; tifffile
    raises other errors.
    """
    with opened_tiff(file) as tiff:
        stack = tiff_stack(tiff, size)
        found = stack.find(tiff, plane)
        page = found.page
        check_size(
            page.imagewidth,
            page.imagelength,
            page.samplesperpixel,
            math.ceil(page.bitspersample / 8),
        )
        check_stored(page, size)
        pixels, missing = _pixels(found, file)
        scale = tiff_scale(tiff, page, found.image)
        notes = (*tiff_notes(stack, plane, page), *scale.warnings)
        nodata = None if _has_palette(page) else nodata_of(page)
        greys = to_unsigned(pixels, missing, nodata)
    if int(page.photometric) == _WHITE_IS_ZERO:
        greys = replace(greys, pixels=_inverted(greys.pixels, page))
    tag = page.tags.get(274)
    upright = decoded(greys, int(tag.value) if tag else 1, notes)
    return replace(upright, um_per_px=scale.um_per_px, scale_source=scale.source)


def read_tiff_values(file: IO[bytes], size: int) -> NDArray[Any]:
    """Return the values of the first page of a TIFF file as they are stored, indices into a palette
    too, (H, W) or (H, W, 3). Raises as `read_tiff` does.
    """
    with opened_tiff(file) as tiff:
        found = tiff_stack(tiff, size).find(tiff, FIRST)
        page = found.page
        sample_bytes = math.ceil(page.bitspersample / 8)
        check_size(page.imagewidth, page.imagelength, page.samplesperpixel, sample_bytes)
        check_stored(page, size)
        pixels = _decoded(found)
        tag = page.tags.get(274)
        orientation = int(tag.value) if tag else 1
    return oriented(drop_channels(pixels), orientation)


def nodata_of(page: tifffile.TiffPage) -> float | None:
    """Return the value that stands for a missing one, as GDAL writes it, or None."""
    tag = page.tags.get(_GDAL_NODATA)
    try:
        value = float(str(tag.value).strip("\0 ")) if tag is not None else math.nan
    except SPOILT:
        return None
    if math.isnan(value):
        return None
    return value


def alpha_of(page: tifffile.TiffPage) -> int | None:
    """Return which sample of a pixel, from 0, says how opaque it is, or None."""
    extra = tuple(page.extrasamples or ())
    for place, kind in enumerate(extra):
        if int(kind) in _ALPHA:
            return int(page.samplesperpixel) - len(extra) + place
    return None


def tiff_size(file: IO[bytes], size: int, plane: Plane = FIRST) -> tuple[int, int]:
    """Return (width, height) in px of a plane of a TIFF file of `size` bytes; tifffile raises what
    it likes.
    """
    with opened_tiff(file) as tiff:
        if plane == FIRST:
            page = tiff.pages[0].aspage()
        else:
            page = tiff_stack(tiff, size).find(tiff, plane).page
        return index(page.imagewidth), index(
            page.imagelength
        )  # a spoilt header may hold lists or texts


def opened_tiff(file: IO[bytes]) -> tifffile.TiffFile:
    """Return a TIFF file that is read through an open file; other files that it may name are none
    of our business.
    """
    return tifffile.TiffFile(file, name="image.tif", _multifile=False)


def check_stored(page: tifffile.TiffPage, size: int) -> None:
    """Raise Unfit for a page that we cannot decode, or whose content a file of `size` bytes does
    not hold.
    """
    if page.imagedepth > 1:
        raise Unfit("is a volume of many planes.", "Export the plane that you need.")
    if page.dtype is None:
        raise Unfit(
            f"has {page.bitspersample} bits a pixel in an unknown way.",
            "Export it with 8 or 16 bits.",
        )
    chunks = math.prod(page.chunked)
    if chunks > _MOST_CHUNKS or len(page.dataoffsets) < chunks or len(page.databytecounts) < chunks:
        raise damaged("parts of the image are missing")
    for offset, count in zip(page.dataoffsets[:chunks], page.databytecounts[:chunks], strict=True):
        if count <= 0 or offset <= 0 or offset + count > size:
            raise damaged("the file ends too early")


def _check_worth(page: tifffile.TiffPage) -> None:
    """Raise Unfit where a page claims more pixels than its content can unfold to, before memory is
    taken for them.
    """
    most = _UNFOLDS.get(int(page.compression))
    stored = sum(int(count) for count in page.databytecounts[: math.prod(page.chunked)])
    if most is not None and page.nbytes > most * stored + _LITTLE:
        raise damaged(f"{stored} bytes cannot hold {page.imagewidth} x {page.imagelength} px")


def _pixels(found: PageMatch, file: IO[bytes]) -> tuple[NDArray[Any], Missing]:
    """Return the pixels of a page as it is stored, and which of them are transparent."""
    page = found.page
    sample = found.sample
    kind = int(page.photometric)
    if _has_palette(page):
        indices = _first_plane(_decoded(found))
        missing = Missing()
        nodata = nodata_of(page)
        if nodata is not None:
            missing = missing.and_where(indices == nodata, f"{nodata:g}")
        return apply_palette(indices, np.asarray(page.colormap)), missing
    if kind in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) or (
        kind == _YCBCR and int(page.compression) == _JPEG
    ):
        pixels = spread_bits(_decoded(found), page.bitspersample)
        missing = Missing()
        alpha = alpha_of(page)
        if sample is None and alpha is not None and pixels.ndim == 3 and alpha < pixels.shape[2]:
            missing = transparent(pixels[..., alpha])
        if sample is not None and pixels.ndim == 3:
            pixels = one_channel(pixels, sample)
        else:
            if kind in (_RGB, _YCBCR):
                pixels = drop_channels(pixels)
            else:
                pixels = _first_plane(pixels)
        return pixels, missing
    colours = _through_pillow(page, file)
    if sample is None:
        return colours, Missing()
    return one_channel(colours, sample), Missing()


def _has_palette(page: tifffile.TiffPage) -> bool:
    return int(page.photometric) == _PALETTE and page.colormap is not None


def one_channel(pixels: NDArray[Any], sample: int) -> NDArray[Any]:
    """Return one channel, from 0, of (H, W, channels). Raises Unfit where there are fewer."""
    if sample >= pixels.shape[2]:
        raise absent("channel", sample + 1, pixels.shape[2])
    return pixels[..., sample]


def _decoded(found: PageMatch) -> NDArray[Any]:
    page = found.page
    if found.skipped:
        pixels = _behind(page, found.skipped)
    else:
        _check_worth(page)
        pixels = np.asarray(page.asarray(maxworkers=1))
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.dtype != page.dtype:
        raise damaged(f"its header says {page.dtype}, its content is {pixels.dtype}")
    check_shape(pixels, page.imagewidth, page.imagelength)
    return pixels


def _behind(page: tifffile.TiffPage, skipped: int) -> NDArray[Any]:
    """Return an image that lies behind that of a page, in the same form and
    without compression.
    """
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    length = math.prod(page.shape) * stored.itemsize
    page.parent.filehandle.seek(int(page.dataoffsets[0]) + skipped * length)
    content = page.parent.filehandle.read(length)
    if len(content) != length:
        raise damaged("the file ends too early")
    return np.frombuffer(content, stored).astype(page.dtype).reshape(page.shape)


def _first_plane(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 2:
        return pixels
    return pixels[..., 0]


def _inverted(pixels: NDArray[Any], page: tifffile.TiffPage) -> NDArray[Any]:
    """Return pixels of a page where zero is white with black as zero; those that were scaled within
    the greys that they have.
    """
    if page.dtype is not None and page.dtype.kind in "bu" and page.dtype.itemsize <= 2:
        return np.asarray(2 ** max(page.bitspersample, 8) - 1 - pixels).astype(pixels.dtype)
    return np.asarray(pixels.max() - pixels + pixels.min())


def _through_pillow(page: tifffile.TiffPage, file: IO[bytes]) -> NDArray[Any]:
    """Return the colours of CMYK, Lab and other pages of 8 bits, which Pillow knows how to turn
    into RGB.
    """
    from PIL import Image

    if page.bitspersample != 8:
        raise Unfit(
            "stores its colours in an unusual way.", "Export it as grey or RGB with 8 or 16 bits."
        )
    file.seek(0)
    with Image.open(file, formats=("TIFF",)) as opened:
        if opened.size != (page.imagewidth, page.imagelength):
            raise damaged("two decoders disagree about its size")
        if opened.mode == "LAB":
            from PIL import ImageCms

            to_rgb = ImageCms.buildTransform(
                ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
            )
            converted = ImageCms.applyTransform(opened, to_rgb)
        else:
            converted = opened.convert("RGB")
        return np.asarray(converted)


def tiff_notes(stack: TiffStack, plane: Plane, page: tifffile.TiffPage) -> tuple[str, ...]:
    """Return what a person should know about the pages, channels and slices that are not used."""
    notes = []
    colours = 1
    if int(page.photometric) in (_RGB, _YCBCR):
        colours = 3
    if plane.channel is None:
        if stack.channels > page.samplesperpixel:
            notes.append(f"It has {stack.channels} channels; the first is used.")
        elif int(page.photometric) < _PALETTE and page.samplesperpixel > colours + 1:
            notes.append(f"It has {page.samplesperpixel} channels; the first {colours} are used.")
    if stack.slices > 1 and plane.z == 1:
        notes.append(f"It has {stack.slices} slices; the first is used.")
    if stack.pages > 1 and plane.page == 1:
        notes.append("It has several pages; the first is used.")
    return (*notes, *stack.warnings)


def is_tiff(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is a TIFF or BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

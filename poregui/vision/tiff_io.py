"""Decode TIFF files and hold what comes out against their header; changes with tifffile and with tags of makers."""

from __future__ import annotations

import logging
import math
import re
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from poregui.vision.pixel_values import (
    Decoded,
    Unfit,
    apply_palette,
    check_shape,
    check_size,
    damaged,
    drop_channels,
    oriented,
    spread_bits,
    to_unsigned,
)

# What tifffile finds odd goes to the program's log and never to a person's terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG = 7
_MOST_CHUNKS = 4_000_000
_UM: dict[str, float] = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6,
}  # fmt: skip


def read_tiff(file: IO[bytes], size: int) -> Decoded:
    """Return the first page of a TIFF file of `size` bytes.

    Raises Unfit for what is damaged, too large or stored in a way that we do not know; tifffile raises other errors.
    """
    with tifffile.TiffFile(file, name="image.tif") as tiff:
        page = tiff.pages[0]
        if not isinstance(page, tifffile.TiffPage):
            raise damaged("no picture inside")
        _check_page(page, size)
        pixels = _pixels(page, file)
        um_per_px, source = _scale(tiff, page)
        notes = _notes(tiff, page)
    values, more = to_unsigned(pixels)
    tag = page.tags.get(274)
    return Decoded(oriented(values, int(tag.value) if tag else 1), um_per_px, source, (*notes, *more))


def tiff_size(file: IO[bytes]) -> tuple[int, int]:
    """Return (width, height) in px of the first page of a TIFF file; tifffile raises what it likes."""
    with tifffile.TiffFile(file, name="image.tif") as tiff:
        page = tiff.pages[0].aspage()
        return page.imagewidth, page.imagelength


def _check_page(page: tifffile.TiffPage, size: int) -> None:
    check_size(page.imagewidth, page.imagelength, page.samplesperpixel, math.ceil(page.bitspersample / 8))
    if page.imagedepth > 1:
        raise Unfit("is a volume of many planes.", "Export the plane that you need.")
    if page.dtype is None:
        raise Unfit(f"has {page.bitspersample} bits a pixel in an unknown way.", "Export it with 8 or 16 bits.")
    chunks = math.prod(page.chunked)
    if chunks > _MOST_CHUNKS or len(page.dataoffsets) < chunks or len(page.databytecounts) < chunks:
        raise damaged("parts of the picture are missing")
    for offset, count in zip(page.dataoffsets[:chunks], page.databytecounts[:chunks], strict=True):
        if count <= 0 or offset <= 0 or offset + count > size:
            raise damaged("the file ends too early")


def _pixels(page: tifffile.TiffPage, file: IO[bytes]) -> NDArray[Any]:
    kind = int(page.photometric)
    if kind == _PALETTE and page.colormap is not None:
        return apply_palette(_first_plane(_decoded(page)), np.asarray(page.colormap))
    if kind in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) or (kind == _YCBCR and int(page.compression) == _JPEG):
        pixels = spread_bits(_decoded(page), page.bitspersample)
        pixels = drop_channels(pixels) if kind in (_RGB, _YCBCR) else _first_plane(pixels)
        return _inverted(pixels, page.bitspersample) if kind == _WHITE_IS_ZERO else pixels
    return _through_pillow(page, file)


def _decoded(page: tifffile.TiffPage) -> NDArray[Any]:
    pixels = np.asarray(page.asarray(maxworkers=1))
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.dtype != page.dtype:
        raise damaged(f"its header says {page.dtype}, its content is {pixels.dtype}")
    check_shape(pixels, page.imagewidth, page.imagelength)
    return pixels


def _first_plane(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def _inverted(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    if pixels.dtype.kind != "u":
        return pixels
    return (2 ** max(bits, 8) - 1 - pixels).astype(pixels.dtype)


def _through_pillow(page: tifffile.TiffPage, file: IO[bytes]) -> NDArray[Any]:
    """Return the colours of CMYK, Lab and other pages of 8 bits, which Pillow knows how to turn into RGB."""
    from PIL import Image

    if page.bitspersample != 8:
        raise Unfit("stores its colours in an unusual way.", "Export it as grey or RGB with 8 or 16 bits.")
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


def _notes(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[str, ...]:
    notes = []
    colours = 3 if int(page.photometric) in (_RGB, _YCBCR) else 1
    if int(page.photometric) < _PALETTE and page.samplesperpixel > colours + 1:
        notes.append(f"It has {page.samplesperpixel} channels; the first {colours} are used.")
    try:
        second = tiff.pages[1]
        if isinstance(second, tifffile.TiffPage) and not second.is_reduced:
            notes.append("It has several pages; the first is used.")
    except (IndexError, ValueError, TypeError, tifffile.TiffFileError):
        return tuple(notes)
    return tuple(notes)


def _scale(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[float | None, str]:
    """Return um per px where ImageJ or OME wrote it; the plain resolution tags of a TIFF are about paper."""
    if tiff.is_ome:
        return _ome_scale(page.description or "")
    if tiff.is_imagej:
        unit = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
        across, down = _per_unit(page, "XResolution"), _per_unit(page, "YResolution")
        if unit in _UM and across and down and math.isclose(across, down, rel_tol=0.01):
            return _plausible(_UM[unit] / across, "ImageJ")
    return None, ""


def _per_unit(page: tifffile.TiffPage, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None or not isinstance(tag.value, tuple) or len(tag.value) != 2 or not all(tag.value):
        return None
    return float(tag.value[0]) / float(tag.value[1])


def _ome_scale(description: str) -> tuple[float | None, str]:
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", description)
    if not pixels:
        return None, ""
    found = dict(re.findall(r'\b(PhysicalSize[XY](?:Unit)?)\s*=\s*"([^"]{1,40})"', pixels[0]))
    try:
        across, down = (
            float(found[f"PhysicalSize{axis}"]) * _UM[found.get(f"PhysicalSize{axis}Unit", "µm")] for axis in "XY"
        )
    except (KeyError, ValueError):
        return None, ""
    return _plausible(across, "OME") if math.isclose(across, down, rel_tol=0.01) else (None, "")


def _plausible(um_per_px: float, source: str) -> tuple[float | None, str]:
    return (um_per_px, source) if 1e-5 < um_per_px < 1e4 else (None, "")


def is_tiff(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is a TIFF or BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

"""Find how many um a pixel of a TIFF is and who says so."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tifffile

SPOILT = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OSError,
    ArithmeticError,
    struct.error,
)
"""What tifffile raises over tags whose content makes no sense; a picture with spoilt notes is still
a picture.
"""

_UM: dict[str, float] = {
    "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "micrometre": 1.0, "fm": 1e-9, "pm": 1e-6, "Å": 1e-4, "nm": 1e-3, "mm": 1e3, "cm": 1e4,
    "m": 1e6,
}  # fmt: skip
_PAPER_UM = {"inch": 25400.0, "cm": 1e4}
_PAPER_UNITS = {2: "inch", 3: "cm"}
_MICROSCOPE_UM = (0.001, 50.0)
"""um per px that a TIFF resolution is believed to mean: 50 is 508 dpi, so that 72, 96, 150, 300 dpi
and 28 per cm fall out; finer ones than 1 nm are the work of electron microscopes, which have tags
of their own."""
_FOR_PRINT = (
    300, 350, 360, 400, 500, 600, 720, 800, 900, 1000, 1200, 1440, 1800, 2000, 2400, 2540, 2880,
    3200, 3600, 4000, 4800, 5760, 6400, 7200, 9600,
)  # fmt: skip
"""Pixels per inch that printers and scanners write, and that programs confuse
with pixels per cm.
"""
_LONGEST_TAG = 4 * 2**20


@dataclass(frozen=True)
class Scale:
    """Hold um per px, None when nobody knows; who says so; and remarks for a person."""

    um_per_px: float | None = None
    source: str = ""
    warnings: tuple[str, ...] = ()


UNKNOWN = Scale()


def tiff_scale(tiff: tifffile.TiffFile, page: tifffile.TiffPage, image: int = 0) -> Scale:
    """Return the scale of a page: from the tag of a microscope's maker, OME, ImageJ, or a plausible
    TIFF resolution.

    The first of them that the file holds decides: where a maker's tag gives no size, the resolution
    beside it is a default that nobody set. Spoilt tags give an unknown scale. `image` counts the
    images of an OME file.
    """
    for code, maker, find in _MAKERS:
        tag = page.tags.get(code)
        if tag is not None:
            scale = _guarded(_of_maker, tag, find)
            if scale == UNKNOWN:
                return Scale(warnings=(f"Its {maker} tag gives no pixel size.",))
            return scale
        if code in _first(tiff).tags:
            # the tag is about the first page, and the resolution is a default here, too
            return UNKNOWN
    return _guarded(_of_programs, tiff, page, image)


def _guarded(find: Callable[..., Scale], *of: object) -> Scale:
    try:
        return find(*of)
    except (*SPOILT, StopIteration):
        return UNKNOWN


def _of_maker(tag: tifffile.TiffTag, find: Callable[[dict[str, Any]], Scale]) -> Scale:
    if tag.count <= _LONGEST_TAG:
        return find(tag.value)
    return UNKNOWN


def _first(tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    return tiff.pages[0].aspage()


def _of_programs(tiff: tifffile.TiffFile, page: tifffile.TiffPage, image: int) -> Scale:
    if tiff.is_ome:
        return _ome(_first(tiff).description or "", image)
    across = _per_unit(page, "XResolution")
    down = _per_unit(page, "YResolution")
    if tiff.is_imagej:
        unit = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
        if unit in _PAPER_UM:  # ImageJ takes these two over from the resolution of what it opened
            return _of_resolution(across, down, unit, "ImageJ")
        return settled(_UM[unit] / across, _UM[unit] / down, "ImageJ")
    return _of_resolution(
        across, down, _PAPER_UNITS[int(page.tags["ResolutionUnit"].value)], "TIFF resolution"
    )


def _fei(values: dict[str, Any]) -> Scale:
    """Return PixelWidth and PixelHeight, in m, of the scan that the beam in use made."""
    used = values.get("Beam", {}).get("Scan", "EScan")
    scan = next(
        values[name]
        for name in ("Scan", used, "EScan", "IScan")
        if "PixelWidth" in values.get(name, {})
    )
    width = _number(scan["PixelWidth"])
    return settled(
        1e6 * width, 1e6 * _number(scan.get("PixelHeight", width)), "FEI tag: PixelWidth"
    )


def _zeiss(values: dict[str, Any]) -> Scale:
    if "ap_image_pixel_size" in values:
        key = "ap_image_pixel_size"
    else:
        key = "ap_pixel_size"
    name, number, unit = values[key]
    size = _number(number) * _UM[unit]
    return settled(size, size, f"Zeiss SEM tag: {name}")


_MAKERS = ((34682, "FEI", _fei), (34680, "FEI", _fei), (34118, "Zeiss SEM", _zeiss))


def _ome(description: str, image: int) -> Scale:
    pixels = re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", description)[image]
    found = dict(re.findall(r'\b(PhysicalSize[XY](?:Unit)?)\s*=\s*"([^"]{1,40})"', pixels))
    across, down = (
        float(found[f"PhysicalSize{axis}"]) * _UM[found.get(f"PhysicalSize{axis}Unit", "µm")]
        for axis in "XY"
    )
    return settled(across, down, "OME")


def _of_resolution(across: float, down: float, unit: str, source: str) -> Scale:
    """Return the scale for pixels per inch or cm, unless the numbers are rather about paper."""
    low, high = _MICROSCOPE_UM
    for per_unit in (across, down):
        # 0.2 % since 600 dpi are also written as 236 per cm.
        per_inch = per_unit * _PAPER_UM["inch"] / _PAPER_UM[unit]
        if any(
            math.isclose(value, dpi, rel_tol=2e-3)
            for dpi in _FOR_PRINT
            for value in (per_unit, per_inch)
        ):
            return UNKNOWN
        if not low <= _PAPER_UM[unit] / per_unit <= high:
            return UNKNOWN
    return settled(_PAPER_UM[unit] / across, _PAPER_UM[unit] / down, source)


def settled(across: float, down: float, source: str) -> Scale:
    """Return the scale of pixels of this width and height in um, unknown where they are not square
    or impossible.
    """
    if not all(1e-5 < size < 1e4 for size in (across, down)):  # which NaN is not, either
        return UNKNOWN
    if not math.isclose(across, down, rel_tol=0.01):
        told = (
            f"Its pixels are not square ({across:.4g} × {down:.4g} µm, {source}); its pixel size "
            "is treated as unknown."
        )
        return Scale(warnings=(told,))
    return Scale(across, source)


def _per_unit(page: tifffile.TiffPage, name: str) -> float:
    numerator, denominator = page.tags[name].value
    return float(numerator) / float(denominator)


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return math.nan

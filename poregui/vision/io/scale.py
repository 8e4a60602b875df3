"""Find how many um a pixel of a TIFF is and who says so."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import tifffile

from poregui.domain.records import is_pixel_size

SPOILT = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OSError,
    ArithmeticError,
    struct.error,
)
"""What tifffile raises over tags whose content makes no sense; an image with spoilt notes is still
an image.
"""

_UM: dict[str, float] = {
    "um": 1.0, "u": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometers": 1.0,
    "micrometre": 1.0, "micrometres": 1.0, "fm": 1e-9, "pm": 1e-6, "å": 1e-4, "angstrom": 1e-4,
    "angstroms": 1e-4, "ångström": 1e-4, "nm": 1e-3, "nanometer": 1e-3, "nanometers": 1e-3,
    "nanometre": 1e-3, "nanometres": 1e-3, "mm": 1e3, "millimeter": 1e3, "millimeters": 1e3,
    "millimetre": 1e3, "millimetres": 1e3, "cm": 1e4, "centimeter": 1e4, "centimetre": 1e4,
    "dm": 1e5, "m": 1e6, "meter": 1e6, "metre": 1e6, "thou": 25.4, "mil": 25.4, "in": 25400.0,
    "inch": 25400.0, "inches": 25400.0, "ft": 304800.0,
}  # fmt: skip
_PIXELS = ("", "pixel", "pixels", "px", "reference frame")
"""Units of files that do not know the size of a pixel."""
_ESCAPED = re.compile(r"\\[uU]([0-9a-fA-F]{4})")
_MICRO = str.maketrans({"µ": "u", "μ": "u", "\N{REPLACEMENT CHARACTER}": "u", "Â": ""})
"""Both signs for micro, and what is left of them where a file is read in another alphabet."""


def _length(unit: str) -> float:
    """Return how many um a unit of length is, however it is spelled, 0 for a pixel.

    Raises UnknownUnit for what is none.
    """
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), unit)
    plain = unicodedata.normalize("NFKC", plain).translate(_MICRO)
    plain = " ".join(plain.lower().split())
    for ending in ("/px", "/pixel", " per pixel", " per px"):
        plain = plain.removesuffix(ending)
    if plain in _PIXELS:
        return 0.0
    if plain not in _UM:
        raise UnknownUnit(unit.strip()[:40])
    return _UM[plain]


class UnknownUnit(ValueError):
    """Say that a file gives its pixel size in a unit that is not known."""


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
LONGEST_TEXT = 4 * 2**20
"""Characters of a description that are parsed at most."""


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
    except UnknownUnit as error:
        note = f"Its pixel size is in {str(error)!r}, which is no known unit; taken as unknown."
        return Scale(warnings=(note,))
    except (*SPOILT, StopIteration):
        return UNKNOWN


def _of_maker(tag: tifffile.TiffTag, find: Callable[[dict[str, Any]], Scale]) -> Scale:
    if tag.count <= _LONGEST_TAG:
        return find(tag.value)
    return UNKNOWN


def _first(tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    return tiff.pages[0].aspage()


def _of_programs(tiff: tifffile.TiffFile, page: tifffile.TiffPage, image: int) -> Scale:
    description = _first(tiff).description or ""
    if tiff.is_ome or _OME_ROOT.search(description[:_ROOT_WITHIN]):
        return _ome(description, image)
    across = _per_unit(page, "XResolution")
    down = _per_unit(page, "YResolution")
    tag = page.tags.get("ResolutionUnit")
    paper = _PAPER_UNITS.get(int(tag.value)) if tag is not None else None
    if tiff.is_imagej:
        own = tiff.imagej_metadata or {}
        unit = str(own.get("unit", ""))
        if "yunit" in own:  # written where it is another one
            down *= (_length(unit) or math.nan) / (_length(str(own["yunit"])) or math.nan)
        return _imagej(unit, across, down, paper)
    if paper is None:
        return UNKNOWN
    return _of_resolution(across, down, paper, "TIFF resolution")


def _imagej(unit: str, across: float, down: float, paper: str | None) -> Scale:
    """Return the scale of a file of ImageJ: px for each of its own unit, in which ImageJ writes no
    unit of the resolution.

    Other programs write both, and mean the latter; where both make sense, nobody knows.
    """
    if unit in _PAPER_UM:  # ImageJ takes these two over from the resolution of what it opened
        return _of_resolution(across, down, unit, "ImageJ")
    length = _length(unit)
    if not length:
        if paper is None:
            return UNKNOWN
        return _of_resolution(across, down, paper, "TIFF resolution")
    own = settled(length / across, length / down, "ImageJ")
    if paper is None:
        return own
    other = _of_resolution(across, down, paper, f"ImageJ, resolution in px per {paper}")
    low, high = _MICROSCOPE_UM
    if own.um_per_px is None or not low <= own.um_per_px <= high:
        return other if other.um_per_px is not None else own
    if other.um_per_px is None:
        return own
    note = (
        f"Its pixel size is {own.um_per_px:.4g} µm by ImageJ's unit and {other.um_per_px:.4g} µm "
        "by its resolution; taken as unknown."
    )
    return Scale(warnings=(note,))


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
    size = _number(number) * (_length(unit) or math.nan)
    return settled(size, size, f"Zeiss SEM tag: {name}")


_MAKERS = ((34682, "FEI", _fei), (34680, "FEI", _fei), (34118, "Zeiss SEM", _zeiss))


_OME_ROOT = re.compile(r"<(?:\w+:)?OME[\s>]")
_ROOT_WITHIN = 4000


def ome_root(description: str) -> ElementTree.Element:
    """Return the root of an OME description.

    Raises ValueError for one that is too long or defines entities of its own, which may unfold
    without end or name other files, ParseError for what is no XML.
    """
    if len(description) > LONGEST_TEXT or "<!DOCTYPE" in description or "<!ENTITY" in description:
        raise ValueError("a description that is not read")
    return ElementTree.fromstring(description.strip("\0 \r\n\t"))


def _ome(description: str, image: int) -> Scale:
    try:
        pixels = list(ome_root(description).iterfind("{*}Image/{*}Pixels"))[image]
    except (ValueError, LookupError, ElementTree.ParseError):
        return Scale(warnings=("Its OME description cannot be read; its pixel size is unknown.",))
    sizes = []
    for axis in "XY":
        text = pixels.get(f"PhysicalSize{axis}")
        if text is None:
            return UNKNOWN
        length = _length(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        if not length:
            return UNKNOWN
        try:
            sizes.append(float(text.strip()) * length)
        except ValueError:
            note = f"Its pixel size {text[:40]!r} is no number; taken as unknown."
            return Scale(warnings=(note,))
    return settled(sizes[0], sizes[1], "OME")


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
    or absurd, which is said.
    """
    if not (math.isfinite(across) and math.isfinite(down)) or min(across, down) <= 0:
        return UNKNOWN
    if not all(is_pixel_size(size) for size in (across, down)):
        note = f"Its pixel size of {across:.4g} µm ({source}) is absurd; taken as unknown."
        return Scale(warnings=(note,))
    if not math.isclose(across, down, rel_tol=0.01):
        note = (
            f"Its pixels are not square ({across:.4g} × {down:.4g} µm, {source}); its pixel size "
            "is treated as unknown."
        )
        return Scale(warnings=(note,))
    return Scale(across, source)


def _per_unit(page: tifffile.TiffPage, name: str) -> float:
    numerator, denominator = page.tags[name].value
    return float(numerator) / float(denominator)


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return math.nan

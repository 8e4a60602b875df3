"""Measure the pore of one crop, from its outline or else from its pixels; changes with what is said of a crop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from poregui.domain.measurement import RELIABLE_PX
from poregui.domain.outline import Outline
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.vision.shape.crop_shapes import NAMES, shape_numbers
from poregui.vision.shape.measurement import measure


@dataclass(frozen=True)
class CropNumbers:
    """Hold the numbers of one pore: area in `unit`² and diameter in `unit` (um or px), and what its shape is like.

    `reliable` tells that it is at least `RELIABLE_PX` across, so that the shape numbers mean something.
    """

    unit: str
    area: float
    diameter: float
    circularity: float | None
    aspect_ratio: float | None
    reliable: bool
    from_outline: bool


def numbers_of_crop(crop: Crop, outline: Outline | None, pixels: Callable[[], CropPixels]) -> CropNumbers | None:
    """Return the numbers of a crop, as in the table of measurements where it has an outline.

    Without one they are taken roughly from its pixels, which `pixels` reads only then; None where no pore stands out.
    Raises what `pixels` raises.
    """
    return _from_pixels(crop, pixels()) if outline is None else _from_outline(crop, outline)


def _from_outline(crop: Crop, outline: Outline) -> CropNumbers:
    box = outline.bounds
    size = (max(1, box.x + box.width), max(1, box.y + box.height))
    one = measure([outline.points], None, crop.um_per_px, size=size).rows()[0]
    area = one.area_px if one.area_um2 is None else one.area_um2
    return CropNumbers(one.unit, area, one.ecd, one.circularity, one.aspect_ratio, one.shape_reliable, True)


def _from_pixels(crop: Crop, pixels: CropPixels) -> CropNumbers | None:
    found = shape_numbers(pixels.array, pixels.grey_low, pixels.grey_high, crop.um_per_px)
    named = dict(zip(NAMES, found.tolist(), strict=True))
    diameter = named["Equivalent diameter"]
    if math.isnan(diameter):
        return None
    reliable = diameter / (crop.um_per_px or 1.0) >= RELIABLE_PX
    unit = "px" if crop.um_per_px is None else "um"
    area = math.pi * diameter**2 / 4
    return CropNumbers(unit, area, diameter, named["Circularity"], named["Aspect ratio"], reliable, False)

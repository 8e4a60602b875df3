"""Declare what a person can choose about finding pores, once: form, command line and the file
derive from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.parameters import Parameter, check, declare, known_values, parameters_of

POLARITIES = ("dark", "bright")
METHODS = ("otsu", "manual", "local", "noise")
CORRECTIONS = ("divide", "subtract")
CHOOSERS = ("person", "auto")
UNITS = ("um", "px")
EDGES = ("keep", "drop")
VIEWS = ("multiple", "fixed")
OF_THE_GREY = (
    *("polarity", "method", "level", "window", "offset", "deviations", "smoothing"),
    *("flatten", "correction", "background_radius", "contrast", "chosen_by"),
)
"""Fields of a recipe that mean nothing to a learned finder."""
FOUND_BY = "Pores are found by"


@dataclass(frozen=True)
class DetectionRecipe:
    """Hold how pores are found and how large their crops are; every value has passed its declared
    range.

    Lengths carry a unit of their own, because a size in um means the same on every micrograph and a
    size in px needs no scale. Raises PoreguiError for a value outside its range.
    """

    polarity: str = declare(
        "Pores are", "dark", "Darker or brighter than the matrix.", choices=POLARITIES, main=True
    )
    method: str = declare(
        "Threshold",
        "otsu",
        "Otsu: one level per image, from its histogram. Manual: the level below. Local: relative "
        "to the local mean, for uneven illumination. Noise: so many times the noise away from the "
        "matrix, for few pores.",
        choices=METHODS,
        main=True,
    )
    level: float = declare(
        "Level", 128.0, "Grey value of the manual threshold.", low=0.0, high=65535.0, main=True
    )
    window: float = declare(
        "Window", 100.0, "Surroundings of the local threshold.", low=1.0, high=1e5
    )
    window_unit: str = declare("Window in", "px", "Unit of the window.", choices=UNITS)
    offset: float = declare(
        "Offset",
        15.0,
        "How far a pore must differ from the mean of its window, in per cent of the step to the "
        "darkest (or brightest) grey.",
        unit="%",
        low=0.0,
        high=100.0,
    )
    smoothing: float = declare(
        "Smoothing", 0.8, "Standard deviation of the Gaussian that "
                          "quiets the noise.", unit="px", low=0.0, high=20.0,
        main=True,
    )  # fmt: skip
    flatten: bool = declare(
        "Correct uneven illumination", False, "Divide by the illumination of the matrix.", main=True
    )
    background_radius: float = declare(
        "Radius of the correction",
        200.0,
        "Larger than the radius of the largest pore.",
        low=1.0,
        high=1e5,
    )
    background_unit: str = declare("Radius in", "px", "Unit of the radius.", choices=UNITS)
    fill_holes: bool = declare(
        "Fill holes", True, "Glints and powder grains inside a pore belong to it.", main=True
    )
    split: bool = declare("Split touching pores", False, "Cut where a pore has a waist.", main=True)
    split_strength: float = declare(
        "Split sensitivity",
        0.5,
        "0 cuts only at narrow waists, 1 at every waist.",
        low=0.0,
        high=1.0,
    )
    smallest: float = declare(
        "Smallest pore", 5.0, "Smallest equivalent circular diameter.", low=0.0, high=1e5, main=True
    )
    largest: float = declare(
        "Largest pore",
        0.0,
        "Largest equivalent circular diameter; 0 sets no limit.",
        low=0.0,
        high=1e5,
    )
    size_unit: str = declare(
        "Sizes in", "px", "Unit of the smallest and the largest pore.", choices=UNITS
    )
    contrast: float = declare(
        "Minimum contrast",
        10.0,
        "How much darker (or brighter) than the matrix around it a pore is at least, in per cent "
        "of the step from the matrix to the darkest (or brightest) grey.",
        unit="%",
        low=0.0,
        high=100.0,
    )
    edge: str = declare(
        "Pores at the edge", "keep", "Exclude: leave out pores cut by the edge of the image or a "
                                     "mask.",
        choices=EDGES,
    )  # fmt: skip
    view: str = declare(
        "Crop margin",
        "multiple",
        "× pore size: crop size scales with the pore. Fixed: all crops have the same size, so the "
        "network sees how large the pore is.",
        choices=VIEWS,
    )
    view_multiple: float = declare(
        "Multiple", 1.8, "Side of the crop over the longer side of the pore.", low=1.0, high=20.0
    )
    view_size: float = declare("Crop size", 100.0, "Side of a fixed crop.", low=1.0, high=1e5)
    view_unit: str = declare("Size in", "um", "Unit of the crop size.", choices=UNITS)
    correction: str = declare(
        "Correction by",
        "divide",
        "Divide: by the illumination of the matrix. Subtract: what is as large as the radius is "
        "background (black-hat; white top-hat for bright pores), for strong gradients and rings.",
        choices=CORRECTIONS,
        main=True,
    )
    deviations: float = declare(
        "Noise factor",
        5.0,
        "How many standard deviations of the matrix a pore differs from it.",
        low=1.0,
        high=100.0,
    )
    chosen_by: str = declare(
        "Chosen by",
        "person",
        "Auto: the program chose these settings on a sample of the micrographs.",
        choices=CHOOSERS,
    )

    def __post_init__(self) -> None:
        for parameter in detection_parameters():
            check(parameter, getattr(self, parameter.name), "choice")
        if 0 < self.largest < self.smallest:
            raise PoreguiError(
                f"The largest pore ({self.largest:g}) is smaller than the smallest "
                f"({self.smallest:g}).",
                "Give the largest pore a greater diameter, or 0 for no limit.",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON.

        Those that came later are left out where they are as ever, so that hashes of older recipes
        hold.
        """
        values = asdict(self)
        for parameter in detection_parameters():
            if parameter.name in _LATER and values[parameter.name] == parameter.default:
                del values[parameter.name]
        return values

    def crop_box(self, pore: Box, width: int, height: int, um_per_px: float | None) -> Box:
        """Return the square crop of a pore inside an image of `width` x `height` px, as the field
        of view says.

        A fixed view grows to hold a pore that is larger. Raises PoreguiError for a view in um
        without a scale, or with one that makes it many times the image.
        """
        extent = max(pore.width, pore.height)
        if self.view == "multiple":
            side = max(SMALLEST_CROP, round(self.view_multiple * extent))
        else:
            wanted = in_px(self.view_size, self.view_unit, um_per_px)
            if wanted > max(_WIDEST_VIEW, _WIDER * max(width, height)):
                raise PoreguiError(
                    f"The crops' view of {self.view_size:g} {self.view_unit} is {wanted:,.0f} px, "
                    f"many times the image of {width} x {height} px.",
                    "Check the pixel size, or the size of the view in the detection settings.",
                )
            side = max(round(wanted), extent + 2)
        return Box.around(*pore.centre, side).moved_inside(width, height)


_LATER = frozenset({"correction", "deviations", "chosen_by"})
_WIDEST_VIEW = 4096
_WIDER = 4
"""A fixed view of more px than the first, and than so many times the image, is a mistake."""
SMALLEST_CROP = 24
"""Shortest side in px of a crop that is a multiple of its pore."""


def detection_parameters() -> tuple[Parameter, ...]:
    """Return the declared fields of a detection recipe in the order in which forms show them."""
    return parameters_of(DetectionRecipe)


def detection_recipe_from_json(values: Mapping[str, Any]) -> DetectionRecipe:
    """Return the recipe that `to_json` wrote; unknown fields of later versions are passed over.

    Raises PoreguiError when a value has the wrong type or is outside its range.
    """
    if not isinstance(values, Mapping):
        raise PoreguiError("This is not a detection recipe.", "Give a file with one JSON object.")
    return DetectionRecipe(**known_values(DetectionRecipe, values))


def in_px(length: float, unit: str, um_per_px: float | None) -> float:
    """Return a length in px.

    Raises PoreguiError when it is given in um and the scale is unknown.
    """
    if unit == "px":
        return length
    if um_per_px is None:
        raise PoreguiError(
            "The recipe has a length in µm, but the pixel size of this micrograph is unknown.",
            "Set the pixel size, or give lengths in px.",
        )
    return length / um_per_px


def recipe_rows(recipe: DetectionRecipe, finder: str = "") -> tuple[tuple[str, str], ...]:
    """Return the detection recipe as labels and values; where a learned `finder` stands for the
    threshold, which one, and what else counts.
    """
    rows = [(FOUND_BY, finder)] if finder else []
    unused = {*OF_THE_GREY, "window_unit", "background_unit"} if finder else set()
    for parameter in detection_parameters():
        if parameter.name in unused:
            continue
        value = getattr(recipe, parameter.name)
        if parameter.kind is float:
            text = f"{value:g}"
        else:
            text = {True: "yes", False: "no"}.get(value, value)
        rows.append((parameter.label, f"{text} {parameter.unit}".strip()))
    return tuple(rows)

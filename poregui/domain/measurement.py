"""Define the numbers of one pore, the columns of their table, and how lengths are written."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.wording import decimal_from, listed


def nice_length(largest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50... that is not above `largest`."""
    power = 10.0 ** math.floor(math.log10(largest))
    return max(step * power for step in (1, 2, 5) if step * power <= largest * (1 + 1e-9))


def length_text(um: float) -> str:
    """Return a length with its unit: nm below 1 um, mm from 1000 um on."""
    if um >= 1000:
        return f"{um / 1000:g} mm"
    if um >= 1:
        return f"{um:g} µm"
    return f"{um * 1000:g} nm"


RELIABLE_PX = 10.0
"""Equivalent circular diameter below which shape numbers are noise: a disc of fewer pixels measures
as any shape.
"""
SHAPE_NUMBERS = (
    "circularity",
    "roundness",
    "aspect_ratio",
    "solidity",
    "convexity",
    "orientation_deg",
)
"""The columns that mean nothing where `shape_reliable` is false."""


def _number(title: str, unit: str, help: str) -> Any:
    return field(metadata={"title": title, "unit": unit, "help": help})


@dataclass(frozen=True)
class Measurement:
    """Hold the numbers of one pore.

    Lengths are in `unit`: um where the scale is known, else px. A number that is not known is None.
    The unit "length" of a column stands for `unit`.
    """

    x: float = _number("x", "px", "Centroid of the outline, from the left edge.")
    y: float = _number("y", "px", "Centroid of the outline, from the upper edge.")
    unit: str = _number(
        "Unit", "", "Unit of the lengths: µm, or px where the pixel size is unknown."
    )
    area_px: float = _number("Area", "px²", "Area inside the outline.")
    area_um2: float | None = _number("Area", "um²", "Area inside the outline.")
    ecd: float = _number("Equivalent diameter", "length", "Diameter of the circle of equal area.")
    perimeter: float = _number("Perimeter", "length", "Length of the outline.")
    circularity: float = _number("Circularity", "", "4 pi A / P², 1 for a circle.")
    roundness: float = _number("Roundness", "", "4 A / (pi Fmax²), 1 for a circle.")
    feret_max: float = _number(
        "Feret, maximum", "length", "Largest distance between two parallel tangents."
    )
    feret_min: float = _number(
        "Feret, minimum", "length", "Smallest distance between two parallel tangents."
    )
    aspect_ratio: float = _number("Aspect ratio", "", "Fmax / Fmin.")
    solidity: float = _number("Solidity", "", "Area over the area of the convex hull.")
    convexity: float = _number("Convexity", "", "Perimeter of the convex hull over the perimeter.")
    orientation_deg: float = _number(
        "Orientation", "°", "Long axis against the build direction, -90 to 90, counter-clockwise."
    )
    mean_grey: float | None = _number("Mean grey", "", "Mean grey value of the pixels inside.")
    nearest_edge: float | None = _number(
        "Nearest pore", "length", "Shortest distance from edge to edge."
    )
    surface: float | None = _number(
        "Distance to the surface", "length", "Shortest distance of the edge to it."
    )
    touches_edge: bool = _number(
        "Touches the edge", "", "Cut by the edge of the image or of a masked region."
    )
    shape_reliable: bool = _number("Shape reliable", "", f"At least {RELIABLE_PX:g} px across.")


@dataclass(frozen=True)
class Column:
    """Describe a column of the table: the field, its title, its unit ("length" stands for um or px)
    and what it is.
    """

    name: str
    title: str
    unit: str
    help: str


COLUMNS: tuple[Column, ...] = tuple(
    Column(declared.name, **declared.metadata) for declared in fields(Measurement)
)


def heading(column: Column, unit: str) -> str:
    """Return the title of a column with its unit, such as "Perimeter (um)"; `unit` is um or px."""
    shown = column.unit
    if column.unit == "length":
        shown = unit
    if shown:
        return f"{column.title} ({shown})"
    return column.title


_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_CONDITION = re.compile(r"\s*([^<>=≤≥]+?)\s*(<=|>=|=<|=>|==|<|>|=|≤|≥)\s*(\S+)\s*")
_SIGNS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">=", "==": "="}
EXAMPLE = "ECD > 20; circularity < 0.8"


@dataclass(frozen=True)
class Condition:
    """Hold what a number of a pore must be: the `column`, one of < <= > >= =, and the `value`."""

    column: str
    sign: str
    value: float


def conditions_from(text: str) -> tuple[Condition, ...]:
    """Return the conditions in a text such as `ECD > 20; circularity < 0.8`, of which all hold.

    A column is called by its name in files, its title or how that begins; lengths are in the unit
    of the table. Raises PoreguiError for anything else.
    """
    parts = [part for part in re.split(r";|\band\b|&", text, flags=re.IGNORECASE) if part.strip()]
    return tuple(_condition(part) for part in parts)


def _condition(part: str) -> Condition:
    match = _CONDITION.fullmatch(part)
    if match is None:
        raise PoreguiError(f"{part.strip()!r} is no condition.", f"Write one such as {EXAMPLE}.")
    name, sign, value = match.groups()
    try:
        number = decimal_from(value)
    except ValueError as error:
        raise PoreguiError(
            f"{value!r} is not a number.", f"Write a condition such as {EXAMPLE}."
        ) from error
    return Condition(_column_called(name), _SIGNS.get(sign, sign), number)


def _column_called(name: str) -> str:
    """Return the column that a person means. Raises PoreguiError where it is none or several."""
    wanted = name.casefold()
    numbers = [one for one in COLUMNS if one.unit or one.name in SHAPE_NUMBERS]
    exact = [one.name for one in numbers if wanted in (one.name, one.title.casefold())]
    begun = [
        one.name
        for one in numbers
        if one.name.startswith(wanted) or one.title.casefold().startswith(wanted)
    ]
    found = exact[:1] or begun
    if len(found) == 1:
        return found[0]
    if found:
        raise PoreguiError(f"{name!r} may be {listed(found, 'or')}.", "Name one of them.")
    raise PoreguiError(
        f"There is no measurement called {name!r}.",
        f"Measurements are {listed([one.name for one in numbers])}.",
    )


def meets(
    columns: Mapping[str, NDArray[Any]], conditions: Sequence[Condition]
) -> NDArray[np.bool_]:
    """Return which of (n,) pores meet all conditions, (n,); what is not known, or unreliable, meets
    none.
    """
    reliable = np.asarray(columns["shape_reliable"], np.bool_)
    kept = np.ones(len(reliable), np.bool_)
    for one in conditions:
        values = np.asarray(columns[one.column], np.float64)
        if one.column in SHAPE_NUMBERS:
            values = np.where(reliable, values, np.nan)
        kept &= np.isfinite(values) & _COMPARE[one.sign](values, one.value)
    return kept


@dataclass(frozen=True)
class DistanceSummary:
    """Hold the least distance, its 10, 50 and 90 per cent points and how many pores have one; in
    the unit given.
    """

    pores: int
    minimum: float
    low: float
    middle: float
    high: float


def distance_summary(values: NDArray[np.float64]) -> DistanceSummary | None:
    """Return the summary of (n,) distances, NaN where one is not known; None where none is.

    The points are interpolated linearly between the ordered distances (R. J. Hyndman and Y. Fan,
    The American Statistician 50 (1996) 361, definition 7).
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, middle, high = (float(v) for v in np.quantile(known, [0.1, 0.5, 0.9]))
    return DistanceSummary(len(known), float(known.min()), low, middle, high)

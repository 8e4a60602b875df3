"""Say how large the largest pore of a larger area is to be expected, from the fields there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.extremes import (
    FEWEST_FIELDS,
    FEWEST_PEAKS,
    LargestPore,
    gumbel_largest,
    peaks_largest,
)
from poregui.domain.wording import count
from poregui.workflow.specimens.specimen_fields import FieldSet, SpecimenField

OF_SECTIONS = (
    "This is a statistic of sections: a section rarely cuts a pore where it is widest, so that "
    "pores in the volume are larger."
)
USUAL_FIELDS = 24
_DOUBTFUL = 0.05


@dataclass(frozen=True)
class Extremes:
    """Hold the largest √area expected in `area_mm2` by both methods, or why one says nothing."""

    area_mm2: float
    class_name: str
    source: str
    n_fields: int
    examined_mm2: float
    gumbel: LargestPore | str
    pot: LargestPore | str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON."""
        return {
            "area_mm2": self.area_mm2,
            "class": self.class_name or None,
            "source": self.source,
            "n_fields": self.n_fields,
            "examined_mm2": self.examined_mm2,
            "gumbel": self._json(self.gumbel),
            "pot": self._json(self.pot),
            "notes": list(self.notes),
        }

    def _json(self, one: LargestPore | str) -> dict[str, Any]:
        if isinstance(one, str):
            return {"refused": one, "n_fields": self.n_fields}
        values = asdict(one)
        ends = [values.pop("low"), values.pop("high")]
        largest = values.pop("largest")
        return {
            "largest_sqrt_area_um": largest,
            "interval95": ends,
            "n_fields": self.n_fields,
            **values,
        }


def largest_pores(fields: FieldSet, area_mm2: float, class_name: str = "") -> Extremes:
    """Return the largest pore to be expected in an area of section.

    Raises PoreguiError for an area that is none, and where a pixel size is unknown.
    """
    if not 0 < area_mm2 < 1e12:
        raise PoreguiError(f"{area_mm2:g} mm² is not an area.", "Give one above 0, such as 100.")
    maxima, areas = _blocks(fields.fields)
    sizes = [
        float(size)
        for field in fields.fields
        for size in np.sqrt(field.areas) * (field.um_per_px or 1.0)
    ]
    with_pore = sum(one > 0 for one in maxima)
    few = f"Only {count(with_pore, 'field')} with such a pore: at least {FEWEST_FIELDS} are needed."
    if area_mm2 <= sum(areas) / len(areas):
        few = "The area is not larger than a field: measure the fields themselves."
    peaks = f"Only {count(len(sizes), 'such pore')}: at least {2 * FEWEST_PEAKS} are needed."
    gumbel = _or_why(lambda: gumbel_largest(maxima, areas, area_mm2), few)
    pot = peaks_or_why(sizes, sum(areas), area_mm2, with_pore, few, peaks)
    notes = [*fields.notes, *_doubts(gumbel, pot, with_pore, class_name), OF_SECTIONS]
    return Extremes(
        area_mm2, class_name, fields.source, len(maxima), sum(areas), gumbel, pot, tuple(notes)
    )


def peaks_or_why(
    sizes: Sequence[float], examined: float, area: float, fields: int, few: str, peaks: str
) -> LargestPore | str:
    """Return what the peaks say, or why they say nothing: of few fields they are of few places."""
    if fields < FEWEST_FIELDS or area <= examined / max(fields, 1):
        return few
    return _or_why(lambda: peaks_largest(sizes, examined, area), peaks)


def _or_why(estimate: Callable[[], LargestPore], why: str) -> LargestPore | str:
    try:
        return estimate()
    except ValueError:
        return why


def _blocks(fields: Sequence[SpecimenField]) -> tuple[list[float], list[float]]:
    maxima: list[float] = []
    areas: list[float] = []
    for field in fields:
        largest = field.largest_um
        area = field.area_mm2
        if largest is None or area is None:
            raise PoreguiError(
                f"{field.micrograph} has no pixel size.", "Give it one: poregui micrographs."
            )
        maxima.append(largest)
        areas.append(area)
    return maxima, areas


def _doubts(
    gumbel: LargestPore | str, pot: LargestPore | str, with_pore: int, class_name: str
) -> list[str]:
    doubts = []
    if isinstance(gumbel, LargestPore) and with_pore < USUAL_FIELDS:
        doubts.append(
            f"{count(with_pore, 'field')} with a pore; ASTM E2283 asks for {USUAL_FIELDS}."
        )
    for name, one in (("Gumbel's distribution", gumbel), ("The Pareto distribution", pot)):
        if isinstance(one, LargestPore) and one.fit_p < _DOUBTFUL:
            doubts.append(f"{name} does not fit these pores (p {one.fit_p:.2g}).")
    if not class_name:
        doubts.append("All classes together: the largest of a mixture is often underestimated.")
    return doubts

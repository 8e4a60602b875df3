"""Sum up the porosity of fields of view and say how far the mean can be trusted; changes with that statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poregui.domain.intervals import student_t_quantile


@dataclass(frozen=True)
class Porosity:
    """Hold the porosity over fields, in area per cent.

    `mean` and `deviation` are those of the fields, each counting alike; `pooled` is all pore area over all field area.
    `low` to `high` is the 95 % interval of the mean, `relative_accuracy` its half width in per cent of the mean; None
    where one field, or a mean of 0, says nothing about it.
    """

    fields: int
    mean: float
    pooled: float
    deviation: float | None
    low: float | None
    high: float | None
    relative_accuracy: float | None


def porosity(pore_areas: Sequence[float], field_areas: Sequence[float]) -> Porosity | None:
    """Return the porosity over fields of view from the area of pores and the whole area of each; None without a field.

    The area fraction of each field is measured from its outlines in the manner of ASTM E1245 (automatic image analysis
    of inclusions, whose fields are of equal size). The interval is mean +- t s / sqrt(n), with Student's t of n - 1
    degrees of freedom at 95 % and the standard deviation s between fields, cut off at 0 and 100; the relative accuracy
    is its half width over the mean, in per cent. Both formulas are those of ASTM E562, which is a manual count of grid
    points: the statistics are the same, the way to a field's fraction is not. (ASTM E2109 is for thermal spray
    coatings.) The interval is over fields as they were taken; fields of one specimen resemble each other, so that it
    says nothing about further specimens. Raises ValueError for a field without area.
    """
    if len(pore_areas) != len(field_areas) or any(area <= 0 for area in field_areas):
        raise ValueError("each field needs an area above 0")
    count = len(pore_areas)
    if not count:
        return None
    percents = 100 * np.asarray(pore_areas, dtype=np.float64) / np.asarray(field_areas, dtype=np.float64)
    mean, pooled = float(percents.mean()), 100 * float(np.sum(pore_areas)) / float(np.sum(field_areas))
    if count < 2:
        return Porosity(count, mean, pooled, None, None, None, None)
    deviation = float(percents.std(ddof=1))
    half = student_t_quantile(0.975, count - 1) * deviation / math.sqrt(count)
    return Porosity(
        fields=count,
        mean=mean,
        pooled=pooled,
        deviation=deviation,
        low=max(0.0, mean - half),
        high=min(100.0, mean + half),
        relative_accuracy=100 * half / mean if mean > 0 else None,
    )

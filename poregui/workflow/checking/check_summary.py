"""Say what a check of the finding came to, how much people and recipes differ: a step alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from poregui.domain.statistics.finding_check import Gauge, gauge
from poregui.domain.wording import count
from poregui.workflow.checking.finding_checks import FindingCheck, same_windows


def gauge_of_recipes(checks: Sequence[FindingCheck]) -> Gauge | None:
    """Return how much the found area of the same windows differs between checks, in per cent."""
    values = [
        [100 * sum(pore.area_px for pore in one.found) / one.box.area for one in check.windows]
        for check in checks
    ]
    table = np.array(values, np.float64).reshape(len(checks), -1)
    return gauge(table.T[:, :, np.newaxis])


def summary_of(
    check: FindingCheck, others: Iterable[FindingCheck] = (), who: str | None = None
) -> dict[str, Any]:
    """Return what a check says as a dictionary fit for JSON; `others` may have the same windows."""
    result = check.result(who)
    alike = [one for one in others if one.number != check.number and same_windows(one, check)]
    recipes = gauge_of_recipes([check, *alike]) if alike else None
    people = check.people
    return {
        "check": check.number,
        "seed": check.seed,
        "windows": len(check.windows),
        "checked": result.windows,
        "left": len(check.windows) - result.windows,
        "micrographs": len({one.micrograph_id for one in check.windows}),
        "found_by": check.found_by,
        "people": list(people),
        "answered_by": who or next(iter(people), None),
        "finding": result.to_json(),
        "sentence": result.sentence,
        "gauge": {name: one.to_json() for name, one in check.gauge().items()},
        "gauge_of_recipes": recipes and recipes.to_json(),
    }


def gauge_sentences(check: FindingCheck) -> list[str]:
    """Say how much people differ, in one sentence for each number that was compared."""
    names = {
        "point_area_percent": ("area by point count", "percentage points"),
        "pores": ("pores in a window", "pores"),
        "corrected_area_percent": ("area in a window", "percentage points"),
    }
    lines = []
    for name, one in check.gauge().items():
        what, unit = names[name]
        again = "" if one.repeated else " (nobody answered twice)"
        lines.append(
            f"{count(len(check.people), 'person', 'people')}, {what}: repeatability "
            f"{one.repeatability:.2g}, reproducibility {one.reproducibility:.2g} {unit}{again}."
        )
    return lines

"""Say in a sentence what more labels would add; changes with how that advice is worded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORTH_SAYING = 0.002
HOW_SURE = (
    "Estimated from the labels there are, by leaving specimens out.\n"
    "Checked on the sample project, intervals called 95 % held what\n"
    "really came in only 84 of 100 cases: take them as a hint."
)
"""Stands where the estimates are shown; the figure is that of `scripts/bench.py promises` in ARCHITECTURE.md."""


def advice(curve: Mapping[str, Any] | None, names: Mapping[int, str]) -> str:
    """Return `About 60 more Lack of Fusion crops: +1.5 points (95 %: +0.2 to +3.1).` from the JSON of a LearningCurve.

    Empty without a curve. Where the interval of no class lies above nothing, that is said with how much it may be.
    """
    if not curve or not curve["gains"]:
        return ""
    helping = [one for one in curve["gains"] if one["interval"][0] > 0]
    best = helping[0] if helping else curve["gains"][0]
    low, high = best["interval"]
    name = names.get(best["label"], "such")
    if high < _WORTH_SAYING:
        return (
            f"More labels would hardly help the suggestions: {best['more']} more {name} crops {100 * high:+.1f} points."
        )
    if not helping:
        return (
            "No class is sure to gain by more labels: "
            f"{best['more']} more {name} crops {100 * low:+.1f} to {100 * high:+.1f} points."
        )
    return (
        f"About {best['more']} more {name} crops: {100 * best['gain']:+.1f} points "
        f"(95 %: {100 * low:+.1f} to {100 * high:+.1f})."
    )


def lines_of_classes(curve: Mapping[str, Any] | None, names: Mapping[int, str]) -> list[str]:
    """Return a line for each class: `20 more Gas: +0.4 points (95 %: -0.4 to +1.2)`; none without a curve."""
    return [
        f"{one['more']} more {names.get(one['label'], 'such')}: {100 * one['gain']:+.1f} points "
        f"(95 %: {100 * one['interval'][0]:+.1f} to {100 * one['interval'][1]:+.1f})"
        for one in (curve["gains"] if curve else ())
    ]

"""Say in a sentence what more labels would add; changes with how that advice is worded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORTH_SAYING = 0.002


def advice(curve: Mapping[str, Any] | None, names: Mapping[int, str]) -> str:
    """Return `About 60 more Lack of Fusion crops: +1.5 points (95 %: +0.2 to +3.1).` from the JSON of a LearningCurve.

    Empty without a curve. Where even the best class would add next to nothing, that is said.
    """
    if not curve or not curve["gains"]:
        return ""
    best = curve["gains"][0]
    low, high = best["interval"]
    name = names.get(best["label"], "such")
    if best["gain"] < _WORTH_SAYING:
        most = f"{best['more']} more {name} crops: at most {100 * high:+.1f} points."
        return f"More labels would hardly help the suggestions. {most}"
    return (
        f"About {best['more']} more {name} crops: {100 * best['gain']:+.1f} points "
        f"(95 %: {100 * low:+.1f} to {100 * high:+.1f})."
    )

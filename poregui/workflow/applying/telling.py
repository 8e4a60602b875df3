"""Say in sentences what numbers of porosity rest on, for the page, the command line and the report alike."""

from __future__ import annotations

from poregui.workflow.applying.summary import GroupSummary, Summary


def sensitivity_words(group: GroupSummary) -> str:
    """Say how the area of all pores moves with the threshold; empty where nobody looked."""
    if not group.sensitivity or group.porosity is None:
        return ""
    near = [one.total for one in group.sensitivity if abs(one.shift) == 5]
    far = [one.total for one in group.sensitivity]
    return (
        f"With a threshold up to 5 % lower or higher the pores would cover {_span(near, group.porosity.mean)}, "
        f"up to 10 % {_span(far, group.porosity.mean)}."
    )


def unlike_words(group: GroupSummary) -> str:
    """Say how many pores are unlike all that was trained on, or that nobody can tell; empty where there are none."""
    if group.unlike is None:
        return "This network does not say what it learned from, so that pores unlike it are not found; train again."
    if not group.unlike:
        return ""
    one = group.unlike == 1
    what = f"{group.unlike} pore{' looks' if one else 's look'} unlike anything this network learned from"
    if group.unlike_kept:
        return f"{what}; {'it counts' if one else 'they count'} as it answered."
    return f"{what} and {'is' if one else 'are'} left to a person."


def calibration_words(summary: Summary) -> str:
    """Say where confidence is taken as the network gives it; empty where it is calibrated."""
    if summary.temperature is not None:
        return ""
    return (
        "Confidence is as the network gives it, not calibrated: it has no temperature, for want of validation crops or "
        "of errors in them."
    )


def _span(totals: list[float], middle: float) -> str:
    low, high = (f"{end:.4g}" for end in (min(*totals, middle), max(*totals, middle)))
    return f"{low} %" if low == high else f"{low} to {high} %"

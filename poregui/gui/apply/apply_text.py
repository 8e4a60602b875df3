"""Put the results of applying into words and rows."""

from __future__ import annotations

from collections.abc import Mapping

from poregui.domain.classes import UNSURE_COLOUR
from poregui.domain.wording import count, fraction, fraction_of, percent, with_micrometres
from poregui.gui.lists.number_table import NumberRow
from poregui.workflow.applying.study import ConfidenceCounts
from poregui.workflow.applying.summary import (
    ClassSummary,
    GroupSummary,
    Summary,
    calibration_text,
    out_of_distribution_text,
    sensitivity_text,
)


def confidence_sentence(found: ConfidenceCounts, min_confidence: float) -> str:
    """Say what a wanted confidence meant for the test crops."""
    if not found.n:
        return "This run has no test crops to check the confidence with."
    if found.accuracy is None:
        return f"Minimum confidence {percent(min_confidence, 0)}: no test crop reached it."
    if min_confidence == 0:
        threshold = "No threshold"
    else:
        threshold = f"Minimum confidence {percent(min_confidence, 0)}"
    reached = round(found.coverage * found.n)
    right = fraction_of(found.accuracy, reached)
    return f"{threshold}: {fraction(reached, found.n, 0)} test crops classified, {right} correctly."


def rows_of(group: GroupSummary, unit: str, colours: Mapping[str, str]) -> list[NumberRow]:
    """Return one row a class, and what was left to a person."""
    top = (
        max(
            (pore_class.area.high or pore_class.area.corrected for pore_class in group.classes),
            default=0.0,
        )
        or 1.0
    )
    rows = [
        _row(pore_class, with_micrometres(unit), colours.get(pore_class.name, ""), top)
        for pore_class in group.classes
    ]
    if group.left:
        cells = (f"{group.left_percent:.4g}", "", str(group.left), "", "", "")
        rows.append(
            NumberRow(
                "Unclassified",
                cells,
                tip="Pores below the minimum confidence, or unusual (outside the training data)",
                colour=UNSURE_COLOUR,
            )
        )
    return rows


def _row(one: ClassSummary, unit: str, colour: str, top: float) -> NumberRow:
    area = one.area
    sizes = one.sizes
    if area.low is None or area.high is None:
        interval = ""
    else:
        interval = f"{area.low:.4g}–{area.high:.4g}"
    cells = (
        f"{area.corrected:.4g}",
        interval,
        str(sizes.pores),
        "" if one.density is None else f"{one.density.corrected:.3g}",
        "" if sizes.number is None else f"{sizes.number[1]:.3g} {unit}",
        "" if sizes.largest is None else f"{sizes.largest:.3g} {unit}",
    )
    if area.low is None or area.high is None:
        drawn = None
    else:
        drawn = (area.low / top, area.high / top)
    tip = f"As predicted {area.plain:.4g} %, corrected for confusion {area.corrected:.4g} %"
    if one.density is not None and one.density.low is not None and one.density.high is not None:
        tip += (
            f"\nPores per mm²: {one.density.corrected:.3g} "
            f"(95 % CI {one.density.low:.3g}–{one.density.high:.3g})"
        )
    if sizes.number is not None and sizes.area is not None and sizes.root_area is not None:
        tip += (
            f"\nD10, D50, D90: {_three(sizes.number)} {unit}, "
            "weighted by area "
            f"{_three(sizes.area)} {unit}"
        )
        tip += f"\nSquare root of the largest area: {sizes.root_area:.3g} {unit}"
    for name, far in (("nearest other pore", one.nearest), ("surface", one.surface)):
        if far is not None:
            tip += (
                f"\nTo the {name}: median {far.middle:.3g} {unit}, 10 % of "
                "pores below "
                f"{far.low:.3g} {unit}"
            )
    return NumberRow(one.name, cells, area.corrected / top, drawn, tip, colour)


def _three(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def title_of(group: GroupSummary) -> str:
    """Return the porosity of a specimen, or of all, in a line."""
    found = group.porosity
    if found is None:
        return ""
    text = f"Porosity {found.mean:.3g} %"
    if found.low is not None and found.high is not None:
        text += f" (95 % CI {found.low:.3g}–{found.high:.3g})"
    return text


def note_of(summary: Summary, group: GroupSummary) -> str:
    """Say what the intervals are over, whether areas were corrected, and what
    else must be known.
    """
    units = count(group.units, group.unit)
    sentences = [f"95 % CI over {units}."]
    if group.units == 1:
        sentences = [f"Only one {group.unit}, so no interval."]
    elif group.unit == "field":
        sentences = [f"95 % CI over {units} of this specimen; not valid for other specimens."]
    if summary.corrected:
        sentences.append(
            "Areas are corrected for confusion between classes; the interval includes the "
            "uncertainty of that correction."
        )
    else:
        sentences.append(f"Areas are not corrected for confusion: {summary.why_not}.")
    sentences += [calibration_text(summary), out_of_distribution_text(group)]
    sentences.append(sensitivity_text(group))
    sentences += summary.warnings[:3]
    if len(summary.warnings) > 3:
        sentences.append(f"{count(len(summary.warnings) - 3, 'more note')} in the files.")
    return " ".join(sentence for sentence in sentences if sentence)

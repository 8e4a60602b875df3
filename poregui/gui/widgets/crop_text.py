"""Put what is known of a crop into words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from poregui.domain.records import Crop, LabelEntry, Micrograph
from poregui.domain.wording import count
from poregui.gui.base.class_marks import ClassMarks

_HOW = {
    "hand": "by hand",
    "review": "on the Review page",
    "import": "with the import",
    "accepted": "by accepting a suggestion",
    "applied": "on the Apply page",
    "undo": "by undo",
    "redo": "by redo",
    "merge": "by merging classes",
    "settled": "by settling a disagreement",
}


def size_text(crop: Crop) -> str:
    """Return the size of a crop in px, and in um where the scale is known."""
    pixels = f"{crop.width} × {crop.height} px"
    if crop.um_per_px is None:
        return f"{pixels} · scale unknown"
    return f"{pixels} · {crop.width * crop.um_per_px:.3g} × {crop.height * crop.um_per_px:.3g} µm"


def history_text(log: Sequence[LabelEntry], marks: ClassMarks) -> str:
    """Return who gave the last label, when and how, and what it was before; empty for a crop
    without entries.
    """
    if not log:
        return ""
    last = log[-1]
    try:
        when = datetime.fromisoformat(last.when).astimezone().strftime("%d %b %Y, %H:%M")
    except ValueError:
        when = last.when
    who = f"{last.who}, " if last.who else ""
    text = f"{who}{when}, {_HOW.get(last.how, last.how)}"
    if len(log) > 1 and log[-2].label != last.label:
        text += f" (before: {marks.name(log[-2].label).lower()})"
    return text


def micrograph_text(micrograph: Micrograph) -> str:
    """Return the size, depth and scale of a micrograph."""
    if micrograph.um_per_px:
        scale = f"{micrograph.um_per_px:.4g} µm/px"
    else:
        scale = "scale unknown"
    depth = " · 16 bit" if micrograph.bits == 16 else ""
    return f"{micrograph.width} × {micrograph.height} px{depth} · {scale}"


def values_text(values: object, x: int, y: int, um_per_px: float | None = None) -> str:
    """Return place (px, and um where the scale is known) and value of a px;
    None is not read yet.
    """
    position = f"x {x}  y {y}"
    if um_per_px is not None:
        position += f"  ·  {x * um_per_px:.5g}, {y * um_per_px:.5g} µm"
    if values is None:
        return position
    numbers = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(numbers, list):
        text = " ".join(map(str, numbers))
    else:
        text = str(numbers)
    return f"{position}  ·  {text}"


def end_text(unlabelled: int) -> str:
    """Say why the next unlabelled crop did not come."""
    if not unlabelled:
        return "All crops in this list are labelled."
    crops = count(unlabelled, "unlabelled crop")
    return f"End of the list; {crops} further up."

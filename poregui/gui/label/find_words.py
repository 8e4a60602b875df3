"""Put into words what detection found; changes with what a person wants to know after it."""

from __future__ import annotations

from collections.abc import Sequence

from poregui.gui.label.previewing import Seen
from poregui.workflow.detecting.find_pores import DetectedPores, DetectionPlan, mount_words

_MOST_FAILURES = 3


def preview_words(seen: Seen) -> str:
    """Say what is found in the part that is seen."""
    where = "In the middle of the view" if seen.partly else "In view"
    return f"{where}: {_pores(len(seen.detected.outlines))}, {_percent(seen.detected.area_percent)}"


def result_words(found: Sequence[DetectedPores], failed: Sequence[tuple[str, str]], plan: DetectionPlan | None) -> str:
    """Say what was found, what became of proposals and labels, and which micrographs could not be searched."""
    lines = []
    if len(found) == 1:
        lines.append(f"{_pores(len(found[0].pores))}, {_percent(found[0].area_percent)}.")
    elif found:
        pores = sum(len(one.pores) for one in found)
        mean = sum(one.area_percent for one in found) / len(found)
        lines.append(f"{_pores(pores)} in {len(found)} micrographs, {_percent(mean)} in the mean.")
    if plan is not None:
        parts = [f"{_proposals(plan.added)} new"]
        parts += [f"{plan.removed:,} gone"] if plan.removed else []
        parts += [f"{plan.carried:,} labels kept"] if plan.carried else []
        lines.append(f"{', '.join(parts)}.")
    if plan is not None and plan.stayed:
        crops = "labelled crop has" if len(plan.stayed) == 1 else "labelled crops have"
        lines.append(f"{len(plan.stayed):,} {crops} no pore now and stay as they were.")
    large = sum(one.too_large for one in found)
    if large:
        lines.append(f"{large} regions are too large for a pore and were left out.")
    mount = mount_words(found)
    if mount:
        lines.append(f"{mount} If it is pore, press None in view in the tab Picture and search again.")
    lines += [f"{name}: {why}" for name, why in failed[:_MOST_FAILURES]]
    if len(failed) > _MOST_FAILURES:
        lines.append(f"{len(failed) - _MOST_FAILURES} more micrographs could not be searched.")
    return "\n".join(lines)


def _pores(count: int) -> str:
    return "1 pore" if count == 1 else f"{count:,} pores"


def _proposals(count: int) -> str:
    return "1 proposal" if count == 1 else f"{count:,} proposals"


def _percent(value: float) -> str:
    return f"{value:.2f} area %"

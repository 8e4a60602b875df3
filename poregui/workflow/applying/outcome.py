"""Write what became of applied micrographs beside their results, as one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poregui.store.files import write_json
from poregui.workflow.applying.locked_recipe import Lock
from poregui.workflow.applying.pool import Applied
from poregui.workflow.applying.summary import Summary

FILE = "summary.json"


def write_outcome(
    out: Path, applied: Applied, summary: Summary, *, least: float, lock: Lock | None
) -> dict[str, Any]:
    """Write summary.json into a folder of results and return what stands in it.

    Raises PoreguiError when it cannot be written.
    """
    values = {
        "out": str(out.absolute()),
        "fields": len(applied.results),
        "taken_up": applied.taken_up,
        "problems": [{"name": one.name, "reason": one.reason} for one in applied.problems],
        "pores": sum(one.pores for one in applied.results),
        "least_confidence": least,
        "unlike": _unlike(applied),
        "recipe": lock.sentence if lock else "not locked",
        "locked": lock.to_json() if lock else None,
        **summary.to_json(),
    }
    write_json(out / FILE, values)
    return values


def _unlike(applied: Applied) -> dict[str, Any] | None:
    """Return which pores are unlike all training crops, None where some micrograph cannot tell."""
    if any(one.unlike is None for one in applied.results):
        return None
    pores = [
        {"file": one.file, "plane": one.plane, "pore": number}
        for one in applied.results
        for number in one.unlike or ()
    ]
    return {"count": len(pores), "pores": pores}

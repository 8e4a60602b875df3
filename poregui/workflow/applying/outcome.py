"""Write what became of applied micrographs beside their results, as one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poregui.store.files import explain_write_error, write_json
from poregui.store.run_files import parse_json, read_whole
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.locked_recipe import Lock
from poregui.workflow.applying.pool import Applied
from poregui.workflow.applying.summary import Summary

FILE = "summary.json"


def write_outcome(
    out: Path, applied: Applied, summary: Summary, *, least: float, lock: Lock | None
) -> dict[str, Any]:
    """Write summary.json into a folder of results and return what stands in it.

    One that is there and sums up other micrographs stays beside it, as `summary-1.json` and so on,
    which `kept` names. Raises PoreguiError when it cannot be written.
    """
    values: dict[str, Any] = {
        "out": str(out.absolute()),
        "fields": len(applied.results),
        "taken_up": applied.taken_up,
        "problems": [{"name": one.name, "reason": one.reason} for one in applied.problems],
        "pores": sum(one.pores for one in applied.results),
        "least_confidence": least,
        "unlike": _unlike(applied),
        "recipe": lock.sentence if lock else "not locked",
        "locked": lock.to_json() if lock else None,
        "micrographs": [_told(one) for one in applied.results],
        **summary.to_json(),
    }
    kept = _keep_other(out, {(one.file, one.plane) for one in applied.results})
    write_json(out / FILE, values)
    return values | {"kept": kept}


def _told(one: FieldResult) -> dict[str, Any]:
    return {
        "name": one.name,
        "file": one.file,
        "plane": one.plane,
        "sha256": one.sha256,
        "specimen": one.specimen,
    }


def _keep_other(out: Path, wanted: set[tuple[str, str]]) -> str | None:
    """Put a summary aside that tells of micrographs which the new one does not; return its new
    name.

    An earlier one of the very same micrographs gives way to it.
    """
    file = out / FILE
    if not file.exists() or (there := _micrographs(file)) <= wanted:
        return None
    number = 1
    while (aside := out / f"{file.stem}-{number}{file.suffix}").exists() and _micrographs(
        aside
    ) != there:
        number += 1
    try:
        file.replace(aside)
    except OSError as error:
        raise explain_write_error(error, aside) from error
    return aside.name


def _micrographs(file: Path) -> set[tuple[str, str]]:
    """Return the files and planes that a summary tells of; one of its own where it does not say."""
    try:
        told = parse_json(read_whole(file))
        return {(str(one["file"]), str(one["plane"])) for one in told["micrographs"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {("", "")}


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

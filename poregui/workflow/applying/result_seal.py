"""Say of each file of a micrograph's results what it was when it was written, and hold it against
that when it is read.

Changes with the files that are read again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from poregui.domain.checked import listed, mapping, maybe, number, text, whole
from poregui.store.files import explain_write_error, write_json
from poregui.store.run_files import BROKEN, make_seal, parse_json, parse_seal, read_whole, rows_in

SEAL = "results.json"
PORES = "pores.csv"
_READ_AGAIN = ("field.json", PORES, "pores.geojson", "sensitivity.npz", "picture.npz")
_count = partial(whole, low=0)
_area = partial(number, low=0.0)
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "specimen": text,
    "file": text,
    "sha256": text,
    "fingerprint": text,
    "width": partial(whole, low=1),
    "height": partial(whole, low=1),
    "um_per_px": maybe(partial(number, low=1e-12)),
    "field_area_px": _area,
    "pores": _count,
    "areas": partial(listed, check=_area),
    "counts": partial(listed, check=_count),
    "left": _count,
    "left_area": _area,
    "resampled": maybe(partial(number, low=1e-12)),
    "seconds": _area,
    "warnings": partial(listed, check=text),
    "plane": text,
    "unlike": maybe(partial(listed, check=_count)),
}


def unseal(folder: Path) -> None:
    """Let nothing hold the results in a folder together, before the first of them is written anew.

    Raises PoreguiError when that is refused.
    """
    try:
        (folder / SEAL).unlink(missing_ok=True)
    except OSError as error:
        raise explain_write_error(error, folder / SEAL) from error


def seal(folder: Path) -> None:
    """Write down what the results in a folder are, when all are there.

    Raises PoreguiError when that is refused.
    """
    write_json(folder / SEAL, make_seal(folder, _READ_AGAIN))


def fault_in(folder: Path, pores: int) -> str:
    """Say what is wrong with the results of a micrograph that has so many pores, empty when nothing
    is.

    Those of older versions have no seal; then the rows are counted.
    """
    name = SEAL
    try:
        if not (folder / SEAL).exists():
            rows = rows_in(read_whole(folder / PORES))
            if rows == pores:
                return ""
            return f"{PORES} has {rows} of {pores} rows"
        for name, sealed in parse_seal(read_whole(folder / SEAL)).items():
            fault = sealed.fault(read_whole(folder / name))
            if fault:
                return f"{name} {fault}"
    except FileNotFoundError as error:
        return f"{Path(error.filename or name).name} is missing"
    except BROKEN:
        return f"{name} is damaged"
    return ""


def read_sums(file: Path) -> dict[str, Any]:
    """Return the fields of a field.json. Raises one of BROKEN when it holds anything else."""
    told = mapping(parse_json(read_whole(file)))
    values = {name: check(told[name]) for name, check in _FIELDS.items() if name in told}
    if set(told) - set(_FIELDS) or len(values["areas"]) != len(values["counts"]):
        raise ValueError("no sums of a micrograph")
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }

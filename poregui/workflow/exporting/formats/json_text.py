"""Read and write JSON of other programs, many coordinates at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.store.files import explain_write_error, replace_file
from poregui.workflow.exporting.formats.shapes import LARGEST_FILE


def write_json(path: Path, value: Any) -> None:
    """Write a value beside and then put it in place. Raises PoreguiError when that is refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False))


def write_text(path: Path, text: str) -> None:
    """Write text beside and then put it in place. Raises PoreguiError when that is refused."""

    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, path) from error
    replace_file(path, write)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises PoreguiError when it cannot be read, is too large or is not JSON.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PoreguiError(
                f"{path.name} is larger than 1 GB.", "Split it by image and read the parts."
            )
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PoreguiError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise PoreguiError(
            f"{path.name} is not JSON.", "Export it again from the program that made it."
        ) from error


_PARTS = 1000
"""Coordinates are written to a thousandth."""
_LARGEST = 10**6
_AT_ONCE = 2000
_PADDING = b"\0"
"""What numpy fills up texts with that are shorter than their column."""


def closed_rings(rings: Sequence[NDArray[Any]]) -> Iterator[str]:
    """Yield each ring (N, 2) as the text of a JSON list of [x, y], its first point repeated at the
    end.
    """
    for start in range(0, len(rings), _AT_ONCE):
        yield from _texts(rings[start : start + _AT_ONCE])


def _texts(rings: Sequence[NDArray[Any]]) -> list[str]:
    points = np.rint(np.concatenate(rings).astype(np.float64) * _PARTS).astype(np.int64)
    ends = np.cumsum([len(ring) for ring in rings])
    starts = ends - [len(ring) for ring in rings]
    outside = (points < 0) | (points >= _LARGEST * _PARTS)
    odd = np.logical_or.reduceat(outside.any(axis=1), starts).tolist()
    rows = _rows(np.clip(points, 0, _LARGEST * _PARTS - 1))
    texts = []
    for ring, start, end, plainly in zip(rings, starts.tolist(), ends.tolist(), odd, strict=True):
        if plainly:
            texts.append(_plainly(ring))
            continue
        text = rows[start:end].tobytes() + rows[start : start + 1].tobytes()
        texts.append(f"[{text.replace(_PADDING, b'').decode('ascii')[:-1]}]")
    return texts


def _rows(points: NDArray[np.int64]) -> NDArray[Any]:
    """Return the texts of points in thousandths, (M,) of a few columns of bytes."""
    whole, rest = np.divmod(points, _PARTS)
    wholes = _digits(b"%d", int(whole.max()) + 1)
    rests = _digits(b".%03d", _PARTS)
    fields = [("open", "S1"), ("x", wholes.dtype), ("x_rest", rests.dtype), ("comma", "S1")]
    rows = np.empty(
        len(points),
        np.dtype([*fields, ("y", wholes.dtype), ("y_rest", rests.dtype), ("close", "S2")]),
    )
    rows["open"], rows["comma"], rows["close"] = b"[", b",", b"],"
    for axis, name in enumerate("xy"):
        rows[name], rows[f"{name}_rest"] = wholes[whole[:, axis]], rests[rest[:, axis]]
    return rows


def _digits(form: bytes, count: int) -> NDArray[np.bytes_]:
    """Return the texts of the numbers from 0 to below `count`."""
    return np.array([form % number for number in range(count)], dtype=np.bytes_)


def _plainly(ring: NDArray[Any]) -> str:
    """Return the text of a ring one number after the other; corners in the frame of an image may be
    below 0.
    """
    points = np.round(np.asarray(ring, np.float64), 3).tolist()
    return json.dumps([*points, points[0]], separators=(",", ":"))

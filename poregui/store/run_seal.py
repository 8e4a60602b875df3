"""Say in one file what each file of a finished run is, and hold the files against it; changes with what is sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from poregui.domain.checked import mapping as a_mapping
from poregui.domain.checked import maybe, text, whole
from poregui.store.damage import parse_json

_FORMAT = 1


@dataclass(frozen=True)
class SealedFile:
    """Hold size in bytes and SHA-256 of a file as its run left it, `rows` below the heading of a table."""

    size: int
    sha256: str
    rows: int | None = None

    def fault(self, content: bytes) -> str:
        """Say in what way content is not that of the file, empty where it is."""
        if len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256:
            return ""
        rows = rows_in(content)
        if self.rows is not None and rows != self.rows:
            return f"has {rows} of {self.rows} rows"
        return "is not as the run left it"

    def fault_of_size(self, size: int) -> str:
        """Say the same from the size alone."""
        return "" if size == self.size else "is not as the run left it"


Seal = dict[str, SealedFile]


def make_seal(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return what results.json holds: what each of these files is, as far as they are there."""
    files = {}
    for name in names:
        path = folder / name
        if path.is_file():
            files[name] = _described(path)
    return {"format": _FORMAT, "files": files}


def _described(path: Path) -> dict[str, Any]:
    with open(path, "rb") as content:
        told: dict[str, Any] = {"sha256": hashlib.file_digest(content, "sha256").hexdigest()}
    told["bytes"] = path.stat().st_size
    if path.suffix == ".csv":
        told["rows"] = rows_in(path.read_bytes())
    return told


def parse_seal(content: bytes) -> Seal:
    """Return what results.json says. Raises one of BROKEN when it is damaged."""
    told = a_mapping(parse_json(content))
    whole(told["format"], low=1)
    return {name: _sealed(a_mapping(one)) for name, one in a_mapping(told["files"]).items()}


def _sealed(told: dict[str, Any]) -> SealedFile:
    rows = maybe(partial(whole))(told.get("rows"))
    return SealedFile(whole(told["bytes"]), text(told["sha256"]), rows)


def rows_in(content: bytes) -> int:
    """Return how many lines stand below the heading of a table."""
    return max(0, content.count(b"\n") - 1)

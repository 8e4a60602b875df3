"""Read the manifest.csv of exported class folders: what a picture's own file cannot say; changes with its columns."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.csv"
_UP = 3
"""So far above a picture its manifest may lie: side/class/picture, and one more."""


@dataclass(frozen=True)
class ManifestRow:
    """Hold what a manifest says of one picture; None for what it does not say."""

    specimen: str | None = None
    um_per_px: float | None = None


NOTHING = ManifestRow()


class Manifests:
    """Find what manifests say of pictures; each manifest is read once, and one that is none says nothing."""

    def __init__(self) -> None:
        self._read: dict[Path, Mapping[str, ManifestRow]] = {}

    def row(self, picture: Path) -> ManifestRow:
        """Return what the nearest manifest above a picture says of it."""
        for folder in picture.parents[:_UP]:
            rows = self._read.get(folder)
            if rows is None:
                rows = self._read[folder] = _rows(folder / MANIFEST)
            if rows:
                return rows.get(picture.relative_to(folder).as_posix(), NOTHING)
        return NOTHING


def _rows(path: Path) -> dict[str, ManifestRow]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return {row["file"]: _row(row) for row in csv.DictReader(file) if row.get("file")}
    except (OSError, ValueError, csv.Error):
        return {}


def _row(cells: Mapping[str, str | None]) -> ManifestRow:
    return ManifestRow(plain(cells.get("specimen")) or None, scale(cells.get("um_per_px")))


def plain(cell: str | None) -> str:
    """Return a cell without the quote by which `harmless` keeps spreadsheets from taking it for a formula."""
    text = (cell or "").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def scale(cell: str | None) -> float | None:
    """Return a scale in um per px, None for a cell that holds none."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 < value < 1e6 else None

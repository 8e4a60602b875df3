"""Take in second opinions from a table: crop, rater, label and, where known, when and seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poregui.domain.classes import (
    NOT_A_PORE,
    NOT_A_PORE_NAME,
    UNSURE,
    UNSURE_NAME,
    full_name,
    name_key,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Opinion
from poregui.domain.wording import count, decimal_from, shortened
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddOpinions
from poregui.workflow.editing.opinion_edits import new_opinions
from poregui.workflow.importing.table_files import read_table

NEEDED = ("crop", "rater", "label")
_MOST_SECONDS = 1e9
_LONGEST_NAME = 100


@dataclass(frozen=True)
class ImportedRatings:
    """Hold the edit that adds opinions (None when none is new) and what the file held.

    `faults` are sentences, one for each row that was left out, by row and column.
    """

    edit: AddOpinions | None
    new: int
    known: int
    raters: Mapping[str, int]
    faults: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return all but the edit as a dictionary fit for JSON."""
        values = asdict(self)
        del values["edit"]
        return values

    @property
    def text(self) -> str:
        """Say what was taken in."""
        by = shortened([f"{name} ({number:,})" for name, number in self.raters.items()], 5)
        text = f"{count(self.new, 'rating')} added"
        if by:
            text += f", by {by}"
        if self.known:
            text += f"; {self.known:,} already known and not counted twice"
        if self.faults:
            text += f"; {count(len(self.faults), 'row')} left out"
        return f"{text}."


def plan_import(project: Project, file: Path) -> ImportedRatings:
    """Return what a table (CSV or .xlsx) adds; nothing is changed yet.

    Raises PoreguiError when the file cannot be read or lacks a column.
    """
    rows = _rows(file)
    reader = _Reader(project, _session(file, rows))
    opinions = []
    faults = []
    for number, row in rows:
        try:
            opinions.append(reader.opinion(row))
        except ValueError as fault:
            faults.append(f"Row {number}, {fault}")
    found = new_opinions(project, opinions)
    return ImportedRatings(found.edit, found.new, found.known, found.raters, tuple(faults))


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that are not empty, with their line in the file as a spreadsheet counts."""
    table = read_table(file)
    head = [name.casefold() for name in table.head]
    missing = [name for name in NEEDED if name not in head]
    if missing:
        raise PoreguiError(f"{file} has no column {missing[0]}.", _WRITE_LIKE)
    return [(line, dict(zip(head, row, strict=True))) for line, row in table.rows]


_WRITE_LIKE = "The first row must be crop,rater,label and, where known, when,seconds."


def _session(file: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> str:
    """Return a name for what was rated together that the same file gives again."""
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
    return f"csv:{digest}"


class _Reader:
    """Turn rows into opinions; a row that is none raises ValueError with its column."""

    def __init__(self, project: Project, session: str) -> None:
        self._crops = set(project.labels())
        self._session = session
        self._labels = {name_key(c.name): c.id for c in project.classes(retired=True)}
        self._labels[name_key(UNSURE_NAME)] = UNSURE
        self._labels[name_key(NOT_A_PORE_NAME)] = NOT_A_PORE

    def opinion(self, row: Mapping[str, str]) -> Opinion:
        """Return the opinion of a row, without an id of its own yet."""
        return Opinion(
            0,
            self._crop(row["crop"]),
            self._label(row["label"]),
            self._rater(row["rater"]),
            self._when(row.get("when", "")),
            self._seconds(row.get("seconds", "")),
            session=self._session,
        )

    def _crop(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise ValueError(f"column crop: {text!r} is not the number of a crop.")
        if int(text) not in self._crops:
            raise ValueError(f"column crop: there is no crop {text}.")
        return int(text)

    def _rater(self, text: str) -> str:
        name = " ".join(text.split())
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise ValueError(f"column rater: {text!r} is not a name.")
        return name

    def _label(self, text: str) -> int:
        for name in (text, full_name(text)):
            found = self._labels.get(name_key(name))
            if found is not None:
                return found
        raise ValueError(f"column label: there is no class {text!r}.")

    def _when(self, text: str) -> str:
        if not text:
            return ""
        try:
            when = datetime.fromisoformat(text)
            return when.astimezone(UTC).isoformat(timespec="milliseconds")
        except (ValueError, OverflowError, OSError) as error:
            what = f"column when: {text!r} is not a time such as 2026-12-01T09:30."
            raise ValueError(what) from error

    def _seconds(self, text: str) -> float | None:
        if not text:
            return None
        try:
            seconds = decimal_from(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= _MOST_SECONDS:
            raise ValueError(f"column seconds: {text!r} is not a number of seconds.")
        return seconds

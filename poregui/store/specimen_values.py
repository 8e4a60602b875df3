"""Keep what is known of specimens: the attributes, their values and the log of what was changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poregui.domain.attributes import Attribute
from poregui.domain.records import How
from poregui.store.database import explained
from poregui.store.rows import ATTRIBUTE_COLUMNS

Cell = tuple[int, int, str]
"""A specimen's id, an attribute's id, and the value as text; "" for none."""


@dataclass(frozen=True)
class ValueEntry:
    """Hold one line of the log: who gave a specimen which value, when (ISO 8601, UTC) and how."""

    specimen_id: int
    attribute_id: int
    value: str
    who: str
    when: str
    how: str


class SpecimenValues:
    """Read and write the specimen table of an open project; write inside its transactions only."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._db = connection
        self._file = file

    def attributes(self) -> tuple[Attribute, ...]:
        """Return the attributes in the order in which they came."""
        rows = self._rows(
            f"SELECT {ATTRIBUTE_COLUMNS} FROM attributes WHERE deleted = 0 ORDER BY id"
        )
        return tuple(Attribute(*row) for row in rows)

    def values(self) -> dict[tuple[int, int], str]:
        """Return the values by the ids of specimen and attribute."""
        rows = self._rows(
            "SELECT v.specimen_id, v.attribute_id, v.value FROM specimen_values v "
            "JOIN specimens s ON s.id = v.specimen_id AND s.deleted = 0 "
            "JOIN attributes a ON a.id = v.attribute_id AND a.deleted = 0"
        )
        return {(specimen, attribute): value for specimen, attribute, value in rows}

    def log(self) -> list[ValueEntry]:
        """Return every change of a value, oldest first."""
        rows = self._rows(
            "SELECT specimen_id, attribute_id, value, who, at, how FROM specimen_value_log "
            "ORDER BY id"
        )
        return [ValueEntry(*row) for row in rows]

    def put_attributes(self, attributes: Iterable[Attribute]) -> None:
        """Insert, change or bring back attributes by id (from `Project.next_id`)."""
        self._db.executemany(
            f"INSERT INTO attributes ({ATTRIBUTE_COLUMNS}) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, "
            "unit = excluded.unit, formula = excluded.formula, deleted = 0",
            ((a.id, a.name, a.kind, a.unit, a.formula) for a in attributes),
        )

    def put_values(self, cells: Iterable[Cell], *, who: str, how: How) -> None:
        """Give specimens values, or take them away (""), and log each."""
        given = list(cells)
        self._db.executemany(
            "DELETE FROM specimen_values WHERE specimen_id = ? AND attribute_id = ?",
            ((specimen, attribute) for specimen, attribute, _ in given),
        )
        self._db.executemany(
            "INSERT INTO specimen_values VALUES (?, ?, ?)", (cell for cell in given if cell[2])
        )
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._db.executemany(
            "INSERT INTO specimen_value_log (specimen_id, attribute_id, value, who, at, how) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            ((*cell, who, now, how) for cell in given),
        )

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with explained(self._file):
            return self._db.execute(sql, tuple(values)).fetchall()

"""Keep second opinions in a table of their own, alone because it never touches a label."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from poregui.domain.records import Opinion
from poregui.store.database import explained

_COLUMNS = "id, crop_id, label, who, at, seconds, blind, session"


def _opinion(row: Sequence[Any]) -> Opinion:
    number, crop_id, label, who, when, seconds, blind, session = row
    return Opinion(number, crop_id, label, who, when, seconds, bool(blind), session)


class OpinionTable:
    """Read and write the opinions of one project; writing only inside a transaction of it."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._db = connection
        self._file = file

    def all(self, *, session: str | None = None) -> list[Opinion]:
        """Return the opinions on crops that exist, oldest first; of one session when asked."""
        where = ""
        values: tuple[str, ...] = ()
        if session is not None:
            where = "AND session = ?"
            values = (session,)
        query = (
            f"SELECT {_COLUMNS} FROM opinions WHERE deleted = 0 AND crop_id IN (SELECT id FROM "
            f"crops WHERE deleted = 0) {where} ORDER BY id"
        )
        with explained(self._file):
            rows = self._db.execute(query, values).fetchall()
        return [_opinion(row) for row in rows]

    def next_id(self) -> int:
        """Return the next id that no opinion ever had."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'opinions'"
        with explained(self._file):
            rows = self._db.execute(query).fetchall()
        if rows:
            return int(rows[0][0]) + 1
        return 1

    def put(self, opinions: Iterable[Opinion]) -> None:
        """Insert opinions, or bring them back."""
        rows = (
            (o.id, o.crop_id, o.label, o.who, o.when, o.seconds, int(o.blind), o.session)
            for o in opinions
        )
        self._db.executemany(
            f"INSERT INTO opinions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET deleted = 0",
            rows,
        )

    def take_back(self, opinions: Iterable[Opinion]) -> None:
        """Mark opinions as deleted."""
        ids = ((one.id,) for one in opinions)
        self._db.executemany("UPDATE opinions SET deleted = 1 WHERE id = ?", ids)

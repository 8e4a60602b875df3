"""Bring an older project.db to the version that this program knows, one step a version; steps are never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

_TO_2 = (
    "ALTER TABLE micrographs ADD COLUMN plane TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE micrographs ADD COLUMN display TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE micrographs ADD COLUMN masks TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE crops ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE outlines (crop_id INTEGER PRIMARY KEY REFERENCES crops (id), points BLOB NOT NULL)",
    """CREATE TABLE remarks (
        crop_id INTEGER PRIMARY KEY REFERENCES crops (id),
        note TEXT NOT NULL DEFAULT '',
        reviewed INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE looks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        who TEXT NOT NULL,
        at TEXT NOT NULL
    )""",
)


_TO_3 = (
    "ALTER TABLE micrographs ADD COLUMN build_direction_deg REAL",
    "ALTER TABLE micrographs ADD COLUMN surfaces TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE detections (
        micrograph_id INTEGER PRIMARY KEY REFERENCES micrographs (id),
        at TEXT NOT NULL,
        recipe TEXT NOT NULL,
        field_area_px REAL NOT NULL,
        masks TEXT NOT NULL DEFAULT '',
        surfaces TEXT NOT NULL DEFAULT ''
    )""",
)


def _to_2(connection: sqlite3.Connection) -> None:
    """Add planes, display, masks, outlines, remarks and looks."""
    for statement in _TO_2:
        connection.execute(statement)


def _to_3(connection: sqlite3.Connection) -> None:
    """Add build direction and surface of a micrograph, and that pores were looked for in it."""
    for statement in _TO_3:
        connection.execute(statement)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_2, 2: _to_3}
"""From each older version the step to the next one."""

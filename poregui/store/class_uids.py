"""Keep what tells a class from those of all other projects; changes with how a class is known again elsewhere.

A class is its id within one project only. Its uid lies in `meta`, is made with the class, never changes, and goes along
when the folder is copied or packed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from poregui.domain.class_matching import old_uid
from poregui.store.sqlite_errors import explain

_KEY = "class_uid:"


def read_uids(connection: sqlite3.Connection, file: Path) -> dict[int, str]:
    """Return the uid of every class that ever was, by its id; "" where nobody can know it yet.

    Classes of older versions have one that follows from the first line of the label log, which all copies of a project
    share. Raises ProjectError when `file`, to which the connection belongs, cannot be read.
    """
    try:
        names = dict(connection.execute("SELECT id, name FROM classes ORDER BY id").fetchall())
        rows = connection.execute("SELECT key, value FROM meta WHERE key GLOB ?", (f"{_KEY}*",)).fetchall()
        stored = {int(key.removeprefix(_KEY)): str(value) for key, value in rows}
        if stored.keys() >= names.keys():
            return {class_id: stored[class_id] for class_id in names}
        first = connection.execute(
            "SELECT id, crop_id, label, who, at, how FROM label_log ORDER BY id LIMIT 1"
        ).fetchone()
    except sqlite3.Error as error:
        raise explain(error, file) from error
    if first is None:
        return {class_id: stored.get(class_id, "") for class_id in names}
    origin = hashlib.sha256(json.dumps(first).encode()).hexdigest()[:24]
    return {i: stored.get(i) or old_uid(origin, i, name) for i, name in names.items()}


def write_uids(connection: sqlite3.Connection, known: Mapping[int, str]) -> None:
    """Store the uid of every class, inside a transaction: the one that is known, or a new one.

    `known` is what `read_uids` gave before names were changed.
    """
    ids = [class_id for (class_id,) in connection.execute("SELECT id FROM classes")]
    rows = [(f"{_KEY}{class_id}", known.get(class_id) or uuid4().hex) for class_id in ids]
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", rows)

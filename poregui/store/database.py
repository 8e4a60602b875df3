"""Open project.db safely: schema version, migrations, integrity, one writer, sentences for what can go wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.files import replace_file
from poregui.store.migrations import MIGRATIONS
from poregui.store.sqlite_errors import damaged, explain, explained

SCHEMA_VERSION = 3
APPLICATION_ID = 0x706F7265  # "pore"


def create_database(path: Path) -> None:
    """Make an empty project database. Raises ProjectError when the folder refuses or the disk is full."""

    def write(beside: Path) -> None:
        connection = sqlite3.connect(beside)
        try:
            connection.executescript(files("poregui.store").joinpath("schema.sql").read_text(encoding="utf-8"))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.commit()
        except sqlite3.Error as error:
            raise explain(error, path) from error
        finally:
            connection.close()

    replace_file(path, write)


def open_database(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Return a checked connection in autocommit mode; use `transaction` to write.

    Raises ProjectError when the file is missing, no project, damaged, or made by a newer version.
    """
    if not path.exists():
        raise ProjectError(f"{path.parent} is not a poregui project.", "Choose a folder that holds project.db.")
    mode = "ro" if read_only else "rw"
    with explained(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    try:
        _check(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 3000")
        if read_only:
            connection = _as_current_version(connection)
        else:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, path)
    except (sqlite3.Error, MemoryError) as error:
        connection.close()
        raise explain(error, path) from error
    except PoreguiError:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise ProjectError(f"{path} is not a poregui project.", "Choose a folder that poregui made.")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ProjectError(
            f"{path.parent} was made by a newer poregui (project version {version}, this one knows {SCHEMA_VERSION}).",
            "Update poregui to open it.",
        )
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise damaged(path)


def _as_current_version(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection that reads as this version does; an older file, not to be changed, is read from memory."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA_VERSION:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    for step in range(version, SCHEMA_VERSION):
        MIGRATIONS[step](copy)
    copy.execute("PRAGMA query_only = ON")
    return copy


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA_VERSION:
        back_up(connection, path.with_name(f"project.before-version-{SCHEMA_VERSION}.db"))
    while version < SCHEMA_VERSION:
        with transaction(connection, path):
            MIGRATIONS[version](connection)
            version += 1
            connection.execute(f"PRAGMA user_version = {version}")


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Write a verified copy of the database to `target`."""

    def write(beside: Path) -> None:
        connection.execute("VACUUM INTO ?", (str(beside),))
        copy = sqlite3.connect(beside)
        try:
            (state,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            copy.close()
        if state != "ok":
            raise damaged(beside)

    replace_file(target, write)


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Run the body as one transaction: all of it is on disk afterwards, or nothing of it when it raises.

    Raises ProjectError for a full disk, a read-only project or another refused write.
    """
    with explained(path):
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        with explained(path):
            connection.execute("COMMIT")
    except (sqlite3.Error, MemoryError) as error:
        _roll_back(connection)
        raise explain(error, path) from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")

"""Open project.db safely: schema version, migrations, integrity."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from poregui.domain.errors import (
    NOTHING_LOST,
    TOO_MANY_FILES,
    DamagedProjectError,
    PoreguiError,
    ProjectError,
    ReadOnlyError,
)
from poregui.store.files import TOO_MANY, is_link, link_error, open_plain, replace_file

BACKUPS = "backups"
"""The folder in a project that holds the backups of project.db."""
_NO_MEMORY = ("SQLITE_NOMEM", "SQLITE_IOERR_NOMEM")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_OTHER_TABLES = ("no such column", "no such table", "malformed database schema")
REFUSALS = (sqlite3.Error, MemoryError, UnicodeDecodeError)
"""What a database that cannot be used raises; the last where a message of SQLite's holds its
damage.
"""
_LEFT_OPEN = ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY")
_HELD = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNREACHABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")
_WRITES = ("SQLITE_IOERR", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")
_FOR_ONE_STEP = 3
"""Files that SQLite opens for one transaction: its journal, the folder, and a temporary one."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite refuses in the body into the sentence for it, which names `path`."""
    try:
        yield
    except REFUSALS as error:
        raise explain(error, path) from error


def explain(error: Exception, path: Path) -> PoreguiError:
    """Return the sentence for what SQLite refused with the file `path`."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if isinstance(error, MemoryError) or name in _NO_MEMORY:
        what = f"There is not enough memory to use {path}."
        return ProjectError(what, f"Close other programs. {NOTHING_LOST}")
    if name.startswith("SQLITE_FULL"):
        what = f"The disk that holds {path.parent} is full."
        return ProjectError(what, f"Free some space. {NOTHING_LOST}")
    if name.startswith(_HELD):
        what = f"{path.parent} is being written by another program."
        return ProjectError(what, "Close it there and try again.")
    if name.startswith(_DAMAGED):
        return damaged(path)
    if name == "SQLITE_READONLY_DBMOVED":
        what = f"{path} was moved or replaced while it was open."
        return ProjectError(what, "Restore it, and open the project again.")
    if name in _LEFT_OPEN:
        what = f"The program that wrote {path} last did not end properly."
        return ProjectError(what, "Open the project once where it may be written; that mends it.")
    if name.startswith("SQLITE_READONLY"):
        return refused_write(path)
    if name.startswith(_UNREACHABLE):
        return _unreachable(path, name)
    if path.name != "pixels.db" and str(error).startswith(_OTHER_TABLES):
        return damaged(path, f"{path} is damaged: its tables are not those of a project.")
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return damaged(path, f"{path} is damaged: it holds a text that is none.")
    remedy = "Open the project again; if that does not help, restore the file from a copy."
    return ProjectError(f"{path} cannot be used: {error}.", remedy)


def damaged(path: Path, what: str = "") -> ProjectError:
    """Return the sentence for a file whose content is no database any more, or `what` it is."""
    what = what or f"{path} is damaged."
    if path.name != "project.db":
        kept = "Labels are kept in project.db."
        remedy = f"It was left as it is; restore {path.name} from a copy. {kept}"
        return ProjectError(what, remedy)
    if (path.parent / BACKUPS).is_dir():
        remedy = "It was left as it is; restore a backup: poregui backup PROJECT --list shows them."
    else:
        remedy = "It was left as it is, and there are no backups; restore it from a copy elsewhere."
    return DamagedProjectError(path.parent, what, remedy)


def refused_write(path: Path) -> ReadOnlyError:
    """Return the sentence for a file of a project that may not be written."""
    remedy = "Copy the project to a folder you can write to."
    return ReadOnlyError(f"{path.parent} is read-only.", remedy)


def _unreachable(path: Path, name: str) -> PoreguiError:
    """Return why a file could not be reached: SQLite does not tell, so it is tried."""
    if _no_descriptor_left():
        what = f"{path} cannot be opened: this program has too many files open."
        return ProjectError(what, TOO_MANY_FILES)
    if not path.exists() and not (name in _WRITES and path.parent.is_dir()):
        remedy = "Restore it, or connect its drive, and open the project again."
        return ProjectError(f"{path} no longer exists.", remedy)
    if path.is_dir():
        return damaged(path, f"{path} is a folder and not a file.")
    if name.startswith("SQLITE_IOERR"):
        what = f"The disk failed while {path} was read or written ({name})."
        remedy = "Check that its drive is connected, sound and within its quota."
        return ProjectError(what, f"{remedy} {NOTHING_LOST}")
    if not os.access(path, os.R_OK):
        what = f"{path} cannot be read: no permission."
        return ProjectError(what, "Ask for permission to read it.")
    if not os.access(path.parent, os.W_OK):
        return refused_write(path)
    remedy = "Check the folder and its permissions, and open the project again."
    return ProjectError(f"{path} cannot be opened.", remedy)


def _no_descriptor_left() -> bool:
    """Tell whether this process or the system can open no further files for a database's step."""
    opened: list[int] = []
    try:
        while len(opened) < _FOR_ONE_STEP:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in TOO_MANY
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return False


_TO_2 = (
    "ALTER TABLE micrographs ADD COLUMN plane TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE micrographs ADD COLUMN display TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE micrographs ADD COLUMN masks TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE crops ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE outlines (crop_id INTEGER PRIMARY KEY REFERENCES crops (id), points BLOB NOT "
    "NULL)",
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


_TO_4 = ("ALTER TABLE micrographs ADD COLUMN checked_areas TEXT NOT NULL DEFAULT ''",)


_TO_5 = (
    """CREATE TABLE attributes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        unit TEXT NOT NULL DEFAULT '',
        formula TEXT NOT NULL DEFAULT '',
        deleted INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE specimen_values (
        specimen_id INTEGER NOT NULL REFERENCES specimens (id),
        attribute_id INTEGER NOT NULL REFERENCES attributes (id),
        value TEXT NOT NULL,
        PRIMARY KEY (specimen_id, attribute_id)
    )""",
    """CREATE TABLE specimen_value_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        specimen_id INTEGER NOT NULL REFERENCES specimens (id),
        attribute_id INTEGER NOT NULL REFERENCES attributes (id),
        value TEXT NOT NULL,
        who TEXT NOT NULL,
        at TEXT NOT NULL,
        how TEXT NOT NULL
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


def _to_4(connection: sqlite3.Connection) -> None:
    """Add the areas of a micrograph in which every pore has its outline."""
    for statement in _TO_4:
        connection.execute(statement)


def _to_5(connection: sqlite3.Connection) -> None:
    """Add what is known of specimens: attributes, their values and the log of these."""
    for statement in _TO_5:
        connection.execute(statement)


_OPINIONS = """CREATE TABLE opinions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    crop_id INTEGER NOT NULL REFERENCES crops (id),
    label INTEGER NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    seconds REAL,
    blind INTEGER NOT NULL DEFAULT 0,
    session TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
)"""


def _to_6(connection: sqlite3.Connection) -> None:
    """Add the table of second opinions."""
    connection.execute(_OPINIONS)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _to_2,
    2: _to_3,
    3: _to_4,
    4: _to_5,
    5: _to_6,
}
"""From each older version the step to the next one."""


SCHEMA_VERSION = 6
APPLICATION_ID = 0x706F7265  # "pore"


def create_database(path: Path) -> None:
    """Make an empty project database.

    Raises ProjectError when the folder refuses or the disk is full.
    """

    def write(beside: Path) -> None:
        connection = sqlite3.connect(beside)
        try:
            connection.executescript(
                files("poregui.store").joinpath("schema.sql").read_text(encoding="utf-8")
            )
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.commit()
        except sqlite3.Error as error:
            raise explain(error, path) from error
        finally:
            connection.close()

    replace_file(path, write)


def open_database(
    path: Path, *, read_only: bool, before_migration: Callable[[], object]
) -> sqlite3.Connection:
    """Return a checked connection in autocommit mode; use `transaction` to write.

    `before_migration` is called before the file of an older version is changed.

    Raises ProjectError when the file is missing, no project, damaged, or made by a newer version.
    """
    check_presence(path)
    mode = "rw"
    if read_only:
        mode = "ro"
    with explained(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
        )
    try:
        _check(connection, path)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 3000")
        if read_only:
            connection = _as_current_version(connection)
        else:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, path, before_migration)
    except REFUSALS as error:
        connection.close()
        raise explain(error, path) from error
    except PoreguiError:
        connection.close()
        raise
    return connection


def check_presence(path: Path) -> None:
    """Raise ProjectError where there is no project.db."""
    try:
        if path.exists():
            return
    except OSError as error:
        what = f"{path.parent} cannot be read: {(error.strerror or str(error)).lower()}."
        raise ProjectError(what, "Ask for the right to read it, or check its drive.") from error
    if (path.parent / BACKUPS).is_dir():
        raise damaged(path, f"{path} is missing.")
    raise ProjectError(
        f"{path.parent} is not a poregui project.", "Choose a folder that holds project.db."
    )


_OWN_FILES = ("project.", "pixels.")
_OWN_FOLDERS = ("runs", "cache", "locked", "applied", BACKUPS)


def refuse_links(folder: Path) -> None:
    """Raise ProjectError where a link stands for something that this program writes, or a journal
    is not its own.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        own = name in _OWN_FOLDERS or name.startswith(_OWN_FILES)
        if own and is_link(folder / name):
            raise link_error(folder / name)
        if name.endswith("-journal") and _names_another_file(folder / name):
            raise ProjectError(
                f"{name} in {folder} was not written by poregui: it names another file.",
                f"Remove {name}, or ask for the project again.",
            )


_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""How a journal of SQLite ends that belongs to several databases: another file is named before,
and SQLite removes that file. A transaction here is of one database.
"""


def _names_another_file(journal: Path) -> bool:
    try:
        with open_plain(journal) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_NAMES_ANOTHER)))
            return size > len(_NAMES_ANOTHER) and file.read() == _NAMES_ANOTHER
    except OSError:
        return False


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        if path.stat().st_size == 0 or (path.parent / BACKUPS).is_dir():
            raise damaged(path)
        raise ProjectError(
            f"{path} is not a poregui project.", "Choose a folder that poregui made."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ProjectError(
            f"{path.parent} was made by a newer poregui (project version {version}, this one knows "
            f"{SCHEMA_VERSION}).",
            "Update poregui to open it.",
        )
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise damaged(path)


def _as_current_version(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a connection that reads as this version does; an older file, not to be changed, is
    read from memory.
    """
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


def _migrate(
    connection: sqlite3.Connection, path: Path, before_migration: Callable[[], object]
) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA_VERSION:
        before_migration()
    while version < SCHEMA_VERSION:
        with transaction(connection, path):
            MIGRATIONS[version](connection)
            version += 1
            connection.execute(f"PRAGMA user_version = {version}")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Run the body as one transaction: all of it is on disk afterwards, or nothing of it when it
    raises.

    Raises ProjectError for a full disk, a read-only project or another refused write.
    """
    with explained(path):
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        with explained(path):
            connection.execute("COMMIT")
    except REFUSALS as error:
        _roll_back(connection)
        raise explain(error, path) from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")

"""Say in a sentence what SQLite refused and why; changes with what can go wrong with its files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poregui.domain.errors import (
    NOTHING_LOST,
    TOO_MANY_FILES,
    PoreguiError,
    ProjectError,
    ReadOnlyError,
)
from poregui.store.files import no_descriptor_left

_NO_MEMORY = ("SQLITE_NOMEM", "SQLITE_IOERR_NOMEM")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_HELD = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNREACHABLE = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite refuses in the body into the sentence for it, which names `path`."""
    try:
        yield
    except (sqlite3.Error, MemoryError) as error:
        raise explain(error, path) from error


def explain(error: sqlite3.Error | MemoryError, path: Path) -> PoreguiError:
    """Return the sentence for what SQLite refused with the file `path`."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if isinstance(error, MemoryError) or name in _NO_MEMORY:
        what = f"There is not enough memory to use {path}."
        return ProjectError(what, f"Close other programs. {NOTHING_LOST}")
    if name.startswith("SQLITE_FULL"):
        what = f"The disk that holds {path.parent} is full."
        return ProjectError(what, f"Make room. {NOTHING_LOST}")
    if name.startswith(_HELD):
        what = f"{path.parent} is being written by another program."
        return ProjectError(what, "Close it there and try again.")
    if name.startswith(_DAMAGED):
        return damaged(path)
    if name == "SQLITE_READONLY_DBMOVED":
        what = f"{path} was moved or replaced while it was open."
        return ProjectError(what, "Put it back, and open the project again.")
    if name.startswith("SQLITE_READONLY"):
        return refused_write(path)
    if name.startswith(_UNREACHABLE):
        return _unreachable(path, name)
    remedy = "Open the project again; if that does not help, restore the file from a backup."
    return ProjectError(f"{path} cannot be used: {error}.", remedy)


def damaged(path: Path) -> ProjectError:
    """Return the sentence for a file whose content is no database any more."""
    if path.name == "pixels.db":
        kept = "Labels are kept in project.db."
    else:
        kept = "Runs and crop pixels are kept in other files."
    remedy = f"It was left as it is; restore {path.name} from a backup copy. {kept}"
    return ProjectError(f"{path} is damaged.", remedy)


def refused_write(path: Path) -> ReadOnlyError:
    """Return the sentence for a file of a project that may not be written."""
    remedy = "Copy the project to a folder that you may write to."
    return ReadOnlyError(f"{path.parent} is read-only.", remedy)


def _unreachable(path: Path, name: str) -> PoreguiError:
    """Return why a file could not be reached: SQLite does not tell, so it is tried."""
    if no_descriptor_left():
        what = f"{path} cannot be opened: this program has too many files open."
        return ProjectError(what, TOO_MANY_FILES)
    if not path.exists():
        remedy = "Put it back, or connect its drive, and open the project again."
        return ProjectError(f"{path} is not there any more.", remedy)
    if name.startswith("SQLITE_IOERR"):
        what = f"The disk failed while {path} was read or written ({name})."
        remedy = "Check that its drive is connected, sound and within its quota."
        return ProjectError(what, f"{remedy} {NOTHING_LOST}")
    if not os.access(path, os.R_OK):
        what = f"{path} cannot be read: no permission."
        return ProjectError(what, "Ask for the right to read it.")
    if not os.access(path.parent, os.W_OK):
        return refused_write(path)
    remedy = "Check the folder and its permissions, and open the project again."
    return ProjectError(f"{path} cannot be opened.", remedy)

"""Write files so that a reader sees the old or the new content; hash and lock them.

A file whose size and times are those of the last reading has the content of the last reading. What
is remembered lies in the cache of a project, which may be deleted at any time; nothing but speed
rests on it.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from poregui.domain.errors import TOO_MANY_FILES, ImageError, PoreguiError, ProjectError


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's content. Raises ImageError when it cannot be read."""
    try:
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(
            f"{file.name} cannot be read ({error.strerror}).", "Check the disk."
        ) from error


_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def harmless(cell: Any) -> Any:
    """Return a table cell that no spreadsheet takes for a formula; numbers stay numbers, negative
    ones too.
    """
    if (
        not isinstance(cell, str)
        or not cell.startswith(_STARTS_A_FORMULA)
        or _NUMBER.fullmatch(cell)
    ):
        return cell
    return f"'{cell}"


TOO_MANY = (errno.EMFILE, errno.ENFILE)
"""What the system answers when this program, or all together, have too many files open."""
_FOR_ONE_STEP = 3
"""Files that SQLite opens for one transaction: its journal, the folder, and a temporary one."""
_BESIDE = re.compile(r"\..+\.[0-9a-f]{8}(\..*)?")


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, force it to disk and put it in the place of `path`.

    `write` gets a temporary name with the suffix of `path`. When anything fails the previous file
    stays as it was. Raises PoreguiError when the disk is full or the folder refuses.
    """
    beside = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        write(beside)
        with open(beside, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise explain_write_error(error, path) from error
    finally:
        beside.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove files of `replace_file` whose writer was killed; only for who alone writes in the
    folder.
    """
    for path in folder.iterdir():
        if _BESIDE.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with `replace_file`."""
    replace_file(path, lambda beside: _write_bytes(beside, text.encode()))


def write_json(path: Path, values: Any, *, indent: int | None = 1) -> None:
    """Write JSON with `replace_file`; without `indent` on one line."""
    write_text(path, json.dumps(values, indent=indent, ensure_ascii=False) + "\n")


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, the head first, whole or not at all. Raises PoreguiError when that is
    refused. Cells with names of people go through `harmless` before.
    """

    def write(beside: Path) -> None:
        with open(beside, "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(rows)

    replace_file(path, write)


def make_parent(path: Path) -> None:
    """Make the folder that a file is to lie in. Raises PoreguiError when that is refused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, path) from error


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def explain_write_error(error: OSError, path: Path) -> PoreguiError:
    """Return the sentence for a write that the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ProjectError(
            f"The disk that holds {path.parent} is full.", "Free some space and try again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ProjectError(
            f"{path} cannot be written: no permission.", "Choose a folder you can write to."
        )
    if error.errno in TOO_MANY:
        return ProjectError(
            f"{path} cannot be written: this program has too many files open.", TOO_MANY_FILES
        )
    if error.errno == errno.ENOENT and not path.parent.exists():
        return ProjectError(
            f"{path.parent} no longer exists.",
            "Restore it, or connect its drive, and try again.",
        )
    return ProjectError(
        f"{path} cannot be written: {error.strerror or error}.", "Check the disk and try again."
    )


def no_descriptor_left() -> bool:
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


STAMPS = "stamps.json"
_SETTLED_NS = 2_000_000_000
"""Age of a file's time from which another writing would have given it another one, on any file
system.
"""
WORTH = 2 << 20
"""Bytes from which on reading a file anew is worth remembering it beyond this process."""
_MOST = 20_000
Stamp = tuple[int, int, int]
"""Size, time of the content and time of the entry: a copy that keeps the first time gets a new
second one.
"""

_guard = threading.Lock()
_here: dict[str, tuple[Stamp, str]] = {}
"""What this process has read, by path: size and times, and the hash."""


def current_hash(file: Path, cache: Path | None) -> str:
    """Return the SHA-256 of a file's content, from memory where size and time are those of the last
    reading.

    `cache` is the folder in which it is remembered beyond this process; None, or one that cannot be
    written: nowhere. Raises ImageError when the file cannot be read.
    """
    known = remembered_hash(file, cache)
    if known is not None:
        return known
    before = stamp_of(file)
    found = file_hash(file)
    if before == stamp_of(file) and time.time_ns() - max(before[1:]) > _SETTLED_NS:
        with _guard:
            _here[str(file)] = before, found
        if cache is not None and before[0] >= WORTH:
            _write(cache, str(file), before, found)
    return found


def remembered_hash(file: Path, cache: Path | None) -> str | None:
    """Return what `current_hash` does where the file need not be read for it, else None.

    Raises ImageError when there is no such file.
    """
    stamp = stamp_of(file)
    key = str(file)
    with _guard:
        kept = _here.get(key)
    if kept is None and cache is not None:
        kept = _read(cache).get(key)
        if kept is not None:
            with _guard:
                _here[key] = kept
    if kept is not None and kept[0] == stamp:
        return kept[1]
    return None


def stamp_of(file: Path) -> Stamp:
    """Return what tells that a file was not written since.

    Raises ImageError when there is no such file.
    """
    try:
        told = os.stat(file)
    except FileNotFoundError as error:
        raise ImageError(
            f"{file.name} no longer exists.", f"Look for it in {file.parent}."
        ) from error
    except OSError as error:
        raise ImageError(
            f"{file.name} cannot be read ({error.strerror}).", "Check the disk."
        ) from error
    return told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _read(cache: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        told = json.loads((cache / STAMPS).read_text(encoding="utf-8"))
        return {
            str(key): ((int(a), int(b), int(c)), str(found))
            for key, (a, b, c, found) in told.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _write(cache: Path, key: str, stamp: Stamp, found: str) -> None:
    """Add one to what is remembered; of two processes that write at once one may forget what the
    other read.
    """
    with _guard, suppress(OSError, PoreguiError):
        kept = _read(cache)
        kept.pop(key, None)
        kept[key] = stamp, found
        told = {name: [*when, what] for name, (when, what) in list(kept.items())[-_MOST:]}
        cache.mkdir(exist_ok=True)
        replace_file(cache / STAMPS, lambda beside: _dump(beside, told))


def _dump(path: Path, told: dict[str, list[object]]) -> None:
    path.write_text(json.dumps(told), encoding="utf-8")


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class FileLock:
    """Lock a file until `release`, or until this process ends in whatever way; a stale file is no
    lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Try to take the lock; return False when another process has it or the folder cannot be
        written.

        Raises ProjectError when no more files can be opened: that says nothing about who has it.
        """
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            if error.errno in TOO_MANY:
                raise explain_write_error(error, self.path) from error
            return False
        if not _try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Tell whether some process holds the lock of a file."""
    if not path.exists():
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)

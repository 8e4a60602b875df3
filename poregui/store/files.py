"""Write files so that a reader sees the old or the new content; hash and lock them.

A project may come from anybody. Inside one no link is followed, for reading or for writing, and
nothing but plain files is opened. An export goes where a person says: its link stays, and the
file that it leads to is replaced.

A file whose size and times are those of the last reading has the content of the last reading. What
is remembered lies in the cache of a project, which may be deleted at any time; nothing but speed
rests on it.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import re
import shutil
import stat
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from poregui.domain.errors import TOO_MANY_FILES, ImageError, PoreguiError, ProjectError


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's content. Raises ImageError when it cannot be read."""
    stamp_of(file)
    try:
        with open_plain(file, follow=True) as content:
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
    formula = isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA)
    if not formula or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers when a disk, a quota or a limit on files leaves no room."""
TOO_MANY = (errno.EMFILE, errno.ENFILE)
"""What the system answers when this program, or all together, have too many files open."""
_LINKS = (0xA000000C, 0xA0000003)
"""What Windows calls links and junctions; files that lie in a cloud are none."""
_MOST_LINKS = 40
_SAFE = ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")


def is_link(path: Path) -> bool:
    """Tell whether a path is a link or a junction, wherever it leads."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) in _LINKS


NO_LINKS = "is a link, and links are not followed inside a project"
"""Why something inside a project is refused, after its name."""


def link_error(path: Path) -> ProjectError:
    """Return the sentence for a link where a project is to have a file or a folder of its own."""
    return ProjectError(
        f"{path} {NO_LINKS}.", f"Put the real {path.name} in the place of the link."
    )


def open_plain(path: Path, *, follow: bool = False) -> io.BufferedReader:
    """Open a plain file for reading; `follow` its links only where a person named it.

    Raises FileNotFoundError, and OSError for a link, a folder, a device or a pipe.
    """
    return os.fdopen(_open(path, os.O_RDONLY, follow=follow), "rb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a plain file of a project, or a new one, for writing at its end.

    A file that has a second name elsewhere becomes a file of its own first. Raises OSError as
    `open_plain` does.
    """
    how = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    descriptor = _open(path, how)
    if os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        replace_file(path, lambda beside: copy_plain(path, beside))
        descriptor = _open(path, how)
    return os.fdopen(descriptor, "ab")


def copy_plain(path: Path, to: Path) -> None:
    """Copy the content of a plain file. Raises OSError as `open_plain` does."""
    with open_plain(path) as source, open(to, "wb") as out:
        shutil.copyfileobj(source, out)


def _open(path: Path, how: int, *, follow: bool = False) -> int:
    """Return the descriptor of a plain file; what is none is never waited for."""
    flags = how
    for name in _SAFE:
        flags |= getattr(os, name, 0)
    if not follow:
        if is_link(path):
            raise OSError(errno.ELOOP, "it is a link", str(path))
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return descriptor


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, force it to disk and put it in the place of `path`.

    `write` gets a temporary name with the suffix of `path`. When anything fails, or the end of
    the file is missing, the previous file stays as it was. Raises PoreguiError when the disk is
    full, the folder refuses, or `path` is a link, a folder, a device or a pipe.
    """
    beside = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        write(beside)
        with open(beside, "rb+") as written:
            os.fsync(written.fileno())
            whole = _has_its_end(written, path.suffix.lower())
        if not whole:
            raise _not_whole(beside, path)
        _refuse_unless_plain(path)  # now, for `write` may have moved what was there
        os.replace(beside, path)
    except OSError as error:
        raise explain_write_error(error, path) from error
    finally:
        beside.unlink(missing_ok=True)


def export_target(path: Path) -> Path:
    """Return the file that an export to `path` replaces, in a folder that is there.

    A link stays, and what it leads to is meant. Raises PoreguiError for standard output, a device,
    a pipe, a folder, what is a project's own, links that go round, and a folder that refuses.
    """
    if str(path) == "-":
        raise PoreguiError("An export is not written to standard output.", _GIVE_A_FILE)
    _refuse_own(Path(os.path.realpath(path)))
    target = path
    for _ in range(_MOST_LINKS):
        if Path(os.path.realpath(target.parent)).is_relative_to("/proc"):
            raise PoreguiError(f"{path} is not a file: it is a device or a pipe.", _GIVE_A_FILE)
        if not is_link(target):
            _refuse_unless_plain(target)
            make_parent(target)
            return target
        target = target.parent / os.readlink(target)
    raise PoreguiError(f"{path} is a link that leads back to itself.", _GIVE_A_FILE)


_GIVE_A_FILE = "Give the name of a file."
_OWN = ("project.db", "pixels.db", "project.lock", "runs", "backups")


def _refuse_own(path: Path) -> None:
    """Raise ProjectError for a file, or a place for one, that belongs to a project itself."""
    for folder in path.parents:
        if path.relative_to(folder).parts[0] in _OWN and (folder / "project.db").exists():
            raise ProjectError(f"{path} belongs to a project itself.", "Choose another name.")


def _refuse_unless_plain(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if is_link(path):
        raise link_error(path)
    if stat.S_ISDIR(mode):
        raise ProjectError(f"{path} is a folder.", _GIVE_A_FILE)
    if not stat.S_ISREG(mode):
        raise ProjectError(f"{path} is not a file: it is a device or a pipe.", _GIVE_A_FILE)


_ENDS = {
    ".pdf": b"%%EOF",
    ".html": b"</html>",
    ".svg": b"</svg>",
    ".png": b"IEND\xaeB`\x82",
    ".zip": b"PK\x05\x06",
    ".npz": b"PK\x05\x06",
    ".keras": b"PK\x05\x06",
}
"""What stands at the end of a whole file; writers such as Qt's do not say that a disk is full."""
_LAST = 1 << 16
_COMMENT = 22 + 0xFFFF
"""Bytes of the end of a zip file with the longest comment."""
_PROBE = 1 << 16


def _has_its_end(file: BinaryIO, suffix: str) -> bool:
    """Tell whether a file that was just written is whole, as far as its end says."""
    if suffix not in _ENDS:
        return True
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _COMMENT))
    tail = file.read()
    if _ENDS[suffix].startswith(b"PK"):
        end = tail.rfind(_ENDS[suffix])
        comment = int.from_bytes(tail[end + 20 : end + 22], "little")
        return end >= 0 and end + 22 + comment == len(tail)
    tail = tail.rstrip()
    if suffix == ".pdf":
        return tail.endswith(b"%%EOF") and _has_its_pages(file, tail)
    return tail.endswith(_ENDS[suffix])


def _has_its_pages(file: BinaryIO, tail: bytes) -> bool:
    """Tell whether the table of a PDF stands where its end says."""
    trailer = re.search(rb"startxref\s+(\d{1,18})\s+%%EOF\Z", tail)
    if trailer is None:
        return False
    file.seek(int(trailer[1]))
    found = file.read(_LAST)
    return found.startswith(b"xref") or re.match(rb"\d+ \d+ obj", found) is not None


def _not_whole(beside: Path, path: Path) -> PoreguiError:
    """Return the sentence for a file that ends too early: writing on tells what the system says."""
    try:
        with open(beside, "ab") as more:
            more.write(b"\0" * _PROBE)
            more.flush()
            os.fsync(more.fileno())
    except OSError as error:
        return explain_write_error(error, path)
    return ProjectError(
        f"{path} was not written completely, or is no {path.suffix} file.",
        "Check that its disk has room and that the file's ending fits what is exported.",
    )


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes with `replace_file`."""
    replace_file(path, lambda beside: beside.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with `replace_file`."""
    write_bytes(path, text.encode())


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


def explain_write_error(error: OSError, path: Path) -> PoreguiError:
    """Return the sentence for a write that the system refused."""
    if error.errno in FULL:
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
    if error.errno == errno.ELOOP:
        return link_error(path)
    if error.errno == errno.ENOENT and not path.parent.exists():
        return ProjectError(
            f"{path.parent} no longer exists.",
            "Restore it, or connect its drive, and try again.",
        )
    return ProjectError(
        f"{path} cannot be written: {error.strerror or error}.", "Check the disk and try again."
    )


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

    Raises ImageError when there is no such file, or a pipe or device, which never ends.
    """
    try:
        status = os.stat(file)
    except FileNotFoundError as error:
        raise ImageError(
            f"{file.name} no longer exists.", f"Look for it in {file.parent}."
        ) from error
    except OSError as error:
        raise ImageError(
            f"{file.name} cannot be read ({error.strerror}).", "Check the disk."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{file.name} is no file.", "Put the image in its place.")
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(cache: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        with open_plain(cache / STAMPS) as file:
            stamps = json.loads(file.read())
        return {
            str(key): ((int(a), int(b), int(c)), str(value))
            for key, (a, b, c, value) in stamps.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _write(cache: Path, key: str, stamp: Stamp, value: str) -> None:
    """Add one to what is remembered; of two processes that write at once one may forget what the
    other read.
    """
    with _guard, suppress(OSError, PoreguiError):
        kept = _read(cache)
        kept.pop(key, None)
        kept[key] = stamp, value
        stamps = {name: [*when, what] for name, (when, what) in list(kept.items())[-_MOST:]}
        cache.mkdir(exist_ok=True)
        write_json(cache / STAMPS, stamps, indent=None)


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

        Raises ProjectError when no more files can be opened, which says nothing about who has it,
        and for a link.
        """
        if self._descriptor is not None:
            return True
        try:
            descriptor = _open(self.path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if error.errno in (*TOO_MANY, errno.ELOOP):
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
        descriptor = _open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)

"""Remember which content a file had, so that a large one is not read anew at each look; changes with what is trusted.

A file whose size and time are those of the last reading has the content of the last reading. What is remembered lies in
the cache of a project, which may be deleted at any time; nothing rests on it but speed.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from poregui.domain.errors import ImageError, PoreguiError
from poregui.store.files import replace_file
from poregui.store.hashes import file_hash

STAMPS = "stamps.json"
_SETTLED_NS = 2_000_000_000
"""Age of a file's time from which another writing would have given it another one, on any file system."""
WORTH = 2 << 20
"""Bytes from which on reading a file anew is worth remembering it beyond this process."""
_MOST = 20_000
Stamp = tuple[int, int, int]
"""Size, time of the content and time of the entry: a copy that keeps the first time gets a new second one."""

_guard = threading.Lock()
_here: dict[str, tuple[Stamp, str]] = {}
"""What this process has read, by path: size and times, and the hash."""


def current_hash(file: Path, cache: Path | None) -> str:
    """Return the SHA-256 of a file's content, from memory where size and time are those of the last reading.

    `cache` is the folder in which it is remembered beyond this process; None, or one that cannot be written: nowhere.
    Raises ImageError when the file cannot be read.
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
    stamp, key = stamp_of(file), str(file)
    with _guard:
        kept = _here.get(key)
    if kept is None and cache is not None:
        kept = _read(cache).get(key)
        if kept is not None:
            with _guard:
                _here[key] = kept
    return kept[1] if kept is not None and kept[0] == stamp else None


def stamp_of(file: Path) -> Stamp:
    """Return what tells that a file was not written since. Raises ImageError when there is no such file."""
    try:
        told = os.stat(file)
    except FileNotFoundError as error:
        raise ImageError(f"{file.name} is not there any more.", f"Look for it in {file.parent}.") from error
    except OSError as error:
        raise ImageError(f"{file.name} cannot be read ({error.strerror}).", "Check the disk.") from error
    return told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _read(cache: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        told = json.loads((cache / STAMPS).read_text(encoding="utf-8"))
        return {str(key): ((int(a), int(b), int(c)), str(found)) for key, (a, b, c, found) in told.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _write(cache: Path, key: str, stamp: Stamp, found: str) -> None:
    """Add one to what is remembered; of two processes that write at once one may forget what the other read."""
    with _guard, suppress(OSError, PoreguiError):
        kept = _read(cache)
        kept.pop(key, None)
        kept[key] = stamp, found
        told = {name: [*when, what] for name, (when, what) in list(kept.items())[-_MOST:]}
        cache.mkdir(exist_ok=True)
        replace_file(cache / STAMPS, lambda beside: _dump(beside, told))


def _dump(path: Path, told: dict[str, list[object]]) -> None:
    path.write_text(json.dumps(told), encoding="utf-8")

"""Write files so that a reader sees the old or the new content, never a part of it."""

from __future__ import annotations

import errno
import json
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poregui.domain.errors import TOO_MANY_FILES, PoreguiError, ProjectError

TOO_MANY = (errno.EMFILE, errno.ENFILE)
"""What the system answers when this program, or all together, have too many files open."""
_FOR_ONE_STEP = 3
"""Files that SQLite opens for one transaction: its journal, the folder, and a temporary one."""
_BESIDE = re.compile(r"\..+\.[0-9a-f]{8}(\..*)?")


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, force it to disk and put it in the place of `path`.

    `write` gets a temporary name with the suffix of `path`. When anything fails the previous file stays as it was.
    Raises PoreguiError when the disk is full or the folder refuses.
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
    """Remove files of `replace_file` whose writer was killed; only for who alone writes in the folder."""
    for path in folder.iterdir():
        if _BESIDE.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with `replace_file`."""
    replace_file(path, lambda beside: _write_bytes(beside, text.encode()))


def write_json(path: Path, values: Any, *, indent: int | None = 1) -> None:
    """Write JSON with `replace_file`; without `indent` on one line."""
    write_text(path, json.dumps(values, indent=indent, ensure_ascii=False) + "\n")


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def explain_write_error(error: OSError, path: Path) -> PoreguiError:
    """Return the sentence for a write that the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ProjectError(f"The disk that holds {path.parent} is full.", "Make room there and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ProjectError(f"{path} cannot be written: no permission.", "Choose a folder that you may write to.")
    if error.errno in TOO_MANY:
        return ProjectError(f"{path} cannot be written: this program has too many files open.", TOO_MANY_FILES)
    if error.errno == errno.ENOENT and not path.parent.exists():
        return ProjectError(
            f"{path.parent} is not there any more.", "Put it back, or connect its drive, and try again."
        )
    return ProjectError(f"{path} cannot be written: {error.strerror or error}.", "Check the disk and try again.")


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

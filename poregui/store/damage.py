"""Read files that may hold anything without being brought down; changes with what damage can look like."""

from __future__ import annotations

import csv
import io
import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any, NoReturn

BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    EOFError,
    NotImplementedError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading damaged content can raise, whatever it holds."""
MOST_BYTES = 2 << 30
"""No file that is read as a whole is larger."""


def size_of(path: Path) -> int:
    """Return the size of a file in bytes. Raises FileNotFoundError, and OSError for what is no plain file."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("no plain file")
    return found.st_size


def read_whole(path: Path) -> bytes:
    """Return the content of a file.

    Raises FileNotFoundError, OSError for what is no plain file or cannot be read, ValueError for what is too large.
    """
    if size_of(path) > MOST_BYTES:
        raise ValueError("too large")
    return path.read_bytes()


def parse_json(content: bytes) -> Any:
    """Return what JSON text says. Raises one of BROKEN for anything else, also for numbers that are not finite."""
    return json.loads(content.decode("utf-8"), parse_constant=_no_number)


def csv_rows(content: bytes) -> list[list[str]]:
    """Return the rows of a CSV file that ends with a line end. Raises one of BROKEN for anything else."""
    if not content.endswith(b"\n"):
        raise ValueError("cut short")
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")

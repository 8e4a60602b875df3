"""Tell one file from another by its content; changes with how files are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

from poregui.domain.errors import ImageError


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's content. Raises ImageError when it cannot be read."""
    try:
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{file.name} cannot be read ({error.strerror}).", "Check the disk.") from error

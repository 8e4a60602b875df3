"""Read and write JSON files of other programs with sentences for what can go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.store.files import explain_write_error, replace_file
from poregui.workflow.exporting.formats.shapes import LARGEST_FILE


def write_json(path: Path, value: Any) -> None:
    """Write a value beside and then put it in place. Raises PoreguiError when that is refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False))


def write_text(path: Path, text: str) -> None:
    """Write text beside and then put it in place. Raises PoreguiError when that is refused."""

    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, path) from error
    replace_file(path, write)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds. Raises PoreguiError when it cannot be read, is too large or is not JSON."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PoreguiError(f"{path.name} is larger than 1 GB.", "Split it by image and read the parts.")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PoreguiError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise PoreguiError(f"{path.name} is not JSON.", "Write it again from the program that made it.") from error

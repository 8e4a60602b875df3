"""Make file names that every file system takes and no two of which are alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 180


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """Return a name without what Windows, macOS or a command line would stumble over."""
    clean = _FORBIDDEN.sub("_", name).strip(" .").lstrip("-")[:_LONGEST] or otherwise
    return f"_{clean}" if _RESERVED.match(clean) else clean


def file_names(names: Sequence[str], suffix: str) -> list[str]:
    """Return one file name for each name, in their order; equal ones are numbered."""
    taken: set[str] = set()
    found = []
    for name in names:
        clean = safe_name(name)
        number, unique = 1, clean
        while unique.casefold() in taken:
            number += 1
            unique = f"{clean} {number}"
        taken.add(unique.casefold())
        found.append(unique + suffix)
    return found


def file_paths(names: Sequence[str], suffix: str) -> list[Path]:
    """Return one relative path for each name; the folders before a name stay folders, and none leads out.

    No two are alike: what meets after all is numbered.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        *folders, last = name.split("/")
        inside = Path(*(safe_name(part, "up") for part in folders if part not in ("", ".")))
        clean = safe_name(last)
        number, path = 1, inside / f"{clean}{suffix}"
        while path.as_posix().casefold() in taken:
            number += 1
            path = inside / f"{clean} {number}{suffix}"
        taken.add(path.as_posix().casefold())
        found.append(path)
    return found


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder and the folders in it that a pattern fits, hidden ones left out."""
    found = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(one for one in found if not any(part.startswith(".") for part in one.relative_to(folder).parts))

"""Make file names that every file system takes and no two of which are alike."""

from __future__ import annotations

import re
from collections.abc import Sequence

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

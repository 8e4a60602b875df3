"""Make table cells harmless for spreadsheets; every CSV that holds names goes through here."""

from __future__ import annotations

import re
from typing import Any

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def harmless(cell: Any) -> Any:
    """Return a table cell that no spreadsheet takes for a formula; numbers stay numbers, negative ones too."""
    if not isinstance(cell, str) or not cell.startswith(_STARTS_A_FORMULA) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"

"""Name the columns by which a table that leaves the program says which micrograph a row is of."""

from __future__ import annotations

from poregui.domain.records import Micrograph

TELL_APART = ("micrograph_id", "path", "sha256", "plane")
"""The last columns of such a table: a name alone may be that of several micrographs."""


def told_apart(micrograph: Micrograph | None) -> tuple[int | str, ...]:
    """Return the cells of `TELL_APART`, empty where there is no micrograph."""
    if micrograph is None:
        return ("",) * len(TELL_APART)
    return micrograph.id, micrograph.path, micrograph.sha256, micrograph.plane

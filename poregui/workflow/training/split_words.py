"""Say in plain words what is wrong with a split; changes with what splits are made by."""

from __future__ import annotations

from collections.abc import Sequence

from poregui.domain.sources import Sources
from poregui.domain.splits import FEWEST_GROUPS, kind_of

_WHAT = {"specimen": "specimen", "micrograph": "micrograph", "source": "source"}


def why_not_grouped(groups: Sequence[str]) -> str:
    """Say why crops of one group stand on both sides."""
    what = _WHAT.get(kind_of(groups), "group")
    if len(groups) == 1:
        return f"All labelled crops are of one {what}: the test cannot be honest. Add crops of other specimens."
    if len(groups) < FEWEST_GROUPS:
        return (
            f"The labelled crops are of {len(groups)} {what}s only, at least {FEWEST_GROUPS} are needed to keep them "
            "apart: crops of one stand on both sides, and the accuracy can be too kind."
        )
    return (
        f"Some class is found in too few {what}s to keep them apart: crops of one {what} stand on both sides, and the "
        "accuracy can be too kind."
    )


def unknown_specimens(groups: Sequence[str], sources: Sources | None) -> tuple[str, ...]:
    """Say what a split without the names of all specimens cannot promise."""
    kind = kind_of(groups)
    if kind == "specimen":
        return ()
    if kind == "micrograph":
        return ("Specimens are not named: micrographs of one specimen can stand on both sides. Name them if you can.",)
    if kind == "source" and sources is not None:
        name, source = sources.example
        return (
            f"Crops whose file names begin alike are kept together, {name} with all others of {source}. Those of one "
            "specimen can still stand on both sides: name the specimens if you can. "
            "Edit, Group crops by file name, switches it off.",
        )
    return (
        "For some crops neither specimen nor micrograph is known: crops of one specimen can stand on both sides, and "
        "the accuracy can be too kind.",
    )

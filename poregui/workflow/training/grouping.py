"""Tell which crops must stay on one side of a split: same specimen, or near copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import SHORT_NAMES
from poregui.domain.dataset import Part
from poregui.domain.records import Changed, Crop, How
from poregui.domain.splits import (
    FEWEST_GROUPS,
    NamedCrop,
    Sources,
    find_sources,
    group_of,
    kind_of,
)
from poregui.store.pixels import ahead
from poregui.store.project import Project
from poregui.vision.near_copies import clusters, fingerprint, near_copies

MOST_CROPS = 12_000
"""Crops above which copies are not looked for: every crop is held against every other one."""


def find_copies(ids: Sequence[int], pixels: Iterable[NDArray[Any]]) -> list[list[int]]:
    """Return groups of crop ids whose (height, width[, 3]) pixels are copies of one another."""
    if not 2 <= len(ids) <= MOST_CROPS:
        return []
    pairs = near_copies(np.stack(list(ahead(fingerprint, pixels))))
    return [[ids[place] for place in group] for group in clusters(pairs)]


def untangle_parts(
    parts: dict[int, Part], copies: Sequence[Sequence[int]]
) -> tuple[dict[int, Part], tuple[str, ...]]:
    """Return the parts without training crops that are copies of test crops, and sentences about
    it.

    The test side stays as it is. A validation crop that is a copy of a training crop is trained on
    too.
    """
    now = dict(parts)
    dropped = moved = 0
    for group in copies:
        held = {parts[crop] for crop in group if crop in parts}
        for crop in group:
            part = parts.get(crop)
            if "test" in held and part in ("train", "validation"):
                del now[crop]
                dropped += 1
            elif part == "validation" and "train" in held:
                now[crop] = "train"
                moved += 1
    return now, (*_dropped(dropped), *_moved(moved))


def _dropped(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    if count == 1:
        crops = "1 crop is a copy of a test crop and was"
    else:
        crops = f"{count} crops are copies of test crops and were"
    return (f"{crops} left out of the training, so that the test stays unseen.",)


def _moved(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    if count == 1:
        crops = "1 validation crop is a copy"
    else:
        crops = f"{count} validation crops are copies"
    return (f"{crops} of training crops and went to their side.",)


def untangle_folds(
    tests: Sequence[Sequence[int]], copies: Sequence[Sequence[int]]
) -> tuple[list[list[int]], tuple[str, ...]]:
    """Return the folds with copies together, in the fold of the first of them, and sentences about
    it.
    """
    fold_of = {crop: number for number, fold in enumerate(tests) for crop in fold}
    moved = 0
    for group in copies:
        known = [crop for crop in group if crop in fold_of]
        for crop in known[1:]:
            moved += fold_of[crop] != fold_of[known[0]]
            fold_of[crop] = fold_of[known[0]]
    now = [
        [crop for fold in tests for crop in fold if fold_of[crop] == number]
        for number in range(len(tests))
    ]
    kept = [fold for fold in now if fold]
    if moved > 1:
        note = f"{moved} crops are copies of crops in another fold and went there."
    else:
        note = ""
    note = note or ("1 crop is a copy of a crop in another fold and went there." if moved else "")
    return kept, (note,) if note else ()


_META = "crop_sources"
_OFF = "off"


@dataclass(frozen=True)
class SetSources:
    """Choose whether crops of one source in their file names are kept together; the test side is
    then chosen anew.

    `before` and `after` are what the project keeps: empty to look for sources, `off`, or a number
    of words.
    """

    before: str
    after: str
    side: frozenset[str]
    was_fixed: str

    text: str = "group by file names"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the choice; groups that are no longer there leave the test side."""
        return self._put(project, self.after, frozenset(), "0")

    def undo(self, project: Project) -> Changed:
        """Write the earlier choice with its test side."""
        return self._put(project, self.before, self.side, self.was_fixed)

    def _put(self, project: Project, value: str, side: frozenset[str], fixed: str) -> Changed:
        project.put_meta(_META, value)
        project.put_test_side(side)
        project.put_meta("test_side_fixed", fixed)
        return Changed(frozenset({"test_side"}))


def sources_of(project: Project, crops: Iterable[Crop]) -> Sources | None:
    """Return what the file names tell of crops without specimen and micrograph; None where they
    tell nothing.

    `crops` are all of the project, so that the answer does not depend on which of them are looked
    at.
    """
    kept = project.meta(_META)
    if kept == _OFF:
        return None
    words = {
        c.id: frozenset(
            word
            for name in (c.name, *_short(c.name))
            for word in name.casefold().replace("-", " ").split()
        )
        for c in project.classes(retired=True)
    }
    bare = [
        crop
        for crop in crops
        if crop.specimen_id is None and crop.micrograph_id is None and crop.source
    ]
    named = [
        NamedCrop(crop.id, crop.label, crop.source, words.get(crop.label or 0, frozenset()))
        for crop in bare
    ]
    return find_sources(named, int(kept) if kept.isdigit() else 0)


def _short(name: str) -> list[str]:
    return [short for short, full in SHORT_NAMES.items() if full.casefold() == name.casefold()]


def groups_of(project: Project, crops: Sequence[Crop]) -> dict[int, str]:
    """Return the key of the group of each crop by its id; `crops` are all of the project."""
    found = sources_of(project, crops)
    sources: Mapping[int, str] = found.of if found else {}
    return {crop.id: group_of(crop, sources.get(crop.id, "")) for crop in crops}


def tested_keys(project: Project, crops: Sequence[Crop]) -> frozenset[str]:
    """Return the test side with a key for each crop whose source is on it; `crops` are all of the
    project.
    """
    side = project.test_side()
    if not any(key.startswith("source:") for key in side):
        return side
    return side | {
        f"crop:{crop_id}" for crop_id, key in groups_of(project, crops).items() if key in side
    }


def keep_sources(project: Project, sources: Sources | None) -> None:
    """Settle how names are read from now on, inside a transaction of the caller; called when the
    test side is fixed.
    """
    if sources is not None:
        project.put_meta(_META, str(sources.depth))


def groups_by_source(project: Project) -> bool:
    """Tell whether file names are looked at."""
    return project.meta(_META) != _OFF


def set_sources(project: Project, *, together: bool) -> SetSources:
    """Return the edit that keeps crops of one source together, or takes them one by one."""
    return SetSources(
        project.meta(_META),
        "" if together else _OFF,
        project.test_side(),
        project.meta("test_side_fixed"),
    )


_WHAT = {"specimen": "specimen", "micrograph": "micrograph", "source": "source"}


def why_not_grouped(groups: Sequence[str]) -> str:
    """Say why crops of one group stand on both sides."""
    what = _WHAT.get(kind_of(groups), "group")
    if len(groups) == 1:
        return (
            f"All labelled crops are of one {what}: the test cannot be honest. "
            "Add crops of "
            "other specimens."
        )
    if len(groups) < FEWEST_GROUPS:
        return (
            f"The labelled crops are of {len(groups)} {what}s only, at least {FEWEST_GROUPS} are "
            "needed to keep them "
            "apart: crops of one stand on both sides, and the accuracy can be too kind."
        )
    return (
        f"Some class is found in too few {what}s to keep them apart: crops of one {what} stand "
        "on both sides, and the "
        "accuracy can be too kind."
    )


def unknown_specimens(groups: Sequence[str], sources: Sources | None) -> tuple[str, ...]:
    """Say what a split without the names of all specimens cannot promise."""
    kind = kind_of(groups)
    if kind == "specimen":
        return ()
    if kind == "micrograph":
        return (
            "Specimens are not named: micrographs of one specimen can stand on both sides. Name "
            "them if you can.",
        )
    if kind == "source" and sources is not None:
        name, source = sources.example
        return (
            f"Crops whose file names begin alike are kept together, {name} with all others of "
            f"{source}. Those of one "
            "specimen can still stand on both sides: name the specimens if you can. "
            "Edit, Group crops by file name, switches it off.",
        )
    return (
        "For some crops neither specimen nor micrograph is known: crops of one specimen can "
        "stand on both sides, and "
        "the accuracy can be too kind.",
    )

"""Tell which crops must stay in one split: same specimen, or near copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import SHORT_NAMES
from poregui.domain.dataset import SplitName
from poregui.domain.micrograph_names import plain
from poregui.domain.records import Changed, Crop, How
from poregui.domain.statistics.splits import (
    FEWEST_GROUPS,
    NamedCrop,
    Sources,
    find_sources,
    group_of,
    kind_of,
)
from poregui.domain.wording import count, noun
from poregui.store.pixels import ahead
from poregui.store.project import Project
from poregui.vision.near_copies import clusters, fingerprint, near_copies
from poregui.workflow.editing.edits import changed

MOST_CROPS = 12_000
"""Crops above which copies are not looked for: every crop is held against every other one."""


def find_copies(ids: Sequence[int], pixels: Iterable[NDArray[Any]]) -> list[list[int]]:
    """Return groups of crop ids whose (height, width[, 3]) pixels are copies of one another."""
    if not 2 <= len(ids) <= MOST_CROPS:
        return []
    pairs = near_copies(np.stack(list(ahead(fingerprint, pixels))))
    return [[ids[index] for index in group] for group in clusters(pairs)]


def untangle_splits(
    splits: dict[int, SplitName], copies: Sequence[Sequence[int]]
) -> tuple[dict[int, SplitName], tuple[str, ...]]:
    """Return the splits without training crops that are copies of test crops, and sentences about
    it.

    The test set stays as it is. A validation crop that is a copy of a training crop is trained on
    too.
    """
    now = dict(splits)
    dropped = moved = 0
    for group in copies:
        held = {splits[crop] for crop in group if crop in splits}
        for crop in group:
            split = splits.get(crop)
            if "test" in held and split in ("train", "validation"):
                del now[crop]
                dropped += 1
            elif split == "validation" and "train" in held:
                now[crop] = "train"
                moved += 1
    return now, (*_dropped(dropped), *_moved(moved))


def _dropped(number: int) -> tuple[str, ...]:
    if not number:
        return ()
    copies = noun(number, "copy of a test crop", "copies of test crops")
    return (f"{number:,} {copies} excluded from training, to keep the test set unseen.",)


def _moved(number: int) -> tuple[str, ...]:
    if not number:
        return ()
    copies = noun(number, "validation crop", "validation crops")
    return (f"{number:,} {copies} moved to training as copies of training crops.",)


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
    if not moved:
        return kept, ()
    moves = count(moved, "crop moved to the fold of its copy", "crops moved to the fold of copies")
    return kept, (f"{moves}.",)


_META = "crop_sources"
_OFF = "off"


@dataclass(frozen=True)
class SetSources:
    """Choose whether crops of one source in their file names are kept together; the test set is
    then chosen anew.

    `before` and `after` are what the project keeps: empty to look for sources, `off`, or a number
    of words.
    """

    before: str
    after: str
    test_split: frozenset[str]
    was_fixed: str

    text: str = "group by file names"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the choice; groups that are no longer there leave the test set."""
        return self._put(project, self.after, frozenset(), "0")

    def undo(self, project: Project) -> Changed:
        """Write the earlier choice with its test set."""
        return self._put(project, self.before, self.test_split, self.was_fixed)

    def _put(self, project: Project, value: str, test_split: frozenset[str], fixed: str) -> Changed:
        project.put_meta(_META, value)
        project.put_test_split(test_split)
        project.put_meta("test_side_fixed", fixed)
        return changed("test_side")


def sources_of(project: Project, crops: Iterable[Crop]) -> Sources | None:
    """Return what the file names tell of crops without specimen and micrograph; None where they
    tell nothing.

    `crops` are all of the project, so that the answer does not depend on which of them are looked
    at.
    """
    kept = project.meta(_META)
    if kept == _OFF:
        return None
    words_of = {
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
        NamedCrop(crop.id, crop.label, crop.source, words_of.get(crop.label or 0, frozenset()))
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


def group_names(project: Project) -> dict[str, str]:
    """Return the names of specimens and micrographs by the keys of groups, such as `specimen:3`; no
    two are alike.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for specimen in project.specimens():
        name = (
            f"{specimen.name} (#{specimen.id})" if plain(specimen.name) in taken else specimen.name
        )
        taken.add(plain(name))
        names[f"specimen:{specimen.id}"] = name
    for one in project.micrographs():
        if plain(one.shown_name) in taken:
            name = f"{one.shown_name} (no specimen)"
        else:
            name = one.shown_name
        names[f"micrograph:{one.id}"] = name
    return names


def tested_keys(project: Project, crops: Sequence[Crop]) -> frozenset[str]:
    """Return the test set with a key for each crop whose source is on it; `crops` are all of the
    project.
    """
    tested = project.test_split()
    if not any(key.startswith("source:") for key in tested):
        return tested
    return tested | {
        f"crop:{crop_id}" for crop_id, key in groups_of(project, crops).items() if key in tested
    }


def keep_sources(project: Project, sources: Sources | None) -> None:
    """Settle how names are read from now on, inside a transaction of the caller; called when the
    test set is fixed.
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
        project.test_split(),
        project.meta("test_side_fixed"),
    )


_WHAT = {"specimen": "specimen", "micrograph": "micrograph", "source": "source"}


def why_not_grouped(groups: Sequence[str]) -> str:
    """Say why crops of one group stand in both splits."""
    what = _WHAT.get(kind_of(groups), "group")
    if len(groups) == 1:
        return (
            f"All labelled crops are from one {what}: no independent test is possible. Add crops "
            "of other specimens."
        )
    if len(groups) < FEWEST_GROUPS:
        return (
            f"Labelled crops are from only {count(len(groups), what)} (at least {FEWEST_GROUPS} "
            f"needed): crops of one {what} are used for training and testing, and the accuracy may "
            "be too high."
        )
    return (
        f"Some class occurs in too few {noun(2, what)}: crops of one {what} are used for training "
        "and testing, and the accuracy may be too high."
    )


def unknown_specimens(groups: Sequence[str], sources: Sources | None) -> tuple[str, ...]:
    """Say what a split without the names of all specimens cannot promise."""
    kind = kind_of(groups)
    if kind == "specimen":
        return ()
    if kind == "micrograph":
        return (
            "Specimens are not named: micrographs of one specimen may be used for training and "
            "testing. Name the specimens if you can.",
        )
    if kind == "source" and sources is not None:
        name, source = sources.example
        return (
            f"Crops are grouped by the start of their file names ({name} with all others of "
            f"{source}). Crops of one specimen may still be used for training and testing: name "
            "the specimens if you can. To switch grouping off: Edit, Group crops by file name.",
        )
    return (
        "For some crops neither specimen nor micrograph is known: crops of one specimen may be "
        "used for training and testing, and the accuracy may be too high.",
    )

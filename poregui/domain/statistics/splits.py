"""Divide labelled crops into training, validation and test so that no specimen is in two.

Crops are grouped by specimen, by micrograph, or by the first part of their file names:
`112_213.png`, `S03_crop_017.png` and `plate4-a-12.tif` begin with what the crop was cut from. Crops
of one group resemble each other and stay in one split.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import TrainingError
from poregui.domain.records import Crop
from poregui.domain.wording import listed

_WORD = re.compile(r"[^\W_]+")
_DEEPEST = 4
_FEWEST_SOURCES = 3
_FEWEST_OF_A_CLASS = 2
_SHARE_OF_NAMES = 0.9
_SHARE_IN_COMPANY = 0.5
_LARGEST_SHARE = 0.7


@dataclass(frozen=True)
class NamedCrop:
    """Hold what a file name is read with: id and label of the crop, its name, and words of its
    class in lower case.
    """

    crop_id: int
    label: int | None
    name: str
    class_words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sources:
    """Hold the source of each crop by its id, how many words of a name it is, and an example: a
    name and its source.
    """

    of: Mapping[int, str]
    depth: int
    example: tuple[str, str]


def find_sources(crops: Sequence[NamedCrop], depth: int = 0) -> Sources | None:
    """Return the sources that the names of crops tell, None where that is not plausible.

    The first words of a name, the class left out, are the source; as few of them as are plausible,
    for a source that is too coarse keeps too much together and one that is too fine too little.
    Plausible are several sources in every class, most crops in company, no source with nearly all
    of them, and a number at the end of the names. With a `depth` that was settled earlier so many
    words are taken and nothing is asked.
    """
    words = {crop.crop_id: _words(crop) for crop in crops}
    for count in (depth,) if depth else range(1, _DEEPEST + 1):
        of = {
            crop.crop_id: source
            for crop in crops
            if (source := _source(crop.name, words[crop.crop_id], count))
        }
        if of and (depth or _plausible(crops, words, of)):
            first = next(crop for crop in crops if crop.crop_id in of)
            return Sources(of, count, (PurePosixPath(first.name).name, of[first.crop_id]))
    return None


def _words(crop: NamedCrop) -> list[re.Match[str]]:
    found = list(_WORD.finditer(PurePosixPath(crop.name).stem))
    while found and found[0].group().casefold() in crop.class_words:
        del found[0]
    return found


def _source(name: str, words: Sequence[re.Match[str]], count: int) -> str:
    """Return the first words of a name as they stand there; empty when nothing would be left behind
    them.
    """
    if len(words) <= count:
        return ""
    return PurePosixPath(name).stem[words[0].start() : words[count - 1].end()]


def _plausible(
    crops: Sequence[NamedCrop], words: Mapping[int, Sequence[re.Match[str]]], of: Mapping[int, str]
) -> bool:
    sizes = Counter(of.values())
    numbered = sum(
        any(letter.isdecimal() for letter in words[crop_id][-1].group()) for crop_id in of
    )
    of_class: dict[int, set[str]] = {}
    for crop in crops:
        if crop.label is not None and crop.label > 0 and crop.crop_id in of:
            of_class.setdefault(crop.label, set()).add(of[crop.crop_id])
    return (
        len(of) >= _SHARE_OF_NAMES * len(crops)
        and numbered >= _SHARE_OF_NAMES * len(of)
        and len(sizes) >= _FEWEST_SOURCES
        and sum(size for size in sizes.values() if size > 1) >= _SHARE_IN_COMPANY * len(of)
        and max(sizes.values()) <= _LARGEST_SHARE * len(of)
        and all(len(sources) >= _FEWEST_OF_A_CLASS for sources in of_class.values())
    )


TEST_SHARE = 0.2
FIXED_FROM = 100
"""Labelled crops from which on the test set of a project no longer moves."""
FEWEST_CROPS = 5
"""Labelled crops that every class needs before a network can be trained and tested."""
FEWEST_GROUPS = 3
_TRIES = 24


@dataclass(frozen=True)
class Item:
    """Hold what a split needs to know of a crop: its id, the place of its class, the group it must
    stay with.
    """

    crop_id: int
    label: int
    group: str


@dataclass(frozen=True)
class Split:
    """Hold the crop ids of each split, what was kept together, and what a person should know about
    it.

    `kind` is `given` (folders named the splits), `specimen`, `micrograph`, `source`, `crop` or
    `mixed`.
    """

    kind: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    groups_train: int
    groups_test: int
    warnings: tuple[str, ...] = ()


def group_of(crop: Crop, source: str = "") -> str:
    """Return the key of the group of a crop: its specimen, else its micrograph, else its source,
    else itself.
    """
    return keys_of(crop, source)[0]


def keys_of(crop: Crop, source: str = "") -> tuple[str, ...]:
    """Return the keys under which a crop can be on the test set, the coarsest first."""
    keys = []
    if crop.specimen_id is not None:
        keys.append(f"specimen:{crop.specimen_id}")
    if crop.micrograph_id is not None:
        keys.append(f"micrograph:{crop.micrograph_id}")
    if source:
        keys.append(f"source:{source}")
    return (*keys, f"crop:{crop.id}")


def kind_of(groups: Sequence[str]) -> str:
    """Return what the groups are: `specimen`, `micrograph`, `source`, `crop` or, of several sorts,
    `mixed`.
    """
    kinds = {group.partition(":")[0] for group in groups}
    if len(kinds) == 1:
        return kinds.pop()
    return "mixed"


def assign_folds(items: Sequence[Item], folds: int, seed: int) -> dict[str, int]:
    """Give every group one of `folds` folds so that each fold has its share of every class.

    Groups are dealt out one by one, the most one-sided and largest first, each to the fold where
    the spread of class shares over the folds stays smallest (as in grouped stratified k-fold). Same
    items, folds and seed: same answer.
    """
    names, counts = _class_counts(items)
    if len(names) == len(items):
        return _deal_single(items, folds, seed)
    return _deal_groups(names, counts, folds, seed)


def _deal_groups(
    names: Sequence[str], counts: NDArray[np.int64], folds: int, seed: int
) -> dict[str, int]:
    """Do what `assign_folds` does with the (groups, classes) counts of groups."""
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(-counts[shuffled].std(axis=1), kind="stable")]
    totals = np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((folds, counts.shape[1]))
    fold_of: dict[str, int] = {}
    for index in order:
        tried = np.repeat(
            filled[None], folds, axis=0
        )  # [k]: what all folds would hold if fold k got the group
        tried[np.arange(folds), np.arange(folds)] += counts[index]
        spreads = np.round((tried / totals).std(axis=1).mean(axis=1), 12)
        best = int(np.lexsort((filled.sum(axis=1), spreads))[0])
        filled[best] += counts[index]
        fold_of[names[index]] = best
    return fold_of


def _deal_single(items: Sequence[Item], folds: int, seed: int) -> dict[str, int]:
    random = np.random.default_rng(seed)
    by_class: dict[int, list[str]] = defaultdict(list)
    for item in items:
        by_class[item.label].append(item.group)
    fold_of: dict[str, int] = {}
    turn = 0
    for label in sorted(by_class):
        for index in random.permutation(len(by_class[label])):
            fold_of[by_class[label][index]] = turn % folds
            turn += 1
    return fold_of


def _class_counts(items: Sequence[Item]) -> tuple[list[str], NDArray[np.int64]]:
    names = sorted({item.group for item in items})
    row_of = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), max((item.label for item in items), default=0) + 1), np.int64)
    for item in items:
        counts[row_of[item.group], item.label] += 1
    return names, counts


def choose_groups(items: Sequence[Item], share: float, seed: int) -> frozenset[str] | None:
    """Choose groups that hold about `share` of every class, leaving every class on the other side
    too.

    Returns None when that is impossible: fewer than three groups, or a class that only one group
    has.
    """
    names, counts = _class_counts(items)
    totals = counts.sum(axis=0)
    if len(names) < FEWEST_GROUPS:
        return None
    folds = min(max(2, round(1 / share)), len(names))
    best: tuple[float, frozenset[str]] | None = None
    single = len(names) == len(items)
    for attempt in range(1 if single else _TRIES):
        own = seed * _TRIES + attempt
        if single:
            fold_of = _deal_single(items, folds, own)
        else:
            fold_of = _deal_groups(names, counts, folds, own)
        for fold in range(folds):
            inside = np.array([fold_of[name] == fold for name in names])
            taken = counts[inside].sum(axis=0)
            if np.any((taken == 0) & (totals > 0)) or np.any((taken == totals) & (totals > 0)):
                continue
            cost = float(np.abs(taken / np.maximum(totals, 1) - share)[totals > 0].max())
            if best is None or cost < best[0] - 1e-12:
                best = (
                    cost,
                    frozenset(name for name, chosen in zip(names, inside, strict=True) if chosen),
                )
    if best:
        return best[1]
    return None


def choose_or_fall_back(
    items: Sequence[Item], share: float, seed: int
) -> tuple[frozenset[int], bool]:
    """Choose crops for one side by whole groups, or one by one where groups do not allow it.

    Returns the ids of the chosen crops and whether groups stayed whole.
    """
    groups = choose_groups(items, share, seed)
    if groups is not None:
        return frozenset(item.crop_id for item in items if item.group in groups), True
    single = [Item(item.crop_id, item.label, f"crop:{item.crop_id}") for item in items]
    fold_of = assign_folds(single, max(2, round(1 / share)), seed)
    return frozenset(item.crop_id for item in single if fold_of[item.group] == 0), False


def make_split(
    items: Sequence[Item],
    test_ids: frozenset[int],
    *,
    kind: str,
    validation_share: float,
    seed: int,
    warnings: Sequence[str] = (),
) -> Split:
    """Return the split with a given test set; validation is taken from the rest by whole groups
    where possible.
    """
    rest = [item for item in items if item.crop_id not in test_ids]
    tested = [item for item in items if item.crop_id in test_ids]
    validation, whole = choose_or_fall_back(rest, validation_share, seed)
    notes = list(warnings)
    if not whole and kind not in ("crop", "given") and len(rest) > 0:
        notes.append(
            "Validation shares specimens or micrographs with the training crops, because there are "
            "too few of them; the validation curve is too optimistic; test results are unaffected."
        )
    return Split(
        kind=kind,
        train=tuple(item.crop_id for item in rest if item.crop_id not in validation),
        validation=tuple(item.crop_id for item in rest if item.crop_id in validation),
        test=tuple(item.crop_id for item in tested),
        groups_train=len({item.group for item in rest}),
        groups_test=len({item.group for item in tested}),
        warnings=tuple(notes),
    )


def check_trainable(counts: Mapping[str, int]) -> None:
    """Raise TrainingError with a plain sentence unless there are two classes with at least five
    crops each.

    `counts` are labelled crops per class name; classes without any crop are left out of the
    training and do not count.
    """
    used = {name: n for name, n in counts.items() if n > 0}
    if not used:
        raise TrainingError(
            "No crop has a label yet.", "Label crops of at least two classes, then train."
        )
    if len(used) == 1:
        only = next(iter(used))
        raise TrainingError(
            f"All labelled crops are {only}: a network needs two classes to tell apart.",
            f"Label at least {FEWEST_CROPS} crops of another class.",
        )
    thin = [f"{name} ({n})" for name, n in used.items() if n < FEWEST_CROPS]
    if thin:
        raise TrainingError(
            f"Too few labelled crops of {listed(thin)}.",
            f"Every class needs at least {FEWEST_CROPS}; label more.",
        )

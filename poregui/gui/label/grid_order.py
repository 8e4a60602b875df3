"""Choose which crops the grid shows, in which order, grouping and scale."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np

from poregui.domain.records import Crop
from poregui.gui.label.catalogue import Catalogue, CropFilter
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow
from poregui.store.project import Project
from poregui.workflow.suggesting.suggestions import Suggestions

_FEW = 40
"""Crops that come and go one by one; for more the list is made anew."""


def follow_labels(
    grid: CropGrid,
    catalogue: Catalogue,
    ordering: Ordering,
    wanted: CropFilter,
    crop_ids: Sequence[int],
) -> bool:
    """Show crops whose labels changed anew, leave out and take in what the filter says; False: all
    is to be listed.
    """
    known = [catalogue.crops[crop_id] for crop_id in crop_ids if crop_id in catalogue.crops]
    if wanted.label == "any":
        grid.change_rows(catalogue.row(crop.id) for crop in known)
        return True
    if len(known) > _FEW:
        return False
    rows = grid.rows
    shown = [crop for crop in known if wanted.accepts(crop)]
    rows.take_out(crop.id for crop in known if not wanted.accepts(crop))
    grid.change_rows(catalogue.row(crop.id) for crop in shown)
    rows.put_in(
        (catalogue.row(crop.id) for crop in shown if rows.position(crop.id) is None), ordering.rank
    )
    return True


ORDERS = (
    ("Import order", "came"),
    ("Most informative", "teaches"),
    ("Least certain", "undecided"),
    ("Suggested class", "suggested"),
    ("Size", "size"),
    ("Specimen", "specimen"),
    ("Recently labelled", "time"),
    ("Similar to selected", "alike"),
)
LIKELY = "likely"
"""The order by how likely one class is, which the nudge to a thin cell sets."""
BY_SUGGESTION = frozenset({"teaches", "undecided", "suggested", LIKELY})


Group = tuple[int | None, bool]
"""The label that is suggested (None: nothing is) and False, or None and True for crops that had a
label.
"""


class Ordering:
    """Hold the order that a person chose; it stays as it is while labels change, until `renew`."""

    def __init__(self, project: Project, catalogue: Catalogue) -> None:
        self._project = project
        self._catalogue = catalogue
        self.by = "came"
        self.suggestions: Suggestions | None = None
        self.alike: Sequence[int] = ()
        self.wanted: int | None = None
        self._ranks: dict[int, int] = {}
        self._starts: list[tuple[int, Group]] = []

    def arrange(self, rows: list[CropRow]) -> list[CropRow]:
        """Return rows in the chosen order, crops that came since at the end."""
        if self.by == "came":
            return rows
        return sorted(rows, key=self._rank_of_row)

    def _rank_of_row(self, row: CropRow) -> int:
        return self._ranks.get(row.crop_id, len(self._ranks))

    def rank(self, crop_id: int) -> tuple[int, int]:
        """Return what the rows of `arrange` are sorted by."""
        if self.by == "came":
            return (0, crop_id)
        return (self._ranks.get(crop_id, len(self._ranks)), crop_id)

    def _sort_key(self, row: CropRow) -> tuple[int, int]:
        return self.rank(row.crop_id)

    def groups(self, rows: Sequence[CropRow]) -> dict[Group, tuple[int, int]]:
        """Return the first row and that after the last of each group of suggested class, of `rows`
        in this order.

        Groups stay as they are while labels change; in other orders there are none.
        """
        if self.by != "suggested":
            return {}
        ends = [start for start, _ in self._starts[1:]] + [len(self._ranks)]
        found = {}
        for (start, group), end in zip(self._starts, ends, strict=True):
            first, last = (bisect_left(rows, (at, 0), key=self._sort_key) for at in (start, end))
            if last > first:
                found[group] = (first, last)
        return found

    def renew(self) -> None:
        """Take the order from what is known now."""
        self._starts = []
        crops = list(self._catalogue.crops.values())
        ids = np.fromiter((crop.id for crop in crops), np.int64, len(crops))
        orders: dict[str, Callable[[list[Crop], np.ndarray], list[int]]] = {
            "teaches": self._teaching,
            "undecided": self._undecided,
            "suggested": self._suggested,
            LIKELY: self._likely,
            "size": by_size,
            "specimen": by_specimen,
            "time": self._last_labelled,
            "alike": self._by_likeness,
        }
        found: list[int] = []
        if self.by in orders:
            found = orders[self.by](crops, ids)
        self._ranks = {crop_id: rank for rank, crop_id in enumerate(found)}

    def _undecided(self, _: list[Crop], ids: np.ndarray) -> list[int]:
        if self.suggestions is None:
            return []
        worth = np.nan_to_num(self.suggestions.uncertainty_of(ids), nan=-1.0)
        free = np.array([self._catalogue.crops[i].label is None for i in ids.tolist()])
        return [int(i) for i in ids[np.lexsort((-worth, ~free))]]

    def _teaching(self, crops: list[Crop], ids: np.ndarray) -> list[int]:
        if self.suggestions is None:
            return []
        first = [i for i in self.suggestions.order.tolist() if i in self._catalogue.crops]
        return list(dict.fromkeys([*first, *self._undecided(crops, ids)]))

    def _suggested(self, _: list[Crop], ids: np.ndarray) -> list[int]:
        """Return unlabelled crops by suggested class, the surest first, then the labelled ones by
        label.
        """
        if self.suggestions is None:
            return []
        labels, confidence = self.suggestions.best_of(ids)
        own = [self._catalogue.crops[i].label for i in ids.tolist()]
        free = np.array([label is None for label in own])
        labelled = np.array([0 if label is None else label for label in own])
        position_of = {c.id: c.position for c in self._catalogue.known_classes}
        classes = np.array(
            [position_of.get(label, 99) for label in np.where(free, labels, labelled).tolist()]
        )
        order = np.lexsort(
            (-np.nan_to_num(confidence, nan=-1.0), np.isnan(confidence) & free, classes, ~free)
        )
        self._starts = _starts(
            np.where(free & np.isfinite(confidence), labels, 0)[order], ~free[order]
        )
        return [int(i) for i in ids[order]]

    def _by_likeness(self, _crops: list[Crop], _ids: np.ndarray) -> list[int]:
        return list(self.alike)

    def _likely(self, _crops: list[Crop], ids: np.ndarray) -> list[int]:
        """Return the crops from the one on that is likeliest of the wanted label."""
        if self.suggestions is None or self.wanted is None:
            return []
        worth = np.nan_to_num(self.suggestions.probability_of(ids, self.wanted), nan=-1.0)
        return [int(i) for i in ids[np.argsort(-worth, kind="stable")]]

    def _last_labelled(self, crops: list[Crop], _ids: np.ndarray) -> list[int]:
        last = self._project.last_labelled()
        return [
            c.id
            for c in sorted(crops, key=lambda c: -last.get(c.id, 0) if c.label is not None else 1)
        ]


def _starts(labels: np.ndarray, done: np.ndarray) -> list[tuple[int, Group]]:
    """Return where runs of crops of one suggested label (0: none), and of those that are done,
    begin.
    """
    if not len(labels):
        return []
    new = np.flatnonzero((labels[1:] != labels[:-1]) | (done[1:] != done[:-1])) + 1
    return [(int(at), (int(labels[at]) or None, bool(done[at]))) for at in (0, *new.tolist())]


def by_specimen(crops: Sequence[Crop], _ids: object = None) -> list[int]:
    """Return the ids in the order of specimens."""
    return [c.id for c in sorted(crops, key=lambda c: (c.specimen_id or 0, c.id))]


def by_size(crops: Sequence[Crop], _ids: object = None) -> list[int]:
    """Return the ids from the largest crop on, in um where all scales are known, else in px."""
    scaled = all(crop.um_per_px is not None for crop in crops)
    return [
        c.id
        for c in sorted(crops, key=lambda c: -c.size_px * ((c.um_per_px or 1.0) if scaled else 1.0))
    ]

"""Read what was written of the single pores of a micrograph."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.workflow.applying.sensitivity import Sensitivity, read_sensitivity

AREA = "Area (px²)"
OUT_OF_DISTRIBUTION = "unlike"
"""Column that says yes for a pore unlike all that was trained on, no for others, nothing where
nobody can tell.
"""
PLACE = ("x (px)", "y (px)")
DISTANCES = ("Nearest pore", "Distance to the surface")
LENGTHS = ("Feret, maximum", "Equivalent diameter")
FIRST_CHANCE = 3
"""Place of the first class's probability, after number, class and confidence."""
LEFT = -1
REMOVED = -2
NOBODY = -3
OTHER = -4
"""In the place of a class: left to a person; and said by a person: no pore, nothing, a class
unknown to the network.
"""
SOURCE = "source"
WHY = "why"
"""Columns that say who named the class, and why there is none."""


@dataclass(frozen=True, eq=False)
class PoreTable:
    """Hold of the (n,) pores of a micrograph the `areas` in square px and the (n, classes)
    `chances`.

    `nearest` and `surface` are distances in `unit` (um or px), NaN where not known; they may be
    left empty. `sensed` is what shifted thresholds found, None where nobody looked. `middles` (n,
    2) are x and y in px; `human_label` is what people said: the place of a class, `LEFT`,
    `REMOVED`, `OTHER` or `NOBODY`; empty where nobody was asked. `out_of_distribution` (n,) tells
    what is unlike all that the network was trained on, which is left to a person unless
    `keep_out_of_distribution`; empty for none. `lengths` (n,) are the largest Feret diameters in
    px, which may be left empty. Of `labelled` crops that people called pores `unmatched` show none
    that was found.
    """

    areas: NDArray[np.float64]
    chances: NDArray[np.floating[Any]]
    nearest: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    surface: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    unit: str = "px"
    sensed: Sensitivity | None = None
    middles: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    human_label: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    out_of_distribution: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    keep_out_of_distribution: bool = False
    lengths: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    labelled: int = 0
    unmatched: int = 0

    def chosen(self, min_confidence: float) -> NDArray[np.int64]:
        """Return the place of the class of each pore, `LEFT` where none is as likely as wanted or
        it is unlike all training crops, or `REMOVED`.

        What a person said goes before what the network did.
        """
        if not len(self.areas):
            return np.empty(0, np.int64)
        sure = self.chances.max(axis=1) >= min_confidence
        if len(self.out_of_distribution) and not self.keep_out_of_distribution:
            sure &= ~self.out_of_distribution
        chosen = np.where(sure, self.chances.argmax(axis=1), LEFT).astype(np.int64)
        if not len(self.human_label):
            return chosen
        human = np.where(self.human_label == OTHER, LEFT, self.human_label)
        return np.where(self.human_label == NOBODY, chosen, human)

    def drawn_kinds(self, min_confidence: float) -> tuple[frozenset[int], bool, bool]:
        """Return the classes that some pore has, whether one is left to a person, and whether one
        is unlike all training crops.
        """
        chosen = frozenset(self.chosen(min_confidence).tolist())
        unusual = len(self.out_of_distribution) > 0 and bool(
            np.any(self.out_of_distribution & ~self.by_person)
        )
        return frozenset(index for index in chosen if index >= 0), LEFT in chosen, unusual

    def waiting(self, min_confidence: float) -> NDArray[np.int64]:
        """Return the places of the pores that wait for a person."""
        return np.flatnonzero((self.chosen(min_confidence) == LEFT) & ~self.by_person)

    def reasons(self, min_confidence: float) -> list[str]:
        """Return why each pore has no class, empty for those that have one.

        `unlike` all training crops, whatever the confidence, `unsure` (of the network,
        or a person), `not a pore` or `other class` (that the network does not know), both said by a
        person.
        """
        person = self.by_person
        strange = ~person & (
            self.out_of_distribution
            if len(self.out_of_distribution) and not self.keep_out_of_distribution
            else False
        )
        named = np.select(
            [
                self.chosen(min_confidence) >= 0,
                strange,
                person & (self._human == REMOVED),
                person & (self._human == OTHER),
            ],
            ["", "unlike", "not a pore", "other class"],
            "unsure",
        )
        return [str(one) for one in named]

    def sources(self, min_confidence: float) -> list[str]:
        """Return who decided on each pore, `person` or `network`; empty for those that wait for a
        person.
        """
        named = np.select(
            [self.by_person, self.chosen(min_confidence) >= 0], ["person", "network"], ""
        )
        return [str(one) for one in named]

    @property
    def _human(self) -> NDArray[np.int64]:
        if len(self.human_label):
            return self.human_label
        return np.full(len(self.areas), NOBODY, np.int64)

    @property
    def by_person(self) -> NDArray[np.bool_]:
        """Return on which pores a person decided, (n,), be it that it is no pore
        or not to be told.
        """
        return np.asarray(self._human != NOBODY)

    @property
    def certain(self) -> NDArray[np.bool_]:
        """Return which pores a person named, (n,)."""
        return np.asarray(self._human >= 0)


def read_pores(folder: Path, classes: int) -> PoreTable:
    """Return the pores of a folder of results.

    Raises PoreguiError when pores.csv is gone or was changed.
    """
    path = folder / "pores.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            head = next(rows)
            area = head.index(AREA)
            x, y = (head.index(name) for name in PLACE)
            out_of_distribution = head.index(OUT_OF_DISTRIBUTION)
            (nearest, unit), (surface, _) = (_distance(head, name) for name in DISTANCES)
            (length, _), (diameter, _) = (_distance(head, name) for name in LENGTHS)
            numbers = [
                (
                    float(row[area]),
                    float(row[nearest] or "nan"),
                    float(row[surface] or "nan"),
                    float(row[x]),
                    float(row[y]),
                    row[out_of_distribution] == "yes",
                    float(row[length]) / float(row[diameter]),
                    *map(float, row[FIRST_CHANCE : FIRST_CHANCE + classes]),
                )
                for row in rows
            ]
    except (OSError, ValueError, IndexError, ZeroDivisionError, StopIteration) as error:
        raise PoreguiError(
            f"{path} cannot be read.", f"Remove {folder} and find its pores again."
        ) from error
    table = np.array(numbers, np.float64).reshape(-1, classes + 7)
    sensed = read_sensitivity(folder)
    return PoreTable(
        table[:, 0],
        table[:, 7:],
        table[:, 1],
        table[:, 2],
        unit,
        sensed,
        table[:, 3:5],
        out_of_distribution=table[:, 5] > 0,
        lengths=table[:, 6] * np.sqrt(4 / np.pi * table[:, 0]),
    )


def _distance(head: list[str], name: str) -> tuple[int, str]:
    """Return the place and the unit of a distance. Raises ValueError without one."""
    index = next(
        (k for k, title in enumerate(head) if title in (f"{name} (um)", f"{name} (px)")), None
    )
    if index is None:
        raise ValueError(f"no column {name}")
    return index, head[index][-3:-1]

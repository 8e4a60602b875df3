"""Say how far people agree, with each other and themselves, and how a network stands to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.agreement import (
    ClassAgreement,
    JointAgreement,
    PairAgreement,
    ceiling,
    class_agreement,
    joint_agreement,
    pair_agreement,
    where_kappa_parts,
)
from poregui.domain.statistics.intervals import interval_of
from poregui.domain.statistics.jackknife import Estimate, difference
from poregui.domain.statistics.splits import group_of
from poregui.domain.wording import count, listed
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.rating.raters import ACCEPTED, RatingTable, Second, rating_table

_FEWEST_IN_A_BAND = 3
_CONTRAST_TAILS = (5, 95)


@dataclass(frozen=True, eq=False)
class RaterPair:
    """Hold two raters, by name and column, and how far they agree."""

    a: str
    b: str
    columns: tuple[int, int]
    numbers: PairAgreement
    note: str

    def to_json(self) -> dict[str, Any]:
        """Return the pair as a dictionary fit for JSON."""
        return {"a": self.a, "b": self.b, **self.numbers.to_json(), "note": self.note}


@dataclass(frozen=True)
class Band:
    """Hold the agreement of second opinions with first ones among some of the crops."""

    by: str
    band: str
    n: int
    agreement: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return the band as a dictionary fit for JSON."""
        return {"band": self.band, "n": self.n, **self.agreement.to_json("agreement")}


@dataclass(frozen=True)
class BesidePeople:
    """Hold how a network agrees with a person, and how another rater does, on the same `n` crops.

    `rival` is another person, or the person again.
    """

    run: str
    person: str
    rival: str
    n: int
    network: Estimate
    human: Estimate
    gain: Estimate

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        ours = self.network.value
        theirs = self.human.value
        if ours is None or theirs is None or self.gain.value is None:
            return ""
        verdict = "as well as"
        ends = self.gain.interval
        if ends is not None and ends[0] > 0:
            verdict = "better than"
        if ends is not None and ends[1] < 0:
            verdict = "less well than"
        other = f"{self.rival} does"
        if self.rival.startswith(self.person):
            other = f"{self.person} a second time"
        text = (
            f"The network of {self.run} agrees with {self.person} {verdict} {other} ({ours:.2f} "
            f"against {theirs:.2f} on {count(self.n, 'crop')}; difference "
            f"{_signed(self.gain.value)}"
        )
        if ends is None:
            return f"{text})."
        return f"{text}, {_signed(ends[0])} to {_signed(ends[1])})."

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a dictionary fit for JSON."""
        return {
            "run": self.run,
            "person": self.person,
            "rival": self.rival,
            "n": self.n,
            **self.network.to_json("network"),
            **self.human.to_json("human"),
            **self.gain.to_json("difference"),
            "sentence": self.sentence,
        }


@dataclass(frozen=True, eq=False)
class Agreement:
    """Hold all that is known of the agreement on a project's crops.

    `of_all` and `per_class` count people only, each with the first rating of a crop. `ceiling` is
    the accuracy that label noise allows, from repeats where there are some, else from two people
    (`ceiling_from`). `beside` compares a run with people.
    """

    table: RatingTable
    pairs: tuple[RaterPair, ...]
    of_all: JointAgreement
    per_class: Mapping[str, ClassAgreement]
    ceiling: Estimate
    ceiling_from: str
    beside: tuple[BesidePeople, ...]
    bands: tuple[Band, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        table = self.table
        by: dict[str, list[dict[str, Any]]] = {}
        for band in self.bands:
            by.setdefault(band.by, []).append(band.to_json())
        return {
            "raters": [
                {"rater": name, "n": int(rated), "unsure": table.unsure.get(name, 0)}
                for name, rated in zip(table.raters, (table.ratings >= 0).sum(axis=0), strict=True)
            ],
            "pairs": [pair.to_json() for pair in self.pairs],
            "all": self.of_all.to_json(),
            "per_class": [{"class": name, **one.to_json()} for name, one in self.per_class.items()],
            "over": self.of_all.over.kind,
            "groups": self.of_all.over.groups,
            "ceiling": {**self.ceiling.to_json("accuracy"), "from": self.ceiling_from},
            "network": [one.to_json() for one in self.beside],
            "by": by,
            "notes": list(self.notes),
        }


def agreement_of(project: Project, run: RunFolder | None = None) -> Agreement:
    """Return how far people agree, with the held-out predictions of a run beside them.

    Raises PoreguiError where nobody rated a crop that another, or the same person before, rated.
    """
    table = rating_table(project, run)
    pairs = _pairs(table)
    if not pairs:
        raise PoreguiError(
            f"No crop of {project.name} was rated twice.",
            "Label some crops a second time, or import the ratings of a colleague.",
        )
    size = len(table.options)
    ratings = table.ratings[:, list(table.people)]
    found = joint_agreement(ratings, table.groups, size)
    classes = class_agreement(ratings, table.groups, size)
    per_class = {name: one for name, one in zip(table.names, classes, strict=True) if one.n}
    ceiled, source = _ceiling(table, pairs)
    return Agreement(
        table,
        pairs,
        found,
        per_class,
        ceiled,
        source,
        tuple(_beside(table)),
        tuple(_bands(project, table.seconds)),
        tuple(_notes(table, pairs, found)),
    )


def _pairs(table: RatingTable) -> tuple[RaterPair, ...]:
    found = []
    for first in range(len(table.raters)):
        for second in range(first + 1, len(table.raters)):
            if _of_others(table, first, second) or not table.rated(first, second).any():
                continue
            numbers = pair_agreement(
                table.ratings[:, first],
                table.ratings[:, second],
                table.groups,
                len(table.options),
            )
            note = where_kappa_parts(numbers, table.names)
            names = (table.raters[first], table.raters[second])
            found.append(RaterPair(*names, (first, second), numbers, note))
    return tuple(found)


def _of_others(table: RatingTable, *columns: int) -> bool:
    """Tell whether second ratings of a person stand beside somebody else than the same person."""
    owner = {column: person for person, column in table.again.items()}
    return len({owner.get(column, column) for column in columns}) > 1 and any(
        column in owner for column in columns
    )


def noise_ceiling(project: Project) -> Estimate | None:
    """Return the accuracy that label noise allows; None where nobody gave a second opinion."""
    if not project.opinions.all():
        return None
    table = rating_table(project)
    found = _ceiling(table, _pairs(table))[0]
    if found.value is None:
        return None
    return found


def _ceiling(table: RatingTable, pairs: Sequence[RaterPair]) -> tuple[Estimate, str]:
    """Return what label noise allows, and what that was learned from."""
    used = len(np.unique(table.ratings[table.ratings >= 0]))
    repeats = [one for one in table.seconds if one.same_person]
    if repeats:
        agreed = np.array([one.before == one.opinion.label for one in repeats], np.bool_)
        group = dict(zip((crop.id for crop in table.crops), table.groups, strict=True))
        share = _share(agreed, [group[one.opinion.crop_id] for one in repeats])
        return ceiling(share, used), "repeats"
    for pair in pairs:
        if set(pair.columns) <= set(table.people):
            return ceiling(pair.numbers.agreement, used), f"{pair.a} and {pair.b}"
    return Estimate(None), ""


def _beside(table: RatingTable) -> list[BesidePeople]:
    """Return the network beside each person who rated with another, or again, what it predicted."""
    network = table.network
    if network is None:
        return []
    found = []
    for person in table.people:
        rivals = [other for other in table.people if other != person]
        if person in table.again:
            rivals.append(table.again[person])
        for rival in rivals:
            rows = np.flatnonzero(table.rated(person, rival, network))
            if not len(rows):
                continue
            truth = table.ratings[rows, person]
            ours = np.asarray(table.ratings[rows, network] == truth)
            theirs = np.asarray(table.ratings[rows, rival] == truth)
            groups = [table.groups[row] for row in rows.tolist()]
            found.append(
                BesidePeople(
                    table.raters[network],
                    table.raters[person],
                    table.raters[rival],
                    len(rows),
                    _share(ours, groups),
                    _share(theirs, groups),
                    difference(ours, theirs, groups),
                )
            )
    return found


def _share(flags: NDArray[np.bool_], groups: Sequence[str]) -> Estimate:
    ends = interval_of(flags, groups)
    if ends is None:
        return Estimate(None)
    return Estimate(float(flags.mean()), (ends.low, ends.high))


# ---- what agreement depends on --------------------------------------------------------------


def _bands(project: Project, seconds: Sequence[Second]) -> list[Band]:
    """Return agreement by size, contrast, time of day and position in the session."""
    crops = {crop.id: crop for crop in project.crops()}
    position = _positions(seconds)
    values: dict[str, Callable[[Second], float | None]] = {
        "size": lambda one: float(crops[one.opinion.crop_id].size_px),
        "contrast": lambda one: _contrast(project, crops[one.opinion.crop_id].pixels),
        "position": lambda one: position.get(one.opinion.id),
    }
    found = []
    for by, value_of in values.items():
        known = [(value, one) for one in seconds if (value := value_of(one)) is not None]
        known.sort(key=lambda pair: pair[0])
        thirds = np.array_split(np.arange(len(known)), 3)
        if len(known) < 3 * _FEWEST_IN_A_BAND:
            continue
        for name, rows in zip(_THIRDS[by], thirds, strict=True):
            found.append(_band(by, name, [known[row][1] for row in rows.tolist()], crops))
    hours = [(_part_of_day(one.opinion.when), one) for one in seconds]
    for name in ("morning", "afternoon", "evening"):
        chosen = [one for part, one in hours if part == name]
        if len(chosen) >= _FEWEST_IN_A_BAND:
            found.append(_band("time of day", name, chosen, crops))
    return found


_THIRDS = {
    "size": ("small", "medium", "large"),
    "contrast": ("low", "medium", "high"),
    "position": ("first third", "second third", "last third"),
}


def _band(by: str, name: str, seconds: Sequence[Second], crops: Mapping[int, Any]) -> Band:
    agreed = np.array([one.before == one.opinion.label for one in seconds], np.bool_)
    groups = [group_of(crops[one.opinion.crop_id]) for one in seconds]
    return Band(by, name, len(seconds), _share(agreed, groups))


def _positions(seconds: Sequence[Second]) -> dict[int, float]:
    """Return by opinion how far its session had come, from 0 to 1; nothing for tables, whose order
    need not be that of rating.
    """
    sessions: dict[tuple[str, str], list[int]] = {}
    for one in seconds:
        if one.opinion.session and not one.opinion.session.startswith("csv:"):
            key = (one.opinion.session, one.opinion.who)
            sessions.setdefault(key, []).append(one.opinion.id)
    return {
        opinion_id: index / len(ids)
        for ids in sessions.values()
        for index, opinion_id in enumerate(ids)
    }


def _contrast(project: Project, key: str) -> float | None:
    """Return the range of grey of a crop, as a share of its whole scale; None without pixels."""
    try:
        pixels = project.pixels.get(key)
    except PoreguiError:
        return None
    low, high = np.percentile(pixels.array, _CONTRAST_TAILS)
    return float(high - low) / max(pixels.grey_high - pixels.grey_low, 1e-9)


def _part_of_day(when: str) -> str:
    if not when:
        return ""
    hour = datetime.fromisoformat(when).astimezone().hour
    if hour < 12:
        return "morning"
    if hour < 17:
        return "afternoon"
    return "evening"


def _notes(table: RatingTable, pairs: Sequence[RaterPair], found: JointAgreement) -> list[str]:
    notes = [pair.note for pair in pairs if pair.note]
    if found.over.warning:
        notes.append(found.over.warning)
    accepted = [name for name in table.raters if name.endswith(ACCEPTED)]
    if accepted:
        notes.append(
            f"Labels of {listed([name.removesuffix(ACCEPTED) for name in accepted])} that came by "
            "accepting a suggestion are counted apart: they inflate agreement."
        )
    unsure = sum(table.unsure.values())
    if unsure:
        notes.append(f"{count(unsure, 'rating')} said unsure and count as none.")
    return notes


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")

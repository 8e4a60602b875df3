"""Collect who said what of which crop: labels, second opinions and the predictions of a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.records import Crop, LabelEntry, Opinion
from poregui.domain.statistics.agreement import MISSING
from poregui.domain.statistics.splits import group_of
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.editing.edits import label_name
from poregui.workflow.evaluating.evaluate import Predictions, review

NOBODY_KNOWN = "unknown"
ACCEPTED = " (accepted suggestions)"
AGAIN = " (again)"
_BY_A_PERSON = ("hand", "review", "import", "applied", "accepted")


@dataclass(frozen=True)
class Second:
    """Hold an opinion beside what was said of the same crop before: both are labels."""

    before: int
    opinion: Opinion
    same_person: bool


@dataclass(frozen=True, eq=False)
class RatingTable:
    """Hold one row per crop that somebody rated: (crops, raters) indices of `options`, or MISSING.

    `options` are labels with their `names`, *unsure* is none; `unsure` counts it by rater. `people`
    are the columns of independent ratings, each person's first; `again` gives the column with her
    second ones; `network` is the column of a run's predictions of crops it was not trained on.
    `settled` are the crops on which people have settled what they are.
    """

    crops: tuple[Crop, ...]
    groups: tuple[str, ...]
    raters: tuple[str, ...]
    ratings: NDArray[np.int64]
    options: tuple[int, ...]
    names: tuple[str, ...]
    people: tuple[int, ...]
    again: Mapping[int, int]
    network: int | None
    unsure: Mapping[str, int]
    seconds: tuple[Second, ...]
    settled: frozenset[int]

    def rated(self, *columns: int) -> NDArray[np.bool_]:
        """Tell which crops all of these raters gave a class."""
        return np.asarray((self.ratings[:, list(columns)] != MISSING).all(axis=1))

    def disagreed(self) -> list[Crop]:
        """Return the crops on which people, or a person with herself, do not agree yet."""
        columns = [*self.people, *self.again.values()]
        found = []
        for crop, row in zip(self.crops, self.ratings[:, columns].tolist(), strict=True):
            several = len({rating for rating in row if rating != MISSING}) > 1
            if several and crop.id not in self.settled:
                found.append(crop)
        return found


@dataclass
class _Gathered:
    """Collect ratings by rater and crop."""

    of: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    unsure: Counter[str] = field(default_factory=Counter)
    seconds: list[Second] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)

    def add(self, rater: str, crop_id: int, label: int) -> None:
        """Take in one rating; *unsure* is counted apart."""
        if label == UNSURE:
            self.unsure[rater] += 1
        else:
            self.of[rater][crop_id] = label


def rating_table(project: Project, run: RunFolder | None = None) -> RatingTable:
    """Return who said what, with the held-out predictions of a run where one is given.

    A label belongs to the person who gave it, as the log knows; one that came by accepting a
    suggestion to a rater of its own; a settled one to the person who gave the label before.
    """
    crops = {crop.id: crop for crop in project.crops()}
    gathered = _Gathered()
    log: dict[int, list[LabelEntry]] = defaultdict(list)
    for entry in project.label_log():
        log[entry.crop_id].append(entry)
    for crop in crops.values():
        own = own_label(log[crop.id], crop.label)
        if log[crop.id] and log[crop.id][-1].how == "settled":
            gathered.settled.add(crop.id)
        if own is not None:
            suffix = ACCEPTED if own.how == "accepted" else ""
            gathered.add((own.who or NOBODY_KNOWN) + suffix, crop.id, own.label or 0)
    for opinion in project.opinions.all():
        _add_opinion(gathered, opinion, crops[opinion.crop_id])
    predicted: dict[int, int] = {}
    name = ""
    if run is not None:
        name = f"run {run.number}"
        predicted = held_out(review(project, run))
    return _table(project, crops, gathered, name, predicted)


def own_label(log: Sequence[LabelEntry], label: int | None) -> LabelEntry | None:
    """Return the entry by which a person gave a crop its label, from the log of that crop; None for
    a crop without one.
    """
    settled = bool(log) and log[-1].how == "settled"
    if label is None and not settled:
        return None
    given = [entry for entry in log if entry.how in _BY_A_PERSON and entry.label is not None]
    if settled:
        return given[-1] if given else None
    same = [entry for entry in given if entry.label == label]
    if same:
        return same[-1]
    last = given[-1] if given else None
    who = last.who if last is not None else ""
    crop_id = log[-1].crop_id if log else 0
    return LabelEntry(0, crop_id, label, who, "", "hand")


def held_out(predictions: Predictions) -> dict[int, int]:
    """Return the predicted class id of each crop that the network was not trained on: of test
    crops, of all crops where every one was predicted by a network that did not see its specimen.
    """
    if predictions.folds:
        rows = np.arange(len(predictions))
    else:
        rows = np.flatnonzero(predictions.in_split("test"))
    ids = predictions.ids[rows].tolist()
    classes = predictions.predicted[rows].tolist()
    return {i: predictions.class_ids[index] for i, index in zip(ids, classes, strict=True)}


def _add_opinion(gathered: _Gathered, opinion: Opinion, crop: Crop) -> None:
    """Take an opinion as the person's first rating of the crop, else as a second one."""
    who = opinion.who or NOBODY_KNOWN
    if opinion.label == UNSURE:
        gathered.unsure[who] += 1
        return
    first = gathered.of[who].get(crop.id)
    if first is None:
        others = [of[crop.id] for of in gathered.of.values() if crop.id in of]
        gathered.add(who, crop.id, opinion.label)
        if others:
            gathered.seconds.append(Second(others[0], opinion, same_person=False))
    else:
        gathered.seconds.append(Second(first, opinion, same_person=True))
        gathered.of[who + AGAIN].setdefault(crop.id, opinion.label)


def _table(
    project: Project,
    crops: Mapping[int, Crop],
    gathered: _Gathered,
    network: str,
    predicted: Mapping[int, int],
) -> RatingTable:
    of = {rater: ratings for rater, ratings in gathered.of.items() if ratings}
    people = [rater for rater in of if not rater.endswith((ACCEPTED, AGAIN))]
    people.sort(key=lambda rater: (-len(of[rater]), rater))
    others = sorted(set(of) - set(people))
    raters = [*people, *others]
    rated = sorted({crop_id for ratings in of.values() for crop_id in ratings})
    if network:
        raters.append(network)
        of[network] = {i: label for i, label in predicted.items() if i in crops}
    classes = project.classes(retired=True)
    options = (*(c.id for c in classes), NOT_A_PORE)
    index_of = {label: index for index, label in enumerate(options)}
    ratings = np.full((len(rated), len(raters)), MISSING, np.int64)
    for column, rater in enumerate(raters):
        for row, crop_id in enumerate(rated):
            ratings[row, column] = index_of.get(of[rater].get(crop_id, UNSURE), MISSING)
    again = {
        raters.index(rater.removesuffix(AGAIN)): column
        for column, rater in enumerate(raters)
        if rater.endswith(AGAIN)
    }
    return RatingTable(
        tuple(crops[crop_id] for crop_id in rated),
        tuple(group_of(crops[crop_id]) for crop_id in rated),
        tuple(raters),
        ratings,
        options,
        tuple(label_name(label, classes) for label in options),
        tuple(range(len(people))),
        again,
        len(raters) - 1 if network else None,
        gathered.unsure,
        tuple(gathered.seconds),
        frozenset(gathered.settled),
    )

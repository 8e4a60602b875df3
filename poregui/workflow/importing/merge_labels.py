"""Take labels over from another copy of a project and list where two people disagree.

Crops are the same when their pixels, and their place where they have one, are the same; classes by
their names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, LabelEntry
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.editing.edits import Combined, Edit, LabelChange, SetLabels, label_name

Whose = Literal["mine", "theirs"]
Settle = Literal["mine", "theirs", "newest"]
_Key = tuple[str, tuple[int, int] | None, str]


@dataclass(frozen=True)
class Conflict:
    """Hold a crop to which two people gave different labels: names of labels and people, when, and
    which is taken.

    Times are those of the label log: ISO 8601, UTC; empty where nobody knows.
    """

    crop_id: int
    mine: str
    theirs: str
    my_who: str
    their_who: str
    taken: Whose
    my_when: str = ""
    their_when: str = ""

    @property
    def newer(self) -> Whose:
        """Return whose label was given last; mine where that is not known."""
        if self.their_when > self.my_when:
            return "theirs"
        return "mine"


@dataclass(frozen=True)
class MergePlan:
    """Hold the edit that merges (None when nothing changes) and what it does.

    `taken` labels came to crops without one, `same` agree, `only_there` crops are not in this
    project, `unknown` counts labels of classes that this project does not have, by name.
    """

    edit: Edit | None
    taken: int
    same: int
    only_there: int
    conflicts: tuple[Conflict, ...]
    unknown: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return all but the edit as a dictionary fit for JSON."""
        return {key: value for key, value in asdict(self).items() if key != "edit"} | {
            "conflicts": [asdict(conflict) for conflict in self.conflicts]
        }

    @property
    def lines(self) -> list[str]:
        """Return what merging does, a sentence a line."""
        lines = [
            f"{count(self.taken, 'label')} to merge, {self.same:,} equal, "
            f"{count(len(self.conflicts), 'conflict')}."
        ]
        if self.only_there:
            lines.append(
                f"{count(self.only_there, 'labelled crop')} of the other copy not in this project."
            )
        lines += [
            f"{count(number, 'crop')} labelled {name} in the other copy, a class that this project "
            "does not have; add the class to merge them."
            for name, number in self.unknown.items()
        ]
        return lines


def plan_merge(
    project: Project,
    other: Project,
    *,
    settle: Settle = "mine",
    chosen: Mapping[int, Whose] | None = None,
) -> MergePlan:
    """Return the plan that takes the labels of `other` over; nothing is changed yet.

    Where both copies have a label and they differ, `settle` says whose stays: mine, theirs, or the
    one given last; `chosen` says it for single crops, by their ids here. The log keeps the names of
    those who gave the labels. Raises PoreguiError when both are the same project.
    """
    if project.folder.resolve() == other.folder.resolve():
        raise PoreguiError("A project cannot be merged with itself.", "Choose another copy of it.")
    theirs, names = _labelled(other)
    mine, classes = _by_key(project), project.classes(retired=True)
    ids = {c.name.casefold(): c.id for c in project.classes()}
    my_last, their_last = _last(project), _last(other)
    changes: defaultdict[str, list[LabelChange]] = defaultdict(list)
    counts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    conflicts = []
    for key, their_crop in theirs.items():
        crop = mine.get(key)
        label = _translated(their_crop.label, names, ids)
        if crop is None:
            counts["only_there"] += 1
        elif label is None:
            unknown[names[their_crop.label or 0]] += 1
        elif crop.label == label:
            counts["same"] += 1
        else:
            conflict = _conflict(
                crop, classes, label, my_last.get(crop.id), their_last.get(their_crop.id)
            )
            take = crop.label is None or _taken(conflict, settle, chosen or {}) == "theirs"
            their_who = conflict.their_who
            if crop.label is None:
                counts["taken"] += 1
            else:
                conflicts.append(replace(conflict, taken="theirs" if take else "mine"))
            if take:
                changes[their_who].append(LabelChange(crop.id, crop.label, label))
    edits = tuple(
        SetLabels(tuple(of_one), who=who, how="import") for who, of_one in changes.items()
    )
    edit = Combined(edits, text=f"merge labels of {other.name}") if edits else None
    return MergePlan(
        edit, counts["taken"], counts["same"], counts["only_there"], tuple(conflicts), dict(unknown)
    )


def _key(crop: Crop, hashes: dict[int, str]) -> _Key:
    place = (crop.box.x, crop.box.y) if crop.box is not None else None
    return crop.pixels, place, hashes.get(crop.micrograph_id or 0, "")


def _by_key(project: Project) -> dict[_Key, Crop]:
    hashes = {m.id: m.sha256 for m in project.micrographs()}
    return {_key(crop, hashes): crop for crop in project.crops()}


def _labelled(project: Project) -> tuple[dict[_Key, Crop], dict[int, str]]:
    """Return the labelled crops by their keys and the names of the classes by id."""
    labelled = {key: crop for key, crop in _by_key(project).items() if crop.label is not None}
    return labelled, {c.id: c.name for c in project.classes(retired=True)}


def _translated(label: int | None, names: dict[int, str], ids: dict[str, int]) -> int | None:
    """Return the label here for one there; None for a class that is not here."""
    if label is None or label < 0:
        return label
    return ids.get(names[label].casefold())


def _last(project: Project) -> dict[int, LabelEntry]:
    return {entry.crop_id: entry for entry in project.label_log()}


def _conflict(
    crop: Crop,
    classes: tuple[PoreClass, ...],
    label: int,
    mine: LabelEntry | None,
    theirs: LabelEntry | None,
) -> Conflict:
    return Conflict(
        crop.id,
        label_name(crop.label, classes),
        label_name(label, classes),
        mine.who if mine else "",
        theirs.who if theirs else "",
        "mine",
        mine.when if mine else "",
        theirs.when if theirs else "",
    )


def _taken(conflict: Conflict, settle: Settle, chosen: Mapping[int, Whose]) -> Whose:
    """Return whose label stays."""
    return chosen.get(conflict.crop_id, conflict.newer if settle == "newest" else settle)

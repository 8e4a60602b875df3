"""Take labels over from another copy of a project and list where two people disagree.

Crops are the same when their pixels, and their place where they have one, are the same. Classes are
known by what copies of a project share (see `match_classes`), whatever they are called in each;
those of another project by names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from poregui.domain.classes import ClassMatch, PoreClass, match_classes
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, LabelEntry
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.editing.edits import Combined, Edit, LabelChange, SetLabels, label_name
from poregui.workflow.evaluating.class_identity import named_classes
from poregui.workflow.specimens.specimen_table import values_of_other

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
    project. Labels that cannot be taken over are counted by the name that their class has there:
    `unknown` of classes that are not here, `retired` of those that are retired here, `unclear` of
    those that may be several, with the reason behind the name. `values` of specimens came to those
    without one; where both copies have one and they differ, mine stay, and
    `value_conflicts` names them.
    """

    edit: Edit | None
    taken: int
    same: int
    only_there: int
    conflicts: tuple[Conflict, ...]
    unknown: dict[str, int]
    retired: dict[str, int]
    unclear: dict[str, int]
    values: int = 0
    value_conflicts: tuple[str, ...] = ()

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
        if self.values:
            lines.append(f"{count(self.values, 'value')} of specimens to merge.")
        lines += [f"{conflict} Mine stays." for conflict in self.value_conflicts]
        if self.only_there:
            lines.append(
                f"{count(self.only_there, 'labelled crop')} of the other copy not in this project."
            )
        lines += [
            f"{count(number, 'crop')} labelled {name} in the other copy, a class that this project "
            "does not have; add the class to merge them."
            for name, number in self.unknown.items()
        ]
        lines += [
            f"{count(number, 'crop')} labelled {name} in the other copy, a class that is archived "
            "here; add a class of that name to bring it back and merge them."
            for name, number in self.retired.items()
        ]
        lines += [
            f"{count(number, 'crop')} labelled {name}; give the class the same name in both to "
            "merge them."
            for name, number in self.unclear.items()
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
    found = _Merging(project, other, settle, chosen or {})
    for key, crop in _by_key(other).items():
        if crop.label is not None:
            found.hold_against(key, crop, crop.label)
    return _with_values(found.plan(f"merge labels of {other.name}"), project, other)


def _with_values(plan: MergePlan, project: Project, other: Project) -> MergePlan:
    """Return a plan that takes the values of specimens over too."""
    values = values_of_other(project, other, who=other.name)
    edits = tuple(edit for edit in (plan.edit, values.edit) if edit is not None)
    edit: Edit | None = plan.edit
    if values.edit is not None:
        edit = Combined(edits, text=f"merge labels of {other.name}")
    conflicts = tuple(one.reason for one in values.conflicts)
    return replace(plan, edit=edit, values=values.given, value_conflicts=conflicts)


class _Merging:
    """Hold the labels of another copy against those here, crop by crop, and sum up what merging
    does.
    """

    def __init__(
        self, project: Project, other: Project, settle: Settle, chosen: Mapping[int, Whose]
    ) -> None:
        self._settle = settle
        self._chosen = chosen
        self._mine, self._classes = _by_key(project), project.classes(retired=True)
        self._my_last, self._their_last = _last(project), _last(other)
        self._translate = _Translation.of(project, other)
        self._changes: defaultdict[str, list[LabelChange]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._left: dict[str, Counter[str]] = {
            why: Counter() for why in ("unknown", "retired", "unclear")
        }
        self._conflicts: list[Conflict] = []

    def hold_against(self, key: _Key, theirs: Crop, given: int) -> None:
        """Take in one crop of theirs with the label that they gave it."""
        crop = self._mine.get(key)
        label = self._translate.label(given)
        if crop is None:
            self._counts["only_there"] += 1
        elif label is None:
            why, name = self._translate.why_not(given)
            self._left[why][name] += 1
        elif crop.label == label:
            self._counts["same"] += 1
        else:
            self._settle_one(crop, theirs, label)

    def _settle_one(self, crop: Crop, theirs: Crop, label: int) -> None:
        last = self._my_last.get(crop.id), self._their_last.get(theirs.id)
        conflict = _conflict(crop, self._classes, label, *last)
        take = crop.label is None or _taken(conflict, self._settle, self._chosen) == "theirs"
        if crop.label is None:
            self._counts["taken"] += 1
        else:
            self._conflicts.append(replace(conflict, taken="theirs" if take else "mine"))
        if take:
            self._changes[conflict.their_who].append(LabelChange(crop.id, crop.label, label))

    def plan(self, text: str) -> MergePlan:
        """Return the plan; `text` is what its edit is called."""
        edits = tuple(
            SetLabels(tuple(of_one), who=who, how="import") for who, of_one in self._changes.items()
        )
        counts = self._counts
        return MergePlan(
            Combined(edits, text=text) if edits else None,
            counts["taken"],
            counts["same"],
            counts["only_there"],
            tuple(self._conflicts),
            dict(self._left["unknown"]),
            dict(self._left["retired"]),
            dict(self._left["unclear"]),
        )


def _key(crop: Crop, hashes: dict[int, str]) -> _Key:
    corner = (crop.box.x, crop.box.y) if crop.box is not None else None
    return crop.pixels, corner, hashes.get(crop.micrograph_id or 0, "")


def _by_key(project: Project) -> dict[_Key, Crop]:
    hashes = {m.id: m.sha256 for m in project.micrographs()}
    return {_key(crop, hashes): crop for crop in project.crops()}


@dataclass(frozen=True)
class _Translation:
    """Turn labels there into labels here: the classes that match, and how all are called there."""

    match: ClassMatch
    names: Mapping[int, str]

    @classmethod
    def of(cls, project: Project, other: Project) -> _Translation:
        theirs = [pore_class for pore_class in named_classes(other) if pore_class.state != "gone"]
        return cls(
            match_classes(theirs, named_classes(project)), {one.id: one.name for one in theirs}
        )

    def label(self, label: int) -> int | None:
        """Return the label here for one there; None for a class that takes no labels here."""
        if label < 0:
            return label
        here = self.match.here.get(label)
        if here is not None and here.state == "active":
            return here.id
        return None

    def why_not(self, label: int) -> tuple[str, str]:
        """Return the kind of reason why a label is not taken over, and what the class is called."""
        name = self.names.get(label, f"class {label}")
        here = self.match.here.get(label)
        unclear = self.match.unclear.get(label)
        if unclear is not None:
            return "unclear", f"{name} there, but {unclear}"
        return ("retired" if here is not None and here.state == "retired" else "unknown"), name


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

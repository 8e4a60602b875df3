"""Define what a person can change in a project: each edit can be done and undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sized
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_NAME, UNSURE, UNSURE_NAME, PoreClass
from poregui.domain.geometry import Outline
from poregui.domain.records import Changed, Crop, How, Kind, Micrograph, Opinion, Remark, Specimen
from poregui.domain.wording import count
from poregui.store.project import Project


class Edit(Protocol):
    """Change a project inside one transaction that the caller opened, and say what changed."""

    @property
    def text(self) -> str:
        """Say in a few words what the edit does, for the Edit menu."""

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Make the change; `how` goes into the label log in the place of the edit's own word."""

    def undo(self, project: Project) -> Changed:
        """Take the change back."""


T = TypeVar("T")


class Swap(ABC, Generic[T]):
    """Put what is to be in the place of what was: `put` writes either, and says what changed."""

    before: T
    after: T

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write what is to be."""
        return self.put(project, self.after)

    def undo(self, project: Project) -> Changed:
        """Write what was."""
        return self.put(project, self.before)

    @abstractmethod
    def put(self, project: Project, value: T) -> Changed:
        """Write one of both."""


def changed(*kinds: Kind, crop_ids: Iterable[int] = ()) -> Changed:
    """Return what an edit says when it has changed these kinds, of these crops."""
    return Changed(frozenset(kinds), tuple(crop_ids))


def how_many(things: Sized, one: str) -> str:
    """Return `crop` for one and `3 crops` for several, as the Edit menu names a step."""
    if len(things) == 1:
        return one
    return count(len(things), one)


@dataclass(frozen=True)
class LabelChange:
    """Hold the label of one crop before and after."""

    crop_id: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class SetLabels:
    """Label crops, all in one step."""

    changes: tuple[LabelChange, ...]
    who: str
    how: How = "hand"

    @property
    def text(self) -> str:
        """Say how many crops are labelled."""
        if len(self.changes) == 1:
            return "label"
        return f"label {count(len(self.changes), 'crop')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the new labels and log them."""
        project.put_labels(
            ((c.crop_id, c.after) for c in self.changes), who=self.who, how=how or self.how
        )
        return self._changed()

    def undo(self, project: Project) -> Changed:
        """Write the old labels and log that."""
        project.put_labels(((c.crop_id, c.before) for c in self.changes), who=self.who, how="undo")
        return self._changed()

    def _changed(self) -> Changed:
        return changed("labels", crop_ids=(c.crop_id for c in self.changes))


@dataclass(frozen=True)
class AddCrops:
    """Add crops (with ids from `Project.next_id`); their pixels are in the pixel store already."""

    crops: tuple[Crop, ...]
    who: str
    how: How = "hand"
    outlines: tuple[tuple[int, Outline], ...] = ()

    @property
    def text(self) -> str:
        """Say how many crops are added."""
        return f"add {how_many(self.crops, 'crop')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Insert the crops and log the labels that they bring."""
        project.put_crops(self.crops)
        project.put_outlines(self.outlines)
        labelled = [(crop.id, crop.label) for crop in self.crops if crop.label is not None]
        project.log_labels(labelled, who=self.who, how=how or self.how)
        return self._changed()

    def undo(self, project: Project) -> Changed:
        """Mark the crops as deleted."""
        project.mark_deleted("crops", [crop.id for crop in self.crops])
        return self._changed()

    def _changed(self) -> Changed:
        return changed("crops", "labels", crop_ids=(crop.id for crop in self.crops))


@dataclass(frozen=True)
class Remove:
    """Delete crops, or micrographs with their crops; labels come back with them, and image files
    stay where they are.
    """

    crop_ids: tuple[int, ...]
    micrograph_ids: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """Say how many micrographs, or crops, are deleted."""
        if self.micrograph_ids:
            return f"delete {how_many(self.micrograph_ids, 'micrograph')}"
        return f"delete {how_many(self.crop_ids, 'crop')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Mark them as deleted."""
        return self._mark(project, deleted=True)

    def undo(self, project: Project) -> Changed:
        """Bring them back."""
        return self._mark(project, deleted=False)

    def _mark(self, project: Project, *, deleted: bool) -> Changed:
        project.mark_deleted("micrographs", self.micrograph_ids, deleted=deleted)
        project.mark_deleted("crops", self.crop_ids, deleted=deleted)
        if self.micrograph_ids:
            return changed("micrographs", "crops", "labels", crop_ids=self.crop_ids)
        return changed("crops", "labels", crop_ids=self.crop_ids)


@dataclass(frozen=True)
class ChangeCrop:
    """Move or resize one crop, or change its outline, which is left alone when neither outline is
    given.
    """

    before: Crop
    after: Crop
    outline_before: Outline | None = None
    outline_after: Outline | None = None
    text: str = "move crop"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the new box; the label stays what it is now."""
        return self._put(project, self.after, self.outline_after)

    def undo(self, project: Project) -> Changed:
        """Write the old box; the label stays what it is now."""
        return self._put(project, self.before, self.outline_before)

    def _put(self, project: Project, crop: Crop, outline: Outline | None) -> Changed:
        project.put_crops([replace(crop, label=project.crop(crop.id).label)])
        if self.outline_before != self.outline_after:
            project.put_outlines([(crop.id, outline)])
        return changed("crops", "outlines", crop_ids=(crop.id,))


@dataclass(frozen=True)
class AddMicrographs:
    """Add micrographs (with ids from `Project.next_id`)."""

    micrographs: tuple[Micrograph, ...]

    @property
    def text(self) -> str:
        """Say how many micrographs are added."""
        return f"add {how_many(self.micrographs, 'micrograph')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Insert the micrographs."""
        project.put_micrographs(self.micrographs)
        return changed("micrographs")

    def undo(self, project: Project) -> Changed:
        """Mark the micrographs as deleted."""
        project.mark_deleted("micrographs", [m.id for m in self.micrographs])
        return changed("micrographs")


@dataclass(frozen=True)
class ChangeMicrographs(Swap[tuple[Micrograph, ...]]):
    """Change what is known of micrographs: scale, specimen, path."""

    before: tuple[Micrograph, ...]
    after: tuple[Micrograph, ...]
    text: str = "change micrograph"

    def put(self, project: Project, value: tuple[Micrograph, ...]) -> Changed:
        """Write the facts."""
        project.put_micrographs(value)
        return changed("micrographs", "crops")


@dataclass(frozen=True)
class AddSpecimens:
    """Add specimens (with ids from `Project.next_id`)."""

    specimens: tuple[Specimen, ...]

    @property
    def text(self) -> str:
        """Say that specimens are added."""
        return f"add {how_many(self.specimens, 'specimen')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Insert the specimens."""
        project.put_specimens(self.specimens)
        return changed("specimens")

    def undo(self, project: Project) -> Changed:
        """Mark the specimens as deleted."""
        project.mark_deleted("specimens", [s.id for s in self.specimens])
        return changed("specimens")


@dataclass(frozen=True)
class SetClasses(Swap[tuple[PoreClass, ...]]):
    """Change the classes: add, rename, recolour, reorder, retire."""

    before: tuple[PoreClass, ...]
    after: tuple[PoreClass, ...]
    text: str = "change classes"

    def put(self, project: Project, value: tuple[PoreClass, ...]) -> Changed:
        """Write the classes."""
        project.put_classes(value)
        return changed("classes")


@dataclass(frozen=True)
class SetReferenceCrops(Swap[tuple[int, ...]]):
    """Choose the crops that a class card shows."""

    class_id: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    text: str = "change class card"

    def put(self, project: Project, value: tuple[int, ...]) -> Changed:
        """Write the choice."""
        project.put_reference_crops(self.class_id, value)
        return changed("classes")


@dataclass(frozen=True)
class Combined:
    """Do several edits as one step."""

    edits: tuple[Edit, ...]
    text: str

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Do the edits in their order."""
        return merged([edit.do(project, how=how) for edit in self.edits])

    def undo(self, project: Project) -> Changed:
        """Undo the edits, the last one first."""
        return merged([edit.undo(project) for edit in reversed(self.edits)])


def merged(changes: list[Changed]) -> Changed:
    """Return one Changed that says what all of them say."""
    kinds = frozenset(kind for change in changes for kind in change.kinds)
    return Changed(kinds, tuple(dict.fromkeys(i for change in changes for i in change.crop_ids)))


def label_name(label: int | None, classes: tuple[PoreClass, ...]) -> str:
    """Return the words for a label; an empty string for none."""
    if label is None:
        return ""
    if label == NOT_A_PORE:
        return NOT_A_PORE_NAME
    if label == UNSURE:
        return UNSURE_NAME
    return next((c.name for c in classes if c.id == label), f"class {label}")


@dataclass(frozen=True)
class SetRemark(Swap[Remark]):
    """Note something at a crop, or mark it as reviewed."""

    crop_id: int
    before: Remark
    after: Remark

    @property
    def text(self) -> str:
        """Say whether the note or the mark changes."""
        if self.before.note != self.after.note:
            return "change note"
        return "mark as reviewed"

    def put(self, project: Project, value: Remark) -> Changed:
        """Write the remark."""
        project.put_remarks([(self.crop_id, value)])
        return changed("remarks", crop_ids=(self.crop_id,))


@dataclass(frozen=True)
class AddOpinions:
    """Add second opinions (with ids from `OpinionTable.next_id`); labels stay as they are."""

    opinions: tuple[Opinion, ...]

    @property
    def text(self) -> str:
        """Say how many opinions are added."""
        return f"add {how_many(self.opinions, 'second opinion')}"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Insert the opinions."""
        project.opinions.put(self.opinions)
        return self._changed()

    def undo(self, project: Project) -> Changed:
        """Mark the opinions as deleted."""
        project.opinions.take_back(self.opinions)
        return self._changed()

    def _changed(self) -> Changed:
        return changed("opinions", crop_ids=(one.crop_id for one in self.opinions))


@dataclass(frozen=True)
class SetSetting(Swap[str]):
    """Change a setting that belongs to the project, such as its detection recipe, kept as text
    under a key.
    """

    key: str
    before: str
    after: str
    text: str = "change setting"

    def put(self, project: Project, value: str) -> Changed:
        """Write the text."""
        project.put_meta(self.key, value)
        return changed("settings")


@dataclass(frozen=True)
class OutlinedCrop:
    """Hold a crop with its outline, None where it has none."""

    crop: Crop
    outline: Outline | None


@dataclass(frozen=True)
class ReplacePores:
    """Add pores (with ids from `Project.next_id`), change some and take some away; labels stay with
    their crops.

    `before` and `after` are the changed ones in the same order. Labels that added crops bring are
    logged.
    """

    added: tuple[OutlinedCrop, ...] = ()
    before: tuple[OutlinedCrop, ...] = ()
    after: tuple[OutlinedCrop, ...] = ()
    removed: tuple[int, ...] = ()
    who: str = ""
    text: str = "find pores"

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing would change."""
        return not (self.added or self.after or self.removed)

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Put the new pores."""
        project.mark_deleted("crops", self.removed)
        self._put(project, self.after)
        project.put_crops(one.crop for one in self.added)
        project.put_outlines((one.crop.id, one.outline) for one in self.added)
        labelled = [
            (one.crop.id, one.crop.label) for one in self.added if one.crop.label is not None
        ]
        project.log_labels(labelled, who=self.who, how=how or "hand")
        return self._changed()

    def undo(self, project: Project) -> Changed:
        """Bring the old pores back; labels given meanwhile are undone by edits of their own."""
        project.mark_deleted("crops", [one.crop.id for one in self.added])
        self._put(project, self.before)
        project.mark_deleted("crops", self.removed, deleted=False)
        return self._changed()

    def _put(self, project: Project, changed: tuple[OutlinedCrop, ...]) -> None:
        """Write boxes and outlines; the label stays what it is now."""
        labels = project.labels() if changed else {}
        project.put_crops(replace(one.crop, label=labels[one.crop.id]) for one in changed)
        project.put_outlines((one.crop.id, one.outline) for one in changed)

    def _changed(self) -> Changed:
        ids = [
            *(one.crop.id for one in self.after),
            *(one.crop.id for one in self.added),
            *self.removed,
        ]
        return changed("crops", "labels", "outlines", crop_ids=ids)


def together(edits: Iterable[ReplacePores], text: str) -> ReplacePores:
    """Return one edit that does what several do, each for its own crops."""
    several = list(edits)
    return ReplacePores(
        tuple(one for edit in several for one in edit.added),
        tuple(one for edit in several for one in edit.before),
        tuple(one for edit in several for one in edit.after),
        tuple(crop_id for edit in several for crop_id in edit.removed),
        who=next((edit.who for edit in several if edit.who), ""),
        text=text,
    )

"""Define the edit that puts other pores in the place of those of a micrograph, all in one step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from poregui.domain.outline import Outline
from poregui.domain.records import Changed, Crop, How
from poregui.store.project import Project


@dataclass(frozen=True)
class OutlinedCrop:
    """Hold a crop with its outline, None where it has none."""

    crop: Crop
    outline: Outline | None


@dataclass(frozen=True)
class ReplacePores:
    """Add pores (with ids from `Project.next_id`), change some and take some away; labels stay with their crops.

    `before` and `after` are the changed ones in the same order. Labels that added crops bring are logged.
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
        labelled = [(one.crop.id, one.crop.label) for one in self.added if one.crop.label is not None]
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
        ids = [*(one.crop.id for one in self.after), *(one.crop.id for one in self.added), *self.removed]
        return Changed(frozenset({"crops", "labels", "outlines"}), tuple(ids))


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

"""Define edits of what stands beside the labels: remarks, outlines and settings of the project; each can be undone."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.domain.records import Changed, How, Remark
from poregui.store.project import Project


@dataclass(frozen=True)
class SetRemark:
    """Note something at a crop, or mark it as reviewed."""

    crop_id: int
    before: Remark
    after: Remark

    @property
    def text(self) -> str:
        """Say whether the note or the mark changes."""
        return "change note" if self.before.note != self.after.note else "mark as reviewed"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the new remark."""
        return self._put(project, self.after)

    def undo(self, project: Project) -> Changed:
        """Write the old remark."""
        return self._put(project, self.before)

    def _put(self, project: Project, remark: Remark) -> Changed:
        project.put_remarks([(self.crop_id, remark)])
        return Changed(frozenset({"remarks"}), (self.crop_id,))


@dataclass(frozen=True)
class SetSetting:
    """Change a setting that belongs to the project, such as its detection recipe, kept as text under a key."""

    key: str
    before: str
    after: str
    text: str = "change setting"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the new text."""
        project.put_meta(self.key, self.after)
        return Changed(frozenset({"settings"}))

    def undo(self, project: Project) -> Changed:
        """Write the old text."""
        project.put_meta(self.key, self.before)
        return Changed(frozenset({"settings"}))

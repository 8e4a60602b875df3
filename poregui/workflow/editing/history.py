"""Apply edits to a project one transaction each, and undo and redo them without limit."""

from __future__ import annotations

from poregui.domain.records import Changed
from poregui.store.backups import make_backup, make_due_backup
from poregui.store.project import Project
from poregui.workflow.editing.edits import Edit


class History:
    """Hold the edits of one session; an edit that was applied is on disk before `apply` returns."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    @property
    def undo_text(self) -> str:
        """Say what `undo` would take back; empty when there is nothing."""
        if self._done:
            return self._done[-1].text
        return ""

    @property
    def redo_text(self) -> str:
        """Say what `redo` would do again; empty when there is nothing."""
        if self._undone:
            return self._undone[-1].text
        return ""

    def apply(self, edit: Edit, *, backup: str = "") -> Changed:
        """Do an edit; `backup` is why one is made before it (see store/backups.py).

        Raises PoreguiError, with nothing changed, when the project or the backup cannot be written.
        """
        if backup == "scheduled":
            make_due_backup(self._project.folder)
        elif backup:
            make_backup(self._project.folder, backup)
        with self._project.transaction():
            changed = edit.do(self._project)
        self._done.append(edit)
        self._undone.clear()
        return changed

    def undo(self) -> Changed | None:
        """Take the last edit back; return None when there is none."""
        if not self._done:
            return None
        with self._project.transaction():
            changed = self._done[-1].undo(self._project)
        self._undone.append(self._done.pop())
        return changed

    def redo(self) -> Changed | None:
        """Do the edit again that was undone last; return None when there is none."""
        if not self._undone:
            return None
        with self._project.transaction():
            changed = self._undone[-1].do(self._project, how="redo")
        self._done.append(self._undone.pop())
        return changed

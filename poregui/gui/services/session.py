"""Hold the open project for all pages: edits go in here, what changed comes out here."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.messages import messages
from poregui.store.project import Project
from poregui.workflow.editing.edits import Edit
from poregui.workflow.editing.history import History


def step_in_history(step: Callable[[], Changed | None], nothing: str) -> Changed | None:
    """Undo or redo, and return what changed; a message says why not, or `nothing`."""
    try:
        changed = step()
    except PoreguiError as error:
        messages().error(error)
        return None
    if changed is None:
        messages().note(nothing)
    return changed


class Session(QObject):
    """Own one open project, its undo history and the name of the person who works on it.

    `changed` carries a Changed after every edit, undo and redo, and after a run was made or ended
    (`runs`).
    """

    changed = Signal(object)

    def __init__(self, project: Project, *, who: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.who = who
        self._history = History(project)

    @property
    def undo_text(self) -> str:
        """Say what `undo` would take back; empty when there is nothing."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """Say what `redo` would do again; empty when there is nothing."""
        return self._history.redo_text

    def apply(self, edit: Edit) -> Changed:
        """Do an edit; it is on disk before any view hears of it.

        Raises PoreguiError, with nothing changed.
        """
        changed = self._history.apply(edit)
        self.changed.emit(changed)
        return changed

    def undo(self) -> Changed | None:
        """Take the last edit back. Raises PoreguiError when the project cannot be written."""
        changed = self._history.undo()
        if changed is not None:
            self.changed.emit(changed)
        return changed

    def redo(self) -> Changed | None:
        """Do the last undone edit again. Raises PoreguiError when the project cannot be written."""
        changed = self._history.redo()
        if changed is not None:
            self.changed.emit(changed)
        return changed

    def announce(self, changed: Changed) -> None:
        """Tell all views of a change that is no edit, such as a run that ended."""
        self.changed.emit(changed)

    def close(self) -> None:
        """Close the project."""
        self.project.close()

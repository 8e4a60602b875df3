"""Hold the open project for all pages: edits go in here, what changed comes out here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import Latest
from poregui.store.backups import EDITS, make_backup, make_due_backup
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


_AFTER_OPENING_MS = 5_000
_BETWEEN_MS = 3_600_000


class ScheduledBackups(QObject):
    """Back a project up in a thread: each day on which it changed, and after every EDITS edits.

    The first is made a while after the project was opened, so that opening does not wait for it.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = session.project.folder
        self._thread = Latest(self)
        self._edits = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        if not session.project.read_only:
            self._timer.start(_AFTER_OPENING_MS)
            session.changed.connect(self._count)

    @property
    def busy(self) -> bool:
        """Tell whether a backup is being made."""
        return self._thread.busy

    def close(self) -> None:
        """Make no more, and wait for the one that is being made."""
        self._timer.stop()
        self._thread.close()

    def _look(self) -> None:
        self._timer.setInterval(_BETWEEN_MS)
        self._make(partial(make_due_backup, self._folder))

    def _count(self, _changed: Changed) -> None:
        self._edits += 1
        if self._edits >= EDITS:
            self._edits = 0
            self._make(partial(make_backup, self._folder, "scheduled"))

    def _make(self, task: Callable[[], object]) -> None:
        self._thread.request(task, _nothing, messages().error)


def _nothing(_backup: object) -> None:
    """Say nothing: a backup that was made is no news."""

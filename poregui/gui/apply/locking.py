"""Lock and unlock the recipe of a project from its Apply page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from poregui.domain.detection import FOUND_BY
from poregui.domain.errors import PoreguiError
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.apply_dialogs import LockDialog
from poregui.gui.services.jobs import TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.locked_recipe import (
    FOLDER,
    LOCKED,
    Lock,
    is_own,
    lock_of_project,
    lock_run,
    model_of_lock,
    read_lock,
    take_lock,
    unlock_project,
)


@dataclass(frozen=True)
class _Found:
    lock: Lock
    finding: tuple[tuple[str, str], ...]
    foreign: bool


class LockFlow(QObject):
    """Know whether the project is locked; `changed` is called after that was found out or changed.

    `lock` is None where nothing is locked, and where the lock is broken, which `broken` says.
    `foreign`: what is locked came from another project, so that no run here has its network.
    """

    def __init__(
        self,
        page: ApplyPage,
        session: Session,
        services: Services,
        changed: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.lock: Lock | None = None
        self.foreign = False
        self.broken = ""
        self._looking: TaskHandle | None = None
        self._page = page
        self._session = session
        self._services = services
        self._changed = changed

    def look(self) -> None:
        """Read the lock of the project, its network too, in the background."""
        folder = self._session.project.folder

        def work(_control: object) -> _Found | str | None:
            file = lock_of_project(folder)
            try:
                if file is not None:
                    return _find(folder, read_lock(file))
                return None
            except PoreguiError as error:
                return str(error)

        self._looking = self._services.background.run(
            "Looking for a locked recipe", work, self._found
        )

    def stop(self) -> None:
        """Forget what is still looked for: the page may show another project by then."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def ask_lock(self, run: RunFolder | None, min_confidence: float) -> None:
        """Ask who locks, and lock a run with the confidence that is set."""
        if run is None:
            return
        dialog = LockDialog(f"run {run.number}", min_confidence, self._session.who, self._page)
        dialog.accepted.connect(
            lambda: self.make(run, min_confidence, dialog.who, dialog.title, dialog.um_per_px)
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def make(
        self, run: RunFolder, min_confidence: float, who: str, title: str, um_per_px: float | None
    ) -> None:
        """Lock a run in the background."""
        folder = self._session.project.folder

        def work(_control: object) -> _Found:
            with Project.open(folder, read_only=True) as project:
                made = lock_run(
                    project,
                    run,
                    folder / FOLDER,
                    who=who,
                    title=title,
                    min_confidence=min_confidence,
                    um_per_px=um_per_px,
                )
            return _find(folder, made)

        def done(found: _Found) -> None:
            messages().note(f"Recipe {found.lock.sentence}.")
            self._found(found)

        self._services.background.run("Locking the recipe", work, done)

    def ask_take(self) -> None:
        """Ask for a recipe that was locked elsewhere."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._page, "Import locked recipe", "", f"Locked recipe ({LOCKED})"
        )
        if chosen:
            self.take(Path(chosen))

    def take(self, file: Path) -> None:
        """Take over a recipe that was locked elsewhere, in the background."""
        folder = self._session.project.folder

        def work(_control: object) -> _Found:
            with Project.open(folder, read_only=True) as project:
                taken = take_lock(file, project)
            return _find(folder, taken)

        def done(found: _Found) -> None:
            messages().note(f"Taken: recipe {found.lock.sentence}.")
            self._found(found)

        self._services.background.run("Importing a locked recipe", work, done)

    def ask_unlock(self) -> None:
        """Ask, and take the lock away."""
        who = self.lock.who if self.lock else "somebody"
        text = f"The recipe was locked by {who}. Results from now on say that it is not locked."
        if messages().ask("Unlock the recipe?", text, "Unlock", "Keep locked"):
            try:
                unlock_project(self._session.project.folder)
            except PoreguiError as error:
                messages().error(error)
            self._found(None)

    def _found(self, answer: _Found | str | None) -> None:
        self._looking = None
        before = (self.lock, self.broken)
        found = answer if isinstance(answer, _Found) else None
        self.lock = found.lock if found else None
        self.foreign = bool(found and found.foreign)
        self.broken = answer if isinstance(answer, str) else ""
        page = self._page
        writable = not self._session.project.read_only
        if found is not None:
            state = f"Locked by {found.lock.who}, {found.lock.when[:10]}"
            page.lock_panel.set_locked(state, _text(found), _details(found), may_unlock=writable)
        elif self.broken:
            page.lock_panel.set_locked(
                "The lock cannot be used", self.broken, self.broken, may_unlock=writable
            )
        else:
            page.lock_panel.set_unlocked(may_lock=writable)
        fixed = answer is not None
        page.run_picker.setEnabled(not fixed)
        page.run_picker.setVisible(not self.foreign)
        page.confidence_slider.setEnabled(not fixed)
        if self.lock is not None:
            page.set_min_confidence(self.lock.min_confidence)
        if before != (self.lock, self.broken):
            self._changed()


def _find(folder: Path, lock: Lock) -> _Found:
    """Find out where the lock of a project came from; fit for any thread.

    Raises PoreguiError when its classes are not those of the project.
    """
    with Project.open(folder, read_only=True) as project:
        own = is_own(lock, project)
        model, _ = model_of_lock(folder / FOLDER / LOCKED, project)
    return _Found(lock, model.finding, not own)


def _text(found: _Found) -> str:
    lock = found.lock
    recipe = lock.recipe
    name = f"“{lock.title}”: " if lock.title else ""
    if lock.um_per_px is None:
        scale = "pixel size from each micrograph"
    else:
        scale = f"{lock.um_per_px:g} µm/px"
    label, how = found.finding[0]
    if label == FOUND_BY:
        pores = f"pores from {recipe.smallest:g} {recipe.size_unit}, {how}"
    else:
        pores = (
            f"{recipe.polarity} pores from {recipe.smallest:g} {recipe.size_unit}, "
            f"threshold {recipe.method}"
        )
    return f"{name}{lock.network}, {pores}, {scale}."


def _details(found: _Found) -> str:
    rows = "\n".join(f"{name}: {value}" for name, value in found.finding)
    return f"Recipe {found.lock.sentence}\n{rows}"

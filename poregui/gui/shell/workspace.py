"""Hold which project is open, and what belongs to it in the window: session, services, presenters,
flows; they end with the project.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.apply.apply_presenter import ApplyPresenter
from poregui.gui.base.messages import messages
from poregui.gui.base.preferences import Preferences
from poregui.gui.checking.check_flow import CheckFlow
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.rating.rating_flow import RatingFlow
from poregui.gui.review.review_page import ReviewPage
from poregui.gui.review.review_presenter import ReviewPresenter
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import ScheduledBackups, Session
from poregui.gui.services.sheet_printing import SheetPrinting
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.services.trainer import Trainer
from poregui.gui.shell.class_editing import ClassesFlow
from poregui.gui.shell.import_flow import ImportFlow
from poregui.gui.shell.micrograph_flow import MicrographFlow
from poregui.gui.shell.run_flow import RunFlow
from poregui.gui.shell.sharing_flow import ExportFlow, SharingFlow
from poregui.gui.train.train_page import TrainPage
from poregui.gui.train.train_presenter import TrainPresenter
from poregui.store.project import Project


@dataclass(frozen=True)
class Pages:
    """Hold the pages that show the open project."""

    label: LabelPage
    train: TrainPage
    review: ReviewPage
    apply: ApplyPage


class Workspace(QObject):
    """Join one project to the pages, until `close`."""

    def __init__(
        self, project: Project, who: str, window: QWidget, pages: Pages, background: Background
    ) -> None:
        super().__init__(window)
        self.session = Session(project, who=who, parent=self)
        self.services = Services(
            background=background,
            thumbnails=Thumbnails(project.pixels, self),
            micrograph_images=MicrographImages(project, self, background=background),
            trainer=Trainer(self.session, background, parent=self),
        )
        self.backups = ScheduledBackups(self.session, self)
        self.importing = ImportFlow(window, self.session, self.services)
        self.exporting = ExportFlow(window, self.session, self.services)
        self.printing = SheetPrinting(window, self.session, self.services)
        self.sharing = SharingFlow(window, self.session, self.services)
        self.rating = RatingFlow(window, self.session, self.services)
        self.checking = CheckFlow(window, self.session, self.services)
        pages.label.find_panel.check_requested.connect(self.checking.ask_guarded)
        self._check_requested = pages.label.find_panel.check_requested
        self.micrographs = MicrographFlow(window, self.session, background)
        self.classes = ClassesFlow(
            window, self.session, self.services, pages.label.crop_grid.selected_ids
        )
        self.label = LabelPresenter(pages.label, self.session, self.services)
        self.train = TrainPresenter(pages.train, self.session, self.services)
        self.review = ReviewPresenter(pages.review, self.session, self.services)
        self.apply = ApplyPresenter(pages.apply, self.session, self.services)
        lists = (pages.train.run_table, pages.review.run_picker, pages.apply.run_picker)
        self.runs = RunFlow(window, self.session, self.services, lists, self.train.resume)
        self._presenters = (self.label, self.train, self.review, self.apply, self.runs)
        self.importing.imported.connect(self._show_first)
        self._begun = 0
        """How many presenters were attached, the last of them perhaps in part."""
        self._attach()
        # else every now and then a key waits 0.1 s while 100,000 crops are looked through for
        # garbage
        gc.freeze()

    def commands(self) -> dict[str, Callable[[], object]]:
        """Return what actions of the window do with this project, by their names."""
        return {
            "import_files": self.importing.ask_files,
            "import_folder": self.importing.ask_folder,
            "import_outlines": self.importing.ask_outlines,
            "find_moved": self.importing.ask_moved,
            "print_sheets": self.printing.ask,
            "pack": self.sharing.ask_pack,
            "merge_labels": self.sharing.ask_merge,
            **self.rating.commands(),
            "edit_classes": self.classes.show,
            "name_specimens": self.micrographs.ask_names,
            "check_finding": self.checking.ask,
            "train_stop": self.train.stop,
            "train_cancel": self.train.cancel,
        }

    def _show_first(self, micrograph_ids: list[int]) -> None:
        """Show the first of new micrographs, where none is shown yet."""
        state = self.label.state
        if state.micrograph is None:
            state.show_micrograph(micrograph_ids[0])

    def _attach(self) -> None:
        """Let all presenters fill their pages; where one cannot, leave all pages as if none had
        been there.
        """
        try:
            for presenter in self._presenters:
                self._begun += 1
                presenter.attach()
        except BaseException:
            self.close(whole=False)
            raise

    def _detach(self, *, whole: bool) -> None:
        for presenter in self._presenters[: self._begun]:
            if whole or presenter is not self._presenters[self._begun - 1]:
                presenter.detach()
                continue
            # What was never connected or filed cannot be taken back; Qt warns of the first.
            with (
                warnings.catch_warnings(),
                contextlib.suppress(RuntimeError, LookupError, ValueError),
            ):
                warnings.simplefilter("ignore")
                presenter.detach()
        for presenter in self._presenters:
            presenter.deleteLater()

    def close(self, *, whole: bool = True) -> None:
        """End everything that runs for the project and close it; `whole`: every presenter was
        attached.
        """
        gc.unfreeze()
        self._check_requested.disconnect(self.checking.ask_guarded)
        self.checking.close()
        self.services.trainer.close()
        self.backups.close()
        self.services.background.cancel_all()
        self.services.background.wait()
        self._detach(whole=whole)
        self.rating.close()
        flows = (self.importing, self.exporting, self.printing, self.sharing, self.micrographs)
        for flow in (*flows, self.classes, self.rating, self.checking):
            flow.deleteLater()
        self.services.thumbnails.close()
        self.services.micrograph_images.close()
        self.session.close()
        self.deleteLater()


class OpenProject(QObject):
    """Hold the workspace of the one project that is open, None without one.

    `entered` and `left` tell of a project that was opened or closed; `refused` carries the
    PoreguiError of one that cannot be opened.
    """

    entered = Signal()
    left = Signal()
    refused = Signal(object)

    def __init__(
        self, window: QWidget, pages: Pages, background: Background, preferences: Preferences
    ) -> None:
        super().__init__(window)
        self._window = window
        self._pages = pages
        self._background = background
        self._preferences = preferences
        self.workspace: Workspace | None = None

    @property
    def session(self) -> Session | None:
        """Return the session of the open project."""
        if self.workspace is None:
            return None
        return self.workspace.session

    @property
    def services(self) -> Services | None:
        """Return the services of the open project."""
        if self.workspace is None:
            return None
        return self.workspace.services

    def open(self, folder: Path) -> None:
        """Open a project in the place of the one that is open, if that may be left."""
        session = self.session
        folder = Path(folder)
        if session is not None and os.path.realpath(session.project.folder) == os.path.realpath(
            folder
        ):
            return
        if not self.may_leave():
            return
        try:
            project = Project.open(folder)
        except PoreguiError as error:
            self.refused.emit(error)
            return
        except OSError as error:
            what = f"{folder} cannot be read: {error.strerror or error}."
            self.refused.emit(PoreguiError(what, "Check the path, the permissions and the disk."))
            return
        try:
            self.enter(project)
        except PoreguiError as error:
            self.refused.emit(error)
        except Exception as error:  # noqa: BLE001 - it is shown, and the window stays
            what = f"{project.name} cannot be shown."
            self.refused.emit(PoreguiError(what, "Nothing in it was changed."))
            sys.excepthook(type(error), error, error.__traceback__)

    def enter(self, project: Project) -> None:
        """Make a project the one that the window shows; where that fails none is open, and it
        raises.
        """
        self.close()
        try:
            self._fill(project)
        except BaseException:
            project.close()
            self.left.emit()
            raise
        self.entered.emit()

    def _fill(self, project: Project) -> None:
        preferences = self._preferences
        workspace = Workspace(
            project, preferences.annotator, self._window, self._pages, self._background
        )
        workspace.services.micrograph_images.set_tile_megabytes(preferences.tile_megabytes)
        workspace.services.trainer.warm.wanted = preferences.keeps_trainer_ready
        preferences.remember_project(project.folder)
        self.workspace = workspace

    def may_leave(self) -> bool:
        """Tell whether the open project may be closed; ask when a training goes on in it."""
        if self.services is None or not self.services.trainer.running:
            return True
        again = ""
        run = self.services.trainer.run_folder
        if run is not None and run.folds_file.exists():
            again = "; a cross-validation starts over"
        text = f"Closing the project interrupts it. Resume it later on the Train page{again}."
        waiting = len(self.services.trainer.queue.orders)
        if waiting:
            text += f" {count(waiting, 'queued run')} will not start."
        return messages().ask("Training is running", text, "Close and interrupt", "Keep training")

    def leave(self) -> None:
        """Close the open project, if it may be left."""
        if self.may_leave():
            self.close()

    def close(self) -> None:
        """Close the open project; a training that goes on is interrupted and can be resumed."""
        if self.workspace is not None:
            self.workspace.close()
            self.workspace = None
            self.left.emit()

"""Hold what belongs to one open project in the window: session, services, presenters, flows; ends with the project."""

from __future__ import annotations

import contextlib
import gc
import warnings

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from poregui.gui.apply.page import ApplyPage
from poregui.gui.apply.presenter import ApplyPresenter
from poregui.gui.background import Background
from poregui.gui.class_editing import ClassesFlow
from poregui.gui.exporting import ExportFlow
from poregui.gui.importing import ImportFlow
from poregui.gui.label.page import LabelPage
from poregui.gui.label.presenter import LabelPresenter
from poregui.gui.micrograph_images import MicrographImages
from poregui.gui.review.page import ReviewPage
from poregui.gui.review.presenter import ReviewPresenter
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.sharing import SharingFlow
from poregui.gui.sheet_printing import SheetPrinting
from poregui.gui.thumbnails import Thumbnails
from poregui.gui.train.page import TrainPage
from poregui.gui.train.presenter import TrainPresenter
from poregui.gui.training import Trainer
from poregui.store.project import Project


class Workspace(QObject):
    """Join one project to the pages, until `close`."""

    def __init__(
        self,
        project: Project,
        who: str,
        window: QWidget,
        pages: tuple[LabelPage, TrainPage, ReviewPage, ApplyPage],
        background: Background,
    ) -> None:
        super().__init__(window)
        label_page, train_page, review_page, apply_page = pages
        self.session = Session(project, who=who, parent=self)
        self.services = Services(
            background=background,
            thumbnails=Thumbnails(project.pixels, self),
            micrograph_images=MicrographImages(project, self, background=background),
            trainer=Trainer(self.session, background, parent=self),
        )
        self.importing = ImportFlow(window, self.session, self.services)
        self.exporting = ExportFlow(window, self.session, self.services)
        self.printing = SheetPrinting(window, self.session, self.services)
        self.sharing = SharingFlow(window, self.session, self.services)
        self.classes = ClassesFlow(window, self.session, self.services, label_page.crop_grid.selected_ids)
        self.label = LabelPresenter(label_page, self.session, self.services)
        self.train = TrainPresenter(train_page, self.session, self.services)
        self.review = ReviewPresenter(review_page, self.session, self.services)
        self.apply = ApplyPresenter(apply_page, self.session, self.services)
        self._presenters = (self.label, self.train, self.review, self.apply)
        self._begun = 0
        """How many presenters were attached, the last of them perhaps in part."""
        self._attach()
        gc.freeze()  # else every now and then a key waits 0.1 s while 100,000 crops are looked through for garbage

    def _attach(self) -> None:
        """Let all presenters fill their pages; where one cannot, leave all pages as if none had been there."""
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
            with warnings.catch_warnings(), contextlib.suppress(RuntimeError, LookupError, ValueError):
                warnings.simplefilter("ignore")
                presenter.detach()
        for presenter in self._presenters:
            presenter.deleteLater()

    def close(self, *, whole: bool = True) -> None:
        """End everything that runs for the project and close it; `whole`: every presenter was attached."""
        gc.unfreeze()
        self.services.trainer.close()
        self.services.background.cancel_all()
        self.services.background.wait()
        self._detach(whole=whole)
        for flow in (self.importing, self.exporting, self.printing, self.sharing, self.classes):
            flow.deleteLater()
        self.services.thumbnails.close()
        self.services.micrograph_images.close()
        self.session.close()
        self.deleteLater()

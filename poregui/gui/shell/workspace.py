"""Hold what belongs to one open project in the window: session, services, presenters, flows; ends
with the project.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.apply.apply_presenter import ApplyPresenter
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.review.review_page import ReviewPage
from poregui.gui.review.review_presenter import ReviewPresenter
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.sheet_printing import SheetPrinting
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.services.trainer import Trainer
from poregui.gui.shell.class_editing import ClassesFlow
from poregui.gui.shell.import_flow import ImportFlow
from poregui.gui.shell.sharing_flow import ExportFlow, SharingFlow
from poregui.gui.train.train_page import TrainPage
from poregui.gui.train.train_presenter import TrainPresenter
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
        self.classes = ClassesFlow(
            window, self.session, self.services, label_page.crop_grid.selected_ids
        )
        self.label = LabelPresenter(label_page, self.session, self.services)
        self.train = TrainPresenter(train_page, self.session, self.services)
        self.review = ReviewPresenter(review_page, self.session, self.services)
        self.apply = ApplyPresenter(apply_page, self.session, self.services)
        self._presenters = (self.label, self.train, self.review, self.apply)
        for presenter in self._presenters:
            presenter.attach()
        # else every now and then a key waits 0.1 s while 100,000 crops are looked through for
        # garbage
        gc.freeze()

    def close(self) -> None:
        """End everything that runs for the project and close it."""
        gc.unfreeze()
        self.services.trainer.close()
        self.services.background.cancel_all()
        self.services.background.wait()
        for presenter in self._presenters:
            presenter.detach()
            presenter.deleteLater()
        for flow in (self.importing, self.exporting, self.printing, self.sharing, self.classes):
            flow.deleteLater()
        self.services.thumbnails.close()
        self.services.micrograph_images.close()
        self.session.close()
        self.deleteLater()

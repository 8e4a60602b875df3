"""Lead a person through a blind pass, packs for others, their ratings, and the agreement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.messages import messages
from poregui.gui.rating.agreement_dialog import AgreementDialog
from poregui.gui.rating.rating_dialog import RatingDialog, labels_by_key
from poregui.gui.services.jobs import TaskControl, TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.backups import make_backup
from poregui.store.project import Project
from poregui.store.rating_file import SUFFIX
from poregui.workflow.editing.edits import LabelChange, SetLabels
from poregui.workflow.evaluating.newest_run import newest_complete
from poregui.workflow.rating.agreement_report import Agreement, agreement_of
from poregui.workflow.rating.blind_pass import (
    BlindPass,
    answer,
    begin,
    plan_blind_pass,
    unfinished,
)
from poregui.workflow.rating.import_ratings import plan_import
from poregui.workflow.rating.rating_pack import (
    is_rating_file,
    keep_rating_key,
    pack_for_rating,
    plan_rated,
)

_SHOWN_FAULTS = 3


class RatingFlow(QObject):
    """Do what the actions about second opinions ask for."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self._total = 0
        self._answered = 0
        self.rating: RatingDialog | None = None
        self.agreement: AgreementDialog | None = None
        self._computing: TaskHandle | None = None
        session.changed.connect(self._follow)

    def commands(self) -> dict[str, Callable[[], object]]:
        """Return what actions do, by their names."""
        return {
            "blind_pass": self.ask_blind_pass,
            "pack_rating": self.ask_pack,
            "import_ratings": self.ask_import,
            "agreement": self.show_agreement,
        }

    # ---- blind pass -------------------------------------------------------------------------

    def ask_blind_pass(self) -> None:
        """Resume the pass that was left, or say what a new one buys and offer to begin."""
        project = self._session.project
        left = unfinished(project, self._session.who)
        if left is not None:
            self._rate(left)
            return
        planned = plan_blind_pass(project, self._session.who)
        title = "Begin a blind second pass?"
        messages().offer(title, planned.text, "Begin", partial(self.begin, planned))

    def begin(self, planned: BlindPass) -> None:
        """Keep a pass in the project and rate its first crop."""
        self._session.apply(begin(self._session.project, planned))
        self._rate(planned)

    def _rate(self, planned: BlindPass) -> None:
        self._total = len(planned.items)
        self._answered = 0
        dialog = RatingDialog("Blind second pass", self._window)
        self.rating = dialog
        dialog.set_classes(self._session.project.classes())
        dialog.rated.connect(self._rated)
        dialog.undone.connect(self._take_back)
        dialog.finished.connect(self._rating_closed)
        self._show_next()
        dialog.open()
        dialog.crop.setFocus()

    def _show_next(self) -> None:
        dialog = self.rating
        if dialog is None:
            return
        left = unfinished(self._session.project, self._session.who)
        if left is None:
            dialog.show_end(self._total)
            return
        self._total = max(self._total, len(left.items))
        item = left.items[0]
        image = self._image(item.crop_id)
        dialog.show_crop(image, item.turn, self._total - len(left.items), self._total)

    def _rated(self, label: int, seconds: float) -> None:
        project = self._session.project
        left = unfinished(project, self._session.who)
        if left is None:
            return
        try:
            self._session.apply(answer(project, left, left.items[0], label, seconds))
            self._answered += 1
        except PoreguiError as error:
            messages().error(error)

    def _take_back(self) -> None:
        """Undo the last answer, and nothing that was done before this window opened."""
        if self._answered:
            self._answered -= 1
            self._session.undo()

    def _rating_closed(self) -> None:
        dialog = self.rating
        self.rating = None
        if dialog is not None:
            dialog.deleteLater()

    # ---- packs and ratings of others --------------------------------------------------------

    def ask_pack(self) -> None:
        """Ask where to, and pack a sample for a colleague."""
        folder = self._session.project.folder
        proposed = folder.with_name(f"{folder.name}{SUFFIX}")
        where, _ = QFileDialog.getSaveFileName(
            self._window, "Pack for a second opinion", str(proposed), f"*{SUFFIX}"
        )
        if where:
            self.pack(Path(where))

    def pack(self, out: Path) -> None:
        """Pack a sample in the background."""
        folder = self._session.project.folder
        keep_rating_key(self._session.project)

        def work(_control: TaskControl) -> str:
            with Project.open(folder, read_only=True) as reader:
                return pack_for_rating(reader, out)

        self._services.background.run("Packing for a second opinion", work, messages().note)

    def ask_import(self) -> None:
        """Ask for ratings, a table or a rated file, and take them in."""
        where, _ = QFileDialog.getOpenFileName(
            self._window, "Import ratings", "", f"Ratings (*{SUFFIX} *.csv *.xlsx)"
        )
        if where:
            self.import_ratings(Path(where))

    def import_ratings(self, file: Path) -> None:
        """Take in what is new in a file, and say what was."""
        project = self._session.project
        read = plan_rated if is_rating_file(file) else plan_import
        plan = read(project, file)
        if plan.edit is not None:
            make_backup(project.folder, "before-import")
            self._session.apply(plan.edit)
        messages().note(" ".join([plan.text, *plan.faults[:_SHOWN_FAULTS]]))

    # ---- agreement and settling -------------------------------------------------------------

    def show_agreement(self) -> None:
        """Show how far people agree, with the newest run beside them."""
        self._compute(self._open_agreement)

    def _compute(
        self,
        done: Callable[[Agreement], None],
        failed: Callable[[PoreguiError], None] | None = None,
    ) -> None:
        """Compute the agreement in the background; what was asked for before is dropped."""
        folder = self._session.project.folder
        if self._computing is not None:
            self._computing.cancel()

        def work(_control: TaskControl) -> Agreement:
            with Project.open(folder, read_only=True) as reader:
                return agreement_of(reader, newest_complete(reader.runs()).run)

        self._computing = self._services.background.run("Computing agreement", work, done, failed)

    def _open_agreement(self, found: Agreement) -> None:
        dialog = AgreementDialog(self._window)
        self.agreement = dialog
        dialog.grid.set_images(self._thumbnail)
        self._services.thumbnails.ready.connect(dialog.grid.image_ready)
        self._show(found)
        dialog.pressed.connect(self._settle)
        dialog.finished.connect(self._agreement_closed)
        dialog.open()

    def _show(self, found: Agreement) -> None:
        if self.agreement is not None:
            classes = self._session.project.classes(retired=True)
            self.agreement.show_agreement(found, classes)

    def _nothing_left(self, _error: PoreguiError) -> None:
        if self.agreement is not None:
            self.agreement.reject()

    def _settle(self, meant: str) -> None:
        if meant == "undo":
            self._session.undo()
            return
        dialog = self.agreement
        label = self._label(meant)
        if dialog is None or label is None:
            return
        project = self._session.project
        changes = tuple(
            LabelChange(crop_id, project.crop(crop_id).label, label)
            for crop_id in dialog.grid.selected_ids()
        )
        if changes:
            self._session.apply(SetLabels(changes, self._session.who, "settled"))

    def _label(self, meant: str) -> int | None:
        return labels_by_key(self._session.project.classes()).get(meant)

    def _agreement_closed(self) -> None:
        dialog = self.agreement
        self.agreement = None
        if dialog is not None:
            self._services.thumbnails.ready.disconnect(dialog.grid.image_ready)
            dialog.deleteLater()

    def _follow(self, changed: Changed) -> None:
        if self.rating is not None and changed.kinds & {"opinions", "labels", "crops"}:
            self._show_next()
        concerns = changed.kinds & {"opinions", "labels", "crops", "classes"}
        if self.agreement is not None and concerns:
            self._compute(self._show, self._nothing_left)

    def close(self) -> None:
        """Close what is open when the project goes."""
        if self._computing is not None:
            self._computing.cancel()
        for dialog in (self.rating, self.agreement):
            if dialog is not None:
                dialog.reject()

    def _image(self, crop_id: int) -> QImage:
        return self._services.thumbnails.full(self._session.project.crop(crop_id))

    def _thumbnail(self, crop_id: int) -> QImage | None:
        return self._services.thumbnails.image(self._session.project.crop(crop_id))

"""Bring pores that were left to a person into the project and take the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Plane
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.apply_dialogs import UnsureDialog
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.workflow.applying.unsure_pores import (
    CutUnsure,
    UnsurePore,
    cut_unsure,
    settle_unsure,
    strangers_of,
)
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.importing.known_images import Collected


class UnsureFlow(QObject):
    """Lead through the pores that wait: cut in the background, added in one step, answered one key
    each.
    """

    def __init__(
        self, page: ApplyPage, session: Session, services: Services, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._page = page
        self._session = session
        self._services = services
        self.dialog: UnsureDialog | None = None
        self._text: dict[int, str] = {}

    def look(self, pores: Sequence[UnsurePore]) -> None:
        """Bring pores in that are not there yet and show all of them."""
        if not pores:
            return
        project = self._session.project
        try:
            project.check_writable()
        except PoreguiError as error:
            messages().error(error)
            return
        pixels = project.pixels
        by_plane: dict[Plane, list[Path]] = defaultdict(list)
        for file, plane in strangers_of(project, pores):
            by_plane[plane].append(file)

        def work(control: TaskControl) -> tuple[list[Collected], CutUnsure]:
            new = [
                collect(files, ImportOptions(kind="micrographs", plane=plane), pixels)
                for plane, files in by_plane.items()
            ]
            return new, cut_unsure(pores, pixels, control.progress)

        self._services.background.run("Cropping unsure pores", work, self._bring_in)

    def close(self) -> None:
        """Close the grid when the project goes."""
        if self.dialog is not None:
            self.dialog.reject()

    def _bring_in(self, done: tuple[list[Collected], CutUnsure]) -> None:
        new, cut = done
        session = self._session
        for collected in new:
            plan = settle(session.project, collected, session.who)
            if plan.edit is not None:
                session.apply(plan.edit)
        settled = settle_unsure(session.project, cut, session.who)
        if settled.edit is not None:
            session.apply(settled.edit)
        likely = {(one.task.folder, one.number): one for one, _ in cut.pores}
        texts = [_text_of(one) for one in likely.values()]
        self._show(settled.crop_ids, texts)

    def _show(self, crop_ids: Sequence[int], texts: Sequence[str]) -> None:
        self.close()
        self._text = dict(zip(crop_ids, texts, strict=False))
        dialog = UnsureDialog(self._page)
        self.dialog = dialog
        dialog.set_classes(self._session.project.classes(retired=True))
        dialog.grid.set_images(self._image)
        dialog.pressed.connect(self._pressed)
        dialog.finished.connect(self._closed)
        self._services.thumbnails.ready.connect(dialog.grid.image_ready)
        self._session.changed.connect(self._follow)
        self._fill()
        dialog.grid.choose(crop_ids[0] if crop_ids else None)
        dialog.open()
        dialog.grid.setFocus()

    def _closed(self) -> None:
        dialog = self.dialog
        self.dialog = None
        if dialog is not None:
            self._session.changed.disconnect(self._follow)
            self._services.thumbnails.ready.disconnect(dialog.grid.image_ready)
            dialog.deleteLater()

    def _image(self, crop_id: int) -> QImage | None:
        return self._services.thumbnails.image(self._session.project.crop(crop_id))

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"labels", "crops", "classes"}:
            self._fill()

    def _fill(self) -> None:
        if self.dialog is not None:
            labels = self._session.project.labels_of(list(self._text))
            self.dialog.set_rows(
                [CropRow(i, labels[i], text) for i, text in self._text.items() if i in labels]
            )

    def _pressed(self, meant: str) -> None:
        if self.dialog is None:
            return
        if meant in ("undo", "redo"):
            self._session.undo() if meant == "undo" else self._session.redo()
            return
        if meant in ("next", "previous"):
            return
        label = self._label(meant)
        chosen = self.dialog.grid.selected_ids()
        if label is None or not chosen:
            return
        following = self.dialog.grid.rows.next_unlabelled(chosen)
        try:
            self._session.apply(
                label_crops(
                    self._session.project, chosen, label, who=self._session.who, how="applied"
                )
            )
        except PoreguiError as error:
            messages().error(error)
            return
        if self.dialog is not None and following is not None:
            self.dialog.grid.choose(following)

    def _label(self, meant: str) -> int | None:
        if meant in ("not_a_pore", "unsure"):
            if meant == "not_a_pore":
                return NOT_A_PORE
            return UNSURE
        classes = self._session.project.classes()
        if meant.startswith("class_"):
            index = int(meant.removeprefix("class_")) - 1
        else:
            index = len(classes)
        if index < len(classes):
            return classes[index].id
        return None


def _text_of(pore: UnsurePore) -> str:
    """Return what stands below a pore: that it is unlike all training crops, or how sure the
    network was.
    """
    if pore.why == "unlike":
        return "Unusual"
    return f"{100 * pore.confidence:.0f} % {pore.likely}"

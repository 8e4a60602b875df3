"""Join the classes dialog to the session: what it asks for becomes edits, what changed is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QInputDialog, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.dialogs.class_dialog import ClassesDialog
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.backups import make_backup
from poregui.workflow.editing.edits import Edit
from poregui.workflow.editing.label_edits import (
    add_class,
    change_class,
    merge_classes,
    reorder_classes,
    retire_class,
    set_reference_crops,
)

_REFERENCES = 4


class ClassesFlow(QObject):
    """Show the classes dialog and make its changes."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        services: Services,
        selected: Callable[[], Sequence[int]],
    ) -> None:
        super().__init__(window)
        self._selected = selected
        self._window = window
        self._session = session
        self._services = services
        self.dialog: ClassesDialog | None = None

    def show(self) -> None:
        """Open the dialog."""
        dialog = ClassesDialog(self._window)
        dialog.add_requested.connect(partial(self._try, add_class))
        dialog.change_requested.connect(partial(self._try, change_class))
        dialog.order_requested.connect(partial(self._try, reorder_classes))
        dialog.retire_requested.connect(partial(self._try, retire_class, backed_up=True))
        dialog.merge_requested.connect(self._ask_merge)
        dialog.references_requested.connect(self._set_references)
        dialog.finished.connect(self._forget)
        self.dialog = dialog
        self._session.changed.connect(self._follow)
        self._fill()
        dialog.open()

    def _try(self, make: Callable[..., Edit], *arguments: object, backed_up: bool = False) -> None:
        """Apply the edit that `make` builds of the project and these arguments."""
        try:
            project = self._session.project
            edit = make(project, *arguments)
            if backed_up:
                make_backup(project.folder, "before-classes")
            self._session.apply(edit)
        except PoreguiError as error:
            if self.dialog is not None:
                self.dialog.show_problem(error)

    def _ask_merge(self, class_id: int) -> None:
        others = [c for c in self._session.project.classes() if c.id != class_id]
        names = [c.name for c in others]
        chosen, fine = QInputDialog.getItem(
            self.dialog, "Merge classes", "Relabel all its crops as", names, 0, False
        )
        if fine:
            into = others[names.index(chosen)].id
            merge = partial(merge_classes, who=self._session.who)
            self._try(merge, class_id, into, backed_up=True)

    def _set_references(self, class_id: int) -> None:
        chosen = list(self._selected())[:_REFERENCES]
        if chosen:
            self._try(set_reference_crops, class_id, chosen)
        elif self.dialog is not None:
            self.dialog.show_problem(
                PoreguiError("No crop is selected.", "Select crops in the grid of the Label page.")
            )

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"classes", "labels"}:
            self._fill()

    def _fill(self) -> None:
        if self.dialog is not None:
            classes = self._session.project.classes()
            counts = self._session.project.label_counts()
            self.dialog.set_classes(classes, [counts[c.id] for c in classes], self._images)

    def _images(self, class_id: int) -> list[QImage]:
        project = self._session.project
        chosen = list(project.reference_crops(class_id))
        if not chosen:
            chosen = [crop.id for crop in project.crops() if crop.label == class_id][:_REFERENCES]
        return [
            self._services.thumbnails.full(project.crop(crop_id))
            for crop_id in chosen[:_REFERENCES]
        ]

    def _forget(self) -> None:
        self._session.changed.disconnect(self._follow)
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

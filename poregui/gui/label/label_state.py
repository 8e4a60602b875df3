"""Hold what a person works on in the label page: current crop, selection, filter, micrograph."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Crop, Micrograph
from poregui.gui.base.messages import messages
from poregui.gui.label.catalogue import Catalogue, CropFilter
from poregui.gui.label.grid_order import Ordering
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.workflow.editing.edits import Edit


def concerns(changed: Changed, crop_id: int | None) -> bool:
    """Tell whether a change may be one of this crop; one that names no crops may be of any."""
    return not changed.crop_ids or crop_id in changed.crop_ids


class LabelState(QObject):
    """Tell the parts of the page what became another one; what stays as it is makes no signal.

    `wanted` carries the crop that the grid is to go to and those to select beside it,
    `current_changed` a crop id or None, `selection_changed` ids, `filter_changed` a
    CropFilter, `micrograph_changed` nothing: `micrograph` is always the record as it is now.
    `order_changed` tells that the grid is to be listed anew.
    """

    wanted = Signal(object, object)
    current_changed = Signal(object)
    selection_changed = Signal(object)
    filter_changed = Signal(object)
    micrograph_changed = Signal()
    order_changed = Signal()

    def __init__(self, session: Session, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.project: Project = session.project
        self.services = services
        self.catalogue = Catalogue(session.project)
        self.ordering = Ordering(session.project, self.catalogue)
        self.current: int | None = None
        self.selection: tuple[int, ...] = ()
        self.filter = CropFilter()
        self._micrograph_id: int | None = None

    @property
    def crop(self) -> Crop | None:
        """Return the current crop."""
        if self.current is None:
            return None
        return self.catalogue.crops.get(self.current)

    @property
    def micrograph(self) -> Micrograph | None:
        """Return the micrograph that is shown, as the project knows it now."""
        if self._micrograph_id is None:
            return None
        return self.catalogue.micrographs.get(self._micrograph_id)

    def thumbnail(self, crop_id: int) -> QImage | None:
        """Return the small image of a crop, None for one that is gone or not loaded yet."""
        crop = self.catalogue.crops.get(crop_id)
        if crop is None:
            return None
        return self.services.thumbnails.image(crop)

    # ---- choosing ---------------------------------------------------------------------------

    def choose(self, crop_id: int | None, *, also: Sequence[int] = ()) -> None:
        """Go to a crop, in the grid too, and select it with those in `also`."""
        self.wanted.emit(crop_id, also)
        self.set_current(crop_id)

    def set_current(self, crop_id: int | None) -> None:
        """Make a crop the current one and show its micrograph; None leaves the micrograph."""
        if crop_id == self.current:
            return
        self.current = crop_id
        crop = self.crop
        if crop is not None:
            self._show(crop.micrograph_id)
        self.current_changed.emit(crop_id)

    def show_micrograph(self, micrograph_id: int | None) -> None:
        """Show a micrograph with no crop chosen."""
        self._show(micrograph_id)
        self.choose(None)

    def _show(self, micrograph_id: int | None) -> None:
        if micrograph_id not in self.catalogue.micrographs:
            micrograph_id = None
        if micrograph_id != self._micrograph_id:
            self._micrograph_id = micrograph_id
            self.micrograph_changed.emit()

    def select(self, crop_ids: Sequence[int]) -> None:
        """Take which crops are selected in the grid."""
        selection = tuple(crop_ids)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit(selection)

    def chosen_ids(self) -> list[int]:
        """Return the crops that a key acts on: the selected ones, or the current one."""
        if len(self.selection) > 1 and self.current in self.selection:
            return list(self.selection)
        if self.current is None:
            return []
        return [self.current]

    def forget(self) -> None:
        """Go back to the beginning, when nothing listens any more."""
        self.current = None
        self.selection = ()
        self.filter = CropFilter()
        self._micrograph_id = None

    def set_filter(self, wanted: CropFilter) -> None:
        """Show only the crops that a filter accepts."""
        if wanted != self.filter:
            self.filter = wanted
            self.filter_changed.emit(wanted)

    # ---- changing ---------------------------------------------------------------------------

    def apply(self, edit: Edit | None) -> bool:
        """Do an edit and tell whether the project took it; None only asks whether it could."""
        try:
            self.project.check_writable()
            if edit is None:
                return True
        except PoreguiError as error:
            messages().note(str(error))
            return False
        try:
            self.session.apply(edit)
        except PoreguiError as error:
            messages().error(error)
            return False
        return True

    def follow(self, changed: Changed) -> None:
        """Read again what an edit changed; a micrograph that went is shown no longer."""
        self.catalogue.follow(changed)
        if "micrographs" in changed.kinds:
            self._show(self._micrograph_id)

"""Join the label page to the session: gestures become edits, edits become what the page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.class_cards import ClassCards
from poregui.gui.label.companion import Companion, LabelDesk
from poregui.gui.label.context import Context
from poregui.gui.label.detecting import Detecting
from poregui.gui.label.framing import Framing
from poregui.gui.label.gestures import CropGestures
from poregui.gui.label.listing import follow_labels
from poregui.gui.label.looking import Looking
from poregui.gui.label.masking import Masking
from poregui.gui.label.measuring import Measuring
from poregui.gui.label.ordering import Ordering
from poregui.gui.label.outlining import Outlining
from poregui.gui.label.page import LabelPage
from poregui.gui.label.progressing import Progressing
from poregui.gui.label.sections import Sections
from poregui.gui.label.sizing import Sizing
from poregui.gui.label.stage import Stage
from poregui.gui.label.suggesting import Suggesting
from poregui.gui.label.words import end_words, history_words, size_words
from poregui.gui.messages import messages
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.workflow.changes import label_crops, labels_lost_with, remove_crops, remove_micrographs
from poregui.workflow.edits import Edit


class LabelPresenter(QObject):
    """Know page and session; `attach` fills the page and follows the session, `detach` ends that."""

    def __init__(self, page: LabelPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._session = session
        self._services = services
        self._catalogue = Catalogue(session.project)
        self._stage = Stage(page.image_canvas, page.context_view, services, self._catalogue, self)
        self._current: int | None = None
        self._quiet = False
        self._links: list[tuple[object, Callable]] = []
        self._ordering = Ordering(session.project, self._catalogue)
        self._companions = self._make_companions()
        self._keys: dict[str, Callable[[], object]] = {
            "not_a_pore": lambda: self.label(NOT_A_PORE),
            "unsure": lambda: self.label(UNSURE),
            "clear": lambda: self.label(None, move_on=False),
            "undo": self.undo,
            "redo": self.redo,
            "next": lambda: self.step(1),
            "previous": lambda: self.step(-1),
            "delete": self.delete_crops,
            "fit": page.image_canvas.fit,
            **self._suggesting.keys,
            **self._outlining.keys,
            **self._cards.keys,
        }

    def _make_companions(self) -> tuple[Companion, ...]:
        desk = LabelDesk(
            self._page,
            self._session,
            self._services,
            self._catalogue,
            self._stage,
            self._apply,
            self.choose,
            lambda: self._current,
            self._chosen_ids,
            self._next_unlabelled,
            self._ordering,
            self._show_rows,
            self,
        )
        self._suggesting = Suggesting(desk)
        self._outlining = outlining = Outlining(desk)
        self._cards = ClassCards(desk)
        return (
            CropGestures(desk),
            self._suggesting,
            Progressing(desk, self._suggesting),
            outlining,
            Context(desk, outlining, self._suggesting),
            Detecting(desk, outlining),
            Measuring(desk),
            Looking(desk),
            Masking(desk),
            Framing(desk),
            Sizing(desk),
            Sections(desk, self._suggesting),
            self._cards,
        )

    # ---- life ----------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Fill the page and follow the session."""
        page = self._page
        page.crop_grid.set_pictures(self._thumbnail)
        page.micrograph_list.set_pictures(self._small_micrograph)
        page.set_writable(not self._session.project.read_only)
        images = self._services.micrograph_images
        self._links = [
            (self._session.changed, self._follow),
            (self._services.thumbnails.ready, page.crop_grid.picture_ready),
            (images.thumbnail_ready, page.micrograph_list.picture_ready),
            (images.loaded, self._stage.loaded),
            (images.failed, self._stage.failed),
            (page.key_pressed, self.press),
            (page.filter_changed, self._filter),
            (page.class_bar.label_requested, self.label),
            (page.crop_grid.chosen, self._choose),
            (page.crop_grid.selection_changed, self._count_grid),
            (page.micrograph_list.chosen, self._choose_micrograph),
            (page.micrograph_list.delete_requested, self.delete_micrographs),
            (page.micrograph_list.properties_requested, self._ask_properties),
            (page.delete_micrograph_button.clicked, self._delete_chosen_micrographs),
            (page.properties_button.clicked, self._ask_chosen_properties),
            (page.image_canvas.crop_clicked, self.choose),
            (self._stage.changed, self._say_stage),
        ]
        for signal, slot in self._links:
            signal.connect(slot)
        for companion in self._companions:
            companion.attach()
        self._fill()
        self._choose_first()

    def detach(self) -> None:
        """Stop following the session and leave the page empty for the next project."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []
        self._page.clear()
        for companion in self._companions:
            companion.detach()

    # ---- what a person wants -------------------------------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """Return the id of the current crop."""
        return self._current

    def label_counts(self) -> Counter[int | None]:
        """Return the number of crops per label without asking the project."""
        return self._catalogue.counts()

    def press(self, meant: str) -> None:
        """Do what a key means (`class_1`... `undo`, `next`; see keys.py)."""
        if meant.startswith("class_"):
            wanted = meant.removeprefix("class_")
            label = next((c.id for c in self._catalogue.classes if c.key == wanted), None)
            if label is None:
                messages().note(f"There is no class with the key {wanted}.")
            else:
                self.label(label)
        else:
            self._keys[meant]()

    def label(self, label: int | None, *, move_on: bool = True) -> None:
        """Label the selected crops, all in one step, and go on to the next unlabelled one."""
        ids = self._chosen_ids()
        if not ids:
            messages().note("No crop is chosen. Click one, or draw one on a micrograph.")
            return
        following = self._next_unlabelled(ids) if move_on else None
        edit = label_crops(self._session.project, ids, label, who=self._session.who)
        if not self._apply(edit if edit.changes else None):
            return
        if following is not None:
            self.choose(following)
        elif move_on:
            shown = self._catalogue.rows(self._page.crop_filter())
            messages().note(end_words(sum(row.label is None for row in shown)))

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) crop of the grid."""
        if self._page.crop_grid.step(by) is None and self._page.crop_grid.rows.rowCount():
            messages().note("This is the last crop." if by > 0 else "This is the first crop.")

    def choose(self, crop_id: int | None) -> None:
        """Make a crop the current one everywhere."""
        self._quiet = True
        self._page.crop_grid.choose(crop_id)
        self._quiet = False
        self._choose(crop_id)

    def undo(self) -> None:
        """Take the last step back and go to the crop that it concerned."""
        self._step_in_history(self._session.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Do the undone step again and go to the crop that it concerned."""
        self._step_in_history(self._session.redo, "There is nothing to redo.")

    def delete_crops(self) -> None:
        """Delete the selected crops; undo brings them back."""
        ids = self._chosen_ids()
        if not ids:
            return
        if self._apply(remove_crops(ids)):
            messages().note("Deleted. Undo brings it back." if len(ids) == 1 else f"Deleted {len(ids)} crops.")

    def delete_micrographs(self, micrograph_ids: Sequence[int]) -> None:
        """Ask, saying how many labels go with them, and delete micrographs; undo brings all back."""
        known = [self._catalogue.micrographs[i] for i in micrograph_ids if i in self._catalogue.micrographs]
        if not known:
            return
        ids = [m.id for m in known]
        crops = sum(len(self._catalogue.crops_of(i)) for i in ids)
        labels = labels_lost_with(self._session.project, ids)
        what = known[0].shown_name if len(known) == 1 else f"{len(known)} micrographs"
        text = f"{crops} crops, {labels} of them labelled, go with it. " if crops else "No crops go with it. "
        text += "The image file stays where it is, and undo brings everything back."
        if messages().ask(f"Delete {what}?", text, "Delete"):
            self._apply(remove_micrographs(self._session.project, ids))

    # ---- doing ---------------------------------------------------------------------------------------------------

    def _apply(self, edit: Edit | None) -> bool:
        """Do an edit and tell whether the project could be written; None only asks whether it could."""
        try:
            self._session.project.check_writable()
        except PoreguiError as error:
            messages().note(str(error))
            return False
        try:
            if edit is not None:
                self._session.apply(edit)
        except PoreguiError as error:
            messages().error(error)
            return False
        return True

    def _step_in_history(self, step: Callable[[], Changed | None], nothing: str) -> None:
        try:
            changed = step()
        except PoreguiError as error:
            messages().error(error)
            return
        if changed is None:
            messages().note(nothing)
            return
        there = [crop_id for crop_id in changed.crop_ids if crop_id in self._catalogue.crops]
        if there:
            self.choose(there[0])

    def _chosen_ids(self) -> list[int]:
        selected = self._page.crop_grid.selected_ids()
        if len(selected) > 1 and self._current in selected:
            return selected
        return [self._current] if self._current is not None else []

    def _next_unlabelled(self, ids: Sequence[int]) -> int | None:
        return self._page.crop_grid.rows.next_unlabelled(ids)

    # ---- following -----------------------------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        self._catalogue.follow(changed)
        if changed.kinds - {"labels", "runs", "test_side"}:
            self._fill()
        elif changed.kinds & {"labels"}:
            self._show_labels(changed)
        self._stage.follow()
        for companion in self._companions:
            companion.follow(changed)
        if self._current is not None and self._current not in self._catalogue.crops:
            self._choose_neighbour(self._current)
        else:
            self._show_current()

    def _show_labels(self, changed: Changed) -> None:
        page, catalogue = self._page, self._catalogue
        self._quiet = True
        followed = follow_labels(page.crop_grid, catalogue, self._ordering, page.crop_filter(), changed.crop_ids)
        self._quiet = False
        if followed:
            self._count_grid()
        else:
            self._show_rows()
        page.micrograph_list.change_rows(catalogue.micrograph_rows_of(changed.crop_ids))
        page.class_bar.set_counts(catalogue.counts())

    def _choose_neighbour(self, gone: int) -> None:
        ids = self._page.crop_grid.ids()
        self.choose(next((crop_id for crop_id in ids if crop_id > gone), ids[-1] if ids else None))

    def _fill(self) -> None:
        page, catalogue = self._page, self._catalogue
        page.show_empty(not catalogue.micrographs and not catalogue.crops)
        page.set_classes(catalogue.classes, catalogue.known_classes)
        page.set_specimens(catalogue.specimen_entries())
        page.set_micrographs(catalogue.micrograph_entries())
        page.micrograph_list.set_rows(catalogue.micrograph_rows())
        page.class_bar.set_counts(catalogue.counts())
        self._show_rows()

    def _show_rows(self) -> None:
        self._quiet = True
        self._page.crop_grid.set_rows(self._ordering.arrange(self._catalogue.rows(self._page.crop_filter())))
        self._page.crop_grid.choose(self._current)
        self._quiet = False
        self._count_grid()

    def _filter(self) -> None:
        self._show_rows()
        if self._page.crop_grid.rows.place(self._current or 0) is None:
            self.choose(next(iter(self._page.crop_grid.ids()), None))

    def _count_grid(self) -> None:
        grid = self._page.crop_grid
        self._page.set_grid_count(grid.rows.rowCount(), len(self._catalogue.crops), len(grid.selected_ids()))

    # ---- choosing ------------------------------------------------------------------------------------------------

    def _choose_first(self) -> None:
        rows = self._page.crop_grid.rows.rows
        first = next((row.crop_id for row in rows if row.label is None), rows[0].crop_id if rows else None)
        if first is not None:
            self.choose(first)
        elif self._catalogue.micrographs:
            self._choose_micrograph(next(iter(self._catalogue.micrographs)))
        else:
            self._stage.show(None)
            self._show_current()

    def _choose(self, crop_id: int | None) -> None:
        if self._quiet:
            return
        self._current = crop_id
        crop = self._catalogue.crops.get(crop_id or 0)
        if crop is not None:
            self._stage.show_crop(crop)
        self._page.micrograph_list.choose(self._stage.micrograph.id if self._stage.micrograph else None)
        self._show_current()

    def _choose_micrograph(self, micrograph_id: int) -> None:
        crops = self._catalogue.crops_of(micrograph_id)
        listed = [crop for crop in crops if self._page.crop_grid.rows.place(crop.id) is not None]
        first = next((crop for crop in listed if crop.label is None), listed[0] if listed else None)
        if first is not None:
            self.choose(first.id)
            return
        self._current = None
        self._page.crop_grid.choose(None)
        self._stage.show(self._catalogue.micrographs.get(micrograph_id))
        self._page.micrograph_list.choose(micrograph_id)
        self._show_current()

    def _show_current(self) -> None:
        page = self._page
        crop = self._catalogue.crops.get(self._current or 0)
        self._stage.set_current(crop)
        page.class_bar.set_current(crop.label if crop else None)
        self._suggesting.show_current()
        if crop is None:
            page.set_details("", "", "")
            return
        log = self._session.project.label_log(crop.id)
        marks = self._catalogue.marks
        page.set_details(marks.name(crop.label), size_words(crop), history_words(log, marks))

    def _say_stage(self) -> None:
        self._page.set_title(*self._stage.title())

    # ---- pictures and properties ---------------------------------------------------------------------------------

    def _thumbnail(self, crop_id: int) -> QImage | None:
        crop = self._catalogue.crops.get(crop_id)
        return self._services.thumbnails.image(crop) if crop else None

    def _small_micrograph(self, micrograph_id: int) -> QImage | None:
        micrograph = self._catalogue.micrographs.get(micrograph_id)
        return self._services.micrograph_images.thumbnail(micrograph) if micrograph else None

    def _delete_chosen_micrographs(self) -> None:
        self.delete_micrographs(self._page.micrograph_list.selected_ids())

    def _ask_chosen_properties(self) -> None:
        chosen = self._page.micrograph_list.selected_ids()
        if chosen:
            self._page.properties_requested.emit(chosen)

    def _ask_properties(self, micrograph_id: int) -> None:
        chosen = self._page.micrograph_list.selected_ids()
        self._page.properties_requested.emit(chosen if micrograph_id in chosen else [micrograph_id])

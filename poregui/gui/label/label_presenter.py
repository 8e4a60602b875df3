"""Join the label page to the session: gestures become edits, edits become what the page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QSignalBlocker
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.domain.records import Changed
from poregui.domain.wording import count
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.label.appearance import Framing, Looking
from poregui.gui.label.canvas_drawing import CheckedAreas, CropGestures, Masking
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.class_cards import ClassCards
from poregui.gui.label.crop_context import Context
from poregui.gui.label.find_pores import Detecting
from poregui.gui.label.grid_order import follow_labels
from poregui.gui.label.grid_sections import Sections, Sizing
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_state import LabelState, concerns
from poregui.gui.label.label_suggestions import Suggesting
from poregui.gui.label.measurements import Measuring
from poregui.gui.label.outlines import Outlining
from poregui.gui.label.progress import Progressing
from poregui.gui.label.stage import Stage
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session, step_in_history
from poregui.gui.widgets.crop_text import end_text, history_text, size_text
from poregui.workflow.editing.label_edits import (
    label_crops,
    labels_lost_with,
    remove_crops,
    remove_micrographs,
)

_LISTED = frozenset({"crops", "classes", "micrographs", "specimens"})


class LabelPresenter(QObject):
    """Know page and session; `attach` fills the page and follows the session,
    `detach` ends that.
    """

    def __init__(self, page: LabelPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._services = services
        self.state = state = LabelState(session, services, self)
        self._stage = Stage(page.image_canvas, page.context_view, state)
        self._suggesting = Suggesting(page.crop_grid, page.suggestion_line, page.order_box, state)
        self._outlining = Outlining(page.image_canvas, page.crop_grid, self._stage, state)
        self._cards = ClassCards(page.class_card, state)
        self.features = self._make_features()
        self._links: tuple[Link, ...] = ()
        self._keys: dict[str, Callable[[], object]] = {
            "not_a_pore": partial(self.label, NOT_A_PORE),
            "unsure": partial(self.label, UNSURE),
            "clear": partial(self.label, None, move_on=False),
            "undo": self.undo,
            "redo": self.redo,
            "next": partial(self.step, 1),
            "previous": partial(self.step, -1),
            "delete": self.delete_crops,
            "fit": page.image_canvas.fit,
            **self._suggesting.keys,
            **self._outlining.keys,
            **self._cards.keys,
        }

    def _make_features(self) -> tuple[Feature, ...]:
        """Return the parts in the order in which they hear of a change."""
        page = self._page
        state = self.state
        canvas = page.image_canvas
        grid = page.crop_grid
        stage = self._stage
        panel = page.image_panel
        return (
            stage,
            CropGestures(canvas, stage, state),
            self._suggesting,
            Progressing(
                page.progress_panel, page.class_bar, grid, page.side, self._suggesting, state
            ),
            self._outlining,
            Context(
                page.crop_facts, page.alike_row, page.side, self._outlining, self._suggesting, state
            ),
            Detecting(page.find_panel, canvas, page.side, stage, self._outlining, state),
            Measuring(page.measure_panel, page.below, state),
            Looking(panel, canvas, stage, state),
            Masking(panel, canvas, state),
            CheckedAreas(panel, canvas, state),
            Framing(panel.frame_box, canvas, state),
            Sizing(grid, page.one_scale_button, page.scale_strip, state),
            Sections(grid, page.section_strip, self._suggesting, state),
            self._cards,
        )

    # ---- life -------------------------------------------------------------------------------

    def attach(self) -> None:
        """Fill the page and follow the session."""
        page = self._page
        page.crop_grid.set_images(self.state.thumbnail)
        page.micrograph_list.set_images(self._small_micrograph)
        page.set_writable(not self.state.project.read_only)
        self._links = self._page_links() + self._state_links()
        for signal, slot in self._links:
            signal.connect(slot)
        for feature in self.features:
            feature.attach()
        self._fill()
        self._choose_first()

    def _page_links(self) -> tuple[Link, ...]:
        page = self._page
        images = self._services.micrograph_images
        return (
            (self._services.thumbnails.ready, page.crop_grid.image_ready),
            (images.thumbnail_ready, page.micrograph_list.image_ready),
            (page.key_pressed, self.press),
            (page.filter_changed, self.state.set_filter),
            (page.class_bar.label_requested, self.label),
            (page.crop_grid.chosen, self.state.set_current),
            (page.crop_grid.selection_changed, self._take_selection),
            (page.micrograph_list.chosen, self._choose_micrograph),
            (page.micrograph_list.delete_requested, self.delete_micrographs),
            (page.micrograph_list.properties_requested, self._ask_properties),
            (page.delete_micrograph_button.clicked, self._delete_chosen_micrographs),
            (page.properties_button.clicked, self._ask_chosen_properties),
            (page.image_canvas.crop_clicked, self.choose),
        )

    def _state_links(self) -> tuple[Link, ...]:
        state = self.state
        return (
            (state.session.changed, self._follow),
            (state.wanted, self._choose_in_grid),
            (state.current_changed, self._show_current),
            (state.micrograph_changed, self._mark_micrograph),
            (state.filter_changed, self._filter),
            (state.order_changed, self._show_rows),
            (self._stage.changed, self._show_title),
        )

    def detach(self) -> None:
        """Stop following the session and leave the page empty for the next project."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = ()
        self._page.clear()
        for feature in self.features:
            feature.detach()
        self.state.forget()

    # ---- what a person wants ----------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """Return the id of the current crop."""
        return self.state.current

    @property
    def classes(self) -> tuple[PoreClass, ...]:
        """Return the classes that labels are given of, without asking the project."""
        return self.state.catalogue.classes

    def label_counts(self) -> Counter[int | None]:
        """Return the number of crops per label without asking the project."""
        return self.state.catalogue.counts()

    def press(self, meant: str) -> None:
        """Do what a key means (`class_1`... `undo`, `next`; see base/key_map.py)."""
        if meant.startswith("class_"):
            wanted = meant.removeprefix("class_")
            label = next((c.id for c in self.state.catalogue.classes if c.key == wanted), None)
            if label is None:
                messages().note(f"There is no class with the key {wanted}.")
            else:
                self.label(label)
        else:
            self._keys[meant]()

    def label(self, label: int | None, *, move_on: bool = True) -> None:
        """Label the selected crops, all in one step, and go on to the next unlabelled one."""
        state = self.state
        ids = state.chosen_ids()
        if not ids:
            messages().note("No crop is selected. Click one, or draw one on a micrograph.")
            return
        following = self._page.crop_grid.rows.next_unlabelled(ids) if move_on else None
        edit = label_crops(state.project, ids, label, who=state.session.who)
        if not state.apply(None):
            return
        before = state.current
        if following is not None:
            state.choose(following)  # first, so that nothing shows the crop that is left once more
            self._page.crop_grid.centre()
        if edit.changes and not state.apply(edit):
            state.choose(before, also=ids)
        elif following is None and move_on:
            shown = state.catalogue.rows(state.filter)
            messages().note(end_text(sum(row.label is None for row in shown)))

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) crop of the grid."""
        if self._page.crop_grid.step(by) is None and self._page.crop_grid.rows.rowCount():
            messages().note("This is the last crop." if by > 0 else "This is the first crop.")

    def choose(self, crop_id: int | None) -> None:
        """Make a crop the current one everywhere."""
        self.state.choose(crop_id)

    def undo(self) -> None:
        """Take the last step back and go to the crop that it concerned."""
        self._step_in_history(self.state.session.undo, "Nothing to undo.")

    def redo(self) -> None:
        """Do the undone step again and go to the crop that it concerned."""
        self._step_in_history(self.state.session.redo, "Nothing to redo.")

    def delete_crops(self) -> None:
        """Delete the selected crops; undo brings them back."""
        ids = self.state.chosen_ids()
        if ids and self.state.apply(remove_crops(ids)):
            messages().note(f"Deleted {count(len(ids), 'crop')}. Undo restores them.")

    def delete_micrographs(self, micrograph_ids: Sequence[int]) -> None:
        """Ask, saying how many labels go with them, and delete micrographs; undo
        brings all back.
        """
        catalogue = self.state.catalogue
        known = [catalogue.micrographs[i] for i in micrograph_ids if i in catalogue.micrographs]
        if not known:
            return
        ids = [m.id for m in known]
        crops = sum(len(catalogue.crops_of(i)) for i in ids)
        labels = labels_lost_with(self.state.project, ids)
        what = known[0].shown_name
        if len(known) > 1:
            what = count(len(known), "micrograph")
        text = "It has no crops. "
        if crops:
            text = f"This also deletes {count(crops, 'crop')}, {labels:,} of them labelled. "
        text += "Image files stay where they are. Undo restores everything."
        if messages().ask(f"Delete {what}?", text, "Delete", "Keep"):
            self.state.apply(remove_micrographs(self.state.project, ids))

    def _step_in_history(self, step: Callable[[], Changed | None], nothing: str) -> None:
        changed = step_in_history(step, nothing)
        if changed is None:
            return
        crops = self.state.catalogue.crops
        there = [crop_id for crop_id in changed.crop_ids if crop_id in crops]
        if there:
            self.choose(there[0])

    # ---- following --------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        state = self.state
        state.follow(changed)
        if changed.kinds & _LISTED:
            self._fill()
        elif "labels" in changed.kinds:
            self._show_labels(changed)
        for feature in self.features:
            if changed.kinds & feature.hears:
                feature.follow(changed)
        if state.current is not None and state.crop is None:
            self._choose_neighbour(state.current)
        elif changed.kinds & _LISTED or concerns(changed, state.current):
            self._show_current()
        if changed.kinds & {"micrographs", "specimens"}:
            self._show_title()

    def _show_labels(self, changed: Changed) -> None:
        page = self._page
        catalogue = self.state.catalogue
        with QSignalBlocker(page.crop_grid):
            followed = follow_labels(
                page.crop_grid,
                catalogue,
                self.state.ordering,
                self.state.filter,
                changed.crop_ids,
            )
        if not followed:
            self._show_rows()
        elif self.state.filter.label != "any":
            self._take_selection()
            self._count_grid()
        page.micrograph_list.change_rows(catalogue.micrograph_rows_of(changed.crop_ids))
        page.class_bar.set_counts(catalogue.counts())

    def _choose_neighbour(self, gone: int) -> None:
        ids = self._page.crop_grid.ids()
        last = ids[-1] if ids else None
        self.choose(next((crop_id for crop_id in ids if crop_id > gone), last))

    def _fill(self) -> None:
        page = self._page
        catalogue = self.state.catalogue
        page.show_empty(not catalogue.micrographs and not catalogue.crops)
        page.set_classes(catalogue.classes, catalogue.known_classes)
        page.set_specimens(catalogue.specimen_entries())
        page.set_micrographs(catalogue.micrograph_entries())
        page.micrograph_list.set_rows(catalogue.micrograph_rows())
        page.class_bar.set_counts(catalogue.counts())
        self.state.set_filter(page.crop_filter())
        self._show_rows()

    def _show_rows(self) -> None:
        state = self.state
        grid = self._page.crop_grid
        with QSignalBlocker(grid):
            grid.set_rows(state.ordering.arrange(state.catalogue.rows(state.filter)))
            grid.choose(state.current)
        self._take_selection()
        self._count_grid()

    def _filter(self, wanted: CropFilter) -> None:
        self._page.set_filter(wanted)
        self._show_rows()
        grid = self._page.crop_grid
        if grid.rows.position(self.state.current or 0) is None:
            self.choose(next(iter(grid.ids()), None))

    def _take_selection(self) -> None:
        before = len(self.state.selection)
        self.state.select(self._page.crop_grid.selected_ids())
        if len(self.state.selection) != before:
            self._count_grid()

    def _count_grid(self) -> None:
        rows = self._page.crop_grid.rows
        total = len(self.state.catalogue.crops)
        self._page.set_grid_count(rows.rowCount(), total, len(self.state.selection))

    # ---- choosing ---------------------------------------------------------------------------

    def _choose_first(self) -> None:
        rows = self._page.crop_grid.rows.rows
        micrographs = self.state.catalogue.micrographs
        unlabelled = (row.crop_id for row in rows if row.label is None)
        if rows:
            self.choose(next(unlabelled, rows[0].crop_id))
        elif micrographs:
            self._choose_micrograph(next(iter(micrographs)))
        else:
            self._show_current()

    def _choose_in_grid(self, crop_id: int | None, also: Sequence[int]) -> None:
        self._page.crop_grid.choose(crop_id, also=also)

    def _choose_micrograph(self, micrograph_id: int) -> None:
        listed = [
            crop
            for crop in self.state.catalogue.crops_of(micrograph_id)
            if self._page.crop_grid.rows.position(crop.id) is not None
        ]
        if listed:
            self.choose(next((c.id for c in listed if c.label is None), listed[0].id))
        else:
            self.state.show_micrograph(micrograph_id)

    def _mark_micrograph(self) -> None:
        micrograph = self.state.micrograph
        self._page.micrograph_list.choose(micrograph.id if micrograph is not None else None)

    def _show_current(self, _crop_id: object = None) -> None:
        page = self._page
        crop = self.state.crop
        if crop is None:
            page.class_bar.set_current(None)
            page.set_details("", "", "")
            return
        page.class_bar.set_current(crop.label)
        log = self.state.project.label_log(crop.id)
        marks = self.state.catalogue.marks
        page.set_details(marks.name(crop.label), size_text(crop), history_text(log, marks))

    def _show_title(self) -> None:
        self._page.set_title(*self._stage.title())

    # ---- images and properties ------------------------------------------------------------

    def _small_micrograph(self, micrograph_id: int) -> QImage | None:
        micrograph = self.state.catalogue.micrographs.get(micrograph_id)
        if micrograph:
            return self._services.micrograph_images.thumbnail(micrograph)
        return None

    def _delete_chosen_micrographs(self) -> None:
        self.delete_micrographs(self._page.micrograph_list.selected_ids())

    def _ask_chosen_properties(self) -> None:
        chosen = self._page.micrograph_list.selected_ids()
        if chosen:
            self._page.properties_requested.emit(chosen)

    def _ask_properties(self, micrograph_id: int) -> None:
        chosen = self._page.micrograph_list.selected_ids()
        self._page.properties_requested.emit(chosen if micrograph_id in chosen else [micrograph_id])

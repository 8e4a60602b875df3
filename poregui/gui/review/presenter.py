"""Join the review page to session and runs: choices become lists, labels become edits, edits become numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, SignalInstance
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.dataset import Part
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.messages import messages
from poregui.gui.review.closeup import CloseUp, Shown, seen_crop
from poregui.gui.review.compare_presenter import ComparePresenter
from poregui.gui.review.crops_presenter import CropsPresenter
from poregui.gui.review.curves_presenter import CurvesPresenter
from poregui.gui.review.grid_heat import GridHeat
from poregui.gui.review.headline_presenter import HeadlinePresenter
from poregui.gui.review.numbers_presenter import NumbersPresenter
from poregui.gui.review.page import COMPARE, CROPS, CURVES, NUMBERS, SUSPECTS, ReviewPage
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings, following
from poregui.gui.review.run_choice import RunChoice
from poregui.gui.review.run_desk import RunDesk
from poregui.gui.review.suspects_presenter import SuspectsPresenter
from poregui.gui.review.taking_away import TakingAway
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.widgets.crop_grid import CropGrid
from poregui.gui.widgets.matrix_drawing import EVERYTHING, Cell
from poregui.store.run_folder import RunFolder
from poregui.workflow.changes import label_crops
from poregui.workflow.edits import Edit
from poregui.workflow.evaluate import RunReview
from poregui.workflow.side_edits import SetRemark


class ReviewPresenter(QObject):
    """Know page and session; `attach` fills the page and follows the session, `detach` ends that.

    What changes while the page is out of sight is caught up with when it comes into view.
    """

    def __init__(self, page: ReviewPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._session = session
        self._services = services
        self._desk = RunDesk(session, services, self)
        around = Surroundings(page, self._desk, session, services, self)
        self._close_up = CloseUp(page.detail, session, services, self)
        self._runs = RunChoice(around)
        self._head = HeadlinePresenter(around)
        self._crops, self._suspects = CropsPresenter(around), SuspectsPresenter(around)
        self._numbers = NumbersPresenter(around)
        self._compare, self._curves = ComparePresenter(around), CurvesPresenter(around)
        self._panels: dict[str, PanelPresenter] = {
            CROPS: self._crops,
            NUMBERS: self._numbers,
            CURVES: self._curves,
            SUSPECTS: self._suspects,
            COMPARE: self._compare,
        }
        self._grid_heat = GridHeat(around, self._thumbnail)
        self._taking = TakingAway(around)
        self._current: int | None = None
        self._quiet = False
        self._missed: list[Changed] = []
        self._links: list[tuple[SignalInstance, Callable]] = []
        self._keys: dict[str, Callable[[], object]] = {
            "not_a_pore": lambda: self.label(NOT_A_PORE),
            "unsure": lambda: self.label(UNSURE),
            "clear": lambda: self.label(None),
            "undo": lambda: self._step_in_history(session.undo, "There is nothing to undo."),
            "redo": lambda: self._step_in_history(session.redo, "There is nothing to redo."),
            "next": lambda: self.step(1),
            "previous": lambda: self.step(-1),
            "delete": lambda: messages().note("Crops are deleted on the Label page."),
        }

    # ---- life ----------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Fill the page and follow the session."""
        self._page.detail.set_writable(not self._session.project.read_only)
        self._links = [*self._links_of_project(), *self._links_of_page()]
        for grid in (*self._page.grids, self._page.detail.alike_grid):
            own = grid in self._page.grids
            grid.set_pictures(self._grid_heat.image if own else self._thumbnail)
            self._links.append((self._services.thumbnails.ready, grid.picture_ready))
            if own:
                self._links.append((grid.chosen, self._choose))
        for panel in self._panels.values():
            self._links.append((panel.listed, self._show_list))
        for signal, slot in self._links:
            signal.connect(slot)
        self._follow(Changed(frozenset({"runs"})))

    def _links_of_project(self) -> list[tuple[SignalInstance, Callable]]:
        images, desk, close_up = self._services.micrograph_images, self._desk, self._close_up
        return [
            (self._session.changed, self._follow),
            (images.loaded, close_up.micrograph_loaded),
            (images.failed, close_up.micrograph_failed),
            (self._runs.opening, self._opening),
            (self._runs.offered, lambda: self._compare.set_runs(self._runs.entries, self._runs.runs)),
            (desk.closed, self._forget),
            (desk.opened, self._opened),
            (desk.failed, self._not_opened),
            (desk.followed, self._followed),
            (desk.classes_changed, self._show_classes),
            (desk.remarks_changed, self._remarks_changed),
            (self._compare.other_changed, self._curves.set_other),
            (self._numbers.group_chosen, self._show_group),
        ]

    def _links_of_page(self) -> list[tuple[SignalInstance, Callable]]:
        page, detail = self._page, self._page.detail
        return [
            (page.shown, self._catch_up),
            (page.run_chosen, self.show_run),
            (page.part_chosen, self.show_part),
            (page.cells_chosen, self.show_cells),
            (page.panel_chosen, lambda _title: self._show_list()),
            (page.uncounted_requested, lambda: self.show_cells(None)),
            (page.key_pressed, self.press),
            (detail.heat_changed, self._close_up.show_heat),
            (detail.label_requested, self.label),
            (detail.show_requested, self._show_in_label),
            (detail.reviewed_changed, self._mark),
            (detail.note_changed, self._note),
            (detail.more_chosen, lambda _title: self._close_up.show_more()),
            (detail.alike_grid.doubleClicked, self._show_alike),
            (page.crops.grid_heat_changed, self._grid_heat.switch),
            (page.column.export_requested, self._taking.take),
        ]

    def detach(self) -> None:
        """Stop following the session and the page, and leave the page empty."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []
        self._desk.close()
        self._forget()
        for panel in self._panels.values():
            panel.detach()
        for grid in (*self._page.grids, self._page.detail.alike_grid):
            grid.set_pictures(lambda _crop: None)
        self._page.run_picker.set_runs(())
        self._page.show_empty(True)

    # ---- runs ----------------------------------------------------------------------------------------------------

    def show_run(self, number: int) -> None:
        """Show a run, or say why it has nothing to show."""
        self._runs.show(number)

    def _opening(self, run: RunFolder) -> None:
        self._close_up.set_run(run)
        self._grid_heat.set_run(run)

    def _opened(self) -> None:
        self._show_classes()
        self._page.show_sentence("")
        self._head.opened()
        self._crops.choose((EVERYTHING,))
        self._show_list()

    def _not_opened(self, error: PoreguiError) -> None:
        self._page.show_sentence(str(error), offer_training=True)

    def _forget(self) -> None:
        """Show no run."""
        self._current = None
        for panel in self._panels.values():
            panel.reset()
        self._close_up.show(None)
        self._close_up.set_run(None)
        self._grid_heat.set_run(None)

    # ---- what a person wants -------------------------------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """Return the id of the chosen crop."""
        return self._current

    @property
    def review(self) -> RunReview | None:
        """Return the run beside the labels as they are now, None while there is none."""
        return self._desk.review

    def show_part(self, part: Part) -> None:
        """Show the numbers and crops of one part."""
        self._desk.set_part(part)
        self._head.show()
        for panel in self._panels.values():
            panel.stale = True
        self._current = None
        self._show_list()

    def show_cells(self, cells: Collection[Cell] | None) -> None:
        """List the crops of cells, the worst first; None lists those that do not count."""
        self._page.show_panel(CROPS)
        self._crops.choose(cells)
        self._current = None
        self._show_list()
        self._page.to_list()

    def _show_group(self, name: str, crop_ids: NDArray[np.int64]) -> None:
        self._crops.choose_group(name, crop_ids)
        self._current = None
        self._page.show_panel(CROPS)
        self._show_list()
        self._page.to_list()

    def press(self, meant: str) -> None:
        """Do what a key means (`class_1`... `undo`, `next`; see label/keys.py)."""
        if meant.startswith("class_"):
            wanted = meant.removeprefix("class_")
            label = next((c.id for c in self._session.project.classes() if c.key == wanted), None)
            if label is None:
                messages().note(f"There is no class with the key {wanted}.")
            else:
                self.label(label)
        elif meant in self._keys:
            self._keys[meant]()

    def label(self, label: int | None) -> None:
        """Label the selected crops, all in one step, and go on to the next crop of the list."""
        ids, project = self._chosen_ids(), self._session.project
        there = list(project.labels_of(ids))
        if not there:
            messages().note("This crop was deleted; undo brings it back." if ids else "No crop is chosen.")
            return
        edit = label_crops(project, there, label, who=self._session.who, how="review")
        self._apply(edit if edit.changes else None, following(self._grid, ids, self._current))

    def _apply(self, edit: Edit | None, then: int | None) -> None:
        """Do an edit and choose the crop that comes then; None only goes on."""
        before, self._current = self._current, then
        try:
            self._session.project.check_writable()
            if edit is not None:
                self._session.apply(edit)
                self._catch_up()
            self._show_list()
        except PoreguiError as error:
            self._current = before
            if before is not None:
                self._close_up.show_remark(before, self._desk.remark(before))
            messages().error(error)

    def _mark(self, reviewed: bool) -> None:
        if self._current is not None:
            before = self._desk.remark(self._current)
            self._apply(SetRemark(self._current, before, replace(before, reviewed=reviewed)), self._current)

    def _note(self, crop_id: int, note: str) -> None:
        before = self._desk.remark(crop_id)
        if before.note != note:
            self._apply(SetRemark(crop_id, before, replace(before, note=note)), self._current)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) crop of the list."""
        if self._grid.step(by) is None and self._grid.rows.rowCount():
            messages().note("This is the last crop." if by > 0 else "This is the first crop.")

    def choose(self, crop_id: int) -> None:
        """Choose a crop of the run; where the list does not hold it, its cell is shown."""
        if self._grid.rows.place(crop_id) is None and crop_id in self._desk.judged:
            judged = self._desk.judged[crop_id]
            self._desk.set_part(judged.part)
            self._head.show()
            self.show_cells((Cell(judged.truth, judged.prediction.index),) if judged.truth is not None else None)
        self._grid.choose(crop_id)

    def _step_in_history(self, step: Callable[[], Changed | None], nothing: str) -> None:
        try:
            changed = step()
        except PoreguiError as error:
            messages().error(error)
            return
        if changed is None:
            messages().note(nothing)
            return
        self._catch_up()
        concerned = [crop_id for crop_id in changed.crop_ids if crop_id in self._desk.judged]
        if concerned:
            self.choose(concerned[0])

    def _show_in_label(self) -> None:
        if self._current is not None and self._session.project.labels_of([self._current]):
            self._page.show_in_label_requested.emit(self._current)

    def _show_alike(self) -> None:
        crop_id = self._page.detail.alike_grid.current_id()
        if crop_id is not None and self._session.project.labels_of([crop_id]):
            self._page.show_in_label_requested.emit(crop_id)

    def _chosen_ids(self) -> list[int]:
        selected = self._grid.selected_ids()
        if len(selected) > 1 and self._current in selected:
            return selected
        return [self._current] if self._current is not None else []

    # ---- following -----------------------------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        self._missed.append(changed)
        if self._page.isVisible():
            self._catch_up()

    def _catch_up(self) -> None:
        """Bring the page to what has changed since it was last looked at."""
        missed, self._missed = self._missed, []
        kinds = frozenset[str]().union(*(change.kinds for change in missed))
        if kinds & {"runs", "run_marks"}:
            self._runs.read()
        if "micrographs" in kinds:
            self._close_up.forget_micrograph()
        self._desk.follow(missed)
        self._head.look()

    def _followed(self, crop_ids: frozenset[int]) -> None:
        self._head.show()
        for panel in self._panels.values():
            panel.follow(crop_ids)
        self._show_list()

    def _remarks_changed(self, _crop_ids: Collection[int]) -> None:
        for panel in (self._crops, self._suspects):
            panel.stale = True
        self._show_list()

    def _show_classes(self) -> None:
        reviewed = self._desk.review
        if reviewed is not None:
            known, active = self._session.project.classes(retired=True), self._session.project.classes()
            self._close_up.set_review(reviewed, known, active)
            self._page.set_classes(reviewed.classes, reviewed.class_ids, known)

    # ---- lists ---------------------------------------------------------------------------------------------------

    @property
    def _panel(self) -> PanelPresenter:
        return self._panels[self._page.panels.current]

    @property
    def _grid(self) -> CropGrid:
        return self._panel.grid or self._page.prediction_list

    def _show_list(self) -> None:
        """Fill the panel that is seen; the current crop stays chosen where it is listed, else the first one is."""
        if self._desk.run is None:
            return
        self._quiet = True
        self._panel.refresh()
        grid = self._panel.grid
        if grid is not None:
            wanted = self._current
            if self._panel is self._suspects and self._suspects.next_wanted is not None:
                wanted, self._suspects.next_wanted = self._suspects.next_wanted, None
            listed = grid.rows.rows
            first = listed[0].crop_id if listed else None
            grid.choose(wanted if wanted is not None and grid.rows.place(wanted) is not None else first)
        self._quiet = False
        if grid is not None:
            self._choose(grid.current_id())

    def _choose(self, crop_id: int | None) -> None:
        if self._quiet:
            return
        self._current = crop_id
        if self._panel is self._suspects:
            self._suspects.chosen(crop_id)
        project, judged = self._session.project, self._desk.judged.get(crop_id or 0)
        there = crop_id is not None and bool(project.labels_of([crop_id]))
        run, crop = self._desk.run, project.crop(crop_id) if there and crop_id is not None else None
        if run is None or crop_id is None or (judged is None and crop is None):
            self._close_up.show(None)
            return
        self._close_up.show(Shown(crop_id, judged, run.frozen.get(crop_id), crop))
        self._close_up.show_remark(crop_id, self._desk.remark(crop_id))

    def _thumbnail(self, crop_id: int) -> QImage | None:
        run = self._desk.run
        frozen = run.frozen.get(crop_id) if run is not None else None
        if frozen is None:
            there = self._session.project.labels_of([crop_id])
            return self._services.thumbnails.image(self._session.project.crop(crop_id)) if there else None
        return self._services.thumbnails.image(seen_crop(frozen))

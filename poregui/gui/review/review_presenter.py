"""Join the review page to session and runs: choices become lists, labels become edits, edits become
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.dataset import SplitName
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.feature import Feature
from poregui.gui.base.messages import messages
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import no_image
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.review.closeup import CloseUp, CloseupCrop, seen_crop
from poregui.gui.review.comparison import ComparePresenter
from poregui.gui.review.crops_of_run import CropsPresenter
from poregui.gui.review.heat_maps import GridHeat
from poregui.gui.review.label_issue_queue import LabelIssuesPresenter
from poregui.gui.review.panel_presenter import PanelPresenter, following
from poregui.gui.review.review_export import RunExport
from poregui.gui.review.review_page import COMPARE, CROPS, CURVES, LABEL_ISSUES, NUMBERS, ReviewPage
from poregui.gui.review.review_state import FIRST, ReviewFilter, ReviewState
from poregui.gui.review.run_choice import HeadlinePresenter, RunChoice
from poregui.gui.review.run_curves import CurvesPresenter
from poregui.gui.review.run_numbers import NumbersPresenter
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session, step_in_history
from poregui.store.run_folder import RunFolder
from poregui.workflow.editing.edits import Edit, SetRemark
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.evaluating.evaluate import NO_TRUTH, Predictions


class ReviewPresenter(Feature):
    """Know page and session; `attach` fills the page and follows the session, `detach` ends that.

    What changes while the page is out of sight is caught up with when it comes into view.
    """

    def __init__(self, page: ReviewPage, session: Session, services: Services) -> None:
        super().__init__(page)
        background = services.background
        self._page = page
        self._session = session
        self._services = services
        self._missed: list[Changed] = []
        self.state = state = ReviewState(session, background, self)
        self._runs = RunChoice(page.run_picker, state)
        self._head = HeadlinePresenter(page.column, state)
        self._close_up = CloseUp(page.detail, state, services)
        self._crops = CropsPresenter(page.crops, state)
        self._label_issues = LabelIssuesPresenter(page.label_issues, state, background)
        self._numbers = NumbersPresenter(page.numbers, state, background)
        self._compare = ComparePresenter(page.compare, state, background)
        self._curves = CurvesPresenter(page.curves, state, background)
        self._panels: dict[str, PanelPresenter] = {
            CROPS: self._crops,
            NUMBERS: self._numbers,
            CURVES: self._curves,
            LABEL_ISSUES: self._label_issues,
            COMPARE: self._compare,
        }
        switch = page.crops.grid_heat_button
        self._grid_heat = GridHeat(switch, page.grids, state, background, self._thumbnail)
        self._export = RunExport(page.column, state, background)
        self._keys: dict[str, Callable[[], object]] = {
            "not_a_pore": partial(self.label, NOT_A_PORE),
            "unsure": partial(self.label, UNSURE),
            "clear": partial(self.label, None),
            "undo": partial(self._step_in_history, session.undo, "Nothing to undo."),
            "redo": partial(self._step_in_history, session.redo, "Nothing to redo."),
            "next": partial(self.step, 1),
            "previous": partial(self.step, -1),
            "delete": partial(messages().note, "Crops can be deleted on the Label page."),
        }

    # ---- life -------------------------------------------------------------------------------

    def attach(self) -> None:
        """Fill the page and follow the session."""
        self._page.detail.set_writable(not self._session.project.read_only)
        self._link_state()
        self._link_page()
        self._link_grids()
        self._follow(Changed(frozenset({"runs"})))

    def _link_state(self) -> None:
        state = self.state
        self.link(self._session.changed, self._follow)
        self.link(self._runs.opening, self._opening)
        self.link(self._runs.offered, self._offer_runs)
        self.link(self._runs.sentence_changed, self._page.show_sentence)
        self.link(state.closed, self._forget)
        self.link(state.opened, self._opened)
        self.link(state.failed, self._not_opened)
        self.link(state.followed, self._followed)
        self.link(state.classes_changed, self._show_classes)
        self.link(state.remarks_changed, self._remarks_changed)
        self.link(state.split_changed, self._split_changed)
        self.link(state.filter_changed, self._filter_changed)
        self.link(state.current_changed, self._show_current)
        self.link(self._compare.other_changed, self._curves.set_other)
        self.link(self._numbers.group_chosen, self._show_group)

    def _link_page(self) -> None:
        page = self._page
        detail = page.detail
        self.link(page.shown, self._catch_up)
        self.link(page.run_chosen, self.show_run)
        self.link(page.split_chosen, self.show_split)
        self.link(page.cells_chosen, self.show_cells)
        self.link(page.panel_chosen, self._panel_chosen)
        self.link(page.uncounted_requested, self._show_uncounted)
        self.link(page.key_pressed, self.press)
        self.link(detail.label_requested, self.label)
        self.link(detail.show_requested, self._show_in_label)
        self.link(detail.reviewed_changed, self._mark)
        self.link(detail.note_changed, self._note)
        self.link(detail.alike_grid.doubleClicked, self._show_alike)

    def _link_grids(self) -> None:
        ready = self._services.thumbnails.ready
        for grid in self._page.grids:
            grid.set_images(self._grid_heat.image)
            self.link(ready, grid.image_ready)
            self.link(grid.chosen, self.state.set_current)
        alike = self._page.detail.alike_grid
        alike.set_images(self._thumbnail)
        self.link(ready, alike.image_ready)
        for panel in self._panels.values():
            self.link(panel.listed, self._show_list)

    def detach(self) -> None:
        """Stop following the session and the page, and leave the page empty."""
        self.state.close()
        super().detach()
        features = (self._runs, self._head, self._close_up, self._grid_heat, self._export)
        for feature in (*features, *self._panels.values()):
            feature.detach()
        for grid in (*self._page.grids, self._page.detail.alike_grid):
            grid.set_images(no_image)
        self._page.run_picker.set_runs(())
        self._page.show_empty(True)

    # ---- runs -------------------------------------------------------------------------------

    def show_run(self, number: int) -> None:
        """Show a run, or say why it has nothing to show."""
        self._runs.show(number)

    def _offer_runs(self) -> None:
        self._page.show_empty(not self._runs.entries)
        self._compare.set_runs(self._runs.entries, self._runs.runs)

    def _opening(self, run: RunFolder) -> None:
        self._close_up.set_run(run)
        self._grid_heat.set_run(run)

    def _opened(self) -> None:
        self._show_classes()
        self._page.show_sentence("")
        if not self._look():
            self._head.show()
        self._crops.choose(ReviewFilter())
        self._show_list()

    def _look(self) -> bool:
        return self._page.isVisible() and self._head.look()

    def _not_opened(self, error: PoreguiError) -> None:
        self._page.show_sentence(str(error), True)

    def _forget(self) -> None:
        """Show no run."""
        self.state.set_current(None)
        for panel in self._panels.values():
            panel.reset()
        self._close_up.show(None)
        self._close_up.set_run(None)
        self._grid_heat.set_run(None)

    # ---- what a person wants ----------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """Return the id of the chosen crop."""
        return self.state.current

    @property
    def predictions(self) -> Predictions | None:
        """Return the run beside the labels as they are now, None while there is none."""
        return self.state.predictions

    def show_split(self, split: SplitName) -> None:
        """Show the numbers and crops of one split."""
        self.state.set_split(split)

    def _split_changed(self) -> None:
        self._head.show()
        for panel in self._panels.values():
            panel.stale = True
        self._show_first()

    def show_cells(self, cells: Collection[Cell] | None) -> None:
        """List the crops of cells, the worst first; None lists those that do not count."""
        if cells is None:
            self._list_crops(ReviewFilter(None))
        else:
            self._list_crops(ReviewFilter(tuple(cells)))

    def _show_uncounted(self) -> None:
        self.show_cells(None)

    def _show_group(self, name: str, crop_ids: tuple[int, ...]) -> None:
        self._list_crops(ReviewFilter((), name, crop_ids))

    def _list_crops(self, chosen: ReviewFilter) -> None:
        self._crops.choose(chosen)
        self._page.show_panel(CROPS)
        self._show_first()
        self._page.to_list()

    def _filter_changed(self) -> None:
        self._crops.stale = True
        self._page.confusion_matrix.set_cells(self.state.filter.cells or (EVERYTHING,))

    def press(self, meaning: str) -> None:
        """Do what a key means: `class_1` and the like, `undo`, `next` (see LabelKeys)."""
        if meaning.startswith("class_"):
            wanted = meaning.removeprefix("class_")
            label = next((c.id for c in self._session.project.classes() if c.key == wanted), None)
            if label is None:
                messages().note(f"No class has the key {wanted}.")
            else:
                self.label(label)
        elif meaning in self._keys:
            self._keys[meaning]()

    def label(self, label: int | None) -> None:
        """Label the selected crops, all in one step, and go on to the next crop of the list."""
        ids = self._chosen_ids()
        project = self._session.project
        existing = list(project.labels_of(ids))
        if not existing:
            if ids:
                messages().note("This crop was deleted. Undo to restore it.")
            else:
                messages().note("No crop is selected.")
            return
        edit = label_crops(project, existing, label, who=self._session.who, how="review")
        after = following(self._grid, ids, self.state.current)
        if edit.changes:
            self._apply(edit, after)
        else:
            self._apply(None, after)

    def _apply(self, edit: Edit | None, after: int | None) -> None:
        """Do an edit and choose the crop that comes after it; None only goes on."""
        state = self.state
        try:
            self._session.project.check_writable()
            state.want(after)
            if edit is not None:
                self._session.apply(edit)
                self._catch_up()
                state.want(after)
            self._show_list()
        except PoreguiError as error:
            state.want(None)
            if state.current is not None:
                self._close_up.show_remark(state.current, state.remark(state.current))
            messages().error(error)

    def _mark(self, reviewed: bool) -> None:
        crop_id = self.state.current
        if crop_id is not None:
            before = self.state.remark(crop_id)
            after = replace(before, reviewed=reviewed)
            self._apply(SetRemark(crop_id, before, after), crop_id)

    def _note(self, crop_id: int, note: str) -> None:
        before = self.state.remark(crop_id)
        if before.note != note:
            after = replace(before, note=note)
            self._apply(SetRemark(crop_id, before, after), self.state.current)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) crop of the list."""
        if self._grid.step(by) is not None or not self._grid.rows.rowCount():
            return
        if by > 0:
            messages().note("This is the last crop.")
        else:
            messages().note("This is the first crop.")

    def choose(self, crop_id: int) -> None:
        """Choose a crop of the run; where the list does not hold it, its cell is shown."""
        row = self.state.row(crop_id)
        predictions = self.state.predictions
        listed = self._grid.rows.position(crop_id) is not None
        if not listed and row is not None and predictions is not None:
            self.state.set_split(predictions.crops[row].split)
            truth = int(predictions.truth[row])
            if truth == NO_TRUTH:
                self.show_cells(None)
            else:
                self.show_cells((Cell(truth, int(predictions.predicted[row])),))
        self._grid.choose(crop_id)

    def _step_in_history(self, step: Callable[[], Changed | None], nothing: str) -> None:
        changed = step_in_history(step, nothing)
        if changed is None:
            return
        self._catch_up()
        for crop_id in changed.crop_ids:
            if self.state.row(crop_id) is not None:
                self.choose(crop_id)
                return

    def _show_in_label(self) -> None:
        self._show_where_it_exists(self.state.current)

    def _show_alike(self) -> None:
        self._show_where_it_exists(self._page.detail.alike_grid.current_id())

    def _show_where_it_exists(self, crop_id: int | None) -> None:
        if crop_id is not None and self._session.project.labels_of([crop_id]):
            self._page.show_in_label_requested.emit(crop_id)

    def _chosen_ids(self) -> list[int]:
        selected = self._grid.selected_ids()
        current = self.state.current
        if current is None:
            return []
        if len(selected) > 1 and current in selected:
            return selected
        return [current]

    # ---- following --------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        self._missed.append(changed)
        if self._page.isVisible():
            self._catch_up()

    def _catch_up(self) -> None:
        """Bring the page to what has changed since it was last looked at."""
        missed = self._missed
        self._missed = []
        kinds = frozenset[str]().union(*(change.kinds for change in missed))
        if kinds & {"runs", "run_marks"}:
            self._runs.read()
        if "micrographs" in kinds:
            self._close_up.forget_micrograph()
        self.state.follow(missed)
        self._look()

    def _followed(self, crop_ids: frozenset[int]) -> None:
        self._head.show()
        for panel in self._panels.values():
            panel.follow(crop_ids)
        self._show_list()

    def _remarks_changed(self) -> None:
        self._crops.stale = True
        self._label_issues.stale = True
        self._show_list()

    def _show_classes(self) -> None:
        predictions = self.state.predictions
        if predictions is not None:
            known = self._session.project.classes(retired=True)
            active = self._session.project.classes()
            self._close_up.set_classes(predictions.classes, known, active)
            self._page.set_classes(predictions.classes, predictions.class_ids, known)

    # ---- lists ------------------------------------------------------------------------------

    @property
    def _panel(self) -> PanelPresenter:
        return self._panels[self._page.panels.current]

    @property
    def _grid(self) -> CropGrid:
        return self._panel.grid or self._page.prediction_list

    def _panel_chosen(self, _title: str) -> None:
        self._show_list()

    def _show_first(self) -> None:
        """Fill the panel that is seen and choose the first crop of its list."""
        self.state.want(FIRST)
        self._show_list()

    def _show_list(self) -> None:
        """Fill the panel that is seen; the current crop stays chosen where it is listed, else the
        first one is.
        """
        if self.state.run is None:
            return
        panel = self._panel
        if panel.grid is None:
            panel.refresh()
            if self.state.wanted == FIRST:
                self.state.set_current(None)
            return
        with QSignalBlocker(panel.grid):
            panel.refresh()
            wanted = self.state.take_wanted()
            listed = panel.grid.rows.rows
            if listed and (wanted is None or panel.grid.rows.position(wanted) is None):
                wanted = listed[0].crop_id
            panel.grid.choose(wanted)
        if not self.state.set_current(panel.grid.current_id()):
            self._show_current()

    def _show_current(self) -> None:
        crop_id = self.state.current
        run = self.state.run
        if crop_id is None or run is None:
            self._close_up.show(None)
            return
        project = self._session.project
        row = self.state.row(crop_id)
        crop = None
        if project.labels_of([crop_id]):
            crop = project.crop(crop_id)
        if row is None and crop is None:
            self._close_up.show(None)
            return
        self._close_up.show(CloseupCrop(crop_id, row, run.frozen.get(crop_id), crop))
        self._close_up.show_remark(crop_id, self.state.remark(crop_id))

    def _thumbnail(self, crop_id: int) -> QImage | None:
        run = self.state.run
        if run is not None and crop_id in run.frozen:
            return self._services.thumbnails.image(seen_crop(run.frozen[crop_id]))
        project = self._session.project
        if project.labels_of([crop_id]):
            return self._services.thumbnails.image(project.crop(crop_id))
        return None

"""Join the review page to session and runs: choices become lists, labels become edits, edits become numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.dataset import DatasetCrop, Part
from poregui.domain.errors import PoreguiError
from poregui.domain.evaluation import Evaluation
from poregui.domain.records import Changed
from poregui.gui.background import TaskHandle
from poregui.gui.messages import messages
from poregui.gui.review.closeup import CloseUp, Shown, seen_crop
from poregui.gui.review.lists import listed, rows_of
from poregui.gui.review.page import ReviewPage
from poregui.gui.review.runs import RunList
from poregui.gui.review.words import Headline, empty_list_words, headline, list_title
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.widgets.confusion_matrix import EVERYTHING, Cell
from poregui.workflow.changes import label_crops
from poregui.workflow.evaluate import Judged, RunAnswers, RunReview, follow, read_answers, review_answers


class ReviewPresenter(QObject):
    """Know page and session; `attach` fills the page and follows the session, `detach` ends that.

    What changes while the page is out of sight is caught up with when it comes into view.
    """

    def __init__(self, page: ReviewPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._session = session
        self._services = services
        self._close_up = CloseUp(page.detail, session, services, self)
        self._runs = RunList(session.project)
        self._newest: int | None = None
        self._shown_run: int | None = None
        self._reading: TaskHandle | None = None
        self._answers: RunAnswers | None = None
        self._review: RunReview | None = None
        self._frozen: dict[int, DatasetCrop] = {}
        self._judged: dict[int, Judged] = {}
        self._evaluation: Evaluation | None = None
        self._part: Part = "test"
        self._cell: Cell | None = EVERYTHING
        """None lists the crops that do not count."""
        self._current: int | None = None
        self._quiet = False
        self._missed: list[Changed] = []
        self._links: list[tuple[object, Callable]] = []
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
        page = self._page
        page.prediction_list.set_pictures(self._thumbnail)
        page.detail.set_writable(not self._session.project.read_only)
        images = self._services.micrograph_images
        self._links = [
            (self._session.changed, self._follow),
            (self._services.thumbnails.ready, page.prediction_list.picture_ready),
            (images.loaded, self._close_up.micrograph_loaded),
            (images.failed, self._close_up.micrograph_failed),
            (page.shown, self._catch_up),
            (page.run_chosen, self.show_run),
            (page.part_chosen, self.show_part),
            (page.cell_chosen, self.show_cell),
            (page.uncounted_requested, self._show_uncounted),
            (page.key_pressed, self.press),
            (page.prediction_list.chosen, self._choose),
            (page.detail.heat_changed, self._close_up.show_heat),
            (page.detail.label_requested, self.label),
            (page.detail.show_requested, self._show_in_label),
        ]
        for signal, slot in self._links:
            signal.connect(slot)
        self._follow(Changed(frozenset({"runs"})))

    def detach(self) -> None:
        """Stop following the session and the page, and leave the page empty."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []
        self._forget()
        self._page.prediction_list.set_pictures(lambda _crop: None)
        self._page.run_picker.set_runs(())
        self._page.show_empty(True)

    # ---- runs ----------------------------------------------------------------------------------------------------

    def show_run(self, number: int) -> None:
        """Show a run, or say why it has nothing to show."""
        if number not in self._runs.runs:
            self._read_runs()
        if number in self._runs.runs:
            self._open(number)

    def _read_runs(self) -> None:
        """Read the list of runs; the page goes on to a new run when it showed the newest one before."""
        followed = self._shown_run is None or self._shown_run == self._newest
        entries = self._runs.read()
        self._page.run_picker.set_runs(entries)
        self._page.show_empty(not entries)
        before, self._newest = self._newest, self._runs.newest()
        if self._shown_run not in self._runs.runs:
            self._shown_run, followed = None, True
        wanted = self._newest if followed else self._shown_run
        if wanted is None:
            self._forget()
        elif wanted != self._shown_run or (self._review is None and self._reading is None):
            self._open(wanted)
        elif self._newest not in (before, self._shown_run):
            messages().note(f"Run {self._newest} has ended. Choose it above the matrix to see its answers.")

    def _open(self, number: int) -> None:
        self._forget()
        self._shown_run = number
        page, run = self._page, self._runs.runs[number]
        page.run_picker.choose(number)
        if not run.predictions_file.exists():
            page.show_sentence(self._runs.why_nothing(number), offer_training=not run.is_running())
            return
        page.show_sentence(f"Reading run {number} …")
        self._close_up.set_run(run)
        self._reading = self._services.background.run(
            f"Reading run {number}", lambda _control: read_answers(run), self._opened, self._not_opened
        )

    def _opened(self, answers: RunAnswers) -> None:
        self._reading = None
        if answers.run != self._shown_run:
            return
        self._answers = answers
        self._frozen = {crop.crop_id: crop for crop in answers.dataset.crops}
        self._missed = [change for change in self._missed if "runs" in change.kinds]
        self._take_review(review_answers(self._session.project, answers))
        there = {j.part for j in self._judged.values()}
        if self._part not in there:
            self._part = "test"
        self._page.set_parts(there, self._part)
        self._show_classes()
        self._page.show_sentence("")
        self._show_numbers()
        self.show_cell(EVERYTHING)

    def _not_opened(self, error: PoreguiError) -> None:
        self._reading = None
        self._page.show_sentence(str(error), offer_training=True)

    def _forget(self) -> None:
        """Show no run."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._answers = self._review = self._evaluation = self._current = self._shown_run = None
        self._frozen, self._judged = {}, {}
        self._cell = EVERYTHING
        self._page.confusion_matrix.set_cell(EVERYTHING)
        self._page.prediction_list.set_rows(())
        self._close_up.show(None)
        self._close_up.set_run(None)

    # ---- what a person wants -------------------------------------------------------------------------------------

    @property
    def current(self) -> int | None:
        """Return the id of the chosen crop."""
        return self._current

    @property
    def review(self) -> RunReview | None:
        """Return the run beside the labels as they are now, None while there is none."""
        return self._review

    def show_part(self, part: Part) -> None:
        """Show the numbers and crops of one part."""
        self._part = part
        self._page.set_parts({j.part for j in self._judged.values()}, part)
        self._show_numbers()
        self.show_cell(self._cell or EVERYTHING)

    def show_cell(self, cell: Cell | None) -> None:
        """List the crops of a cell, the worst first; None lists those that do not count."""
        if self._review is None:
            return
        self._cell = cell
        self._page.confusion_matrix.set_cell(cell or EVERYTHING)
        self._current = None
        self._show_list()

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
        ids = self._chosen_ids()
        there = [crop_id for crop_id in ids if self._judged[crop_id].exists]
        if not there:
            messages().note("This crop was deleted; undo brings it back." if ids else "No crop is chosen.")
            return
        before, self._current = self._current, self._following(ids)
        try:
            self._session.project.check_writable()
            edit = label_crops(self._session.project, there, label, who=self._session.who)
            if edit.changes:
                self._session.apply(edit)
                self._catch_up()
            else:
                self._show_list()
        except PoreguiError as error:
            self._current = before
            messages().error(error)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) crop of the list."""
        grid = self._page.prediction_list
        if grid.step(by) is None and grid.rows.rowCount():
            messages().note("This is the last crop." if by > 0 else "This is the first crop.")

    def choose(self, crop_id: int) -> None:
        """Choose a crop of the run; where the list does not hold it, its cell is shown."""
        if self._page.prediction_list.rows.place(crop_id) is None:
            judged = self._judged[crop_id]
            self._part = judged.part
            self._page.set_parts({j.part for j in self._judged.values()}, self._part)
            self._show_numbers()
            self.show_cell(Cell(judged.truth, judged.prediction.index) if judged.truth is not None else None)
        self._page.prediction_list.choose(crop_id)

    def _step_in_history(self, step: Callable[[], Changed | None], nothing: str) -> None:
        try:
            changed = step()
        except PoreguiError as error:
            messages().error(error)
            return
        if changed is None:
            messages().note(nothing)
            return
        concerned = [crop_id for crop_id in changed.crop_ids if crop_id in self._judged]
        if concerned:
            self.choose(concerned[0])

    def _show_uncounted(self) -> None:
        self.show_cell(None)
        self._page.prediction_list.setFocus()

    def _show_in_label(self) -> None:
        if self._current is not None and self._judged[self._current].exists:
            self._page.show_in_label_requested.emit(self._current)

    def _chosen_ids(self) -> list[int]:
        selected = self._page.prediction_list.selected_ids()
        if len(selected) > 1 and self._current in selected:
            return selected
        return [self._current] if self._current is not None else []

    def _following(self, ids: Sequence[int]) -> int | None:
        """Return the crop that comes after some of the list, the one before them at its end."""
        rows = self._page.prediction_list.rows
        places = [place for place in map(rows.place, ids) if place is not None]
        if not places:
            return None
        gone = set(ids)
        after = (row.crop_id for row in rows.rows[max(places) + 1 :] if row.crop_id not in gone)
        before = (row.crop_id for row in reversed(rows.rows[: min(places)]))
        return next(after, next(before, self._current))

    # ---- following -----------------------------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        self._missed.append(changed)
        if self._page.isVisible():
            self._catch_up()

    def _catch_up(self) -> None:
        """Bring the page to what has changed since it was last looked at."""
        missed, self._missed = self._missed, []
        kinds = frozenset[str]().union(*(change.kinds for change in missed))
        if "runs" in kinds:
            self._read_runs()
        if "micrographs" in kinds:
            self._close_up.forget_micrograph()
        labels = [change for change in missed if change.kinds & {"labels", "crops", "classes", "micrographs"}]
        if self._review is None or self._answers is None or not labels:
            return
        if "classes" in kinds:
            self._take_review(review_answers(self._session.project, self._answers))
            self._show_classes()
        else:
            named = all(change.crop_ids for change in labels)
            ids = {i for change in labels for i in change.crop_ids} if named else set()
            if named and ids.isdisjoint(self._judged):
                return
            self._take_review(follow(self._review, self._session.project, ids))
        self._show_numbers()
        self._show_list()

    def _take_review(self, reviewed: RunReview) -> None:
        self._review = reviewed
        self._judged = {j.crop_id: j for j in reviewed.judged}

    def _show_classes(self) -> None:
        if self._review is None:
            return
        known, active = self._session.project.classes(retired=True), self._session.project.classes()
        self._close_up.set_review(self._review, known, active)
        self._page.set_classes(self._review.classes, self._review.class_ids, known)

    def _show_numbers(self) -> None:
        if self._review is None or self._answers is None:
            return
        self._evaluation = self._review.evaluation(self._part)
        said: Headline = headline(self._review, self._evaluation, self._part)
        self._page.set_headline(said, self._answers.dataset.warnings if self._part == "test" else ())
        known = self._session.project.classes(retired=True)
        self._page.set_numbers(self._evaluation, self._review.class_ids, known)

    # ---- lists ---------------------------------------------------------------------------------------------------

    def _show_list(self) -> None:
        """List the crops of the chosen cell; the current crop stays chosen, else the first one is."""
        if self._review is None or self._evaluation is None:
            return
        found = listed(self._review, self._part, self._cell)
        lost = [j.crop_id for j in found if j.truth is None]
        labels = self._session.project.labels_of(lost) if lost else {}
        grid = self._page.prediction_list
        self._quiet = True
        grid.set_rows(rows_of(self._review, found, labels))
        first = found[0].crop_id if found else None
        current = self._current if grid.rows.place(self._current or 0) is not None else first
        grid.choose(current)
        self._quiet = False
        self._say_list(self._review, self._evaluation, len(found))
        self._choose(current)

    def _say_list(self, reviewed: RunReview, evaluation: Evaluation, count: int) -> None:
        cell = self._cell
        errors = evaluation.n - int(evaluation.matrix.trace())
        uncounted = sum(j.part == self._part for j in reviewed.judged) - evaluation.n
        title = f"Not counted · {count}" if cell is None else list_title(reviewed.classes, cell, count)
        nothing = "" if count else "Every crop of this part counts." if cell is None else empty_list_words(cell)
        self._page.set_list_words(title, errors=errors, uncounted=uncounted, shown=cell, nothing=nothing)

    def _choose(self, crop_id: int | None) -> None:
        if self._quiet:
            return
        self._current = crop_id
        judged = self._judged.get(crop_id) if crop_id is not None else None
        if judged is None:
            self._close_up.show(None)
            return
        crop = self._session.project.crop(judged.crop_id) if judged.exists else None
        self._close_up.show(Shown(judged, self._frozen[judged.crop_id], crop))

    def _thumbnail(self, crop_id: int) -> QImage | None:
        frozen = self._frozen.get(crop_id)
        return self._services.thumbnails.image(seen_crop(frozen)) if frozen is not None else None

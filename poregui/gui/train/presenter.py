"""Join the train page to session and trainer: what is trained on, the run that goes on, the runs that were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer

from poregui.domain.dataset import Part
from poregui.domain.errors import PoreguiError
from poregui.domain.events import BatchEnded, EpochEnded, Event, Failed, Finished, Interrupted
from poregui.domain.recipe import Recipe
from poregui.domain.records import Changed
from poregui.gui.messages import messages
from poregui.gui.models.curves import Curves
from poregui.gui.models.run_table import DAMAGED, WAITING, RunRow, read_row
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.train import preview
from poregui.gui.train.log_dialog import LogDialog
from poregui.gui.train.page import TrainPage
from poregui.gui.train.side_flow import ask_test_side, can_choose
from poregui.gui.train.waiting import waiting_headline, waiting_rows
from poregui.gui.train.words import damaged_headline, headline, split_sentence
from poregui.gui.widgets.class_marks import ClassMarks
from poregui.gui.widgets.split_bars import SplitBar
from poregui.store.run_folder import RunFolder
from poregui.workflow.freeze import DatasetSummary, summarise
from poregui.workflow.orders import Order, check_order, orders_for

_SETTLE_MS = 250
"""Time after a change in which more changes are awaited before the data are counted again."""
_PARTS: tuple[tuple[Part, str], ...] = (("train", "Training"), ("validation", "Validation"), ("test", "Test, unseen"))


class TrainPresenter(QObject):
    """Know page, session and trainer; `attach` fills the page and follows both, `detach` ends that."""

    def __init__(self, page: TrainPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._session = session
        self._background = services.background
        self._trainer = services.trainer
        self._live: Curves | None = None
        self._live_run = self._last_live = 0
        self._shown = 0
        self._can_train = False
        self._stopping = False
        self._stale = True
        self._attached = False
        self._rows: dict[int, RunRow] = {}
        self._previewed: object = None
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._refresh_if_visible)

    def attach(self) -> None:
        """Fill the page and follow session and trainer."""
        self._attached = True
        for signal, slot in self._connections():
            signal.connect(slot)
        if self._trainer.running and self._trainer.run_folder is not None:
            self._begin(self._trainer.run_folder)
        self._show_running()
        self._refresh_runs()
        self._refresh_if_visible()

    def detach(self) -> None:
        """Follow nothing any more and leave the page empty."""
        self._attached = False
        self._settle.stop()
        for signal, slot in self._connections():
            signal.disconnect(slot)
        self._page.clear()

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        page, trainer = self._page, self._trainer
        return (
            (self._session.changed, self._changed),
            (trainer.started, self._begin),
            (trainer.told, self._take),
            (trainer.finished, self._finish),
            (page.shown, self._refresh_if_visible),
            (page.train_requested, self.train),
            (page.stop_requested, self.stop),
            (page.cancel_requested, self.cancel),
            (page.resume_requested, self._resume),
            (page.log_requested, self._show_log),
            (page.remove_requested, self._remove),
            (trainer.queue.changed, self._queue_changed),
            (trainer.queue.refused, self._say_refused),
            (page.run_chosen, self._show_run),
            (page.recipe_changed, self._recipe_changed),
            (page.test_side_requested, self._choose_test_side),
        )

    # ---- gestures ------------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Start a training with the recipe of the form, or let it wait for its turn."""
        page, idle = self._page, not self._trainer.running
        box = page.cross_validation
        orders = orders_for(page.recipe_form.recipe(), box.folds, compare=box.compares)
        try:
            for order in orders:
                check_order(self._session.project, order)
            for order in orders:
                self._trainer.submit(order)
            self._shown = 0 if idle else self._shown
        except PoreguiError as error:
            messages().error(error)
        self._show_running()

    def stop(self) -> None:
        """Let the training end soon with its best weights."""
        self._stopping = True
        self._trainer.stop()
        self._show_running()

    def cancel(self) -> None:
        """Give the training up; asks first when something was learned already."""
        learned = self._live is not None and self._live.epochs
        question = "What the network has learned in this run is thrown away. Stop and keep best would keep it."
        if not learned or messages().ask("Give this training up?", question, "Give up"):
            self._trainer.cancel()

    def _resume(self, number: int) -> None:
        run = self._folder(number)
        if run is None:
            return
        try:
            self._trainer.resume(run)
        except PoreguiError as error:
            messages().error(error)
        self._show_running()

    def _show_log(self, number: int) -> None:
        run = self._folder(number)
        if run is not None:
            LogDialog(run.log_file, self._page.window()).show()

    def _choose_test_side(self) -> None:
        summary = summarise(self._session.project, self._page.recipe_form.recipe())
        ask_test_side(self._session, summary, self._page.window())

    def _recipe_changed(self, recipe: Recipe) -> None:
        self._stale = True
        self._settle.start()

    def _remove(self, number: int) -> None:
        self._trainer.queue.remove(-number)

    def _queue_changed(self) -> None:
        if self._shown < 0 and -self._shown not in self._trainer.queue.orders:
            self._shown = self._live_run or max(self._rows, default=0)
            self._show_run(self._shown)
        self._put_rows()
        self._offer()

    def _put_rows(self) -> None:
        self._page.run_table.set_rows([*self._rows.values(), *waiting_rows(self._trainer.queue.orders)])
        self._page.run_table.choose(self._shown)

    def _say_refused(self, order: Order, error: PoreguiError) -> None:
        messages().error(PoreguiError(f"A run that waited ({order.text}) could not begin: {error.what}", error.remedy))

    # ---- the trainer tells ---------------------------------------------------------------------------------------

    def _begin(self, run: RunFolder) -> None:
        self._live_run = run.number
        self._live = Curves().take_all(run.events())
        self._live.final = None
        self._stopping = False
        self._rows.pop(run.number, None)
        if self._shown in (0, self._last_live):  # a run that waited takes nobody away from another one
            self._shown = run.number
        if self._shown == run.number:
            self._page.show_run(self._live, headline(run.number, self._live))
        self._say_empty()
        self._offer()
        self._show_running()
        self._refresh_runs()

    def _take(self, event: Event) -> None:
        if self._live is None:
            return
        self._live.take(event)
        if isinstance(event, EpochEnded) and self._live_run in self._rows:
            row = replace(self._rows[self._live_run], epochs=event.epoch, best=event.best_epoch)
            self._rows[self._live_run] = row
            self._put_rows()
        if self._shown == self._live_run:
            self._page.touch()
            if not isinstance(event, BatchEnded):
                self._page.set_headline(headline(self._live_run, self._live))

    def _finish(self, final: Event) -> None:
        number, curves = self._live_run, self._live
        self._live, self._live_run, self._stopping = None, 0, False
        self._last_live = number
        self._rows.pop(number, None)
        if curves is None:
            if isinstance(final, Failed):
                messages().error(PoreguiError(final.what, final.remedy))
        else:
            curves.take(final)
            if not self._page.isVisible():
                messages().note(headline(number, curves).text)
            if self._shown == number:
                self._page.show_run(curves, headline(number, curves))
        self._show_running()
        self._offer()
        self._refresh_runs()

    def _show_running(self) -> None:
        writable = not self._session.project.read_only
        can_train = self._can_train and writable
        self._page.set_running(self._trainer.running, can_train=can_train, stopping=self._stopping)

    # ---- what is trained on --------------------------------------------------------------------------------------

    def _changed(self, changed: Changed) -> None:
        if changed.kinds & {"classes", "specimens", "micrographs", "crops", "labels", "test_side"}:
            self._stale = True
            self._settle.start()
        if "runs" in changed.kinds:
            self._refresh_runs()

    def _refresh_if_visible(self) -> None:
        if not self._stale or not self._page.isVisible():
            return
        self._stale = False
        recipe = self._page.recipe_form.recipe()
        summary = summarise(self._session.project, recipe)
        self._can_train = summary.problem is None
        self._show_summary(summary)
        self._show_running()
        if self._can_train and not self._session.project.read_only:
            self._trainer.keep_ready()
        self._refresh_preview(recipe, summary)

    def _marks(self) -> ClassMarks:
        return ClassMarks(self._session.project.classes(retired=True))

    def _show_summary(self, summary: DatasetSummary) -> None:
        bars: list[SplitBar] = []
        for part, name in _PARTS:
            if part not in summary.counts:
                continue
            shown = name if summary.kind else "Labelled"
            bars.append(SplitBar(shown, summary.counts[part], heading=True))
            bars += [SplitBar(row.name, row.counts) for row in summary.groups if row.part == part]
        labels = summary.class_ids
        self._page.split_bars.set_bars(bars, labels, self._marks())
        problem = summary.problem
        self._page.test_side_button.setVisible(can_choose(summary) and not self._session.project.read_only)
        self._page.set_data(split_sentence(summary), summary.warnings, str(problem) if problem else "")

    def _refresh_preview(self, recipe: Recipe, summary: DatasetSummary) -> None:
        project = self._session.project
        crops = preview.choose(project.crops(), summary.class_ids)
        wanted = (recipe.preset, recipe.input_size, tuple((c.id, c.pixels, c.label) for c in crops))
        if wanted == self._previewed:
            return
        self._previewed = wanted
        marks, pixels = self._marks(), project.pixels

        def show(seen: list[Any]) -> None:
            if self._attached and wanted == self._previewed:
                self._page.crop_preview.set_crops(seen, marks)
                self._page.set_preview_title(preview.title(recipe) if seen else "")

        self._background.run("Preview", lambda control: preview.seen_by(recipe, crops, pixels), show)

    # ---- the runs ------------------------------------------------------------------------------------------------

    def _folder(self, number: int) -> RunFolder | None:
        return next((run for run in self._session.project.runs() if run.number == number), None)

    def _refresh_runs(self) -> None:
        runs = self._session.project.runs()
        known, live = dict(self._rows), self._live_run

        def read() -> dict[int, RunRow]:
            ended = ("finished", "stopped", "cancelled", "failed")
            kept = {n: row for n, row in known.items() if row.state in ended and n != live}
            return {run.number: kept.get(run.number) or read_row(run) for run in runs}

        self._background.run("Reading the runs", lambda control: read(), self._show_rows)

    def _show_rows(self, rows: dict[int, RunRow]) -> None:
        if not self._attached:
            return
        if self._live_run in rows:  # its folder says so only once the child holds the lock
            rows[self._live_run] = replace(rows[self._live_run], state="running")
        damaged = {number: row.problem for number, row in rows.items() if row.problem}
        news = damaged != {number: row.problem for number, row in self._rows.items() if row.problem}
        self._rows = rows
        if not self._shown and rows:
            self._show_run(max(rows))
        self._put_rows()
        self._say_empty()
        self._offer()
        if news:
            self._session.announce(Changed(frozenset({"run_marks"})))

    def _say_empty(self) -> None:
        if self._shown < 0 or (self._shown == self._live_run and self._live is not None):
            text = "The curves begin with the first batch."
        else:
            text = (
                "This run ended before its first batch." if self._rows else "No run yet. Label crops, then press Train."
            )
        self._page.plots.set_empty_text(text)

    def _show_run(self, number: int) -> None:
        self._shown = number
        curves = Curves() if number < 0 else self._live if number == self._live_run else None
        if curves is not None:
            waits = waiting_headline(self._trainer.queue.orders, -number) if number < 0 else None
            self._page.show_run(curves, waits or headline(number, curves))
            self._say_empty()
            self._offer()
            return
        run = self._folder(number)
        if run is not None:
            self._background.run("Reading a run", lambda control: _read_curves(run), lambda c: self._reopen(number, c))

    def _reopen(self, number: int, curves: Curves) -> None:
        if self._attached and number == self._shown and number != self._live_run:
            problem = self._rows[number].problem if number in self._rows else ""
            self._page.show_run(curves, damaged_headline(problem) if problem else headline(number, curves))
            self._say_empty()
            self._offer()

    def _offer(self) -> None:
        row = self._rows.get(self._shown)
        state = WAITING if self._shown < 0 else row.state if row else ""
        idle = not self._trainer.running and not self._session.project.read_only
        self._page.offer(
            review=state in ("finished", "stopped"),
            resume=row is not None and row.resumable and idle and self._shown != self._live_run,
            log=state in ("failed", "interrupted", DAMAGED),
            remove=state == WAITING,
        )


def _read_curves(run: RunFolder) -> Curves:
    curves = Curves().take_all(run.events())
    curves.final = run.final_event()
    if isinstance(curves.final, Interrupted | Finished):
        curves.stage = ""
    return curves

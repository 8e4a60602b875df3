"""Join the train page to session and trainer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QDialog, QWidget

from poregui.domain.dataset import SplitName
from poregui.domain.errors import PoreguiError
from poregui.domain.events import BatchEnded, EpochEnded, Event, Failed, Finished, Interrupted
from poregui.domain.recipe import Recipe
from poregui.domain.records import Changed
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.test_split_dialog import TestSplitDialog
from poregui.gui.lists.run_table import DAMAGED, WAITING, RunRow, read_row
from poregui.gui.plots.split_bars import SplitBar
from poregui.gui.plots.training_curves import Curves
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.train.train_page import LogDialog, TrainPage
from poregui.gui.train.train_text import (
    TrainingHeadline,
    damaged_headline,
    headline,
    split_sentence,
    waiting_headline,
    waiting_rows,
)
from poregui.gui.widgets.crop_preview import (
    SeenCrop,
    choose_preview,
    preview_crops,
    preview_title,
)
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import read_notes
from poregui.workflow.training.prepare_dataset import DatasetSummary, summarise
from poregui.workflow.training.test_split import choose_test_split, groups, warnings_for
from poregui.workflow.training.training_request import Order, check_order, orders_for


def can_choose(summary: DatasetSummary) -> bool:
    """Tell whether there are specimens, or micrographs, among which the test set can be chosen."""
    return summary.kind not in ("", "given") and len({row.name for row in summary.groups}) > 1


def ask_test_split(session: Session, summary: DatasetSummary, parent: QWidget) -> None:
    """Let a person tick the test specimens; the change is one edit that can be undone."""
    project = session.project
    shown = groups(project, [(row.name, row.split) for row in summary.groups])

    def judge(keys: frozenset[str]) -> tuple[str, ...]:
        return warnings_for(project, choose_test_split(project, keys), shown)

    dialog = TestSplitDialog(shown, [c.name for c in project.classes()], judge, parent)
    try:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        if accepted and dialog.keys != {group.key for group in shown if group.tested}:
            session.apply(choose_test_split(project, dialog.keys))
    except PoreguiError as error:
        messages().error(error)
    finally:
        dialog.deleteLater()


_SETTLE_MS = 250
"""Time after a change in which more changes are awaited before the data are counted again."""
_SPLITS: tuple[tuple[SplitName, str], ...] = (
    ("train", "Training"),
    ("validation", "Validation"),
    ("test", "Test"),
)


class TrainPresenter(QObject):
    """Know page, session and trainer; `attach` fills the page and follows both,
    `detach` ends that.
    """

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
        page = self._page
        trainer = self._trainer
        return (
            (self._session.changed, self._changed),
            (trainer.started, self._begin),
            (trainer.received, self._take),
            (trainer.finished, self._finish),
            (page.shown, self._refresh_if_visible),
            (page.train_requested, self.train),
            (page.stop_requested, self.stop),
            (page.cancel_requested, self.cancel),
            (page.resume_requested, self.resume),
            (page.log_requested, self._show_log),
            (page.remove_requested, self._remove),
            (trainer.queue.changed, self._queue_changed),
            (trainer.queue.refused, self._show_refusal),
            (page.run_chosen, self._show_run),
            (page.recipe_changed, self._recipe_changed),
            (page.test_split_requested, self._choose_test_split),
        )

    # ---- gestures ---------------------------------------------------------------------------

    def train(self) -> None:
        """Start a training with the recipe of the form, or let it wait for its turn."""
        page = self._page
        idle = not self._trainer.running
        box = page.cross_validation
        orders = orders_for(page.recipe_form.recipe(), box.folds, compare=box.compares)
        try:
            for order in orders:
                check_order(self._session.project, order)
            for order in orders:
                self._trainer.submit(order)
            if idle:
                self._shown = 0
        except PoreguiError as error:
            messages().error(error)
        self._show_running()

    def stop(self) -> None:
        """Let the training end soon with its best weights."""
        if not self._trainer.running:
            return
        self._stopping = True
        self._trainer.stop()
        self._show_running()

    def cancel(self) -> None:
        """Discard the training; asks first when something was learned already."""
        if not self._trainer.running:
            return
        learned = self._live is not None and self._live.epochs
        question = (
            "Everything learned in this run is lost. To keep it, use Stop and keep best instead."
        )
        if not learned or messages().ask(
            "Discard training?", question, "Discard training", "Keep training"
        ):
            self._trainer.cancel()

    def resume(self, number: int) -> None:
        """Go on with a run that was interrupted."""
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

    def _choose_test_split(self) -> None:
        summary = summarise(self._session.project, self._page.recipe_form.recipe())
        ask_test_split(self._session, summary, self._page.window())

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
        self._page.run_table.set_rows(
            [*self._rows.values(), *waiting_rows(self._trainer.queue.orders)]
        )
        self._page.run_table.choose(self._shown)

    def _show_refusal(self, order: Order, error: PoreguiError) -> None:
        messages().error(
            PoreguiError(f"A queued run ({order.text}) could not start: {error.what}", error.remedy)
        )

    # ---- the trainer tells ------------------------------------------------------------------

    def _begin(self, run: RunFolder) -> None:
        self._live_run = run.number
        self._live = Curves().take_all(run.events())
        self._live.final = None
        self._stopping = False
        self._rows.pop(run.number, None)
        if self._shown in (
            0,
            self._last_live,
        ):  # a run that waited takes nobody away from another one
            self._shown = run.number
        if self._shown == run.number:
            self._page.show_run(self._live, headline(run.number, self._live))
        self._show_empty_text()
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
        number = self._live_run
        curves = self._live
        self._live = None
        self._live_run = 0
        self._stopping = False
        self._last_live = number
        self._rows.pop(number, None)
        if curves is None:
            if isinstance(final, Failed):
                messages().error(PoreguiError(final.what, final.remedy))
        else:
            curves.take(final)
            if not self._page.isVisible():
                self._tell_ended(number, headline(number, curves).text)
            if self._shown == number:
                self._page.show_run(curves, headline(number, curves))
        self._show_running()
        self._offer()
        self._refresh_runs()

    def _tell_ended(self, number: int, text: str) -> None:
        """Say on another page how a run ended, and lead to it where it has results."""
        run = self._folder(number)
        if run is not None and run.predictions_file.exists():
            review = partial(self._page.review_requested.emit, number)
            messages().note_with_link(text, "Open in Review", review)
        else:
            messages().note(text)

    def _show_running(self) -> None:
        writable = not self._session.project.read_only
        can_train = self._can_train and writable
        self._page.set_running(self._trainer.running, can_train=can_train, stopping=self._stopping)

    # ---- what is trained on -----------------------------------------------------------------

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
        for split, name in _SPLITS:
            if split not in summary.counts:
                continue
            if not summary.kind:
                name = "Labelled"
            bars.append(SplitBar(name, summary.counts[split], heading=True))
            bars += [SplitBar(row.name, row.counts) for row in summary.groups if row.split == split]
        labels = summary.class_ids
        self._page.split_bars.set_bars(bars, labels, self._marks())
        problem = ""
        if summary.problem is not None:
            problem = str(summary.problem)
        self._page.test_split_button.setVisible(
            can_choose(summary) and not self._session.project.read_only
        )
        self._page.set_data(split_sentence(summary), summary.warnings, problem)

    def _refresh_preview(self, recipe: Recipe, summary: DatasetSummary) -> None:
        project = self._session.project
        crops = choose_preview(project.crops(), summary.class_ids)
        wanted = (recipe.preset, recipe.input_size, tuple((c.id, c.pixels, c.label) for c in crops))
        if wanted == self._previewed:
            return
        self._previewed = wanted
        marks = self._marks()
        pixels = project.pixels

        def read(_control: TaskControl) -> list[SeenCrop]:
            return preview_crops(recipe, crops, pixels)

        def show(seen: list[SeenCrop]) -> None:
            if self._attached and wanted == self._previewed:
                title = ""
                if seen:
                    title = preview_title(recipe)
                self._page.crop_preview.set_crops(seen, marks)
                self._page.set_preview_title(title)

        self._background.run("Preview", read, show)

    # ---- the runs ---------------------------------------------------------------------------

    def _folder(self, number: int) -> RunFolder | None:
        return next((run for run in self._session.project.runs() if run.number == number), None)

    def _refresh_runs(self) -> None:
        runs = self._session.project.runs()
        known = dict(self._rows)
        live = self._live_run

        def read(_control: TaskControl) -> dict[int, RunRow]:
            ended = ("finished", "stopped", "cancelled", "failed")
            kept = {n: row for n, row in known.items() if row.state in ended and n != live}
            rows = {run.number: kept.get(run.number) or read_row(run) for run in runs}
            for run in runs:
                rows[run.number] = replace(rows[run.number], name=read_notes(run).name)
            return rows

        self._background.run("Reading runs", read, self._show_rows)

    def _show_rows(self, rows: dict[int, RunRow]) -> None:
        if not self._attached:
            return
        if self._live_run in rows:  # its folder says so only once the child holds the lock
            rows[self._live_run] = replace(rows[self._live_run], state="running")
        damaged = {number: row.problem for number, row in rows.items() if row.problem}
        news = damaged != {number: row.problem for number, row in self._rows.items() if row.problem}
        self._rows = rows
        gone = self._shown > 0 and self._shown != self._live_run and self._shown not in rows
        if gone and not rows:
            self._shown = 0
            self._show_curves(Curves(), TrainingHeadline("", ""))
        elif gone or (not self._shown and rows):
            self._show_run(max(rows))
        self._put_rows()
        self._show_empty_text()
        self._offer()
        if news:
            self._session.announce(Changed(frozenset({"run_marks"})))

    def _show_empty_text(self) -> None:
        if self._shown < 0 or (self._shown == self._live_run and self._live is not None):
            text = "Curves appear after the first batch."
        elif self._rows:
            text = "This run ended before its first batch."
        else:
            text = "No runs yet. Label crops, then press Train."
        self._page.plots.set_empty_text(text)

    def _show_run(self, number: int) -> None:
        self._shown = number
        if number < 0:
            waiting = waiting_headline(self._trainer.queue.orders, -number)
            self._show_curves(Curves(), waiting)
        elif number == self._live_run and self._live is not None:
            self._show_curves(self._live, headline(number, self._live))
        else:
            self._read_run(number)

    def _read_run(self, number: int) -> None:
        run = self._folder(number)
        if run is not None:
            read = partial(_read_curves, run)
            self._background.run("Reading a run", read, partial(self._reopen, number))

    def _show_curves(self, curves: Curves, head: TrainingHeadline) -> None:
        self._page.show_run(curves, head)
        self._show_empty_text()
        self._offer()

    def _reopen(self, number: int, curves: Curves) -> None:
        if self._attached and number == self._shown and number != self._live_run:
            head = headline(number, curves)
            if number in self._rows and self._rows[number].problem:
                head = damaged_headline(self._rows[number].problem)
            self._show_curves(curves, head)

    def _offer(self) -> None:
        row = self._rows.get(self._shown)
        if self._shown < 0:
            state = WAITING
        elif row:
            state = row.state
        else:
            state = ""
        idle = not self._trainer.running and not self._session.project.read_only
        self._page.offer(
            review=state in ("finished", "stopped"),
            resume=row is not None and row.resumable and idle and self._shown != self._live_run,
            log=state in ("failed", "interrupted", DAMAGED),
            remove=state == WAITING,
        )


def _read_curves(run: RunFolder, _control: TaskControl) -> Curves:
    curves = Curves().take_all(run.events())
    curves.final = run.final_event()
    if isinstance(curves.final, Interrupted | Finished):
        curves.stage = ""
    return curves

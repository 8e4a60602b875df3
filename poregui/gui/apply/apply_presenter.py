"""Join the apply page to the session: work in the background, results and report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Plane
from poregui.domain.wording import count
from poregui.gui.apply.applied_results import (
    AND,
    RESULTS,
    ApplyRuns,
    Known,
    find_pores,
    key_of,
    record,
    results_there,
    with_people_of,
)
from poregui.gui.apply.applied_results import results_folder as folder_of
from poregui.gui.apply.apply_page import HEADS, ApplyPage, FieldRow
from poregui.gui.apply.apply_report import ask_report, proposed_file, reported
from poregui.gui.apply.apply_text import note_of, rows_of, sureness_words, title_of
from poregui.gui.apply.locking import LockFlow
from poregui.gui.apply.result_image import PictureFlow, ResultImage
from poregui.gui.apply.unsure_queue import UnsureFlow
from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import TaskControl, TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confidence import at_confidence, sureness
from poregui.workflow.applying.field import FieldResult, FieldTask
from poregui.workflow.applying.inputs import AppliedModel, micrographs_of, model_of_run
from poregui.workflow.applying.pool import Applied
from poregui.workflow.applying.result_folders import names_beside
from poregui.workflow.applying.result_table import PoreTable
from poregui.workflow.applying.size_figure import diameters_of, sizes_svg
from poregui.workflow.applying.summary import GroupSummary, Summary, groups_of, summarise
from poregui.workflow.applying.unsure_pores import unsure_pores
from poregui.workflow.reporting.svg import Ink


class ApplyPresenter(QObject):
    """Know page and session; `attach` fills the page and follows the session,
    `detach` ends that.
    """

    def __init__(self, page: ApplyPage, session: Session, services: Services) -> None:
        super().__init__(page)
        self._page = page
        self._session = session
        self._services = services
        self._others: list[Path] = []
        self._known: Known | None = None
        self._summary: Summary | None = None
        self._work: TaskHandle | None = None
        self._picture = PictureFlow(page.canvas, services)
        self._applied: Applied | None = None
        self._links: list[tuple[object, Callable]] = []
        self._unsure = UnsureFlow(page, session, services, self)
        self._lock = LockFlow(page, session, services, self._follow_lock, self)
        self._runs = ApplyRuns(page.run_picker, session, self._lock)

    # ---- life -------------------------------------------------------------------------------

    def attach(self) -> None:
        """Fill the page and follow the session."""
        page = self._page
        self._links = [
            (self._session.changed, self._follow),
            (self._services.background.finished, self._ended),
            (page.apply_requested, self.apply),
            (page.cancel_requested, self.cancel),
            (page.files_requested, self._ask_files),
            (page.folder_requested, self._ask_folder),
            (page.open_requested, self._open_folder),
            (page.report_requested, self._ask_report),
            (
                page.lock_panel.lock_requested,
                lambda: self._lock.ask_lock(self._run(), self._least()),
            ),
            (page.lock_panel.unlock_requested, self._lock.ask_unlock),
            (page.lock_panel.take_requested, self._lock.ask_take),
            (page.run_chosen, self._take_run),
            (page.field_chosen, self._show_picture),
            (page.group_chosen, lambda _: self._show_numbers()),
            (page.sureness_changed, lambda _: self._renew()),
            (page.unsure_requested, self.look_at_unsure),
        ]
        for signal, slot in self._links:
            signal.connect(slot)
        self._picture.forget("Choose a micrograph to see its pores.")
        self._fill()
        self._lock.look()

    def detach(self) -> None:
        """Stop following the session and leave the page empty for the next project."""
        self.cancel()
        self._lock.stop()
        self._unsure.close()
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []
        self._picture.forget()
        self._page.clear()

    # ---- what a person wants ----------------------------------------------------------------

    def apply(self) -> None:
        """Find and classify the pores of the ticked micrographs in the background; what is done
        already is kept.
        """
        run = self._run()
        wanted = self._page.wanted()
        if not self._ready or not wanted or self._work is not None:
            return
        folder = self._session.project.folder
        least = self._least()

        def work(control: TaskControl) -> tuple[Known, Applied]:
            return find_pores(folder, run, wanted, least, control)

        self._work = self._services.background.run("Finding pores", work, self._done)
        self._work.progressed.connect(self._progressed)
        self._page.set_working(True, "Starting …")

    def cancel(self) -> None:
        """End the work, also in the middle of a micrograph; the results of those that are done
        stay.
        """
        if self._work is not None:
            self._work.cancel()
            self._work = None
            self._page.set_working(
                False, "Cancelled. Finished micrographs are kept and will be skipped next time."
            )

    def add(self, paths: list[Path]) -> None:
        """List images that are not in the project."""
        try:
            found = micrographs_of(paths, None, None, None)
        except PoreguiError as error:
            messages().error(error)
            return
        there = {*self._others, *(self._file_of_project())}
        self._others += [one.file for one in found if one.file not in there]
        self._list_fields()

    # ---- following --------------------------------------------------------------------------

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"runs", "run_marks", "micrographs", "specimens"}:
            self._fill()
        elif changed.kinds & {"labels", "crops", "outlines", "classes"}:
            self._take_answers()

    def _take_answers(self) -> None:
        """Look again at what people say of the pores that are shown."""
        folder = self._session.project.folder
        before = self._known
        if before is None or not before.results:
            return

        def done(known: Known) -> None:
            if self._known is not None and self._known.tasks is known.tasks:
                self._known = known
                self._renew()

        self._services.background.run(
            "Applying labels", lambda _: with_people_of(folder, before), done
        )

    def look_at_unsure(self) -> None:
        """Bring the pores that wait for a person into the project and ask for their classes."""
        known = self._known
        if known is not None:
            self._unsure.look(
                unsure_pores(known.tasks, known.tables, known.model.classes, self._least())
            )

    def _fill(self) -> None:
        self._runs.fill()
        self._page.show_empty(self._runs.none and not self._lock.foreign)
        self._list_fields()
        self._choose_run()

    def _list_fields(self) -> None:
        self._page.set_fields(self._field_rows())

    def _field_rows(self) -> list[FieldRow]:
        project = self._session.project
        specimens = {s.id: s.name for s in project.specimens()}
        rows = []
        known = set(self._file_of_project())
        for m in project.micrographs():
            file = project.micrograph_file(m)
            text = " · ".join(
                part for part in (specimens.get(m.specimen_id or 0, ""), m.shown_name) if part
            )
            rows.append(
                FieldRow(
                    key_of(file, Plane.parse(m.plane)),
                    text,
                    str(file),
                    "" if file.exists() else "(missing)",
                )
            )
        others = [file for file in self._others if file not in known]
        names = names_beside(others, self._file_of_project())
        return rows + [
            FieldRow(str(file), name, str(file)) for file, name in zip(others, names, strict=True)
        ]

    def _name_of(self, key: str) -> str:
        """Return what a micrograph of the list is called that nothing was found of yet."""
        project = self._session.project
        for m in project.micrographs():
            if key_of(project.micrograph_file(m), Plane.parse(m.plane)) == key:
                return m.shown_name
        file = Path(key.partition(AND)[0])
        return names_beside([file], [one for one in self._others if one != file])[0]

    def _file_of_project(self) -> list[Path]:
        project = self._session.project
        return [project.micrograph_file(m) for m in project.micrographs()]

    def _run(self) -> RunFolder | None:
        return self._runs.chosen

    @property
    def _ready(self) -> bool:
        return self._lock.foreign or self._run() is not None

    def _follow_lock(self) -> None:
        if self._links:
            self._fill()

    def _least(self) -> float:
        if self._lock.lock is not None:
            return self._lock.lock.least
        return self._page.sureness()

    def _model(self, run: RunFolder | None, known: Known, least: float) -> AppliedModel:
        """Return the network with what its test says at a confidence; what is
        locked is at its own.
        """
        if run is None or self._lock.lock is not None:
            return known.model
        return model_of_run(self._session.project, run, least=least)

    def _take_run(self, number: int) -> None:
        self._runs.take(number)
        self._choose_run()

    def _choose_run(self) -> None:
        """Show the results of the chosen run that are there from earlier, or say why it cannot be
        applied.
        """
        self._known = self._applied = None
        self._summary = None
        run = self._run()
        if self._runs.problem:
            self._page.refuse(self._runs.problem)
            return
        keys = [row.key for row in self._field_rows()]
        folder = self._session.project.folder
        if not self._ready or not keys or not (folder / RESULTS).exists():
            self._sum_up()
            return

        def look(control: TaskControl) -> Known:
            return results_there(folder, run, keys)

        self._services.background.run(
            "Looking for results", look, lambda known: self._look(run, known)
        )

    def _look(self, run: RunFolder | None, known: Known) -> None:
        self._take(run, known)
        if known.changed and self._work is None and run is self._run():
            self._page.set_working(False, f"{known.changed[0]} Find its pores again.")

    # ---- results ----------------------------------------------------------------------------

    def _progressed(self, done: int, total: int, text: str) -> None:
        if self._work is not None:
            self._page.set_working(True, text, done, total)

    def _ended(self, handle: TaskHandle) -> None:
        """Offer to apply again, however the work ended."""
        if handle is self._work:
            self._work = None
            self._page.set_working(False)

    def _done(self, outcome: tuple[Known, Applied]) -> None:
        known, applied = outcome
        self._applied = applied
        words = f"{count(len(applied.results), 'micrograph')} processed."
        if applied.taken_up:
            words += f" {applied.taken_up:,} had been processed before."
        if applied.problems:
            first = applied.problems[0]
            words += f" {len(applied.problems):,} could not be processed: "
            words += f"{first.name}: {first.reason}"
        self._page.set_working(False, words)
        self._take(self._run(), known)

    def _take(self, run: RunFolder | None, known: Known) -> None:
        if not self._ready or run is not self._run():
            return
        self._known = known
        names = dict.fromkeys(groups_of(known.results))
        if len(names) > 1:
            groups = [("All", ""), *((name, name) for name in names)]
        else:
            groups = [("All", "")]
        self._page.set_groups(groups)
        self._sum_up()
        chosen = self._page.chosen_field()
        if chosen is None and known.tasks:
            self._page.choose_field(key_of(known.tasks[0].file, known.tasks[0].plane))
        elif chosen is not None:
            self._show_picture(chosen)

    def _renew(self) -> None:
        """Show picture and numbers for what is answered now."""
        self._sum_up()
        chosen = self._page.chosen_field()
        if self._known is not None and chosen is not None:
            self._show_picture(chosen)

    def _sum_up(self) -> None:
        try:
            self._sum_up_results()
        except PoreguiError as error:
            self._summary = None
            self._page.refuse(str(error))

    def _sum_up_results(self) -> None:
        run = self._run()
        known = self._known
        least = self._least()
        if self._lock.foreign:
            sure = self._lock.sure
        elif run is not None:
            sure = sureness(run, least)
        else:
            sure = None
        self._page.set_sureness(sureness_words(sure, least) if sure is not None else "")
        self._summary = None
        if known is not None:
            waiting = sum(len(table.waiting(least)) for table in known.tables)
        else:
            waiting = 0
        self._page.set_waiting(0 if self._session.project.read_only else waiting)
        if known is not None and known.results:
            pairs = zip(known.results, known.tables, strict=True)
            kept = [at_confidence(result, table, least) for result, table in pairs]
            self._summary = summarise(
                self._model(run, known, least), kept, known.tables, least=least
            )
        self._show_numbers()

    def _show_numbers(self) -> None:
        summary = self._summary
        page = self._page
        if summary is None or self._known is None:
            page.set_numbers("", HEADS, (), "Nothing has been found yet.")
            return
        wanted = page.group()
        group = next((one for one in summary.specimens if one.name == wanted), summary.whole)
        if len(summary.specimens) == 1:
            group = summary.specimens[0]
        colours = dict(zip(self._known.model.classes, self._known.model.colours, strict=True))
        page.set_numbers(
            title_of(group),
            HEADS,
            rows_of(group, summary.size_unit, colours),
            note_of(summary, group),
        )
        page.set_sizes(partial(self._sizes, group, summary.size_unit, colours))

    def _sizes(
        self, group: GroupSummary, unit: str, colours: dict[str, str], ink: Ink
    ) -> str | None:
        """Draw how large the pores of a specimen, or of all, are."""
        known = self._known
        if known is None:
            return None
        if self._summary is not None:
            whole = group is self._summary.whole
        else:
            whole = True
        rows = zip(groups_of(known.results), known.results, known.tables, strict=True)
        own = [(result, table) for name, result, table in rows if whole or name == group.name]
        names = [one.name for one in group.classes]
        return sizes_svg(diameters_of(names, own, self._least(), unit), colours, unit, ink)

    # ---- pictures and files -----------------------------------------------------------------

    def _show_picture(self, key: str) -> None:
        task, result, table = self._result_of(key)
        self._page.set_picture_title(
            task.name if task is not None else self._name_of(key),
            f"{result.pores:,} pores" if result else "not processed yet",
        )
        if self._known is None or task is None or table is None:
            self._picture.forget("This micrograph has not been processed yet.")
            return
        self._picture.show(
            ResultImage(task.folder, table, self._known.model.colours, self._least())
        )

    def _result_of(self, key: str) -> tuple[FieldTask | None, FieldResult | None, PoreTable | None]:
        if self._known is None:
            return None, None, None
        rows = zip(self._known.tasks, self._known.results, self._known.tables, strict=True)
        return next(
            (row for row in rows if key_of(row[0].file, row[0].plane) == key), (None, None, None)
        )

    def _ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self._page, "Add micrographs")
        if chosen:
            self.add([Path(name) for name in chosen])

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._page, "Add the micrographs of a folder")
        if chosen:
            self.add([Path(chosen)])

    def _ask_report(self) -> None:
        run = self._run()
        known = self._known
        if known is None or not known.results:
            return
        folder = self._session.project.folder
        least = self._least()
        model = self._model(run, known, least)
        wanted = reported(known, model, least, self._lock.sentence)
        proposed = proposed_file(folder, run, self._lock.lock)
        ask_report(self._page, proposed, wanted, self._services.background)

    def _open_folder(self) -> None:
        """Bring the files up to what the page shows and open their folder."""
        run = self._run()
        known = self._known
        least = self._least()
        if not self._ready:
            return
        folder = self._session.project.folder
        read_only = self._session.project.read_only
        address = QUrl.fromLocalFile(str(folder_of(folder, run, self._lock.lock)))
        applied = self._applied

        def work(_control: TaskControl) -> None:
            if known is not None and not read_only:
                record(
                    folder,
                    run,
                    known,
                    applied or Applied(known.results, (), len(known.results)),
                    least,
                )

        def show(_done: None) -> None:
            QDesktopServices.openUrl(address)

        self._services.background.run("Writing results", work, show)

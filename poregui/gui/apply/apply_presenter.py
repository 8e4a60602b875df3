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
from poregui.domain.wording import about, count
from poregui.gui.apply.applied_results import (
    AND,
    ApplyRuns,
    ask_report,
    key_of,
    open_study,
    results_folder,
)
from poregui.gui.apply.apply_page import HEADS, ApplyPage
from poregui.gui.apply.apply_text import confidence_sentence, note_of, rows_of, title_of
from poregui.gui.apply.field_list import FieldRow
from poregui.gui.apply.locking import LockFlow
from poregui.gui.apply.result_image import ImageFlow, ResultImage
from poregui.gui.apply.unsure_queue import UnsureFlow
from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import TaskControl, TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.inputs import micrographs_of, names_beside
from poregui.workflow.applying.study import AppliedField, ApplyStudy, StudyView
from poregui.workflow.applying.unsure_pores import unsure_pores


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
        self._study: ApplyStudy | None = None
        self._view: StudyView | None = None
        self._done_fields: dict[str, AppliedField] = {}
        self._answers_changed = False
        self._unlooked = False
        self._work: TaskHandle | None = None
        self.image = ImageFlow(page.canvas, services)
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
                lambda: self._lock.ask_lock(self._run(), self._min_confidence()),
            ),
            (page.lock_panel.unlock_requested, self._lock.ask_unlock),
            (page.lock_panel.take_requested, self._lock.ask_take),
            (page.run_chosen, self._take_run),
            (page.field_chosen, self._show_image),
            (page.field_opened, self._open_result),
            (page.group_chosen, lambda _: self._show_numbers()),
            (page.confidence_changed, lambda _: self._renew()),
            (page.unsure_requested, self.look_at_unsure),
            (page.shown, self._come_into_sight),
        ]
        for signal, slot in self._links:
            signal.connect(slot)
        self.image.start()
        self.image.forget("Choose a micrograph to see its pores.")
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
        self.image.stop()
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
        min_confidence = self._min_confidence()

        def work(control: TaskControl) -> ApplyStudy:
            study = open_study(folder, run, wanted, min_confidence)
            study = study.run(progress=control.progress, cancelled=control.cancelled)
            if study.fields:
                study.at(min_confidence).save()
            return study

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
                False, "Stopped. Finished micrographs are kept and will be skipped next time."
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
            self._answers_changed = True
            self._take_answers()

    def _take_answers(self) -> None:
        """Look again at what people say of the pores that are shown, once the page is in sight."""
        if not self._answers_changed or not self._page.isVisible():
            return
        self._answers_changed = False
        folder = self._session.project.folder
        before = self._study
        if before is None or not before.fields:
            return

        def work(_control: object) -> ApplyStudy:
            with Project.open(folder, read_only=True) as project:
                return before.with_labels(project)

        def done(study: ApplyStudy) -> None:
            if self._study is not None and self._study.tasks is study.tasks:
                self._study = study
                self._renew()

        self._services.background.run("Applying labels", work, done)

    def _come_into_sight(self) -> None:
        if self._unlooked:
            self._choose_run()
        self._take_answers()

    def look_at_unsure(self) -> None:
        """Bring the pores that wait for a person into the project and ask for their classes."""
        if self._view is not None:
            self._unsure.look(unsure_pores(self._view))

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
                    "" if file.exists() else "missing",
                    specimens.get(m.specimen_id or 0, ""),
                    key_of(file, Plane.parse(m.plane)) in self._done_fields,
                )
            )
        others = [file for file in self._others if file not in known]
        names = names_beside(others, self._file_of_project())
        return rows + [
            FieldRow(str(file), name, str(file), done=str(file) in self._done_fields)
            for file, name in zip(others, names, strict=True)
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

    def _min_confidence(self) -> float:
        if self._lock.lock is not None:
            return self._lock.lock.min_confidence
        return self._page.min_confidence()

    def _take_run(self, number: int) -> None:
        self._runs.take(number)
        self._page.field_list.forget_choice()
        self._choose_run()

    def _choose_run(self) -> None:
        """Show the results of the chosen run that are there from earlier, or say why it cannot be
        applied, once the page is in sight.
        """
        self._study = self._view = None
        self._done_fields = {}
        self._list_fields()
        self._unlooked = not self._page.isVisible()
        if self._unlooked:
            return
        run = self._run()
        if self._runs.problem:
            self._page.refuse(self._runs.problem)
            return
        if not self._ready:
            self._sum_up()
            return
        keys = [row.key for row in self._field_rows()]
        folder = self._session.project.folder

        def look(_control: object) -> ApplyStudy:
            return open_study(folder, run, keys).there()

        def found(study: ApplyStudy) -> None:
            self._take(run, study)
            self._page.field_list.propose()
            if study.changed and self._work is None and run is self._run():
                self._page.set_working(False, f"{study.changed[0]} Find its pores again.")

        def failed(error: PoreguiError) -> None:
            if run is self._run():
                self._page.refuse(str(error))

        self._services.background.run("Looking for results", look, found, failed)

    # ---- results ----------------------------------------------------------------------------

    def _progressed(self, done: int, total: int, text: str) -> None:
        if self._work is not None:
            self._page.set_working(True, text, done, total)

    def _ended(self, handle: TaskHandle) -> None:
        """Offer to apply again, however the work ended."""
        if handle is self._work:
            self._work = None
            self._page.set_working(False)

    def _done(self, study: ApplyStudy) -> None:
        text = f"{count(len(study.fields), 'micrograph')} processed."
        if study.taken_up:
            text += f" {study.taken_up:,} had been processed before."
        if study.problems:
            first = study.problems[0]
            text += f" {len(study.problems):,} could not be processed: "
            text += about(first.name, first.reason)
        self._page.set_working(False, text)
        self._take(self._run(), study)

    def _take(self, run: RunFolder | None, study: ApplyStudy) -> None:
        if not self._ready or run is not self._run():
            return
        self._study = study
        self._mark_done(study)
        self._sum_up()
        names = (
            []
            if self._view is None
            else [specimen.name for specimen in self._view.summary.specimens]
        )
        if len(names) > 1:
            groups = [("All", ""), *((name, name) for name in names)]
        else:
            groups = [("All", "")]
        self._page.set_groups(groups)
        chosen = self._page.chosen_field()
        if study.fields and chosen not in self._done_fields:
            task = study.fields[0].task
            self._page.choose_field(key_of(task.file, task.plane))
        elif chosen is not None:
            self._show_image(chosen)

    def _mark_done(self, study: ApplyStudy) -> None:
        """Remember what has results, beside what the study before this one had."""
        new = {key_of(field.task.file, field.task.plane): field for field in study.fields}
        self._done_fields = self._done_fields | new
        self._list_fields()

    def _renew(self) -> None:
        """Show image and numbers for what is answered now."""
        self._sum_up()
        chosen = self._page.chosen_field()
        if self._study is not None and chosen is not None:
            self._show_image(chosen)

    def _sum_up(self) -> None:
        study = self._study
        page = self._page
        min_confidence = self._min_confidence()
        text = ""
        if study is not None and study.model.tested is not None:
            text = confidence_sentence(
                study.model.tested.confidence_counts(min_confidence), min_confidence
            )
        page.set_confidence(text)
        self._view = None
        waiting = 0
        if study is not None and study.fields:
            self._view = study.at(min_confidence)
            waiting = self._view.waiting
        page.set_waiting(0 if self._session.project.read_only else waiting)
        self._show_numbers()

    def _show_numbers(self) -> None:
        view = self._view
        page = self._page
        if view is None:
            page.set_numbers("", HEADS, (), "Nothing has been found yet.")
            return
        summary = view.summary
        wanted = page.group()
        group = next(
            (specimen for specimen in summary.specimens if specimen.name == wanted), summary.whole
        )
        if len(summary.specimens) == 1:
            group = summary.specimens[0]
        page.set_numbers(
            title_of(group),
            HEADS,
            rows_of(group, summary.size_unit, view.colours),
            note_of(summary, group),
        )
        page.set_sizes(partial(view.sizes_svg, group))

    # ---- images and files -----------------------------------------------------------------

    def _show_image(self, key: str) -> None:
        field = self._field_of(key)
        if field is None or self._study is None:
            self._page.set_image_title(self._name_of(key), "not processed yet")
            self.image.forget("This micrograph has not been processed yet.")
            return
        self._page.set_image_title(field.task.name, count(field.result.pores, "pore"))
        self.image.show(ResultImage(field, self._study.model, self._min_confidence()))

    def _open_result(self, key: str) -> None:
        """Show all of a micrograph with its pores, and the numbers of its specimen."""
        field = self._field_of(key)
        if field is not None:
            self._page.choose_group(field.task.specimen)
            self._page.canvas.fit()
            self._page.canvas.setFocus()

    def _field_of(self, key: str) -> AppliedField | None:
        study = self._study
        if study is None:
            return None
        for field in study.fields:
            if key_of(field.task.file, field.task.plane) == key:
                return field
        earlier = self._done_fields.get(key)
        return None if earlier is None else study.labelled(earlier)

    def _ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self._page, "Add micrographs")
        if chosen:
            self.add([Path(name) for name in chosen])

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._page, "Add the micrographs of a folder")
        if chosen:
            self.add([Path(chosen)])

    def _ask_report(self) -> None:
        if self._view is not None:
            folder = self._session.project.folder
            ask_report(self._page, folder, self._view, self._services.background)

    def _open_folder(self) -> None:
        """Bring the files up to what the page shows and open their folder."""
        view = self._view
        if not self._ready:
            return
        folder = self._session.project.folder
        read_only = self._session.project.read_only
        out = results_folder(folder, self._run(), self._lock.lock)
        address = QUrl.fromLocalFile(str(out))

        def work(_control: object) -> None:
            if view is not None and not read_only:
                view.save()

        def show(_done: None) -> None:
            QDesktopServices.openUrl(address)

        self._services.background.run("Writing results", work, show)

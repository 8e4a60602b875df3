"""Lead a person through the queue of suspected label errors: keep, change, unsure."""

from __future__ import annotations

from dataclasses import replace

from poregui.domain.classes import UNSURE
from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings, following
from poregui.gui.review.review_page import SUSPECTS
from poregui.gui.services.jobs import TaskHandle
from poregui.store.project import Project
from poregui.workflow.editing.edits import Edit, SetRemark
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.evaluating.label_issues import Suspect, Suspects, follow, suspects


class SuspectsPresenter(PanelPresenter):
    """Search once a run, when the panel is first seen; what a person settles leaves the queue, undo
    brings it back.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, around.page.suspects.suspect_list)
        self._found: Suspects | None = None
        self._left: dict[int, Suspect] = {}
        self._rows: dict[int, CropRow] = {}
        self._handle: TaskHandle | None = None
        self._current: int | None = None
        self.link(around.page.suspects.search_requested, self.search)
        self.link(around.page.suspects.answered, self.answer)

    def reset(self) -> None:
        super().reset()
        if self._handle is not None:
            self._handle.cancel()
        self._found = self._handle = None
        self._left = {}
        self.page.suspects.suspect_list.set_rows(())

    def search(self) -> None:
        """Search again, with the labels as they are now."""
        if self.desk.run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        folder = self.desk.run.folder
        project_folder = self.around.session.project.folder
        self.page.suspects.show_sentence("Searching for labels that are probably wrong …")

        def work(_control: object) -> Suspects:
            with Project.open(project_folder, read_only=True) as project:
                return suspects(project, folder, reviewed_too=True)

        self._handle = self.around.services.background.run(
            "Searching label errors", work, self._show, self._failed
        )

    def _show(self, found: Suspects) -> None:
        self._handle = None
        self._found = found
        self._rows = {one.crop_id: self._row(one) for one in found.queue}
        self.stale = True
        self.listed.emit()

    def _row(self, one: Suspect) -> CropRow:
        """Return the row of a suspect, which holds as long as it is one: its label is that of the
        search.
        """
        return CropRow(
            one.crop_id, one.label, f"{100 * one.doubt:.0f} %", one.why, one.likely, one.proposed
        )

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        self.page.suspects.show_sentence(str(error), offer="Search again")

    def fill(self) -> None:
        if self._found is None:
            if self._handle is None:
                self.search()
            return
        left = follow(self._found, self.around.session.project)
        self._left = {one.crop_id: one for one in left.queue}
        rows = [self._rows[one.crop_id] for one in left.queue]
        self.page.suspects.suspect_list.set_rows(rows)
        settled = len(self._found.queue) - len(left.queue)
        if rows:
            self.page.suspects.show_sentence("")
        else:
            if not settled:
                words = "No label of this run is in doubt."
            else:
                words = f"All {settled} suspects are settled."
            self.page.suspects.show_sentence(words, offer="Search again")
        self._say(left, settled)

    def _say(self, left: Suspects, settled: int) -> None:
        likely = sum(one.likely for one in left.queue)
        title = f"{len(left.queue)} in doubt, {likely} probably wrong"
        title += f" · {settled} settled" if settled else ""
        notes = [f"Judged: {left.judged} crops by answers that never saw them."]
        if left.accuracy is not None:
            notes[0] = (
                f"{notes[0][:-1]}, which agree with {100 * left.accuracy:.1f} % of the labels."
            )
        self._words = (title, " ".join([*notes, *left.notes]))
        self.chosen(self._current)

    def chosen(self, crop_id: int | None) -> None:
        """Say why a crop is in the queue."""
        self._current = crop_id
        one = self._left.get(crop_id) if crop_id is not None else None
        if self._found is None:
            return
        title, note = self._words
        if one is not None and one.proposed != one.label:
            change = self._found.names.get(one.proposed, "")
        else:
            change = ""
        writable = one is not None and not self.around.session.project.read_only
        self.page.suspects.set_words(
            title, note, one.why if one else "", answerable=writable, change=change
        )
        self.page.suspects.change_button.setEnabled(writable and bool(change))

    def answer(self, answer: str) -> None:
        """Settle the chosen suspect: `keep` its label, `change` it to the proposed one, or
        `unsure`.
        """
        if self._current is not None:
            one = self._left.get(self._current)
        else:
            one = None
        if one is None or self.page.panels.current != SUSPECTS:
            messages().note("No suspect is chosen.")
            return
        session = self.around.session
        edit: Edit
        if answer == "keep":
            before = self.desk.remark(one.crop_id)
            edit = SetRemark(one.crop_id, before, replace(before, reviewed=True))
        else:
            label = UNSURE if answer == "unsure" else one.proposed
            edit = label_crops(session.project, [one.crop_id], label, who=session.who, how="review")
        self.next_wanted = following(self.page.suspects.suspect_list, [one.crop_id], None)
        try:
            session.project.check_writable()
            session.apply(edit)
        except PoreguiError as error:
            messages().error(error)

    _words: tuple[str, str] = ("", "")
    next_wanted: int | None = None
    """The crop to choose when the settled one has left the queue."""

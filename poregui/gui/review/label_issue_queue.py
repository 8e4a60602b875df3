"""Lead a person through the queue of suspected label errors: keep, change, unsure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from poregui.domain.classes import UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count, percent
from poregui.gui.base.messages import messages
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.review.panel_presenter import PanelPresenter, following
from poregui.gui.review.review_panels import LabelIssuesPanel
from poregui.gui.review.review_state import ReviewState
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.editing.edits import Edit, SetRemark
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.evaluating.label_issues import LabelIssue, LabelIssues, follow, label_issues


def _search(project_folder: Path, folder: RunFolder, _control: object) -> LabelIssues:
    with Project.open(project_folder, read_only=True) as project:
        return label_issues(project, folder, reviewed_too=True)


class LabelIssuesPresenter(PanelPresenter):
    """Search once a run, when the panel is first seen; what a person settles leaves the queue, undo
    brings it back.
    """

    def __init__(self, panel: LabelIssuesPanel, state: ReviewState, background: Background) -> None:
        super().__init__(state, panel.issue_list)
        self._panel = panel
        self._background = background
        self._found: LabelIssues | None = None
        self._left: dict[int, LabelIssue] = {}
        self._rows: dict[int, CropRow] = {}
        self._handle: TaskHandle | None = None
        self._texts = ("", "")
        self.link(panel.search_requested, self.search)
        self.link(panel.decided, self.answer)
        self.link(state.current_changed, self._show_chosen)

    def reset(self) -> None:
        super().reset()
        if self._handle is not None:
            self._handle.cancel()
        self._found = self._handle = None
        self._left = {}
        self._panel.issue_list.set_rows(())

    def search(self) -> None:
        """Search again, with the labels as they are now."""
        if self.state.run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._panel.show_sentence("Searching for labels that are probably wrong …")
        work = partial(_search, self.state.project.folder, self.state.run.folder)
        self._handle = self._background.run(
            "Searching for label errors", work, self._show, self._failed
        )

    def _show(self, found: LabelIssues) -> None:
        self._handle = None
        self._found = found
        self._rows = {one.crop_id: self._row(one) for one in found.queue}
        self.list_anew()

    def _row(self, one: LabelIssue) -> CropRow:
        """Return the row of a label issue, which holds as long as it is one: its label is that of
        the search.
        """
        doubt = percent(one.doubt, 0)
        return CropRow(one.crop_id, one.label, doubt, one.why, one.likely, one.proposed)

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        self._panel.show_sentence(str(error), offer="Search again")

    def fill(self) -> None:
        if self._found is None:
            if self._handle is None:
                self.search()
            return
        left = follow(self._found, self.state.project)
        self._left = {one.crop_id: one for one in left.queue}
        rows = [self._rows[one.crop_id] for one in left.queue]
        self._panel.issue_list.set_rows(rows)
        settled = len(self._found.queue) - len(left.queue)
        if rows:
            self._panel.show_sentence("")
        elif settled:
            sentence = f"All {settled:,} suspected label errors are settled."
            self._panel.show_sentence(sentence, offer="Search again")
        elif self._found.able:
            self._panel.show_sentence("No suspected label errors.", offer="Search again")
        else:
            self._panel.show_sentence(self._found.notes[0], offer="Search again")
        self._show_texts(left, settled)

    def _show_texts(self, left: LabelIssues, settled: int) -> None:
        likely = sum(one.likely for one in left.queue)
        title = f"{len(left.queue):,} suspected, {likely:,} probably wrong"
        if not left.able:
            title = f"{len(left.queue):,} of unusual shape"
        if settled:
            title += f" · {settled:,} settled"
        note = (
            f"Checked {count(left.checked, 'crop')} with predictions of models that never saw them"
        )
        if left.accuracy is not None:
            note += f"; these agree with {percent(left.accuracy)} of the labels"
        self._texts = (title, " ".join([f"{note}.", *left.notes]))
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Say why the chosen crop is in the queue."""
        if self._found is None:
            return
        one = self._left.get(self.state.current or 0)
        change = ""
        why = ""
        writable = False
        if one is not None:
            why = one.why
            writable = not self.state.project.read_only
            if one.proposed != one.label:
                change = self._found.names.get(one.proposed, "")
        self._panel.set_texts(*self._texts, why, answerable=writable, change=change)
        self._panel.change_button.setEnabled(writable and bool(change))

    def answer(self, answer: str) -> None:
        """Settle the chosen label issue: `keep` its label, `change` it to the proposed one, or
        `unsure`.
        """
        one = self._left.get(self.state.current or 0)
        if one is None:
            messages().note("No crop is selected.")
            return
        session = self.state.session
        edit: Edit
        if answer == "keep":
            before = self.state.remark(one.crop_id)
            edit = SetRemark(one.crop_id, before, replace(before, reviewed=True))
        else:
            label = UNSURE if answer == "unsure" else one.proposed
            edit = label_crops(session.project, [one.crop_id], label, who=session.who, how="review")
        self.state.want(following(self._panel.issue_list, [one.crop_id], None))
        try:
            session.project.check_writable()
            session.apply(edit)
        except PoreguiError as error:
            self.state.want(None)
            messages().error(error)

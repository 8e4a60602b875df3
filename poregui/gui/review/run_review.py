"""Hold the run that the review page shows, beside the labels as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from poregui.domain.dataset import DatasetCrop, Part
from poregui.domain.errors import PoreguiError
from poregui.domain.evaluation import Evaluation
from poregui.domain.records import Changed, Remark
from poregui.gui.review.prediction_table import PredictionTable, by_id, table_of
from poregui.gui.services.jobs import TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import (
    Judged,
    RunAnswers,
    RunReview,
    follow,
    read_answers,
    review_answers,
)

_LABELS = frozenset({"labels", "crops", "classes", "micrographs"})


@dataclass(frozen=True)
class OpenRun:
    """Hold what was read of a run: its files, its answers beside the labels, both as columns and by
    crop.
    """

    folder: RunFolder
    answers: RunAnswers
    review: RunReview
    table: PredictionTable
    frozen: dict[int, DatasetCrop]
    judged: dict[int, Judged]


def read_run(folder: RunFolder, project_folder: object) -> OpenRun:
    """Read a run and hold it against the labels on disk; fit for any thread.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    answers = read_answers(folder)
    with Project.open(project_folder, read_only=True) as project:  # type: ignore[arg-type]
        reviewed = review_answers(project, answers)
    judged = {j.crop_id: j for j in reviewed.judged}
    return OpenRun(
        folder, answers, reviewed, table_of(reviewed, answers), by_id(answers.dataset), judged
    )


class RunDesk(QObject):
    """Read one run in the background and follow the labels.

    `opened` tells that a run is there, `failed` carries why it is not, `closed` that there is none
    any more. `followed` carries the ids of crops whose labels changed (empty: all may have),
    `classes_changed` that their names did.
    """

    opened = Signal()
    failed = Signal(object)
    closed = Signal()
    followed = Signal(object)
    classes_changed = Signal()
    part_changed = Signal()
    remarks_changed = Signal(object)

    def __init__(self, session: Session, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._services = services
        self._reading: TaskHandle | None = None
        self._missed: list[Changed] = []
        self._remarks: dict[int, Remark] | None = None
        self.number: int | None = None
        self.run: OpenRun | None = None
        self.part: Part = "test"

    @property
    def reading(self) -> bool:
        """Tell whether a run is being read."""
        return self._reading is not None

    @property
    def judged(self) -> dict[int, Judged]:
        """Return the answers beside the labels as they are now, by crop id."""
        return self.run.judged if self.run is not None else {}

    @property
    def review(self) -> RunReview | None:
        """Return the answers beside the labels as they are now, None while there are none."""
        if self.run is not None:
            return self.run.review
        return None

    def evaluation(self) -> Evaluation | None:
        """Return the numbers of the chosen part."""
        if self.run is not None:
            return self.run.table.evaluation(self.part, self.run.review.classes)
        return None

    def remark(self, crop_id: int) -> Remark:
        """Return what was noted at a crop."""
        return self.remarks().get(crop_id, Remark())

    def remarks(self) -> dict[int, Remark]:
        """Return all that was noted at crops."""
        if self._remarks is None:
            self._remarks = self._session.project.remarks()
        return self._remarks

    # ---- opening ----------------------------------------------------------------------------

    def open(self, folder: RunFolder) -> None:
        """Show a run from now on; `opened` or `failed` tells when it was read."""
        self.close()
        self.number = folder.number
        self._missed = []
        project_folder = self._session.project.folder
        self._reading = self._services.background.run(
            f"Reading run {folder.number}",
            lambda _control: read_run(folder, project_folder),
            self._read,
            self._not_read,
        )

    def close(self) -> None:
        """Show no run."""
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self.run = self.number = None
        self.closed.emit()

    def _read(self, run: OpenRun) -> None:
        self._reading = None
        if run.folder.number != self.number:
            return
        self.run = run
        if not run.table.in_part(self.part).any():
            self.part = "test"
        missed = self._missed
        self._missed = []
        self.opened.emit()
        self.follow(missed)

    def _not_read(self, error: PoreguiError) -> None:
        self._reading = None
        self.failed.emit(error)

    # ---- following --------------------------------------------------------------------------

    def set_part(self, part: Part) -> None:
        """Look at another part of the run."""
        self.part = part
        self.part_changed.emit()

    def follow(self, changes: Sequence[Changed]) -> None:
        """Bring the run to what changed in the project."""
        if any("remarks" in change.kinds for change in changes):
            self._remarks = None
            self.remarks_changed.emit({i for change in changes for i in change.crop_ids})
        labels = [change for change in changes if change.kinds & _LABELS]
        if self.run is None:
            self._missed += labels
            return
        if not labels:
            return
        if any("classes" in change.kinds for change in labels):
            self._put(review_answers(self._session.project, self.run.answers), frozenset())
            self.classes_changed.emit()
            self.followed.emit(frozenset())
            return
        named = all(change.crop_ids for change in labels)
        if named:
            ids = frozenset(i for change in labels for i in change.crop_ids)
        else:
            ids = frozenset()
        if not named or not ids.isdisjoint(self.judged):
            self._put(follow(self.run.review, self._session.project, ids), ids)
        self.followed.emit(ids)

    def _put(self, reviewed: RunReview, crop_ids: frozenset[int]) -> None:
        assert self.run is not None
        judged = self.run.judged
        rows = self.run.table.rows
        for crop_id in crop_ids or rows:
            if crop_id in rows:
                judged[crop_id] = reviewed.judged[rows[crop_id]]
        self.run = replace(
            self.run, review=reviewed, table=self.run.table.with_truth(reviewed, crop_ids)
        )

"""Hold what the review page looks at: the run beside the labels, split, filter, chosen crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from poregui.domain.dataset import DatasetCrop, SplitName
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Remark
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import (
    Predictions,
    beside_labels,
    follow,
    read_predictions,
)

_LABELS = frozenset({"labels", "crops", "classes", "micrographs"})
FIRST = 0
"""No crop has this id: a list that is to show it chooses its first crop."""


@dataclass(frozen=True)
class OpenRun:
    """Hold what was read of a run; `frozen` are all crops of its dataset by id."""

    folder: RunFolder
    predictions: Predictions
    frozen: dict[int, DatasetCrop]


@dataclass(frozen=True)
class ReviewFilter:
    """Hold which crops are listed: those of cells (None: those that do not count), or of a named
    group in their place.
    """

    cells: tuple[Cell, ...] | None = (EVERYTHING,)
    group: str = ""
    crop_ids: tuple[int, ...] = ()


def read_run(folder: RunFolder, project_folder: object, _control: object = None) -> OpenRun:
    """Read a run and hold it against the labels on disk; fit for any thread.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    predictions = read_predictions(folder)
    with Project.open(project_folder, read_only=True) as project:  # type: ignore[arg-type]
        predictions = beside_labels(predictions, project)
    crops = predictions.dataset.crops
    return OpenRun(folder, predictions, {crop.crop_id: crop for crop in crops})


class ReviewState(QObject):
    """Read one run in the background, follow the labels, and hold what a person chose of it.

    `opened` tells that a run is there, `failed` carries why it is not, `closed` that there is none
    any more. `followed` carries the ids of crops whose labels changed (empty: all may have),
    `classes_changed` that their names did. `split_changed`, `filter_changed` and `current_changed`
    are emitted when it is another one.
    """

    opened = Signal()
    failed = Signal(object)
    closed = Signal()
    followed = Signal(object)
    classes_changed = Signal()
    remarks_changed = Signal()
    split_changed = Signal()
    filter_changed = Signal()
    current_changed = Signal()

    def __init__(
        self, session: Session, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self._background = background
        self._reading: TaskHandle | None = None
        self._missed: list[Changed] = []
        self._remarks: dict[int, Remark] | None = None
        self.number: int | None = None
        self.run: OpenRun | None = None
        self.split: SplitName = "test"
        self.filter = ReviewFilter()
        self.current: int | None = None
        self.wanted: int | None = None

    @property
    def project(self) -> Project:
        """Return the open project."""
        return self.session.project

    @property
    def reading(self) -> bool:
        """Tell whether a run is being read."""
        return self._reading is not None

    @property
    def predictions(self) -> Predictions | None:
        """Return the predictions beside the labels as they are now, None while there are none."""
        if self.run is None:
            return None
        return self.run.predictions

    def row(self, crop_id: int | None) -> int | None:
        """Return the row of a crop in the predictions, None where the run has none for it."""
        if self.run is None or crop_id is None:
            return None
        return self.run.predictions.rows.get(crop_id)

    def remark(self, crop_id: int) -> Remark:
        """Return what was noted at a crop."""
        return self.remarks().get(crop_id, Remark())

    def remarks(self) -> dict[int, Remark]:
        """Return all that was noted at crops."""
        if self._remarks is None:
            self._remarks = self.project.remarks()
        return self._remarks

    # ---- what a person chose ----------------------------------------------------------------

    def set_split(self, split: SplitName) -> None:
        """Look at another split of the run; a group of crops belongs to one and is left."""
        if split == self.split:
            return
        self.split = split
        if self.filter.group:
            self.set_filter(ReviewFilter())
        self.split_changed.emit()

    def set_filter(self, chosen: ReviewFilter) -> None:
        """List other crops."""
        if chosen != self.filter:
            self.filter = chosen
            self.filter_changed.emit()

    def set_current(self, crop_id: int | None) -> bool:
        """Choose another crop; tell whether it is another one."""
        if crop_id == self.current:
            return False
        self.current = crop_id
        self.current_changed.emit()
        return True

    def want(self, crop_id: int | None) -> None:
        """Choose this crop when the list is next filled (FIRST: its first one, None: the same)."""
        self.wanted = crop_id

    def take_wanted(self) -> int | None:
        """Return the crop to choose in a list that was just filled."""
        wanted = self.wanted
        self.wanted = None
        if wanted is None:
            return self.current
        return wanted

    # ---- opening ----------------------------------------------------------------------------

    def open(self, folder: RunFolder) -> None:
        """Show a run from now on; `opened` or `failed` tells when it was read."""
        self.close()
        self.number = folder.number
        self._missed = []
        self._reading = self._background.run(
            f"Reading run {folder.number}",
            partial(read_run, folder, self.project.folder),
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
        if not run.predictions.in_split(self.split).any():
            self.split = "test"
        missed = self._missed
        self._missed = []
        self.opened.emit()
        self.follow(missed)

    def _not_read(self, error: PoreguiError) -> None:
        self._reading = None
        self.failed.emit(error)

    # ---- following --------------------------------------------------------------------------

    def follow(self, changes: Sequence[Changed]) -> None:
        """Bring the run to what changed in the project."""
        if any("remarks" in change.kinds for change in changes):
            self._remarks = None
            self.remarks_changed.emit()
        labels = [change for change in changes if change.kinds & _LABELS]
        if self.run is None:
            self._missed += labels
            return
        if not labels:
            return
        predictions = self.run.predictions
        if any("classes" in change.kinds for change in labels):
            self.run = replace(self.run, predictions=beside_labels(predictions, self.project))
            self.classes_changed.emit()
            self.followed.emit(frozenset())
            return
        crop_ids: frozenset[int] = frozenset()
        named = all(change.crop_ids for change in labels)
        if named:
            crop_ids = frozenset(i for change in labels for i in change.crop_ids)
        if not named or not crop_ids.isdisjoint(predictions.rows):
            followed = follow(predictions, self.project, crop_ids)
            self.run = replace(self.run, predictions=followed)
        self.followed.emit(crop_ids)

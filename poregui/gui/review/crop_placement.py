"""Place the chosen crop among the others: size and shape by class, training crops alike; read
beside the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject

from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.errors import PoreguiError
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.plots.strip_plots import Strips
from poregui.gui.review.crop_detail import ALIKE, SIZE, DetailPanel
from poregui.gui.services.jobs import TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import RunReview
from poregui.workflow.evaluating.shape_baseline import ShapeTable, distributions, shape_table
from poregui.workflow.evaluating.similar_crops import Nearest

_SHOWN = ("Equivalent diameter", "Aspect ratio", "Circularity")
_ALIKE = 8
_NO_FEATURES = (
    "This run kept no features: cross-validations and runs of older "
    "versions have "
    "none. Train once more."
)


@dataclass(frozen=True)
class _Read:
    """Hold what was read of a run: shapes, features (None where it kept none), crops by id."""

    shapes: ShapeTable
    nearest: Nearest | None
    crops: dict[int, DatasetCrop]
    dataset: Dataset


class MoreAbout(QObject):
    """Read shapes and features of a run once, when they are first wanted."""

    def __init__(
        self, panel: DetailPanel, session: Session, services: Services, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._session = session
        self._services = services
        self._run: RunFolder | None = None
        self._review: RunReview | None = None
        self._read: _Read | None = None
        self._handle: TaskHandle | None = None
        self._crop_id: int | None = None
        self._spread: dict[str, dict[str, np.ndarray]] = {}

    def set_run(self, run: RunFolder | None) -> None:
        """Speak of this run from now on."""
        if self._handle is not None:
            self._handle.cancel()
        self._run = run
        self._read = None
        self._handle = None
        self._spread = {}
        self._panel.strip_plots.set_strips(())
        self._panel.alike_grid.set_rows(())
        self._panel.set_alike_words("")
        self._panel.set_size_words("")

    def set_review(self, reviewed: RunReview) -> None:
        """Use the labels of a review from now on."""
        self._review = reviewed
        self._spread = {}

    def show(self, crop_id: int | None) -> None:
        """Speak of a crop, in the panel that is seen."""
        self._crop_id = crop_id
        wanted = self._panel.more.current
        if (
            crop_id is None
            or wanted not in (SIZE, ALIKE)
            or self._run is None
            or self._review is None
        ):
            return
        if self._read is None:
            self._start(self._run)
        elif wanted == SIZE:
            self._show_size(self._read, self._review, crop_id)
        else:
            self._show_alike(self._read, self._review, crop_id)

    def _start(self, run: RunFolder) -> None:
        if self._handle is not None:
            return
        for say in (self._panel.set_size_words, self._panel.set_alike_words):
            say("Reading shapes and features …")

        def work(_control: object) -> _Read:
            dataset = run.read_dataset()
            crops = {crop.crop_id: crop for crop in dataset.crops}
            return _Read(shape_table(run), Nearest.read(run), crops, dataset)

        self._handle = self._services.background.run(
            "Reading shapes", work, self._done, self._failed
        )

    def _done(self, read: _Read) -> None:
        self._handle = None
        self._read = read
        for say in (self._panel.set_size_words, self._panel.set_alike_words):
            say("")
        self.show(self._crop_id)

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        for say in (self._panel.set_size_words, self._panel.set_alike_words):
            say(str(error))

    # ---- size and shape ---------------------------------------------------------------------

    def _show_size(self, read: _Read, reviewed: RunReview, crop_id: int) -> None:
        values = read.shapes.of(crop_id) or {}
        strips = []
        for name in _SHOWN:
            if name not in read.shapes.names:
                continue
            if name not in self._spread:
                self._spread[name] = distributions(read.shapes, reviewed, name)
            of_class = self._spread[name]
            value = values.get(name, np.nan)
            rows = tuple(
                (i, of_class[c]) for i, c in zip(reviewed.class_ids, reviewed.classes, strict=True)
            )
            unit = read.shapes.unit(name).replace("um", "µm")
            known = float(value) if np.isfinite(value) else None
            strips.append(Strips(name, unit, rows, known, logarithmic=bool(unit)))
        self._panel.strip_plots.set_strips(strips)
        self._panel.set_size_words("")

    # ---- alike ------------------------------------------------------------------------------

    def _show_alike(self, read: _Read, reviewed: RunReview, crop_id: int) -> None:
        if read.nearest is None:
            self._panel.alike_grid.set_rows(())
            self._panel.set_alike_words(_NO_FEATURES)
            return
        found = read.nearest.of(crop_id, _ALIKE)
        labels = self._session.project.labels_of([other for other, _ in found])
        ids = reviewed.class_ids
        rows = [
            CropRow(
                other,
                labels.get(other, ids[read.crops[other].label]),
                f"{distance:.3f}",
                f"{read.crops[other].name}, distance {distance:.2f} from 0 (alike) to 2",
            )
            for other, distance in found
        ]
        self._panel.alike_grid.set_rows(rows)
        self._panel.set_alike_words(
            _alike_words(reviewed, [row.label for row in rows]) if rows else "No crop is alike."
        )


def _alike_words(reviewed: RunReview, labels: list[int | None]) -> str:
    names = dict(zip(reviewed.class_ids, reviewed.classes, strict=True))
    counts = sorted(
        ((labels.count(label), label) for label in set(labels)), key=lambda one: -one[0]
    )
    said = ", ".join(
        f"{count} {names.get(label or 0, 'without a class')}" for count, label in counts
    )
    return f"Learned from these, most alike first: {said}."

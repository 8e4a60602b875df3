"""Place the chosen crop among the others: size and shape by class, similar training crops; read
beside the window.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np

from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import PoreguiError
from poregui.domain.wording import listed, with_micrometres
from poregui.gui.base.feature import Feature
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.plots.strip_plots import Strips
from poregui.gui.review.crop_detail import ALIKE, SIZE, DetailPanel
from poregui.gui.review.review_state import ReviewState
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import Nearest, Predictions
from poregui.workflow.evaluating.shape_baseline import ShapeTable, distributions, shape_table

_SHOWN = ("Equivalent diameter", "Aspect ratio", "Circularity")
_ALIKE = 8
_NO_FEATURES = (
    "This run stored no features: cross-validations and runs of older versions have none. Train "
    "again to see similar crops."
)


@dataclass(frozen=True)
class _Read:
    """Hold what was read of a run: shapes, features (None where it kept none), crops by id."""

    shapes: ShapeTable
    nearest: Nearest | None
    crops: dict[int, DatasetCrop]


def _read(run: RunFolder, _control: object) -> _Read:
    crops = {crop.crop_id: crop for crop in run.read_dataset().crops}
    return _Read(shape_table(run), Nearest.read(run), crops)


class MoreAbout(Feature):
    """Read shapes and features of a run once, when they are first wanted."""

    def __init__(self, panel: DetailPanel, state: ReviewState, background: Background) -> None:
        super().__init__(state)
        self._panel = panel
        self._state = state
        self._background = background
        self._run: RunFolder | None = None
        self._read: _Read | None = None
        self._handle: TaskHandle | None = None
        self._crop_id: int | None = None
        self._spread: dict[str, dict[str, np.ndarray]] = {}
        self._spread_of: Predictions | None = None

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
        self._say("")

    def show(self, crop_id: int | None) -> None:
        """Speak of a crop, in the panel that is seen."""
        self._crop_id = crop_id
        wanted = self._panel.more.current
        predictions = self._state.predictions
        if crop_id is None or predictions is None or self._run is None:
            return
        if wanted not in (SIZE, ALIKE):
            return
        if self._read is None:
            self._start(self._run)
        elif wanted == SIZE:
            self._show_size(self._read, predictions, crop_id)
        else:
            self._show_alike(self._read, predictions, crop_id)

    def _say(self, text: str) -> None:
        self._panel.set_size_text(text)
        self._panel.set_alike_text(text)

    def _start(self, run: RunFolder) -> None:
        if self._handle is not None:
            return
        self._say("Reading shapes and features …")
        self._handle = self._background.run(
            "Reading shapes", partial(_read, run), self._done, self._failed
        )

    def _done(self, read: _Read) -> None:
        self._handle = None
        self._read = read
        self._say("")
        self.show(self._crop_id)

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        self._say(str(error))

    # ---- size and shape ---------------------------------------------------------------------

    def _show_size(self, read: _Read, predictions: Predictions, crop_id: int) -> None:
        if self._spread_of is not predictions:
            self._spread_of = predictions
            self._spread = {}
        values = read.shapes.of(crop_id) or {}
        strips = []
        for name in _SHOWN:
            if name not in read.shapes.names:
                continue
            if name not in self._spread:
                self._spread[name] = distributions(read.shapes, predictions, name)
            of_class = self._spread[name]
            value = values.get(name, np.nan)
            classes = zip(predictions.class_ids, predictions.classes, strict=True)
            rows = tuple((class_id, of_class[class_name]) for class_id, class_name in classes)
            unit = with_micrometres(read.shapes.unit(name))
            known = None
            if np.isfinite(value):
                known = float(value)
            strips.append(Strips(name, unit, rows, known, logarithmic=bool(unit)))
        self._panel.strip_plots.set_strips(strips)
        self._panel.set_size_text("")

    # ---- alike ------------------------------------------------------------------------------

    def _show_alike(self, read: _Read, predictions: Predictions, crop_id: int) -> None:
        if read.nearest is None:
            self._panel.alike_grid.set_rows(())
            self._panel.set_alike_text(_NO_FEATURES)
            return
        found = read.nearest.of(crop_id, _ALIKE)
        labels = self._state.project.labels_of([other for other, _ in found])
        ids = predictions.class_ids
        rows = [
            CropRow(
                other,
                labels.get(other, ids[read.crops[other].label]),
                f"{distance:.3f}",
                f"{read.crops[other].name}, feature distance {distance:.2f} (0 same, 2 opposite)",
            )
            for other, distance in found
        ]
        self._panel.alike_grid.set_rows(rows)
        self._panel.set_alike_text(_alike_text(predictions, [row.label for row in rows]))


def _alike_text(predictions: Predictions, labels: list[int | None]) -> str:
    if not labels:
        return "No similar crops."
    names = dict(zip(predictions.class_ids, predictions.classes, strict=True))
    counts = Counter(labels).most_common()
    texts = [f"{number} {names.get(label or 0, 'unlabelled')}" for label, number in counts]
    return f"Most similar training crops: {listed(texts)}."

"""Draw the curves of a run, over those of another one where two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from poregui.domain.dataset import SplitName
from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.jackknife import Estimate
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.gui.plots.live_plots import ink
from poregui.gui.plots.training_curves import Curves
from poregui.gui.review.panel_presenter import PanelPresenter
from poregui.gui.review.review_panels import CurvesPanel
from poregui.gui.review.review_parts import say
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.review_text import SPLIT_NAMES
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.rating.agreement_report import noise_ceiling
from poregui.workflow.reporting.figures import (
    RunCurves,
    accuracy_figure,
    calibration_figure,
    curves_of,
    precision_recall_figure,
    roc_figure,
)


class CurvesPresenter(PanelPresenter):
    """Fill the panel of curves; `other` is the run that is compared, None for none."""

    def __init__(self, panel: CurvesPanel, state: ReviewState, background: Background) -> None:
        super().__init__(state)
        self._panel = panel
        self._background = background
        self._other: tuple[Predictions, RunFolder] | None = None
        self._handle: TaskHandle | None = None
        self._drawn: list[RunCurves] = []
        self._ceiling: Estimate | None = None
        self.link(theme().changed, self._draw)

    def set_other(self, other: tuple[Predictions, RunFolder] | None) -> None:
        """Draw the curves of another run as well."""
        self._other = other
        self.stale = True

    def reset(self) -> None:
        super().reset()
        self._other = None
        self._drawn = []
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def fill(self) -> None:
        run = self.state.run
        if run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        runs = [(run.predictions, run.folder)]
        if self._other is not None:
            runs.append(self._other)
        work = partial(read_curves, runs, self.state.split, self.state.project.folder)
        self._handle = self._background.run("Computing curves", work, self._show, self._failed)

    def _show(self, read: tuple[list[RunCurves], Estimate | None]) -> None:
        self._handle = None
        self._drawn, self._ceiling = read
        self._draw()

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        say(self._panel.curves_note, str(error))

    def _draw(self) -> None:
        predictions = self.state.predictions
        panel = self._panel
        if predictions is None or not self._drawn:
            return
        marks = ClassMarks(self.state.project.classes(retired=True))
        colours = [marks.colour(class_id).name() for class_id in predictions.class_ids]
        split = SPLIT_NAMES[self.state.split].lower()
        pair = (ink().train, ink().validation)
        panel.roc.set_figure(roc_figure(self._drawn, colours))
        panel.precision_recall.set_figure(precision_recall_figure(self._drawn, colours))
        panel.calibration.set_figure(calibration_figure(self._drawn, pair))
        panel.training.set_figure(accuracy_figure(self._drawn, pair, self._ceiling))
        note = f"{split.capitalize()} crops with the current labels, each class against all others."
        if len(self._drawn) > 1:
            solid, dashed = (one.run for one in self._drawn)
            note += f" Solid: run {solid}. Dashed: run {dashed}, chosen under Compare."
        say(panel.curves_note, note)


def read_curves(
    runs: Sequence[tuple[Predictions, RunFolder]],
    split: SplitName,
    project: Path,
    _control: object = None,
) -> tuple[list[RunCurves], Estimate | None]:
    """Compute what is drawn of runs of the project in a folder, and the accuracy that label noise
    allows, None where nobody knows; fit for any thread.
    """
    with Project.open(project, read_only=True) as reader:
        ceiling = noise_ceiling(reader)
    drawn = [
        curves_of(predictions, Curves().take_all(folder.events()).epochs, split)
        for predictions, folder in runs
    ]
    return drawn, ceiling

"""Draw the curves of a run, over those of another one where two are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from poregui.domain.calibration import Calibration
from poregui.domain.dataset import Part
from poregui.domain.errors import PoreguiError
from poregui.domain.events import EpochEnded
from poregui.domain.scores import Curve
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.gui.plots.figure_view import Figure, Line
from poregui.gui.plots.live_plots import ink
from poregui.gui.plots.training_curves import Curves
from poregui.gui.review.panel_presenter import PanelPresenter
from poregui.gui.review.review_panels import CurvesPanel
from poregui.gui.review.review_parts import say
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.review_text import PART_NAMES
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.evaluating.run_statistics import ClassCurves, Numbers, curves, numbers


@dataclass(frozen=True)
class Drawn:
    """Hold what is drawn of one run."""

    number: int
    curves: tuple[ClassCurves, ...]
    numbers: Numbers
    training: tuple[EpochEnded, ...]
    folds: bool


class CurvesPresenter(PanelPresenter):
    """Fill the panel of curves; `other` is the run that is compared, None for none."""

    def __init__(self, panel: CurvesPanel, state: ReviewState, background: Background) -> None:
        super().__init__(panel, state)
        self._panel = panel
        self._background = background
        self._other: tuple[Predictions, RunFolder] | None = None
        self._handle: TaskHandle | None = None
        self._drawn: list[Drawn] = []
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
        work = partial(read_drawn, runs, self.state.part)
        self._handle = self._background.run("Computing curves", work, self._show, self._failed)

    def _show(self, drawn: list[Drawn]) -> None:
        self._handle = None
        self._drawn = drawn
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
        part = PART_NAMES[self.state.part].lower()
        panel.roc.set_figure(_roc(self._drawn, colours))
        panel.precision_recall.set_figure(_precision_recall(self._drawn, colours))
        panel.calibration.set_figure(_calibration(self._drawn))
        panel.training.set_figure(_training(self._drawn))
        note = f"{part.capitalize()} crops with the current labels, each class against all others."
        if len(self._drawn) > 1:
            solid, dashed = (one.number for one in self._drawn)
            note += f" Solid: run {solid}. Dashed: run {dashed}, chosen under Compare."
        say(panel.curves_note, note)


def read_drawn(
    runs: Sequence[tuple[Predictions, RunFolder]], part: Part, _control: object = None
) -> list[Drawn]:
    """Compute what is drawn of runs; fit for any thread."""
    return [
        Drawn(
            predictions.run,
            curves(predictions, part),
            numbers(predictions, part),
            tuple(Curves().take_all(folder.events()).epochs),
            bool(predictions.folds),
        )
        for predictions, folder in runs
    ]


def _lines(drawn: list[Drawn], colours: list[str], which: str) -> tuple[Line, ...]:
    lines = []
    for dashed, one in enumerate(drawn):
        for place, of_class in enumerate(one.curves):
            curve: Curve | None = getattr(of_class, which)
            if curve is None:
                continue
            name = f"{of_class.name} {curve.area:.3f}" + (f", run {one.number}" if dashed else "")
            lines.append(
                Line(name, curve.x, curve.y, colours[place % len(colours)], dashed=bool(dashed))
            )
    return tuple(lines)


def _roc(drawn: list[Drawn], colours: list[str]) -> Figure:
    lines = _lines(drawn, colours, "roc")
    return Figure(
        "ROC",
        "False positives",
        "True positives",
        lines,
        diagonal=True,
        note="area under the curve",
    )


def _precision_recall(drawn: list[Drawn], colours: list[str]) -> Figure:
    lines = _lines(drawn, colours, "precision_recall")
    return Figure("Precision and recall", "Recall", "Precision", lines, note="average precision")


def _calibration(drawn: list[Drawn]) -> Figure:
    colours = ink()
    lines = []
    for dashed, one in enumerate(drawn):
        run = f", run {one.number}" if dashed else ""
        lines += _calibration_line(
            one.numbers.calibration, f"as answered{run}", colours.train, dashed=bool(dashed)
        )
        warmed = one.numbers.calibration_at_temperature
        if warmed is not None and len(drawn) == 1:
            words = f"at temperature {one.numbers.temperature:.2f}"
            lines += _calibration_line(warmed, words, colours.validation, dashed=True)
    title = "Calibration"
    x_label = "How sure the network is"
    y_label = "How often it is right"
    return Figure(title, x_label, y_label, tuple(lines), diagonal=True, note="bars: 95 % intervals")


def _calibration_line(found: Calibration, words: str, colour: str, *, dashed: bool) -> list[Line]:
    if found.error is None:
        return []
    x = np.array([one.confidence for one in found.bins], np.float64)
    y = np.array([one.accuracy for one in found.bins], np.float64)
    if dashed:
        spans = None
    else:
        spans = np.array([one.interval for one in found.bins], np.float64)
    return [
        Line(
            f"{words}, error {100 * found.error:.1f} %",
            x,
            y,
            colour,
            dashed=dashed,
            points=True,
            spans=spans,
        )
    ]


def _training(drawn: list[Drawn]) -> Figure:
    colours = ink()
    lines = []
    last = 1.0
    for dashed, one in enumerate(drawn):
        x = np.array([epoch.epoch for epoch in one.training], np.float64)
        run = f", run {one.number}" if dashed else ""
        for name, colour in (
            ("accuracy", colours.train),
            ("validation_accuracy", colours.validation),
        ):
            y = np.array([getattr(epoch, name) for epoch in one.training], np.float64)
            words = ("training" if name == "accuracy" else "validation") + run
            if len(x):
                lines.append(Line(words, x, y, colour, dashed=bool(dashed)))
        last = max(last, float(x.max(initial=1.0)))
    low = min((float(line.y.min()) for line in lines), default=0.0)
    floor = math.floor(10 * low) / 10 if low < 1 else 0.9
    note = "the last fold" if drawn[0].folds else ""
    return Figure(
        "Training", "Epoch", "Accuracy", tuple(lines), (0.0, last), (floor, 1.0), note=note
    )

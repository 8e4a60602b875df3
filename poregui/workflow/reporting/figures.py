"""Draw what is known of a run: matrix, curves, calibration, training, accuracy by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from poregui.domain.dataset import SplitName
from poregui.domain.evaluation import Breakdown
from poregui.domain.events import EpochEnded, Event
from poregui.domain.statistics.jackknife import Estimate
from poregui.domain.statistics.scores import Calibration, Curve
from poregui.domain.wording import (
    count,
    fraction_of,
    percent,
    percent_span,
    with_micrometres,
)
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.evaluating.run_statistics import ClassCurves, Numbers, curves, numbers
from poregui.workflow.reporting.plots import (
    DASHES,
    OTHER_RUN,
    Figure,
    Line,
    figure_svg,
    row_svg,
)
from poregui.workflow.reporting.svg import (
    DARK,
    LIGHT,
    Drawing,
    Ink,
    cut,
    mix,
    reads_on,
    text_width,
)

RIGHT = "#2166ac"
WRONG = "#c8501e"
PAIR = (RIGHT, WRONG)
"""Colours of training and validation, and of predictions as they are and at the temperature."""
MatrixMode = Literal["counts", "rows", "columns"]
"""What stands large in a cell: the count, or its share of the row (label) or of the column
(prediction).
"""
_MODES: dict[MatrixMode, str] = {
    "counts": "Crops",
    "rows": "% of the label",
    "columns": "% of the prediction",
}


def _ink(dark: bool) -> Ink:
    if dark:
        return DARK
    return LIGHT


@dataclass(frozen=True)
class MatrixCell:
    """Hold what a cell of a confusion matrix says: `share` is of its row, or of its column; `large`
    and `small` are its texts.
    """

    count: int
    share: float
    large: str
    small: str


def matrix_cell(
    counts: npt.NDArray[np.int64], row: int, column: int, mode: MatrixMode
) -> MatrixCell:
    """Return what a cell says, in the window as in a report."""
    number = int(counts[row, column])
    total = int(counts[row].sum())
    if mode == "columns":
        total = int(counts[:, column].sum())
    share = number / max(1, total)
    text = ""
    if total:
        text = percent(share, 0)
    if mode == "counts":
        return MatrixCell(number, share, f"{number:,}", text)
    return MatrixCell(number, share, text or "–", f"{number:,}")


def matrix_svg(
    classes: Sequence[str],
    matrix: npt.ArrayLike,
    *,
    mode: MatrixMode = "counts",
    dark: bool = False,
) -> str:
    """Return a confusion matrix, rows are the truth; `mode` says what stands large.

    The colour is the share of the row (in `columns`: of the column): blue on the diagonal, orange
    beside it.
    """
    counts = np.asarray(matrix, np.int64)
    names = [cut(name, 18) for name in classes]
    many = len(names) > 6
    widest = max(text_width(name) for name in names)
    left = widest + 38
    side = max(68.0, min(104.0, widest + 10))
    high = 56.0
    top = 60.0
    after = 16.0
    if many:
        side = high = 40.0
        top = 44 + widest * 0.75
        after = text_width(names[-1]) * 0.72  # the last turned name reaches beyond its column
    width = left + side * len(names) + after
    drawing = Drawing(width, top + high * len(names) + 16, _ink(dark), "Confusion matrix")
    drawing.text(12, 18, _MODES[mode], colour=drawing.ink.faint)
    drawing.text(left + side * len(names) / 2, 18, "Predicted", anchor="middle", weight="bold")
    drawing.text(16, top + high * len(names) / 2, "Label", anchor="middle", weight="bold", turn=-90)
    for i, name in enumerate(names):
        drawing.text(left - 10, top + high * (i + 0.5) + 4, name, anchor="end")
        middle = left + side * (i + 0.5)
        if many:
            drawing.text(middle + 4, top - 8, name, turn=-45)
        else:
            drawing.text(middle, top - 10, name, anchor="middle")
        for k in range(len(names)):
            tip = f"labelled {classes[i]}, predicted {classes[k]}"
            rectangle = (left + side * k, top + high * i, side, high)
            _draw_cell(drawing, rectangle, matrix_cell(counts, i, k, mode), tip, right=i == k)
    return drawing.svg()


def _draw_cell(
    drawing: Drawing,
    rectangle: tuple[float, float, float, float],
    cell: MatrixCell,
    tip: str,
    *,
    right: bool,
) -> None:
    x, y, width, height = rectangle
    fill = mix(drawing.ink.ground, drawing.ink.grid, 0.45)
    ink = drawing.ink.faint
    if cell.count:
        full = WRONG
        if right:
            full = RIGHT
        fill = mix(fill, full, 0.12 + 0.88 * cell.share)
        ink = reads_on(fill)
    tip = f"{count(cell.count, 'crop')} {tip}"
    drawing.box(x + 1, y + 1, width - 2, height - 2, fill, tip)
    middle = x + width / 2
    up = y + height / 2
    if height < 50:
        drawing.text(middle, up + 4, cell.large, anchor="middle", colour=ink)
        return
    drawing.text(middle, up + 2, cell.large, size=16, anchor="middle", weight="bold", colour=ink)
    if cell.count:
        drawing.text(middle, up + 18, cell.small, size=11, anchor="middle", colour=ink)


@dataclass(frozen=True)
class RunCurves:
    """Hold what is drawn of one run as lines; `folds`: it is a cross-validation."""

    run: int
    curves: tuple[ClassCurves, ...]
    numbers: Numbers
    epochs: tuple[EpochEnded, ...]
    folds: bool


def curves_of(
    predictions: Predictions,
    events: Sequence[Event],
    split: SplitName = "test",
    found: Numbers | None = None,
) -> RunCurves:
    """Compute what is drawn of a split of a run; `found` are its numbers, where they are known."""
    return RunCurves(
        predictions.run,
        curves(predictions, split),
        found or numbers(predictions, split),
        tuple(event for event in events if isinstance(event, EpochEnded)),
        bool(predictions.folds),
    )


def roc_figure(runs: Sequence[RunCurves], colours: Sequence[str]) -> Figure:
    """Return the ROC curves of each class, of a second run dashed; `colours` are of the classes."""
    title = "ROC"
    x_label = "False positive rate"
    y_label = "True positive rate"
    lines = _class_lines(runs, colours, "roc")
    return Figure(title, x_label, y_label, lines, diagonal=True, note="area under the curve")


def precision_recall_figure(runs: Sequence[RunCurves], colours: Sequence[str]) -> Figure:
    """Return precision over recall of each class, of a second run dashed."""
    lines = _class_lines(runs, colours, "precision_recall")
    return Figure("Precision and recall", "Recall", "Precision", lines, note="average precision")


def _class_lines(runs: Sequence[RunCurves], colours: Sequence[str], which: str) -> tuple[Line, ...]:
    """Return a line a class: of one run each with its own dashes, of two runs solid and dashed."""
    lines = []
    for run_index, run in enumerate(runs):
        for index, of_class in enumerate(run.curves):
            curve: Curve | None = getattr(of_class, which)
            if curve is None:
                continue
            dash = _dash(run_index)
            if len(runs) == 1:
                dash = DASHES[index % len(DASHES)]
            name = f"{of_class.name} {curve.area:.3f}{_of_other(run, run_index)}"
            colour = colours[index % len(colours)]
            lines.append(Line(name, curve.x, curve.y, colour, dash))
    return tuple(lines)


def _dash(run_index: int) -> str:
    if run_index:
        return OTHER_RUN
    return ""


def _of_other(run: RunCurves, run_index: int) -> str:
    if run_index:
        return f", run {run.run}"
    return ""


def calibration_figure(runs: Sequence[RunCurves], colours: tuple[str, str] = PAIR) -> Figure:
    """Return how often predictions of each confidence are correct; of one run also at the
    temperature that was fitted on validation crops.
    """
    lines = []
    for run_index, run in enumerate(runs):
        name = f"as predicted{_of_other(run, run_index)}"
        lines += _calibration_line(run.numbers.calibration, name, colours[0], _dash(run_index))
        scaled = run.numbers.calibration_at_temperature
        if scaled is not None and len(runs) == 1:
            name = f"at temperature {run.numbers.temperature:.2f}"
            lines += _calibration_line(scaled, name, colours[1], DASHES[1])
    note = "bars: 95 % CI"
    labels = ("Calibration", "Confidence", "Accuracy")
    return Figure(*labels, tuple(lines), diagonal=True, note=note)


def _calibration_line(found: Calibration, name: str, colour: str, dash: str) -> list[Line]:
    if found.error is None:
        return []
    x = np.array([one.confidence for one in found.bins], np.float64)
    y = np.array([one.accuracy for one in found.bins], np.float64)
    spans: npt.NDArray[np.float64] | None = None
    if not dash:
        spans = np.array([one.interval for one in found.bins], np.float64)
    name = f"{name}, error {percent(found.error)}"
    return [Line(name, x, y, colour, dash, points=True, spans=spans)]


_CEILING = "#8a8f98"


def accuracy_figure(
    runs: Sequence[RunCurves],
    colours: tuple[str, str] = PAIR,
    ceiling: Estimate | None = None,
) -> Figure:
    """Return the accuracy in training and validation over the epochs, with a line where label noise
    ends what can be reached.
    """
    lines = _epoch_lines(runs, ("accuracy", "validation_accuracy"), colours)
    if lines and ceiling is not None and ceiling.value is not None:
        x = np.array(_epoch_range(lines))
        name = f"label noise allows {percent(ceiling.value)}"
        if ceiling.interval is not None:
            name = f"{name} ({percent_span(ceiling.interval)})"
        lines = (*lines, Line(name, x, np.full(2, ceiling.value), _CEILING, "2 4"))
    low = min((float(line.y.min()) for line in lines), default=0.0)
    floor = 0.9
    if low < 1:
        floor = math.floor(10 * low) / 10
    return Figure(
        "Accuracy in training",
        "Epoch",
        "Accuracy",
        lines,
        _epoch_range(lines),
        (floor, 1.0),
        note=_training_note(runs),
    )


def loss_figure(runs: Sequence[RunCurves], colours: tuple[str, str] = PAIR) -> Figure:
    """Return the loss in training and validation over the epochs."""
    lines = _epoch_lines(runs, ("loss", "validation_loss"), colours)
    top = max((float(np.nanmax(line.y)) for line in lines), default=1.0)
    return Figure(
        "Loss in training",
        "Epoch",
        "Loss",
        lines,
        _epoch_range(lines),
        (0.0, 1.05 * top or 1.0),
        percent=False,
        note=_training_note(runs),
    )


def _epoch_lines(
    runs: Sequence[RunCurves], names: tuple[str, str], colours: tuple[str, str]
) -> tuple[Line, ...]:
    lines = []
    for run_index, run in enumerate(runs):
        x = np.array([epoch.epoch for epoch in run.epochs], np.float64)
        for name, title, colour in zip(names, ("training", "validation"), colours, strict=True):
            y = np.array([getattr(epoch, name) for epoch in run.epochs], np.float64)
            if len(x):
                title += _of_other(run, run_index)
                lines.append(Line(title, x, y, colour, _dash(run_index)))
    return tuple(lines)


def _epoch_range(lines: Sequence[Line]) -> tuple[float, float]:
    return 0.0, max((float(line.x.max()) for line in lines), default=1.0)


def _training_note(runs: Sequence[RunCurves]) -> str:
    if runs and runs[0].folds:
        return "last fold"
    return ""


def breakdown_svg(found: Breakdown, *, dark: bool = False) -> str:
    """Return the accuracy of each part of a breakdown as a bar with its 95 % interval."""
    shown = found.shares[:24]
    left = max(110.0, max(text_width(cut(share.name)) for share in shown) + 22)
    width = 200.0
    step = 24.0
    drawing = Drawing(
        left + width + 110,
        44 + step * len(shown),
        _ink(dark),
        f"Accuracy by {found.title}",
    )
    title = found.title
    if found.unit:
        title += f" ({with_micrometres(found.unit)})"
    drawing.text(12, 20, title, weight="bold")
    for row, share in enumerate(shown):
        y = 34 + step * row
        drawing.text(left - 8, y + 14, cut(share.name), anchor="end")
        drawing.box(left, y + 3, width, 14, mix(drawing.ink.ground, drawing.ink.grid, 0.7))
        drawing.box(left, y + 3, width * share.accuracy, 14, mix(RIGHT, drawing.ink.ground, 0.25))
        low, high = (left + width * end for end in share.interval)
        drawing.line(low, y + 10, high, y + 10, drawing.ink.text, 1.4)
        drawing.text(
            left + width + 10,
            y + 14,
            fraction_of(share.accuracy, share.count, 0),
            colour=drawing.ink.faint,
        )
    return drawing.svg()


def run_figures(
    predictions: Predictions,
    found: Numbers,
    colours: Mapping[str, str],
    events: Sequence[Event] = (),
    *,
    dark: bool = False,
    ceiling: Estimate | None = None,
) -> dict[str, str]:
    """Return every figure of a run as SVG by file stem; `colours` are `#rrggbb` by class name."""
    names = predictions.classes
    matrix = found.evaluation.matrix
    ink = _ink(dark)
    figures = {
        "confusion-matrix": matrix_svg(names, matrix, dark=dark),
        "confusion-matrix-rows": matrix_svg(names, matrix, mode="rows", dark=dark),
    }
    runs = (curves_of(predictions, events, found=found),)
    of_classes = [colours.get(name, RIGHT) for name in names]
    drawn = {
        "roc": roc_figure(runs, of_classes),
        "precision-recall": precision_recall_figure(runs, of_classes),
        "calibration": calibration_figure(runs),
    }
    for stem, figure in drawn.items():
        if figure.lines:
            figures[stem] = figure_svg(figure, ink=ink)
    if len(runs[0].epochs) > 1:
        figures["training"] = row_svg(
            [loss_figure(runs), accuracy_figure(runs, ceiling=ceiling)], "Training", ink
        )
    for breakdown in found.breakdowns:
        figures[breakdown_stem(breakdown)] = breakdown_svg(breakdown, dark=dark)
    return figures


def breakdown_stem(found: Breakdown) -> str:
    """Return the file stem of a breakdown."""
    return f"accuracy-by-{found.title.lower().replace(' ', '-')}"

"""Draw the confusion matrix and the curves of a run as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poregui.domain.calibration import Calibration
from poregui.domain.dataset import Part
from poregui.domain.evaluation import Breakdown
from poregui.domain.events import EpochEnded, Event
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.evaluating.run_statistics import Numbers, curves
from poregui.workflow.reporting.svg import (
    DARK,
    LIGHT,
    Axes,
    Drawing,
    cut,
    mix,
    reads_on,
    words_width,
)

RIGHT, WRONG = "#2166ac", "#c8501e"
DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
"""Lines differ in their dashes too, for those who do not see the colours apart."""
_PLOT = 300.0
_LEFT = 58.0
_TOP = 34.0


@dataclass(frozen=True)
class Line:
    """Hold one line of a plot: `x` and `y` (points,), a `#rrggbb` colour and a dash pattern."""

    name: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    colour: str
    dash: str = ""


def matrix_svg(
    classes: Sequence[str], matrix: npt.ArrayLike, *, mode: str = "counts", dark: bool = False
) -> str:
    """Return a confusion matrix, rows are the truth; `mode` is `counts`, `row` or `column` (per
    cent of it).

    The colour is the share of the row (of the column in `column`): blue on the diagonal, orange
    beside it.
    """
    counts = np.asarray(matrix, np.int64)
    if mode == "column":
        totals = counts.sum(axis=0, keepdims=True)
    else:
        totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    names = [cut(name, 18) for name in classes]
    many = len(names) > 6
    widest = max(words_width(name) for name in names)
    side = 40.0 if many else max(68.0, min(104.0, widest + 10))
    high = 40.0 if many else 56.0
    left = widest + 38
    top = 44 + (widest * 0.75 if many else 16)
    after = (
        words_width(names[-1]) * 0.72 if many else 16
    )  # the last turned name reaches beyond its column
    size = left + side * len(names) + after, top + high * len(names) + 16
    drawing = Drawing(*size, DARK if dark else LIGHT, "Confusion matrix")
    what = {"counts": "Crops", "row": "% of the label", "column": "% of the prediction"}[mode]
    drawing.text(12, 18, what, colour=drawing.ink.faint)
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
            _cell(
                drawing,
                (left + side * k, top + high * i, side, high),
                counts,
                shares,
                (i, k),
                classes,
                mode,
            )
    return drawing.svg()


def _cell(
    drawing: Drawing,
    place: tuple[float, float, float, float],
    counts: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
    at: tuple[int, int],
    classes: Sequence[str],
    mode: str,
) -> None:
    x, y, width, height = place
    share = float(shares[at])
    count = int(counts[at])
    full = RIGHT if at[0] == at[1] else WRONG
    empty = mix(drawing.ink.ground, drawing.ink.grid, 0.45)
    fill = mix(empty, full, 0.12 + 0.88 * share) if count else empty
    tip = f"{count} crops labelled {classes[at[0]]}, predicted {classes[at[1]]}"
    drawing.box(x + 1, y + 1, width - 2, height - 2, fill, tip)
    ink = reads_on(fill) if count else drawing.ink.faint
    middle = x + width / 2
    percent = f"{100 * share:.0f} %"
    if height < 50:
        drawing.text(
            middle,
            y + height / 2 + 4,
            str(count) if mode == "counts" else percent,
            anchor="middle",
            colour=ink,
        )
        return
    if mode == "counts":
        large = str(count)
        small = percent
    else:
        large = percent
        small = str(count)
    drawing.text(
        middle, y + height / 2 + 2, large, size=16, anchor="middle", weight="bold", colour=ink
    )
    if count:
        drawing.text(middle, y + height / 2 + 18, small, size=11, anchor="middle", colour=ink)


def curves_svg(
    title: str,
    x_title: str,
    y_title: str,
    lines: Sequence[Line],
    *,
    chance: bool = False,
    dark: bool = False,
) -> str:
    """Return lines over axes from 0 to 1, with a legend below; `chance` adds the diagonal."""
    axes = Axes(_LEFT, _TOP, _PLOT, _PLOT, (0.0, 1.0), (0.0, 1.0))
    drawing = _plot(title, axes, len(lines), dark)
    axes.draw(drawing, x_title, y_title)
    if chance:
        drawing.line(*axes.at(0, 0), *axes.at(1, 1), drawing.ink.faint, 1, "3 3")
    _lines(drawing, axes, lines)
    return drawing.svg()


def calibration_svg(
    found: Calibration,
    warmed: Calibration | None = None,
    temperature: float | None = None,
    *,
    dark: bool = False,
) -> str:
    """Return how often answers of each confidence are right, with 95 % intervals; `warmed` is at
    the temperature.
    """
    axes = Axes(_LEFT, _TOP, _PLOT, _PLOT, (0.0, 1.0), (0.0, 1.0))
    drawing = _plot("Calibration", axes, 2 if warmed else 1, dark)
    axes.draw(drawing, "Confidence", "Share right")
    drawing.line(*axes.at(0, 0), *axes.at(1, 1), drawing.ink.faint, 1, "3 3")
    lines = [_calibration_line(_with_error("as predicted", found), found, RIGHT)]
    for one in found.bins:
        x, low = axes.at(one.confidence, one.interval[0])
        drawing.line(x, low, x, axes.at(one.confidence, one.interval[1])[1], RIGHT, 1)
    if warmed is not None:
        lines.append(
            _calibration_line(
                _with_error(f"at temperature {temperature or 1.0:.2f}", warmed),
                warmed,
                WRONG,
                DASHES[1],
            )
        )
    _lines(drawing, axes, lines, dots=True)
    return drawing.svg()


def _with_error(words: str, of: Calibration) -> str:
    if of.error is None:
        return words
    return f"{words}, error {100 * of.error:.1f} %"


def _calibration_line(name: str, of: Calibration, colour: str, dash: str = "") -> Line:
    x = np.array([one.confidence for one in of.bins], np.float64)
    return Line(name, x, np.array([one.accuracy for one in of.bins], np.float64), colour, dash)


def training_svg(events: Sequence[Event], *, dark: bool = False) -> str | None:
    """Return loss and accuracy over the epochs of a run, training and validation; None without
    epochs.
    """
    epochs = [event for event in events if isinstance(event, EpochEnded)]
    if len(epochs) < 2:
        return None
    x = np.arange(1, len(epochs) + 1, dtype=np.float64)
    losses = [
        np.array([getattr(e, name) for e in epochs], np.float64)
        for name in ("loss", "validation_loss")
    ]
    shares = [
        np.array([getattr(e, name) for e in epochs], np.float64)
        for name in ("accuracy", "validation_accuracy")
    ]
    top = float(np.nanmax(np.concatenate(losses))) * 1.05 or 1.0
    left = Axes(_LEFT, _TOP, _PLOT, _PLOT * 0.75, (1.0, float(len(x))), (0.0, top))
    right = Axes(_LEFT + _PLOT + 74, _TOP, _PLOT, _PLOT * 0.75, (1.0, float(len(x))), (0.0, 1.0))
    drawing = Drawing(
        2 * (_LEFT + _PLOT) + 36, _TOP + _PLOT * 0.75 + 74, DARK if dark else LIGHT, "Training"
    )
    for axes, title, pair in ((left, "Loss", losses), (right, "Accuracy", shares)):
        axes.draw(drawing, "Epoch", title)
        named = (("training", RIGHT, ""), ("validation", WRONG, DASHES[1]))
        lines = [
            Line(name, x, y, colour, dash)
            for (name, colour, dash), y in zip(named, pair, strict=True)
        ]
        _lines(drawing, axes, lines, across=True)
    return drawing.svg()


def breakdown_svg(found: Breakdown, *, dark: bool = False) -> str:
    """Return the accuracy of each part of a breakdown as a bar with its 95 % interval."""
    shown = found.shares[:24]
    left = max(110.0, max(words_width(cut(share.name)) for share in shown) + 22)
    width = 200.0
    step = 24.0
    drawing = Drawing(
        left + width + 110,
        44 + step * len(shown),
        DARK if dark else LIGHT,
        f"Accuracy by {found.title}",
    )
    if found.unit:
        title = f"{found.title} in {found.unit}"
    else:
        title = found.title
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
            f"{100 * share.accuracy:.0f} % of {share.count}",
            colour=drawing.ink.faint,
        )
    return drawing.svg()


def run_figures(
    predictions: Predictions,
    found: Numbers,
    colours: Mapping[str, str],
    events: Sequence[Event] = (),
    *,
    part: Part = "test",
    dark: bool = False,
) -> dict[str, str]:
    """Return every figure of a run as SVG by file stem; `colours` are `#rrggbb` by class name."""
    names = predictions.classes
    matrix = found.evaluation.matrix
    figures = {
        "confusion-matrix": matrix_svg(names, matrix, dark=dark),
        "confusion-matrix-rows": matrix_svg(names, matrix, mode="row", dark=dark),
    }
    both = curves(predictions, part)
    style = {
        name: (colours.get(name, RIGHT), DASHES[i % len(DASHES)]) for i, name in enumerate(names)
    }
    roc = [
        Line(f"{c.name}, area {c.roc.area:.3f}", c.roc.x, c.roc.y, *style[c.name])
        for c in both
        if c.roc
    ]
    recall = [
        Line(f"{c.name}, average precision "
             f"{c.precision_recall.area:.3f}", c.precision_recall.x, c.precision_recall.y,
             *style[c.name])
        for c in both if c.precision_recall
    ]  # fmt: skip
    if roc:
        figures["roc"] = curves_svg(
            "ROC", "False-positive share", "True-positive share", roc, chance=True, dark=dark
        )
    if recall:
        figures["precision-recall"] = curves_svg(
            "Precision and recall", "Recall", "Precision", recall, dark=dark
        )
    if found.calibration.bins:
        figures["calibration"] = calibration_svg(
            found.calibration, found.calibration_at_temperature, found.temperature, dark=dark
        )
    training = training_svg(events, dark=dark)
    if training is not None:
        figures["training"] = training
    for one in found.breakdowns:
        figures[f"accuracy-by-{one.title.lower().replace(' ', '-')}"] = breakdown_svg(
            one, dark=dark
        )
    return figures


def _plot(title: str, axes: Axes, lines: int, dark: bool) -> Drawing:
    height = axes.top + axes.height + 48 + 18 * lines
    drawing = Drawing(axes.left + axes.width + 24, height, DARK if dark else LIGHT, title)
    drawing.text(axes.left, 20, title, weight="bold", size=13)
    return drawing


def _lines(
    drawing: Drawing, axes: Axes, lines: Sequence[Line], *, dots: bool = False, across: bool = False
) -> None:
    """Draw lines and their legend below the plot: one a row, or all in one row."""
    for number, line in enumerate(lines):
        points = [
            axes.at(x, y)
            for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True)
            if np.isfinite(x + y)
        ]
        drawing.path(points, line.colour, dash=line.dash)
        if dots:
            for point in points:
                drawing.dot(*point, line.colour)
        x = axes.left + (number * 110 if across else 0)
        y = axes.top + axes.height + 54 + (0 if across else 18 * number)
        drawing.line(x, y - 4, x + 26, y - 4, line.colour, 2, line.dash)
        drawing.text(x + 32, y, cut(line.name, 44))

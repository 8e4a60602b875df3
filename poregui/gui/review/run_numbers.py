"""Show every number of a run with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from poregui.domain.dataset import SplitName
from poregui.domain.errors import PoreguiError
from poregui.domain.evaluation import Breakdown, Evaluation
from poregui.domain.statistics.intervals import wilson_interval
from poregui.domain.wording import (
    count,
    listed,
    percent,
    percent_or_dash,
    percent_span,
    with_micrometres,
)
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.lists.number_table import NumberRow
from poregui.gui.review.panel_presenter import PanelPresenter
from poregui.gui.review.review_panels import NumbersPanel
from poregui.gui.review.review_parts import say
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.review_text import SPLIT_NAMES
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.cross_validation import (
    CrossValidation,
    cross_validations,
    pooled_beside_grouped,
)
from poregui.workflow.evaluating.evaluate import Predictions
from poregui.workflow.evaluating.run_statistics import Numbers, numbers
from poregui.workflow.evaluating.shape_baseline import (
    Baseline,
    BesideBaseline,
    ShapeTable,
    beside_baseline,
    read_baseline,
    shape_table,
)
from poregui.workflow.training.grouping import group_names

Interval = tuple[float, float] | None
_TIPS = {
    "balanced": "Mean recall over classes: every class has the same weight.",
    "kappa": "Agreement beyond chance for these class sizes; 1 is perfect, 0 is chance.",
    "macro": "Mean over classes, all with the same weight.",
    "weighted": "Mean over classes, weighted by their number of crops.",
    "loss": "Mean of −log of the probability of the label; 0 is perfect. Confident errors "
    "cost most.",
    "ece": "Expected calibration error: mean difference between confidence and accuracy.",
    "temperature": "The same after dividing the logits by one number, fitted on validation "
    "crops only.",
    "pores": "Accuracy over the crops whose label is a pore.",
}


def overall_rows(found: Numbers) -> list[NumberRow]:
    """Return the numbers over all crops."""
    interval: Interval = None
    if found.interval is not None:
        interval = (found.interval.low, found.interval.high)
    scores = found.scores
    intervals = found.intervals
    wilson = found.evaluation.interval
    tip = ""
    if interval != wilson and wilson is not None:
        tip = (
            "The interval is over whole specimens or sources, as in the headline. Over single "
            f"crops (Wilson) it would be {percent_span(wilson)}: too narrow where crops of one "
            "specimen are alike."
        )
    rows = [_row("Accuracy", scores.accuracy, interval, tip)]
    if found.pores_only is not None:
        rows.append(
            _row(
                "Accuracy over pores",
                found.pores_only.accuracy,
                found.pores_only.interval,
                _TIPS["pores"],
            )
        )
    rows += [
        _row(
            "Balanced accuracy",
            scores.balanced_accuracy,
            intervals.get("balanced_accuracy"),
            _TIPS["balanced"],
        ),
        _row("F1, mean over classes", scores.macro.f1, intervals.get("macro_f1"), _TIPS["macro"]),
        _row("F1, weighted", scores.weighted.f1, None, _TIPS["weighted"]),
        _row("Precision, mean over classes", scores.macro.precision, None, _TIPS["macro"]),
        _row("Recall, mean over classes", scores.macro.recall, None, _TIPS["macro"]),
        _plain("Cohen's kappa", scores.kappa, intervals.get("kappa"), _TIPS["kappa"]),
        _plain("Log loss", found.log_loss, None, _TIPS["loss"], drawn=False),
        _row("Calibration error", found.calibration.error, None, _TIPS["ece"]),
    ]
    if found.calibration_at_temperature is not None and found.temperature is not None:
        name = f"   at temperature {found.temperature:.2f}"
        rows.append(_row(name, found.calibration_at_temperature.error, None, _TIPS["temperature"]))
    return rows


def class_rows(evaluation: Evaluation, colours: Sequence[str]) -> list[NumberRow]:
    """Return precision, recall and F1 of every class; the line drawn is the recall."""
    rows = []
    for index, (score, colour) in enumerate(zip(evaluation.per_class, colours, strict=True)):
        hits = int(evaluation.matrix[index, index])
        claimed = int(evaluation.matrix[:, index].sum())
        cells = (
            f"{score.support:,}",
            percent_or_dash(score.precision),
            interval_text(wilson_interval(hits, claimed)),
            percent_or_dash(score.recall),
            interval_text(score.recall_interval95),
            percent_or_dash(score.f1),
        )
        tip = "The line shows the recall with its 95 % CI (Wilson)."
        rows.append(
            NumberRow(score.name, cells, score.recall, score.recall_interval95, tip, colour)
        )
    return rows


def beside_rows(
    baseline: BesideBaseline | None,
    grouped: CrossValidation | None,
    ungrouped: CrossValidation | None,
) -> list[NumberRow]:
    """Return the run beside its shape baseline and beside cross-validations of the same crops."""
    rows = []
    if baseline is not None:
        for name, one in (
            ("This network", baseline.network),
            ("Shape-only baseline (random forest)", baseline.baseline),
        ):
            rows.append(_counted(name, one.n, one.accuracy, one.interval))
    if grouped is not None:
        rows += _cross_validation_rows(grouped, "by specimen")
    if ungrouped is not None:
        rows += _cross_validation_rows(ungrouped, "by crop (specimens not kept together)")
    return rows


def _cross_validation_rows(found: CrossValidation, split: str) -> list[NumberRow]:
    crops = sum(n for _, n in found.folds)
    name = f"Run {found.run}: {count(len(found.folds), 'fold')} {split}, mean"
    return [
        _counted(name, crops, found.mean, found.mean_interval, _folds_text(found)),
        _counted("   pooled", crops, found.pooled, found.pooled_interval),
    ]


def breakdown_heads(breakdown: Breakdown) -> tuple[str, ...]:
    """Return the heads of a table of groups."""
    title = breakdown.title
    if breakdown.unit:
        title += f", {_unit(breakdown)}"
    return (title, "Crops", "Errors", "Accuracy", "95 % CI, %")


def breakdown_rows(breakdown: Breakdown) -> list[NumberRow]:
    """Return a row for every group."""
    return [
        NumberRow(
            share.name,
            (
                f"{share.count:,}",
                f"{share.count - share.right:,}",
                percent_or_dash(share.accuracy),
                interval_text(share.interval),
            ),
            share.accuracy,
            share.interval,
            "Click or press Enter to show these crops, largest loss first.",
        )
        for share in breakdown.shares
    ]


def interval_text(interval: Interval) -> str:
    """Return the ends of an interval in whole per cent, a dash for none."""
    if interval is None:
        return "–"
    return f"{100 * interval[0]:.0f}–{100 * interval[1]:.0f}"


def _row(name: str, value: float | None, interval: Interval, tip: str = "") -> NumberRow:
    return NumberRow(name, (percent_or_dash(value), interval_text(interval)), value, interval, tip)


def _plain(
    name: str, value: float | None, interval: Interval, tip: str, *, drawn: bool = True
) -> NumberRow:
    text = "–"
    if value is not None:
        text = f"{value:.3f}"
    ends = "–"
    if interval is not None:
        ends = f"{interval[0]:.2f}–{interval[1]:.2f}"
    if not drawn:
        return NumberRow(name, (text, ends), None, None, tip)
    return NumberRow(name, (text, ends), value, interval, tip)


def _counted(
    name: str, crops: int, value: float | None, interval: Interval, tip: str = ""
) -> NumberRow:
    cells = (f"{crops:,}", percent_or_dash(value), interval_text(interval))
    return NumberRow(name, cells, value, interval, tip)


def _folds_text(found: CrossValidation) -> str:
    accuracies = ", ".join(f"{100 * accuracy:.1f}" for accuracy, _ in found.folds)
    text = f"Accuracy of the folds: {accuracies} %"
    if found.spread is not None:
        text += f"; standard deviation {100 * found.spread:.1f} points"
    return text


def _unit(breakdown: Breakdown) -> str:
    return with_micrometres(breakdown.unit)


@dataclass(frozen=True)
class RunExtras:
    """Hold what is read of a run once: shapes, its shape baseline, cross-validations beside it."""

    shapes: ShapeTable | None
    baseline: Baseline | None
    grouped: CrossValidation | None
    ungrouped: CrossValidation | None
    sentence: str


@dataclass(frozen=True)
class NumbersContent:
    """Hold everything that the panel shows; `crop_ids` are the counted crops in the order of the
    breakdowns.
    """

    extras: RunExtras
    crop_ids: NDArray[np.int64]
    numbers: Numbers
    beside: BesideBaseline | None


class NumbersPresenter(PanelPresenter):
    """Fill the panel of numbers; what was asked for last is what is shown.

    `group_chosen` carries the name of a group of crops and their ids.
    """

    group_chosen = Signal(str, object)

    def __init__(self, panel: NumbersPanel, state: ReviewState, background: Background) -> None:
        super().__init__(state)
        self._panel = panel
        self._background = background
        self._extras: RunExtras | None = None
        self._content: NumbersContent | None = None
        self._breakdown = 0
        self._handle: TaskHandle | None = None
        self.link(panel.breakdown_chosen, self._choose_breakdown)
        self.link(panel.breakdown_table.row_chosen, self._choose_group)

    def reset(self) -> None:
        super().reset()
        self._extras = self._content = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def fill(self) -> None:
        run = self.state.run
        if run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        work = partial(
            _compute,
            self.state.project.folder,
            run.folder,
            run.predictions,
            self.state.split,
            group_names(self.state.project),
            self._extras,
        )
        self._handle = self._background.run("Computing numbers", work, self._show, self._failed)

    def _show(self, content: NumbersContent) -> None:
        self._handle = None
        self._extras = content.extras
        self._content = content
        predictions = self.state.predictions
        panel = self._panel
        if predictions is None:
            return
        found = content.numbers
        marks = ClassMarks(self.state.project.classes(retired=True))
        colours = [marks.colour(class_id).name() for class_id in predictions.class_ids]
        crops = count(found.evaluation.n, f"{SPLIT_NAMES[self.state.split].lower()} crop")
        note = f"{crops} with the current labels."
        if found.interval is not None and found.interval.counts != "crops":
            note += (
                f" The accuracy interval treats {found.interval.groups} {found.interval.counts}, "
                "not single crops, as independent."
            )
        say(panel.numbers_note, note)
        panel.overall_table.set_rows(("", "Value", "95 % CI, %"), overall_rows(found))
        heads = ("", "Crops", "Precision", "95 % CI, %", "Recall", "95 % CI, %", "F1")
        panel.class_table.set_rows(heads, class_rows(found.evaluation, colours))
        extras = content.extras
        rows = beside_rows(content.beside, extras.grouped, extras.ungrouped)
        panel.beside_table.set_rows(("", "Crops", "Accuracy", "95 % CI, %"), rows)
        panel.beside_table.setVisible(bool(rows))
        say(panel.beside_note, _beside_text(content))
        self._show_breakdown()

    def _show_breakdown(self) -> None:
        panel = self._panel
        found: tuple[Breakdown, ...] = ()
        if self._content is not None:
            found = self._content.numbers.breakdowns
        self._breakdown = min(self._breakdown, max(0, len(found) - 1))
        panel.set_breakdowns([one.title for one in found], self._breakdown)
        panel.breakdown_table.setVisible(bool(found))
        if found:
            chosen = found[self._breakdown]
            panel.breakdown_table.set_rows(breakdown_heads(chosen), breakdown_rows(chosen))

    def _choose_breakdown(self, index: int) -> None:
        self._breakdown = index
        self._show_breakdown()

    def _choose_group(self, index: int) -> None:
        if self._content is None or self._handle is not None:
            return
        chosen = self._content.numbers.breakdowns[self._breakdown]
        share = chosen.shares[index]
        name = f"{chosen.title} {share.name} {_unit(chosen)}".rstrip()
        self.group_chosen.emit(name, tuple(self._content.crop_ids[share.indices].tolist()))

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        say(self._panel.numbers_note, str(error))


def _compute(
    project_folder: Path,
    folder: RunFolder,
    predictions: Predictions,
    split: SplitName,
    names: dict[str, str],
    extras: RunExtras | None,
    _control: object,
) -> NumbersContent:
    if extras is None:
        with Project.open(project_folder, read_only=True) as project:
            extras = read_extras(project, folder)
    beside: BesideBaseline | None = None
    if extras.baseline is not None and split == "test":
        beside = beside_baseline(predictions, extras.baseline, split)
    crop_ids = predictions.ids[predictions.counted(split)]
    found = numbers(predictions, split, extras.shapes, names)
    return NumbersContent(extras, crop_ids, found, beside)


def read_extras(project: Project, folder: RunFolder) -> RunExtras:
    """Read what the numbers of a run need beside its predictions.

    Raises ProjectError where it is damaged.
    """
    pair = pooled_beside_grouped(project)
    shapes = shape_table(folder)
    baseline = read_baseline(folder)
    if pair:
        return RunExtras(shapes, baseline, pair.grouped, pair.ungrouped, pair.sentence)
    known = cross_validations(project)
    grouped = next((one for one in known if one.grouped), None)
    ungrouped = next((one for one in known if not one.grouped), None)
    return RunExtras(shapes, baseline, grouped, ungrouped, "")


def _beside_text(content: NumbersContent) -> str:
    sentences = []
    baseline = content.extras.baseline
    if content.beside is not None and baseline is not None:
        sentences.append(content.beside.sentence)
        most = [f"{name.lower()} {percent(share, 0)}" for name, share in baseline.importances[:3]]
        sentences.append(f"Most important shape features: {listed(most)}.")
    elif baseline is None:
        sentences.append("This run has no shape-only baseline. Train again to get one.")
    if content.extras.sentence:
        sentences.append(content.extras.sentence)
    return "\n".join(sentences)

"""Show what a run is worth: headline, and every number with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from poregui.domain.dataset import Part
from poregui.domain.errors import PoreguiError
from poregui.domain.evaluation import Breakdown, Evaluation
from poregui.domain.intervals import wilson_interval
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.lists.number_table import NumberRow
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings
from poregui.gui.review.review_parts import say
from poregui.gui.review.review_text import PART_WORDS, headline
from poregui.gui.services.jobs import TaskHandle
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.cross_validation import (
    Crossed,
    cross_validations,
    pooled_beside_grouped,
)
from poregui.workflow.evaluating.evaluate import RunReview
from poregui.workflow.evaluating.run_statistics import Numbers, numbers
from poregui.workflow.evaluating.shape_baseline import (
    Baseline,
    BesideBaseline,
    ShapeTable,
    beside_baseline,
    read_baseline,
    shape_table,
)
from poregui.workflow.evaluating.test_views import log_look, unseen

Interval = tuple[float, float] | None
_TIPS = {
    "balanced": "Mean of the recalls: every class weighs the same, however many crops it has.",
    "kappa": "Agreement beyond what chance with these class sizes would give; 1 is perfect, "
    "0 is chance.",
    "macro": "Mean over the classes, each weighing the same.",
    "weighted": "Mean over the classes, each weighing as many crops as it has.",
    "loss": "Mean of -log of the probability of the label; 0 is perfect. Being sure and "
    "wrong costs most.",
    "ece": "Expected calibration error: mean distance of how sure the network is and how often "
    "it is right.",
    "warm": "The same after its logits were divided by one number, fitted on "
    "validation crops only.",
    "pores": "Accuracy over the crops whose label is a pore.",
}


def overall_rows(told: Numbers) -> list[NumberRow]:
    """Return the numbers over all crops."""
    if told.interval is not None:
        interval = (told.interval.low, told.interval.high)
    else:
        interval = None
    scores = told.scores
    intervals = told.intervals
    wilson = told.evaluation.interval
    rows = [_row("Accuracy", scores.accuracy, interval)]
    if interval != wilson:
        rows.append(
            _row(
                "   as if crops were independent",
                scores.accuracy,
                wilson,
                "Wilson's interval over single crops.",
            )
        )
    if told.pores_only is not None:
        rows.append(
            _row(
                "Accuracy over pores",
                told.pores_only.accuracy,
                told.pores_only.interval,
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
        _row("F1, macro", scores.macro.f1, intervals.get("macro_f1"), _TIPS["macro"]),
        _row("F1, weighted", scores.weighted.f1, None, _TIPS["weighted"]),
        _row("Precision, macro", scores.macro.precision, None, _TIPS["macro"]),
        _row("Recall, macro", scores.macro.recall, None, _TIPS["macro"]),
        _plain("Cohen's kappa", scores.kappa, intervals.get("kappa"), _TIPS["kappa"]),
        _plain("Log loss", told.log_loss, None, _TIPS["loss"], drawn=False),
        _row("Calibration error", told.calibration.error, None, _TIPS["ece"]),
    ]
    if told.calibration_at_temperature is not None and told.temperature is not None:
        name = f"   at temperature {told.temperature:.2f}"
        rows.append(_row(name, told.calibration_at_temperature.error, None, _TIPS["warm"]))
    return rows


def class_rows(evaluation: Evaluation, colours: Sequence[str]) -> list[NumberRow]:
    """Return precision, recall and F1 of every class; the line drawn is the recall."""
    rows = []
    for place, (score, colour) in enumerate(zip(evaluation.per_class, colours, strict=True)):
        hits = int(evaluation.matrix[place, place])
        claimed = int(evaluation.matrix[:, place].sum())
        cells = (
            str(score.support),
            percent_words(score.precision),
            span_words(wilson_interval(hits, claimed)),
            percent_words(score.recall),
            span_words(score.recall_interval95),
            percent_words(score.f1),
        )
        tip = "The line is the recall with its 95 % interval (Wilson)."
        rows.append(
            NumberRow(score.name, cells, score.recall, score.recall_interval95, tip, colour)
        )
    return rows


def beside_rows(
    told: Numbers, beside: BesideBaseline | None, grouped: Crossed | None, torn: Crossed | None
) -> list[NumberRow]:
    """Return the run beside its shape baseline and beside cross-validations of the same crops."""
    rows = []
    if beside is not None:
        for name, one in (
            ("This network", beside.network),
            ("Size and shape alone (forest)", beside.baseline),
        ):
            rows.append(_counted(name, one.n, one.accuracy, one.interval))
    for crossed, words in ((grouped, "by specimen"), (torn, "by crop, specimens on both sides")):
        if crossed is not None:
            count = sum(n for _, n in crossed.folds)
            name = f"Run {crossed.run}: {len(crossed.folds)} folds {words}"
            rows.append(
                _counted(
                    f"{name}, mean",
                    count,
                    crossed.mean,
                    crossed.mean_interval,
                    _spread_words(crossed),
                )
            )
            rows.append(_counted("   pooled", count, crossed.pooled, crossed.pooled_interval))
    return rows


def breakdown_heads(breakdown: Breakdown) -> tuple[str, ...]:
    """Return the heads of a table of groups."""
    unit = breakdown.unit.replace("um", "µm")
    return (
        f"{breakdown.title}, {unit}" if unit else breakdown.title,
        "Crops",
        "Errors",
        "Right",
        "95 % interval",
    )


def breakdown_rows(breakdown: Breakdown) -> list[NumberRow]:
    """Return a row for every group."""
    return [
        NumberRow(
            share.name,
            (
                str(share.count),
                str(share.count - share.right),
                percent_words(share.accuracy),
                span_words(share.interval),
            ),
            share.accuracy,
            share.interval,
            "Click, or press Enter, to see these crops, the worst first.",
        )
        for share in breakdown.shares
    ]


def percent_words(share: float | None) -> str:
    """Return a share in per cent with one digit, a dash for none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def span_words(interval: Interval) -> str:
    """Return the ends of an interval in whole per cent, a dash for none."""
    if interval is None:
        return "–"
    return f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f}"


def _row(name: str, value: float | None, interval: Interval, tip: str = "") -> NumberRow:
    return NumberRow(name, (percent_words(value), span_words(interval)), value, interval, tip)


def _plain(
    name: str, value: float | None, interval: Interval, tip: str, *, drawn: bool = True
) -> NumberRow:
    said = "–" if value is None else f"{value:.3f}"
    if interval is None:
        ends = "–"
    else:
        ends = f"{interval[0]:.2f} to {interval[1]:.2f}"
    return NumberRow(name, (said, ends), value if drawn else None, interval if drawn else None, tip)


def _counted(
    name: str, count: int, value: float | None, interval: Interval, tip: str = ""
) -> NumberRow:
    return NumberRow(
        name, (str(count), percent_words(value), span_words(interval)), value, interval, tip
    )


def _spread_words(crossed: Crossed) -> str:
    folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy, _ in crossed.folds)
    if crossed.spread is None:
        spread = ""
    else:
        spread = f"; standard deviation {100 * crossed.spread:.1f}"
    return f"Folds: {folds} %{spread}"


@dataclass(frozen=True)
class Kept:
    """Hold what is read of a run once: shapes, the answers of its shape baseline, cross-validations
    beside it.
    """

    shapes: ShapeTable | None
    baseline: Baseline | None
    grouped: Crossed | None
    torn: Crossed | None
    sentence: str


@dataclass(frozen=True)
class Told:
    """Hold everything that the panel shows; `crop_ids` are the counted crops in the order of the
    breakdowns.
    """

    kept: Kept
    crop_ids: NDArray[np.int64]
    numbers: Numbers
    beside: BesideBaseline | None


class NumbersPresenter(PanelPresenter):
    """Fill the panel of numbers; what was asked for last is what is shown.

    `group_chosen` carries the name of a group of crops and their ids.
    """

    group_chosen = Signal(str, object)

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._kept: Kept | None = None
        self._told: Told | None = None
        self._breakdown = 0
        self._handle: TaskHandle | None = None
        self.link(around.page.numbers.breakdown_chosen, self._choose_breakdown)
        self.link(around.page.numbers.breakdown_table.row_chosen, self._choose_group)

    def reset(self) -> None:
        super().reset()
        self._kept = self._told = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def fill(self) -> None:
        run = self.desk.run
        part = self.desk.part
        if run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        names = {f"specimen:{s.id}": s.name for s in self.around.session.project.specimens()}
        names |= {f"micrograph:{m.id}": m.name for m in self.around.session.project.micrographs()}
        reviewed = run.review
        folder = run.folder
        kept = self._kept
        project_folder = self.around.session.project.folder

        def work(_control: object) -> Told:
            known = kept
            if known is None:
                with Project.open(project_folder, read_only=True) as project:
                    known = read_kept(project, folder)
            return tell(known, reviewed, part, names)

        self._handle = self.around.services.background.run(
            "Computing numbers", work, self._show, self._failed
        )

    def _show(self, told: Told) -> None:
        self._handle = None
        self._kept = told.kept
        self._told = told
        run = self.desk.run
        panel = self.page.numbers
        if run is None:
            return
        known = self.around.session.project.classes(retired=True)
        colours = [ClassMarks(known).colour(class_id).name() for class_id in run.review.class_ids]
        part = PART_WORDS[self.desk.part].lower()
        note = f"{told.numbers.evaluation.n} {part} crops, with the labels as they are now."
        if told.numbers.interval is not None and told.numbers.interval.counts != "crops":
            count = told.numbers.interval.groups
            kind = told.numbers.interval.counts
            note += (
                f" The interval of the accuracy counts {count} {kind}, not "
                "single crops, as "
                "independent."
            )
        say(panel.numbers_note, note)
        panel.overall_table.set_rows(("", "Value", "95 % interval"), overall_rows(told.numbers))
        heads = ("", "Crops", "Precision", "95 %", "Recall", "95 %", "F1")
        panel.class_table.set_rows(heads, class_rows(told.numbers.evaluation, colours))
        rows = beside_rows(told.numbers, told.beside, told.kept.grouped, told.kept.torn)
        panel.beside_table.set_rows(("", "Crops", "Accuracy", "95 % interval"), rows)
        panel.beside_table.setVisible(bool(rows))
        say(panel.beside_note, _beside_words(told))
        self._show_breakdown()

    def _show_breakdown(self) -> None:
        panel = self.page.numbers
        if self._told is not None:
            found = self._told.numbers.breakdowns
        else:
            found = ()
        self._breakdown = min(self._breakdown, max(0, len(found) - 1))
        panel.set_breakdowns([one.title for one in found], self._breakdown)
        panel.breakdown_table.setVisible(bool(found))
        if found:
            chosen = found[self._breakdown]
            panel.breakdown_table.set_rows(breakdown_heads(chosen), breakdown_rows(chosen))

    def _choose_breakdown(self, place: int) -> None:
        self._breakdown = place
        self._show_breakdown()

    def _choose_group(self, place: int) -> None:
        if self._told is None or self._handle is not None:
            return
        chosen = self._told.numbers.breakdowns[self._breakdown]
        share = chosen.shares[place]
        unit = chosen.unit.replace("um", "µm")
        name = f"{chosen.title} {share.name} {unit}".rstrip()
        self.group_chosen.emit(name, self._told.crop_ids[share.places])

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        say(self.page.numbers.numbers_note, str(error))


def read_kept(project: Project, folder: RunFolder) -> Kept:
    """Read what the numbers of a run need beside its answers.

    Raises ProjectError where it is damaged.
    """
    pair = pooled_beside_grouped(project)
    known = cross_validations(project)
    if pair:
        grouped = pair.grouped
    else:
        grouped = next((one for one in known if one.grouped), None)
    if pair:
        torn = pair.torn
    else:
        torn = next((one for one in known if not one.grouped), None)
    return Kept(
        shape_table(folder), read_baseline(folder), grouped, torn, pair.sentence if pair else ""
    )


def tell(kept: Kept, reviewed: RunReview, part: Part, group_names: dict[str, str]) -> Told:
    """Compute what the panel shows of a part."""
    if kept.baseline is not None and part == "test":
        beside = beside_baseline(reviewed, kept.baseline, part)
    else:
        beside = None
    crop_ids = np.array([judged.crop_id for judged in reviewed.counted(part)], np.int64)
    return Told(kept, crop_ids, numbers(reviewed, part, kept.shapes, group_names), beside)


def _beside_words(told: Told) -> str:
    said = []
    if told.beside is not None:
        said.append(told.beside.sentence)
        shares = [
            f"{name.lower()} {100 * share:.0f} %"
            for name, share in told.kept.baseline.importances[:3]
        ]  # type: ignore[union-attr]
        said.append(f"The forest decides by {', '.join(shares)}.")
    elif told.kept.baseline is None:
        said.append(
            "This run has no shape baseline: runs of this version of the program bring one."
        )
    if told.kept.sentence:
        said.append(told.kept.sentence)
    return "\n".join(said)


class HeadlinePresenter(QObject):
    """Fill the column of a run; a look at its test side is counted once in a session."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.page)
        self._around = around
        self._looked: set[int] = set()

    def opened(self) -> None:
        """Show a run that was just read."""
        if not self.look():
            self.show()

    def look(self) -> bool:
        """Count a look where a person sees the test side of a run for the first time in this
        session; tell if so.
        """
        desk = self._around.desk
        run = self._around.desk.run
        if (
            run is None
            or desk.part != "test"
            or not self._around.page.isVisible()
            or run.review.run in self._looked
        ):
            return False
        self._looked.add(run.review.run)
        try:
            log_look(self._around.session.project, run.folder.path.name, self._around.session.who)
        except PoreguiError:
            self._looked.discard(run.review.run)
            return False
        self.show()
        return True

    def show(self) -> None:
        """Show numbers, headline and matrix of the part that is looked at, with the labels as they
        are now.
        """
        desk = self._around.desk
        page = self._around.page
        run = desk.run
        evaluation = desk.evaluation()
        if run is None or evaluation is None:
            return
        project = self._around.session.project
        part = desk.part
        page.set_parts(run.table.there, part)
        known = project.classes(retired=True)
        warnings = run.answers.dataset.warnings if part == "test" else ()
        if part == "test":
            seen = unseen(project, run.review).sentence
        else:
            seen = ""
        said = headline(
            run.review, evaluation, run.table.interval(part), part, run.table.relabelled
        )
        page.set_headline(said, [*warnings, *filter(None, [said.warning])], seen)
        page.set_numbers(evaluation, run.review.class_ids, known)

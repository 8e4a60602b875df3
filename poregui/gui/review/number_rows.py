"""Put the numbers of a run into rows of tables; changes with what is told of a number."""

from __future__ import annotations

from collections.abc import Sequence

from poregui.domain.breakdown import Breakdown
from poregui.domain.evaluation import Evaluation
from poregui.domain.statistics import wilson_interval
from poregui.gui.lists.number_table import NumberRow
from poregui.workflow.evaluating.cross_validation import Crossed
from poregui.workflow.evaluating.run_statistics import Numbers
from poregui.workflow.evaluating.shape_baseline import BesideBaseline

Interval = tuple[float, float] | None
_TIPS = {
    "balanced": "Mean of the recalls: every class weighs the same, however many crops it has.",
    "kappa": "Agreement beyond what chance with these class sizes would give; 1 is perfect, 0 is chance.",
    "macro": "Mean over the classes, each weighing the same.",
    "weighted": "Mean over the classes, each weighing as many crops as it has.",
    "loss": "Mean of -log of the probability of the label; 0 is perfect. Being sure and wrong costs most.",
    "ece": "Expected calibration error: mean distance of how sure the network is and how often it is right.",
    "warm": "The same after its logits were divided by one number, fitted on validation crops only.",
    "pores": "Accuracy over the crops whose label is a pore.",
}


def overall_rows(told: Numbers) -> list[NumberRow]:
    """Return the numbers over all crops."""
    interval = (told.interval.low, told.interval.high) if told.interval is not None else None
    scores, intervals = told.scores, told.intervals
    wilson = told.evaluation.interval
    rows = [_row("Accuracy", scores.accuracy, interval)]
    if interval != wilson:
        rows.append(
            _row("   as if crops were independent", scores.accuracy, wilson, "Wilson's interval over single crops.")
        )
    if told.pores_only is not None:
        rows.append(_row("Accuracy over pores", told.pores_only.accuracy, told.pores_only.interval, _TIPS["pores"]))
    rows += [
        _row("Balanced accuracy", scores.balanced_accuracy, intervals.get("balanced_accuracy"), _TIPS["balanced"]),
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
        hits, claimed = int(evaluation.matrix[place, place]), int(evaluation.matrix[:, place].sum())
        cells = (
            str(score.support),
            percent_words(score.precision),
            span_words(wilson_interval(hits, claimed)),
            percent_words(score.recall),
            span_words(score.recall_interval95),
            percent_words(score.f1),
        )
        tip = "The line is the recall with its 95 % interval (Wilson)."
        rows.append(NumberRow(score.name, cells, score.recall, score.recall_interval95, tip, colour))
    return rows


def beside_rows(
    told: Numbers, beside: BesideBaseline | None, grouped: Crossed | None, torn: Crossed | None
) -> list[NumberRow]:
    """Return the run beside its shape baseline and beside cross-validations of the same crops."""
    rows = []
    if beside is not None:
        for name, one in (("This network", beside.network), ("Size and shape alone (forest)", beside.baseline)):
            rows.append(_counted(name, one.n, one.accuracy, one.interval))
    for crossed, words in ((grouped, "by specimen"), (torn, "by crop, specimens on both sides")):
        if crossed is not None:
            count = sum(n for _, n in crossed.folds)
            name = f"Run {crossed.run}: {len(crossed.folds)} folds {words}"
            rows.append(_counted(f"{name}, mean", count, crossed.mean, crossed.mean_interval, _spread_words(crossed)))
            rows.append(_counted("   pooled", count, crossed.pooled, crossed.pooled_interval))
    return rows


def breakdown_heads(breakdown: Breakdown) -> tuple[str, ...]:
    """Return the heads of a table of groups."""
    unit = breakdown.unit.replace("um", "µm")
    return (f"{breakdown.title}, {unit}" if unit else breakdown.title, "Crops", "Errors", "Right", "95 % interval")


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
    return "–" if interval is None else f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f}"


def _row(name: str, value: float | None, interval: Interval, tip: str = "") -> NumberRow:
    return NumberRow(name, (percent_words(value), span_words(interval)), value, interval, tip)


def _plain(name: str, value: float | None, interval: Interval, tip: str, *, drawn: bool = True) -> NumberRow:
    said = "–" if value is None else f"{value:.3f}"
    ends = "–" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
    return NumberRow(name, (said, ends), value if drawn else None, interval if drawn else None, tip)


def _counted(name: str, count: int, value: float | None, interval: Interval, tip: str = "") -> NumberRow:
    return NumberRow(name, (str(count), percent_words(value), span_words(interval)), value, interval, tip)


def _spread_words(crossed: Crossed) -> str:
    folds = ", ".join(f"{100 * accuracy:.1f}" for accuracy, _ in crossed.folds)
    spread = "" if crossed.spread is None else f"; standard deviation {100 * crossed.spread:.1f}"
    return f"Folds: {folds} %{spread}"

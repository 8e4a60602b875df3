"""Put into words how a training stands and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poregui.domain.events import Cancelled, Failed, Finished, Interrupted
from poregui.gui.lists.run_table import WAITING, RunRow
from poregui.gui.plots.training_curves import Curves
from poregui.workflow.training.prepare_dataset import DatasetSummary
from poregui.workflow.training.training_request import Order


def waiting_rows(orders: Mapping[int, Order]) -> list[RunRow]:
    """Return the rows of the table for orders by ticket; a row's number is its
    ticket below zero.
    """
    return [
        RunRow(-ticket, order.text, WAITING, 0, 0, None, 0, WAITING)
        for ticket, order in orders.items()
    ]


def waiting_headline(orders: Mapping[int, Order], ticket: int) -> TrainingHeadline:
    """Say when a run that waits begins."""
    before = list(orders).index(ticket)
    if not before:
        turn = "when the run that goes on has ended"
    else:
        turn = f"after {before} more that wait"
    return TrainingHeadline(
        f"Waiting: {orders[ticket].text}.",
        f"It begins {turn}, with the labels as they are then.",
        "warning",
    )


_GROUPS = {"specimen": "specimen", "micrograph": "micrograph", "source": "source", "group": "group"}


@dataclass(frozen=True)
class TrainingHeadline:
    """Hold what stands above the curves; `mood` is `good`, `bad`, `warning` or empty."""

    text: str
    detail: str
    mood: str = ""


def headline(number: int, curves: Curves) -> TrainingHeadline:
    """Say how a run ended, or that it goes on."""
    match curves.final:
        case Finished() as done:
            return _finished(number, done, curves)
        case Failed() as failed:
            return TrainingHeadline(f"Run {number} failed. {failed.what}", failed.remedy, "bad")
        case Cancelled(seconds=seconds):
            return TrainingHeadline(
                f"Run {number} was cancelled.", f"It had worked for {duration(seconds)}.", "warning"
            )
        case Interrupted(epochs=epochs):
            if epochs:
                when = f"after {epochs} epochs"
            else:
                when = "before its first epoch ended"
            return TrainingHeadline(
                f"Run {number} was interrupted {when}.", "Resume goes on with it.", "warning"
            )
    started = curves.started
    if started is None:
        return TrainingHeadline(f"Run {number} is being prepared.", "")
    crops = (
        f"{started.n_train} crops to learn from, {started.n_validation} "
        "to validate, "
        f"{started.n_test} to test"
    )
    if started.folds:
        so_far = ", ".join(f"{100 * fold.accuracy:.1f} %" for fold in curves.folds)
        if so_far:
            detail = f"Folds so far: {so_far}. This one: {crops}."
        else:
            detail = f"{crops}."
        return TrainingHeadline(
            f"Run {number}: fold {started.fold} of {started.folds} is being trained.", detail
        )
    return TrainingHeadline(
        f"Run {number} is being trained.", f"{crops}; {started.parameters:,} weights."
    )


def _finished(number: int, done: Finished, curves: Curves) -> TrainingHeadline:
    detail = ""
    if done.low is not None and done.high is not None:
        counted = f" over {done.over}" if done.over else ""
        detail = f"95 % interval {100 * done.low:.0f} to {100 * done.high:.0f} %{counted}. "
    how = "Stopped" if done.stopped else "Ended"
    if done.best_epoch:
        kept = f"; the weights of epoch {done.best_epoch} were kept"
    else:
        kept = ""
    if len(curves.folds) > 1:
        each = ", ".join(f"{100 * fold.accuracy:.1f}" for fold in curves.folds)
        detail = f"{len(curves.folds)} folds: {each} %. "
    return TrainingHeadline(
        f"Run {number}: {100 * done.accuracy:.1f} % of {done.n_test} unseen crops right.",
        f"{detail}{how} after {done.epochs} epochs and {duration(done.seconds)}{kept}.",
        "good",
    )


def facts(curves: Curves) -> dict[str, str]:
    """Return the numbers below the curves by their captions."""
    last = curves.last
    best = curves.best
    running = curves.final is None
    epoch = max(curves.now.epoch if curves.now and running else 0, last.epoch if last else 0)
    if curves.started:
        most = curves.started.epochs
    elif last:
        most = last.epochs
    else:
        most = 0
    return {
        "Epoch": f"{epoch} of {most}" if most else "–",
        "Time left": f"at most {clock(last.seconds_left)}"
        if last and running and not curves.stage
        else "–",
        "Since the best": f"{last.plateau} of {last.patience}"
        if last and last.patience
        else _waited(curves),
        "Best so far": f"epoch {best.epoch}" if best else "–",
        "Its validation": f"{100 * best.validation_accuracy:.1f} %, loss {best.validation_loss:.3f}"
        if best
        else "–",
    }


def _waited(curves: Curves) -> str:
    return str(curves.last.plateau) if curves.last else "–"


def stage(curves: Curves) -> str:
    """Say what the trainer does apart from learning; empty while it learns or when it has ended."""
    if curves.stage and curves.final is None:
        return f"{curves.stage} …"
    return ""


def progress(curves: Curves) -> float:
    """Return which fraction of the epochs, at most, has passed; of all folds in
    a cross-validation.
    """
    if curves.started is None or curves.final is not None:
        return 0.0
    done = float(curves.last.epoch if curves.last else 0)
    if curves.now is not None and curves.now.epoch > done:
        done = curves.now.epoch - 1 + curves.now.batch / max(curves.now.batches, 1)
    share = min(1.0, done / max(curves.started.epochs, 1))
    if curves.started.folds:
        return (curves.started.fold - 1 + share) / curves.started.folds
    return share


def split_sentence(summary: DatasetSummary) -> str:
    """Say how many crops there are and by what they were split."""
    crops = sum(sum(counts) for counts in summary.counts.values())
    if not summary.kind:
        return f"{crops} labelled crops"
    groups = len({row.name for row in summary.groups})
    if summary.kind in _GROUPS:
        return (
            f"{crops} labelled crops of {groups} "
            f"{_GROUPS[summary.kind]}s, split by "
            f"{_GROUPS[summary.kind]}"
        )
    if summary.kind == "given":
        return f"{crops} labelled crops; the test side is the one that their folders gave"
    return f"{crops} labelled crops, split crop by crop"


def clock(seconds: float) -> str:
    """Return a time as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}"


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

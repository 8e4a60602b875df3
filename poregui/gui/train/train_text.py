"""Write how a training stands and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poregui.domain.errors import DamagedRunError
from poregui.domain.events import Cancelled, Failed, Finished, Interrupted, Started
from poregui.domain.wording import count, interval, percent
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
    turn = "when the current run finishes"
    if before:
        turn = f"after {count(before, 'other queued run')}"
    return TrainingHeadline(
        f"Queued: {orders[ticket].text}.",
        f"Starts {turn}, with the labels at that time.",
        "warning",
    )


_GROUPS = ("specimen", "micrograph", "source", "group")


@dataclass(frozen=True)
class TrainingHeadline:
    """Hold what stands above the curves; `mood` is `good`, `bad`, `warning` or empty."""

    text: str
    detail: str
    mood: str = ""


def headline(number: int, curves: Curves) -> TrainingHeadline:
    """Say how a run ended, or that it goes on."""
    match curves.final:
        case Finished() as done if _finds(curves):
            return _taught(number, done)
        case Finished() as done:
            return _finished(number, done, curves)
        case Failed() as failed:
            return TrainingHeadline(f"Run {number} failed. {failed.what}", failed.remedy, "bad")
        case Cancelled(seconds=seconds):
            return TrainingHeadline(
                f"Run {number} was cancelled.", f"Ran for {duration(seconds)}.", "warning"
            )
        case Interrupted(epochs=epochs):
            when = "before its first epoch finished"
            if epochs:
                when = f"after {count(epochs, 'epoch')}"
            return TrainingHeadline(
                f"Run {number} was interrupted {when}.", "Resume continues it.", "warning"
            )
    if curves.started is None:
        return TrainingHeadline(f"Preparing run {number}.", "")
    return _going_on(number, curves.started, curves)


def _going_on(number: int, started: Started, curves: Curves) -> TrainingHeadline:
    crops = (
        f"{count(started.n_train, 'crop')} for training, {started.n_validation:,} for validation, "
        f"{started.n_test:,} for testing"
    )
    if started.finds_pores:
        return _teaching(number, started)
    if not started.folds:
        return TrainingHeadline(
            f"Training run {number}.", f"{crops}; {count(started.parameters, 'weight')}."
        )
    detail = f"{crops}."
    if curves.folds:
        so_far = ", ".join(percent(fold.accuracy) for fold in curves.folds)
        detail = f"Accuracy of folds so far: {so_far}. This fold: {crops}."
    return TrainingHeadline(
        f"Training run {number}, fold {started.fold} of {started.folds}.", detail
    )


def _finds(curves: Curves) -> bool:
    return curves.started is not None and curves.started.finds_pores


def _teaching(number: int, started: Started) -> TrainingHeadline:
    images = count(started.n_train, "checked micrograph")
    if not started.folds:
        detail = f"On {images}; {count(started.parameters, 'weight')}."
        return TrainingHeadline(f"Training finder {number}.", detail)
    detail = f"Trained on {images}, tested on the others."
    turn = f"{started.fold} of {started.folds}"
    return TrainingHeadline(f"Scoring finder {number}, {turn}.", detail)


def _taught(number: int, done: Finished) -> TrainingHeadline:
    text = f"Finder {number} is ready."
    detail = f"Trained for {duration(done.seconds)}. Choose it under Find pores."
    if done.n_test:
        found = count(done.n_test, "pore")
        text = f"Finder {number}: IoU {done.accuracy:.2f} over {found} that it was not trained on."
    return TrainingHeadline(text, detail, "good")


def damaged_headline(problem: str) -> TrainingHeadline:
    """Say what is wrong with the files of a run; `problem` is a sentence."""
    return TrainingHeadline(problem, DamagedRunError.REMEDY, "bad")


def _finished(number: int, done: Finished, curves: Curves) -> TrainingHeadline:
    return TrainingHeadline(
        f"Run {number}: {percent(done.accuracy)} accuracy on {count(done.n_test, 'test crop')}.",
        f"{_certainty(done, curves)}{_ending(done)}",
        "good",
    )


def _certainty(done: Finished, curves: Curves) -> str:
    if len(curves.folds) > 1:
        each = ", ".join(f"{100 * fold.accuracy:.1f}" for fold in curves.folds)
        return f"{len(curves.folds)} folds: {each} %. "
    if done.low is None or done.high is None:
        return ""
    text = interval(100 * done.low, 100 * done.high, "%", digits=0)
    if done.over:
        text += f" over {done.over}"
    return f"{text}. "


def _ending(done: Finished) -> str:
    verb = "Finished"
    if done.stopped:
        verb = "Stopped"
    kept = ""
    if done.best_epoch:
        kept = f"; weights of epoch {done.best_epoch} kept"
    return f"{verb} after {count(done.epochs, 'epoch')} in {duration(done.seconds)}{kept}."


_NONE = "–"


def facts(curves: Curves) -> dict[str, str]:
    """Return the numbers below the curves by their captions."""
    return {
        "Epoch": _epoch(curves),
        "Time left": _time_left(curves),
        "Epochs since best": _since_best(curves),
        "Best so far": _best_epoch(curves),
        "Validation at best": _best_validation(curves),
    }


def _epoch(curves: Curves) -> str:
    last = curves.last
    epoch = 0
    most = 0
    if last is not None:
        epoch = last.epoch
        most = last.epochs
    if curves.started is not None:
        most = curves.started.epochs
    if curves.now is not None and curves.final is None:
        epoch = max(epoch, curves.now.epoch)
    if not most:
        return _NONE
    return f"{epoch} of {most}"


def _time_left(curves: Curves) -> str:
    if curves.last is None or curves.final is not None or curves.stage:
        return _NONE
    return f"at most {clock(curves.last.seconds_left)}"


def _since_best(curves: Curves) -> str:
    if curves.last is None:
        return _NONE
    if curves.last.patience:
        return f"{curves.last.plateau} of {curves.last.patience}"
    return str(curves.last.plateau)


def _best_epoch(curves: Curves) -> str:
    if curves.best is None:
        return _NONE
    return f"epoch {curves.best.epoch}"


def _best_validation(curves: Curves) -> str:
    best = curves.best
    if best is None:
        return _NONE
    return f"{percent(best.validation_accuracy)}, loss {best.validation_loss:.3f}"


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
    done = 0.0
    if curves.last is not None:
        done = float(curves.last.epoch)
    if curves.now is not None and curves.now.epoch > done:
        done = curves.now.epoch - 1 + curves.now.batch / max(curves.now.batches, 1)
    share = min(1.0, done / max(curves.started.epochs, 1))
    if curves.started.folds:
        return (curves.started.fold - 1 + share) / curves.started.folds
    return share


def split_sentence(summary: DatasetSummary) -> str:
    """Say how many crops there are and by what they were split."""
    crops = count(sum(sum(counts) for counts in summary.counts.values()), "labelled crop")
    if not summary.kind:
        return crops
    if summary.kind in _GROUPS:
        groups = count(len({row.name for row in summary.groups}), summary.kind)
        return f"{crops} of {groups}, split by {summary.kind}"
    if summary.kind == "given":
        return f"{crops}; the test set is given by their folders"
    return f"{crops}, split crop by crop"


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

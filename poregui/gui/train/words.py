"""Put into words how a training stands and how it ended; changes with what the train page says."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.domain.errors import DamagedRunError
from poregui.domain.events import Cancelled, Failed, Finished, Interrupted
from poregui.gui.models.curves import Curves
from poregui.workflow.freeze import DatasetSummary

_GROUPS = {"specimen": "specimen", "micrograph": "micrograph", "source": "source", "group": "group"}


@dataclass(frozen=True)
class Headline:
    """Hold what stands above the curves; `mood` is `good`, `bad`, `warning` or empty."""

    text: str
    detail: str
    mood: str = ""


def headline(number: int, curves: Curves) -> Headline:
    """Say how a run ended, or that it goes on."""
    match curves.final:
        case Finished() as done:
            return _finished(number, done, curves)
        case Failed() as failed:
            return Headline(f"Run {number} failed. {failed.what}", failed.remedy, "bad")
        case Cancelled(seconds=seconds):
            return Headline(f"Run {number} was cancelled.", f"It had worked for {duration(seconds)}.", "warning")
        case Interrupted(epochs=epochs):
            when = f"after {epochs} epochs" if epochs else "before its first epoch ended"
            return Headline(f"Run {number} was interrupted {when}.", "Resume goes on with it.", "warning")
    started = curves.started
    if started is None:
        return Headline(f"Run {number} is being prepared.", "")
    crops = f"{started.n_train} crops to learn from, {started.n_validation} to validate, {started.n_test} to test"
    if started.folds:
        so_far = ", ".join(f"{100 * fold.accuracy:.1f} %" for fold in curves.folds)
        detail = f"Folds so far: {so_far}. This one: {crops}." if so_far else f"{crops}."
        return Headline(f"Run {number}: fold {started.fold} of {started.folds} is being trained.", detail)
    return Headline(f"Run {number} is being trained.", f"{crops}; {started.parameters:,} weights.")


def damaged_headline(problem: str) -> Headline:
    """Say what is wrong with the files of a run; `problem` is a sentence."""
    return Headline(problem, DamagedRunError.REMEDY, "bad")


def _finished(number: int, done: Finished, curves: Curves) -> Headline:
    detail = ""
    if done.low is not None and done.high is not None:
        counted = f" over {done.over}" if done.over else ""
        detail = f"95 % interval {100 * done.low:.0f} to {100 * done.high:.0f} %{counted}. "
    how = "Stopped" if done.stopped else "Ended"
    kept = f"; the weights of epoch {done.best_epoch} were kept" if done.best_epoch else ""
    if len(curves.folds) > 1:
        each = ", ".join(f"{100 * fold.accuracy:.1f}" for fold in curves.folds)
        detail = f"{len(curves.folds)} folds: {each} %. "
    return Headline(
        f"Run {number}: {100 * done.accuracy:.1f} % of {done.n_test} unseen crops right.",
        f"{detail}{how} after {done.epochs} epochs and {duration(done.seconds)}{kept}.",
        "good",
    )


def facts(curves: Curves) -> dict[str, str]:
    """Return the numbers below the curves by their captions."""
    last, best, running = curves.last, curves.best, curves.final is None
    epoch = max(curves.now.epoch if curves.now and running else 0, last.epoch if last else 0)
    most = curves.started.epochs if curves.started else last.epochs if last else 0
    return {
        "Epoch": f"{epoch} of {most}" if most else "–",
        "Time left": f"at most {clock(last.seconds_left)}" if last and running and not curves.stage else "–",
        "Since the best": f"{last.plateau} of {last.patience}" if last and last.patience else _waited(curves),
        "Best so far": f"epoch {best.epoch}" if best else "–",
        "Its validation": f"{100 * best.validation_accuracy:.1f} %, loss {best.validation_loss:.3f}" if best else "–",
    }


def _waited(curves: Curves) -> str:
    return str(curves.last.plateau) if curves.last else "–"


def stage(curves: Curves) -> str:
    """Say what the trainer does apart from learning; empty while it learns or when it has ended."""
    return f"{curves.stage} …" if curves.stage and curves.final is None else ""


def progress(curves: Curves) -> float:
    """Return which fraction of the epochs, at most, has passed; of all folds in a cross-validation."""
    if curves.started is None or curves.final is not None:
        return 0.0
    done = float(curves.last.epoch if curves.last else 0)
    if curves.now is not None and curves.now.epoch > done:
        done = curves.now.epoch - 1 + curves.now.batch / max(curves.now.batches, 1)
    share = min(1.0, done / max(curves.started.epochs, 1))
    return (curves.started.fold - 1 + share) / curves.started.folds if curves.started.folds else share


def split_sentence(summary: DatasetSummary) -> str:
    """Say how many crops there are and by what they were split."""
    crops = sum(sum(counts) for counts in summary.counts.values())
    if not summary.kind:
        return f"{crops} labelled crops"
    groups = len({row.name for row in summary.groups})
    if summary.kind in _GROUPS:
        return f"{crops} labelled crops of {groups} {_GROUPS[summary.kind]}s, split by {_GROUPS[summary.kind]}"
    if summary.kind == "given":
        return f"{crops} labelled crops; the test side is the one that their folders gave"
    return f"{crops} labelled crops, split crop by crop"


def clock(seconds: float) -> str:
    """Return a time as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

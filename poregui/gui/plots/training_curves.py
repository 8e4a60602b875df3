"""Gather what a training told into the lines of its plots: the same for a live run and for a
reopened one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from poregui.domain.events import (
    FINAL,
    BatchEnded,
    EpochEnded,
    Event,
    FoldEnded,
    Note,
    Stage,
    Started,
)

MOST_POINTS = 4000
"""Batches that are drawn; of longer trainings every second one is dropped, again and again."""


@dataclass
class Curves:
    """Hold the points of one run; x is the number of epochs that have passed, in fractions for
    batches.

    `loss`, `accuracy` are of the training crops, lists as long as `epochs`. A training that was
    interrupted and goes on tells epochs again: the newer telling counts. Of a cross-validation the
    newest fold is drawn; `folds` holds what the folds before it were worth.
    """

    started: Started | None = None
    epochs: list[EpochEnded] = field(default_factory=list)
    batch_x: list[float] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folds: list[FoldEnded] = field(default_factory=list)
    stage: str = ""
    final: Event | None = None
    now: BatchEnded | None = None
    _thinned: int = 1
    _skipped: int = 0

    @property
    def last(self) -> EpochEnded | None:
        """Return the newest epoch."""
        return self.epochs[-1] if self.epochs else None

    @property
    def best(self) -> EpochEnded | None:
        """Return the epoch whose weights are the best so far."""
        last = self.last
        return next((e for e in self.epochs if last and e.epoch == last.best_epoch), None)

    @property
    def x(self) -> list[float]:
        """Return the numbers of the epochs."""
        return [float(e.epoch) for e in self.epochs]

    def values(self, name: str) -> list[float]:
        """Return one number of every epoch by its name in EpochEnded."""
        return [float(getattr(e, name)) for e in self.epochs]

    def take_all(self, events: Iterable[Event]) -> Curves:
        """Take in many events and return the curves."""
        for event in events:
            self.take(event)
        return self

    def take(self, event: Event) -> None:
        """Take in what was told next."""
        self.final = event if isinstance(event, FINAL) else None
        match event:
            case Started():
                self.folds = [
                    f for f in self.folds if f.fold < event.fold
                ]  # an interrupted one begins again
                self.started = event
                self.stage = ""
                self.now = None
            case FoldEnded():
                self.folds.append(event)
            case Stage():
                self.stage = event.text
            case Note():
                if event.text not in self.notes:
                    self.notes.append(event.text)
            case BatchEnded():
                self._take_batch(event)
            case EpochEnded():
                self.stage = ""
                self.epochs = [e for e in self.epochs if e.epoch < event.epoch]
                self.epochs.append(event)
            case _:
                self.stage = ""

    def _take_batch(self, event: BatchEnded) -> None:
        self.now = event
        self.stage = ""
        x = event.epoch - 1 + event.batch / max(event.batches, 1)
        if self.batch_x and x <= self.batch_x[-1]:
            self._forget_after(x)
        self._skipped += 1
        if self._skipped < self._thinned:
            return
        self._skipped = 0
        self.batch_x.append(x)
        self.batch_loss.append(event.loss)
        self.batch_accuracy.append(event.accuracy)
        if len(self.batch_x) > MOST_POINTS:
            self._thinned *= 2
            for points in (self.batch_x, self.batch_loss, self.batch_accuracy):
                del points[::2]

    def _forget_after(self, x: float) -> None:
        kept = sum(earlier < x for earlier in self.batch_x)
        for points in (self.batch_x, self.batch_loss, self.batch_accuracy):
            del points[kept:]
        self.epochs = [e for e in self.epochs if e.epoch < x]


def positive(values: Sequence[float]) -> list[float]:
    """Return values kept above zero, for a logarithmic axis."""
    return [max(value, 1e-6) for value in values]

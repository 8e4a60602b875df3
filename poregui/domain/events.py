"""Define what a training tells while it runs: small values, the same in the pipe, in events.jsonl
and in the plots.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any

from poregui.domain.checked import as_list, flag, maybe, number, text, whole


@dataclass(frozen=True)
class Started:
    """Say that training begins, on how many crops of each split, for at most how many epochs of how
    many batches.

    In a cross-validation it is said of each of `folds` folds; `fold` counts from 1. `at` is when
    (see `moment`), empty in runs of older versions.
    """

    run: str
    classes: tuple[str, ...]
    n_train: int
    n_validation: int
    n_test: int
    epochs: int
    batches: int
    parameters: int = 0
    fold: int = 0
    folds: int = 0
    at: str = ""

    @property
    def finds_pores(self) -> bool:
        """Tell whether it is a finder that learns: where pores are, not of which class."""
        return self.classes == FINDS


def moment() -> str:
    """Return the present time as events tell it, such as `2026-12-01T02:30:00+00:00`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


FINDS = ("pore",)
"""The classes of a finder; others know two at least."""


@dataclass(frozen=True)
class Stage:
    """Say in words what happens before and after the epochs, such as loading or exporting."""

    text: str


@dataclass(frozen=True)
class BatchEnded:
    """Tell loss and accuracy of one training batch; `epoch` and `batch` count from 1."""

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochEnded:
    """Tell how an epoch (counted from 1) ended.

    `loss` and `accuracy` are of the training crops while learning, `validation_*` of the validation
    crops. `plateau` counts epochs since the best one, out of `patience` (0: no early stopping);
    `seconds` passed since the training began, `seconds_left` is an upper estimate.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    best_epoch: int
    plateau: int
    patience: int
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class FoldEnded:
    """Tell what share of its n crops the network of one fold predicted correctly; `fold` counts
    from 1.
    """

    fold: int
    folds: int
    accuracy: float
    n: int


@dataclass(frozen=True)
class Note:
    """Tell something that a person should know, such as a warning of the split."""

    text: str


@dataclass(frozen=True)
class Finished:
    """Say that the run is complete: best weights saved, exported and tested. `stopped` when a
    person ended it early.

    `low` and `high` are the ends of the 95 % interval of the accuracy, None where nothing was
    tested or an older version told it; `over` is what they count, such as `4 specimens`, empty for
    crops.
    """

    epochs: int
    best_epoch: int
    accuracy: float
    n_test: int
    seconds: float
    stopped: bool = False
    low: float | None = None
    high: float | None = None
    over: str = ""


@dataclass(frozen=True)
class Cancelled:
    """Say that a person gave the run up."""

    seconds: float


@dataclass(frozen=True)
class Interrupted:
    """Say that the run ended before its time, because the window went away."""

    epochs: int


@dataclass(frozen=True)
class Failed:
    """Say why a run failed and what to do; `detail` is for the log and for us."""

    what: str
    remedy: str = ""
    detail: str = ""


Event = (
    Started
    | Stage
    | BatchEnded
    | EpochEnded
    | FoldEnded
    | Note
    | Finished
    | Cancelled
    | Interrupted
    | Failed
)
FINAL = (Finished, Cancelled, Interrupted, Failed)
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Started,
        Stage,
        BatchEnded,
        EpochEnded,
        FoldEnded,
        Note,
        Finished,
        Cancelled,
        Interrupted,
        Failed,
    )
}


def to_line(event: Event) -> str:
    """Return the event as one line of JSON without the line end."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=True)


def from_line(line: str) -> Event | None:
    """Return the event of a line, or None for a line that holds none.

    It may be half written, of a later version, or hold values of another kind than the event has.
    """
    try:
        values = json.loads(line)
        kind = _KINDS[values.pop("event")]
        checks = _CHECKS[kind]
        taken = {name: checks[name](value) for name, value in values.items() if name in checks}
        event: Event = kind(**taken)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return event


_OF_TYPE: dict[str, Callable[[Any], Any]] = {
    "str": text,
    "bool": flag,
    "int": partial(whole, low=-1),
    "float": number,
    "float | None": maybe(number),
    "tuple[str, ...]": lambda value: tuple(as_list(value, text)),
}
_CHECKS = {kind: {f.name: _OF_TYPE[str(f.type)] for f in fields(kind)} for kind in _KINDS.values()}

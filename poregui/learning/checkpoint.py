"""Keep the state of an unfinished training in one file, so that it goes on as if it had never
ended.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import whole
from poregui.store.files import replace_file
from poregui.store.run_files import BROKEN, read_arrays

Arrays = list[NDArray[Any]]
MIN_SECONDS = 5.0
"""Least time between two checkpoints, and about what a crash costs where writing one is quick."""
LARGEST_SHARE = 0.02
"""Part of the time that writing checkpoints may take at most; those of large networks come less
often.
"""


@dataclass(frozen=True)
class State:
    """Hold the plain numbers of a training at the end of an epoch."""

    epoch: int
    best_epoch: int
    best_loss: float
    plateau_best: float
    plateau_waited: int
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """Hold a training at the end of an epoch.

    `variables` are all of the network's (with the state of its random numbers), `best` those of the
    best epoch, `optimizer` the optimiser's, with the learning rate.
    """

    state: State
    variables: Arrays
    optimizer: Arrays
    best: Arrays


class Pace:
    """Say when the next checkpoint is due; all times are seconds of one clock."""

    def __init__(self, began: float) -> None:
        self._due = began + MIN_SECONDS

    def is_due(self, now: float) -> bool:
        """Tell whether a checkpoint should be written."""
        return now > self._due

    def wrote(self, began: float, ended: float) -> None:
        """Take in how long writing one took."""
        self._due = ended + max(MIN_SECONDS, (ended - began) / LARGEST_SHARE)


def copy_of(variables: Sequence[Any]) -> Arrays:
    """Return copies of the values of Keras variables."""
    return [np.array(variable) for variable in variables]


def assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    """Give Keras variables these values. Raises ValueError when they do not fit."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def write(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot whole or not at all. Raises PoreguiError when the disk is full."""
    arrays = {
        f"{kind}_{index:04d}": value
        for kind in ("variables", "optimizer", "best")
        for index, value in enumerate(getattr(snapshot, kind))
    }

    def save(beside: Path) -> None:
        np.savez(
            beside, allow_pickle=False, state=np.array(json.dumps(asdict(snapshot.state))), **arrays
        )

    replace_file(path, save)


def read(path: Path) -> Snapshot | None:
    """Return the snapshot of a file, None when there is none or it cannot be read."""
    try:
        stored = read_arrays(path)
        arrays = {
            kind: [stored[name] for name in sorted(stored) if name.startswith(f"{kind}_")]
            for kind in ("variables", "optimizer", "best")
        }
        return Snapshot(_state(json.loads(str(stored["state"]))), **arrays)
    except BROKEN:
        return None


def _state(received: dict[str, Any]) -> State:
    state = State(**received)
    for count in (state.epoch, state.best_epoch, state.plateau_waited):
        whole(count)
    for value in (state.best_loss, state.plateau_best, state.seconds):
        if not isinstance(value, float | int):  # infinite before the first epoch
            raise ValueError("no number")
    return state

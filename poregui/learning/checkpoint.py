"""Keep the state of an unfinished training in one file, so that it goes on as if it had never ended."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.store.files import replace_file

Arrays = list[NDArray[Any]]


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

    `variables` are all of the network's (with the state of its random numbers), `best` those of the best epoch,
    `optimizer` the optimiser's, with the learning rate.
    """

    state: State
    variables: Arrays
    optimizer: Arrays
    best: Arrays


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
        f"{part}_{place:04d}": value
        for part in ("variables", "optimizer", "best")
        for place, value in enumerate(getattr(snapshot, part))
    }

    def save(beside: Path) -> None:
        np.savez(beside, allow_pickle=False, state=np.array(json.dumps(asdict(snapshot.state))), **arrays)

    replace_file(path, save)


def read(path: Path) -> Snapshot | None:
    """Return the snapshot of a file, None when there is none or it cannot be read."""
    try:
        with open(path, "rb") as content, np.load(content, allow_pickle=False) as stored:
            parts = {
                part: [stored[name] for name in sorted(stored.files) if name.startswith(f"{part}_")]
                for part in ("variables", "optimizer", "best")
            }
            return Snapshot(State(**json.loads(str(stored["state"]))), **parts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None

"""Remember that the network of a run is trained, so that only what comes after is done again."""

from __future__ import annotations

import hashlib
from typing import Any

from poregui.domain.checked import mapping, number, text, whole
from poregui.domain.errors import PoreguiError
from poregui.domain.events import BatchEnded, EpochEnded, Event, Stage, Started
from poregui.learning.fitting import Fit
from poregui.store.files import write_json
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder

EXPORTING = "Exporting the model"
"""What is told when model.keras has been saved, also by versions that wrote no trained.json."""


def write_trained(folder: RunFolder, fit: Fit, seconds: float) -> None:
    """Write trained.json beside model.keras: how its training went and which weights they are."""
    told = {
        "ended": fit.ended,
        "epochs": fit.epochs,
        "best_epoch": fit.best_epoch,
        "seconds": seconds,
        "made_from": _hashes(folder),
    }
    write_json(folder.trained_file, told)


def read_trained(folder: RunFolder) -> Fit | None:
    """Return how the training of the weights in model.keras went, None where they have to be
    trained first.

    They count only with the recipe and the dataset that they were trained by.
    """
    try:
        if not folder.trained_file.exists():
            if folder.model_file.is_file():
                return _told_by(folder.events())
            return None
        told: dict[str, Any] = mapping(parse_json(read_whole(folder.trained_file)))
        if told["made_from"] != _hashes(folder):
            return None
        return Fit(
            text(told["ended"]),
            whole(told["epochs"]),
            whole(told["best_epoch"]),
            number(told["seconds"]),
        )
    except (PoreguiError, *BROKEN):
        return None


def _hashes(folder: RunFolder) -> dict[str, str]:
    files = (folder.recipe_file, folder.dataset_file, folder.model_file)
    return {path.name: hashlib.sha256(read_whole(path)).hexdigest() for path in files}


def _told_by(events: list[Event]) -> Fit | None:
    """Return the same of a run that was ended in its last steps by a version that wrote no
    trained.json.
    """
    last: EpochEnded | None = None
    exported = False
    for event in events:
        if isinstance(event, Started | BatchEnded | EpochEnded):
            exported = False
        if isinstance(event, EpochEnded):
            last = event
        exported = exported or (isinstance(event, Stage) and event.text == EXPORTING)
    if last is None or not exported:
        return None
    return Fit("done", last.epoch, last.best_epoch, last.seconds)

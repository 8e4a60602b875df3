"""Answer the crops of a run from size and shape alone, without a network; changes with the `shape` preset."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, Part
from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, Event, Finished, Interrupted, Note, Stage, Started
from poregui.learning.answers import accuracy_of, common_metrics, judge, trust, write_predictions
from poregui.learning.baseline import TREES, answer_crops
from poregui.learning.leaving import Check, LeftOff, leave_off
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder


def train_shapes(run_folder: Path, report: Callable[[Event], None], should_stop: Callable[[], str]) -> None:
    """Fit a random forest on shape numbers and leave predictions and metrics in the run folder; no model.

    Events, wishes and folds are as in `learning.train.train`; a forest takes seconds, so that 'stop' lets it finish and
    'interrupt' leaves nothing to go on from: the next call begins again. Raises PoreguiError when the folder is damaged
    or the disk is full, and TrainingError when there is nothing to train or to test with.
    """
    began = time.monotonic()
    folder = RunFolder(run_folder)
    try:
        final = _train(folder, report, began, lambda: leave_off(should_stop()))
    except LeftOff as left:
        final = Cancelled(time.monotonic() - began) if left.wish == "cancel" else Interrupted(0)
    report(final)


def _train(folder: RunFolder, report: Callable[[Event], None], began: float, check: Check) -> Event:
    """Leave all results and return what is to be told at the end. `check` may raise LeftOff."""
    recipe, dataset, folds = folder.read_recipe(), folder.read_dataset(), folder.read_folds()
    for warning in dataset.warnings:
        report(Note(warning))
    sizes = {part: len(dataset.part(part)) for part in ("train", "validation", "test")}
    if not folds and not (sizes["train"] and sizes["test"]):
        what = "test" if sizes["train"] else "train"
        raise TrainingError(f"There is no crop to {what} with.", "Label more crops, then train again.")
    report(Stage("Measuring shapes"))
    report(Started(folder.path.name, dataset.classes, sizes["train"], sizes["validation"], sizes["test"], 0, 0))
    check()
    folder.break_seal()
    answers = answer_crops(folder, recipe, dataset, check)
    judged = np.isfinite(answers[:, 0])
    part: Part | None = "test" if folds else None
    crops = list(compress(dataset.crops, judged))
    given = answers[judged].astype(np.float32)
    check()
    write_predictions(folder, dataset, crops, given, part)
    tested = np.array([bool(folds) or crop.part == "test" for crop in crops])
    evaluation = judge(dataset, list(compress(crops, tested)), given[tested])
    seconds = time.monotonic() - began
    told = {"trees": TREES, "epochs": 0, "best_epoch": None, "seconds": seconds, "stopped": False}
    metrics = {**common_metrics(dataset, recipe, evaluation), **_more(dataset, answers, folds), **told}
    write_json(folder.metrics_file, metrics)
    folder.write_seal()
    sure = trust(list(compress(crops, tested)), given[tested])
    return Finished(0, 0, evaluation.accuracy or 0.0, evaluation.n, seconds, **sure)


def _more(dataset: Dataset, answers: NDArray[np.float64], folds: list[list[int]]) -> dict[str, Any]:
    if not folds:
        return {
            "training_accuracy": accuracy_of(dataset, answers.astype(np.float32), "train"),
            "validation_accuracy": accuracy_of(dataset, answers.astype(np.float32), "validation"),
        }
    place = {crop.crop_id: number for number, crop in enumerate(dataset.crops)}
    rows = []
    for ids in folds:
        places = [place[crop_id] for crop_id in ids]
        judged = judge(dataset, [dataset.crops[p] for p in places], answers[places].astype(np.float32))
        rows.append({"accuracy": judged.accuracy, "n": judged.n, "epochs": 0, "best_epoch": None})
    pooled = judge(dataset, dataset.crops, answers.astype(np.float32)).accuracy
    return {"folds": rows, "mean_accuracy": float(np.mean([r["accuracy"] for r in rows])), "pooled_accuracy": pooled}

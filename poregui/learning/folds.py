"""Cross-validate: each crop is predicted by a network that has not seen its fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import TrainingError
from poregui.domain.events import Finished, FoldEnded, Note, Stage
from poregui.domain.statistics.splits import Item, choose_or_fall_back
from poregui.domain.wording import listed
from poregui.learning import trained_network
from poregui.learning.blend import Shapes
from poregui.learning.fitting import Fit, predict
from poregui.learning.job import (
    Job,
    add_baseline,
    gave_up,
    load_split,
    make_repeatable,
    shapes_of,
    start,
)
from poregui.learning.results import accuracy_interval, common_metrics, judge, write_predictions
from poregui.store.files import write_json


@dataclass(frozen=True)
class _Fold:
    """Hold one fold that was trained: its crops, their (n, classes) probabilities, how the fit
    went.
    """

    crops: list[DatasetCrop]
    predictions: NDArray[np.float32]
    fit: Fit


def cross_validate(job: Job, folds: Sequence[Sequence[int]]) -> None:
    """Train one network per fold on the other folds and let it predict the fold.

    Leaves predictions.csv with out-of-fold predictions only and metrics.json; no model. 'stop' ends
    after the current fold, whose network keeps its best weights; the crops of later folds then have
    no prediction. An interrupted cross-validation starts again. Raises TrainingError when a fold
    leaves nothing to train with.
    """
    done: list[_Fold] = []
    shapes = shapes_of(job)
    for number, ids in enumerate(folds, start=1):
        job.report(Stage(f"Fold {number} of {len(folds)}"))
        fold = _train_fold(job, number, len(folds), frozenset(ids), shapes)
        if gave_up(job, fold.fit.ended, fold.fit.epochs):
            return
        done.append(fold)
        evaluation = judge(job.dataset, fold.crops, fold.predictions)
        job.report(FoldEnded(number, len(folds), evaluation.accuracy or 0.0, evaluation.n))
        if fold.fit.ended == "stop":
            job.report(
                Note(f"Stopped after fold {number} of {len(folds)}; later folds were not tested.")
            )
            break
    _finish(job, done, shapes)


def _train_fold(
    job: Job, number: int, count: int, ids: frozenset[int], shapes: Shapes | None
) -> _Fold:
    make_repeatable(job.recipe.seed)
    tested = [crop for crop in job.dataset.crops if crop.crop_id in ids]
    rest = [crop for crop in job.dataset.crops if crop.crop_id not in ids]
    if not tested or not rest:
        raise TrainingError(f"Fold {number} has no crops.", "Choose fewer folds, then train again.")
    items = [Item(crop.crop_id, crop.label, crop.group) for crop in rest]
    chosen, _ = choose_or_fall_back(items, job.recipe.validation_share, job.recipe.seed)
    taught = [crop for crop in rest if crop.crop_id not in chosen]
    held_out = [crop for crop in rest if crop.crop_id in chosen]
    train = load_split(job, taught, "train")
    validation = load_split(job, held_out, "validate")
    _say_missing(job, number, train.labels)
    name = f"{job.folder.path.name} fold {number}/{count}"
    fitter = start(job, name, train, validation, len(tested), fold=number, folds=count)
    fit = fitter.fit()
    if fit.ended in ("cancel", "interrupt"):
        return _Fold(tested, np.empty((0, len(job.dataset.classes)), np.float32), fit)
    predictions = trained_network.predict_crops(fitter.model, job.folder, tested, job.spec)
    if shapes is not None:
        blend = shapes.blend(taught, held_out, predict(fitter.model, validation))
        predictions = blend.mix(predictions, shapes.of_crops(tested))
    return _Fold(tested, predictions, fit)


def _say_missing(job: Job, number: int, labels: NDArray[np.int64]) -> None:
    """Name the classes that the network of a fold cannot learn, for none of their crops is left to
    it.
    """
    missing = [
        name for index, name in enumerate(job.dataset.classes) if not np.any(labels == index)
    ]
    if missing:
        names = listed(missing)
        job.report(
            Note(
                f"Fold {number} has no training crop of {names} and will classify such crops as "
                f"something else. Choose fewer folds, or label {names} in more specimens."
            )
        )


def _finish(job: Job, done: Sequence[_Fold], shapes: Shapes | None) -> None:
    job.folder.break_seal()
    crops = [crop for fold in done for crop in fold.crops]
    predictions = np.concatenate([fold.predictions for fold in done])
    write_predictions(job.folder, job.dataset, crops, predictions, split="test")
    pooled = judge(job.dataset, crops, predictions)
    folds = [_fold_metrics(job, fold) for fold in done]
    stopped = done[-1].fit.ended == "stop"
    write_json(
        job.folder.metrics_file,
        {
            **common_metrics(job.dataset, job.recipe, pooled),
            "folds": folds,
            "mean_accuracy": float(np.mean([fold["accuracy"] for fold in folds])),
            "pooled_accuracy": pooled.accuracy,
            "epochs": sum(fold.fit.epochs for fold in done),
            "best_epoch": None,
            "seconds": job.seconds,
            "stopped": stopped,
        },
    )
    add_baseline(job, rows=None if shapes is None else shapes.rows)
    job.folder.write_seal()
    job.report(
        Finished(
            epochs=sum(fold.fit.epochs for fold in done),
            best_epoch=0,
            accuracy=pooled.accuracy or 0.0,
            n_test=pooled.n,
            seconds=job.seconds,
            stopped=stopped,
            **accuracy_interval(crops, predictions),
        )
    )


def _fold_metrics(job: Job, fold: _Fold) -> dict[str, Any]:
    evaluation = judge(job.dataset, fold.crops, fold.predictions)
    return {
        "accuracy": evaluation.accuracy,
        "n": evaluation.n,
        "epochs": fold.fit.epochs,
        "best_epoch": fold.fit.best_epoch,
    }

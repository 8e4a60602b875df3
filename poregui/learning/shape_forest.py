"""Predict crops from size and shape alone: the baseline of every run, and the preset `shape`.

A network earns its keep only where it beats size and shape. The forest also predicts every crop
from other specimens' crops, from which label issues are found without a cross-validation of the
network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SPLITS, Dataset, DatasetCrop, SplitName
from poregui.domain.errors import TrainingError
from poregui.domain.events import (
    Cancelled,
    Event,
    Finished,
    Interrupted,
    Note,
    Stage,
    Started,
    moment,
)
from poregui.domain.recipe import Recipe
from poregui.domain.statistics.splits import Item, assign_folds
from poregui.launching import available_cores
from poregui.learning.results import (
    Check,
    LeftOff,
    accuracy_interval,
    accuracy_of,
    common_metrics,
    judge,
    leave_off,
    never,
    write_predictions,
)
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder
from poregui.vision.shape.crop_measurement import known_crop, shape_names, shape_table_of
from poregui.vision.shape.crop_shapes import LENGTHS

FOLDS = 5
TREES = 200
_UNKNOWN = -1.0
"""Stands for a number that could not be measured; all others are positive."""


@dataclass(frozen=True)
class _Table:
    """Hold the (n, numbers) shape numbers of the crops of a dataset, in their order, with their
    (n,) labels.
    """

    crops: Sequence[DatasetCrop]
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    classes: int


def write_shapes(folder: RunFolder, dataset: Dataset, check: Check = never) -> NDArray[np.float64]:
    """Measure all crops of a dataset, write shapes.csv and return (n, numbers), lengths in um where
    all is known.

    `check` is called before each crop.
    """
    names = shape_names(dataset.shape_version)
    rows = []
    for crop, pixels in zip(dataset.crops, folder.read_crops(dataset.crops), strict=True):
        check()
        scale = None
        if dataset.calibrated:
            scale = crop.um_per_px
        known = known_crop(crop, pixels, scale)
        rows.append(shape_table_of(dataset.shape_version, [known])[0])
    values = np.array(rows).reshape(-1, len(names))
    unit = "px"
    if dataset.calibrated:
        unit = "um"
    columns = [f"{name} ({unit})" if name in LENGTHS else name for name in names]
    folder.write_shapes(columns, [crop.crop_id for crop in dataset.crops], values)
    return values


def write_baseline(
    folder: RunFolder, recipe: Recipe, dataset: Dataset, check: Check = never
) -> NDArray[np.float64]:
    """Write shapes.csv and baseline.json: what a forest on shape numbers predicts for the crops of
    this run. Return its (n, classes) out-of-fold predictions.

    `test` is predicted by a forest on all crops that the network trained and was steered with;
    `out_of_fold` by forests that saw no crop of the same group. In a cross-validation both are the
    predictions of the run's own folds. `check` is called before each step of the work and may end
    it by an exception.
    """
    values = write_shapes(folder, dataset, check)
    labels = np.array([crop.label for crop in dataset.crops], np.int64)
    table = _Table(dataset.crops, values, labels, len(dataset.classes))
    folds = folder.read_folds()
    if folds:
        fold_of = _given_folds(dataset, folds)
    else:
        fold_of = _own_folds(dataset, recipe.seed)
    out_of_fold = _cross_validated(table, fold_of, recipe, check)
    forest = None
    if folds:
        tested = np.ones(len(labels), bool)
        predictions = out_of_fold
    else:
        tested = np.array([crop.split == "test" for crop in dataset.crops])
        forest = _forest(table, ~tested, recipe)
        predictions = _predictions(forest, table)
    held_out = tested & np.isfinite(predictions[:, 0])
    right = predictions[held_out].argmax(axis=1) == labels[held_out]
    ids = [crop.crop_id for crop in dataset.crops]
    folder.write_baseline(
        {
            "kind": "random forest on shape numbers",
            "trees": TREES,
            "numbers": list(shape_names(dataset.shape_version)),
            "classes": list(dataset.classes),
            "accuracy_as_trained": float(right.mean()) if len(right) else None,
            "n_test": len(right),
            "importances": _importances(forest, shape_names(dataset.shape_version)),
            "test": _rows(ids, predictions, held_out),
            "out_of_fold": _rows(ids, out_of_fold, np.isfinite(out_of_fold[:, 0])),
        }
    )
    return out_of_fold


def predict_crops(
    folder: RunFolder, recipe: Recipe, dataset: Dataset, check: Check = never
) -> NDArray[np.float64]:
    """Write the baseline too, and return (n, classes) predictions of the forest for all crops of
    a dataset, in order.

    Of a cross-validation each is out of its fold, NaN where the other folds have fewer than two
    classes. Validation crops are not trained on, so that probabilities can be calibrated with them.
    """
    out_of_fold = write_baseline(folder, recipe, dataset, check)
    if folder.read_folds():
        return out_of_fold
    labels = np.array([crop.label for crop in dataset.crops], np.int64)
    shapes = folder.read_shapes(dataset)
    assert shapes is not None
    table = _Table(dataset.crops, shapes[2], labels, len(dataset.classes))
    trained = np.array([crop.split == "train" for crop in dataset.crops])
    return _predictions(_forest(table, trained, recipe), table)


def _own_folds(dataset: Dataset, seed: int) -> NDArray[np.int64]:
    """Return a fold for each crop, by whole groups where there are several, and otherwise crop by
    crop.
    """
    items = [Item(crop.crop_id, crop.label, crop.group) for crop in dataset.crops]
    if len({item.group for item in items}) < 2:
        items = [Item(item.crop_id, item.label, f"crop:{item.crop_id}") for item in items]
    groups = len({item.group for item in items})
    fold_of = assign_folds(items, max(1, min(FOLDS, groups)), seed)
    return np.array([fold_of[item.group] for item in items], np.int64)


def _given_folds(dataset: Dataset, folds: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    fold_of = {crop_id: number for number, ids in enumerate(folds) for crop_id in ids}
    return np.array([fold_of.get(crop.crop_id, -1) for crop in dataset.crops], np.int64)


def _cross_validated(
    table: _Table, fold_of: NDArray[np.int64], recipe: Recipe, check: Check
) -> NDArray[np.float64]:
    """Return (n, classes) probabilities, each from the other folds; NaN where those have fewer than
    two classes.
    """
    found = np.full((len(table.labels), table.classes), np.nan)
    for fold in sorted(set(fold_of.tolist()) - {-1}):
        check()
        inside = fold_of == fold
        if len(set(table.labels[~inside].tolist())) > 1:
            found[inside] = _predictions(_forest(table, ~inside, recipe), table)[inside]
    return found


def _forest(table: _Table, inside: NDArray[np.bool_], recipe: Recipe) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        TREES,
        min_samples_leaf=2,
        class_weight="balanced",
        random_state=recipe.seed,
        n_jobs=recipe.threads or available_cores(),
    )
    forest.fit(_filled(table.values[inside]), table.labels[inside])
    return forest


def _predictions(forest: Any, table: _Table) -> NDArray[np.float64]:
    found = np.zeros((len(table.labels), table.classes))
    found[:, forest.classes_] = forest.predict_proba(_filled(table.values))
    return found


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.nan_to_num(values, nan=_UNKNOWN)


def _importances(forest: Any, names: Sequence[str]) -> dict[str, float]:
    if forest is None:
        return {}
    return {
        name: float(share) for name, share in zip(names, forest.feature_importances_, strict=True)
    }


def _rows(
    ids: Sequence[int], predictions: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> list[list[float]]:
    """Return one list per wanted crop: its id, then its probabilities."""
    return [
        [ids[index], *(round(float(p), 6) for p in predictions[index])]
        for index in np.flatnonzero(wanted).tolist()
    ]


def _check_sizes(sizes: dict[SplitName, int]) -> None:
    """Raise TrainingError when nothing would be trained on, or nothing tested."""
    for split in ("train", "test"):
        if not sizes[split]:
            raise TrainingError(
                f"There is no crop to {split} with.", "Label more crops, then train again."
            )


def train_shapes(
    run_folder: Path, report: Callable[[Event], None], should_stop: Callable[[], str]
) -> None:
    """Fit a random forest on shape numbers and leave predictions and metrics in the run folder; no
    model.

    Events, wishes and folds are as in `learning.train.train`; a forest takes seconds, so that
    'stop' lets it finish and 'interrupt' leaves nothing to go on from: the next call begins again.
    Raises PoreguiError when the folder is damaged or the disk is full, and TrainingError when there
    is nothing to train or to test with.
    """
    began = time.monotonic()
    folder = RunFolder(run_folder)
    try:
        final = _train(folder, report, began, lambda: leave_off(should_stop()))
    except LeftOff as left:
        if left.wish == "cancel":
            final = Cancelled(time.monotonic() - began)
        else:
            final = Interrupted(0)
    report(final)


def _train(folder: RunFolder, report: Callable[[Event], None], began: float, check: Check) -> Event:
    """Leave all results and return what is to be told at the end. `check` may raise LeftOff."""
    recipe = folder.read_recipe()
    dataset = folder.read_dataset()
    folds = folder.read_folds()
    for warning in dataset.warnings:
        report(Note(warning))
    sizes = {split: len(dataset.split(split)) for split in SPLITS}
    if not folds:
        _check_sizes(sizes)
    report(Stage("Measuring shapes"))
    report(
        Started(
            folder.path.name,
            dataset.classes,
            sizes["train"],
            sizes["validation"],
            sizes["test"],
            0,
            0,
            at=moment(),
        )
    )
    check()
    folder.break_seal()
    predictions = predict_crops(folder, recipe, dataset, check)
    held_out = np.isfinite(predictions[:, 0])
    crops = list(compress(dataset.crops, held_out))
    probabilities = predictions[held_out].astype(np.float32)
    check()
    write_predictions(folder, dataset, crops, probabilities, "test" if folds else None)
    tested = np.array([bool(folds) or crop.split == "test" for crop in crops])
    evaluation = judge(dataset, list(compress(crops, tested)), probabilities[tested])
    seconds = time.monotonic() - began
    training = {
        "trees": TREES,
        "epochs": 0,
        "best_epoch": None,
        "seconds": seconds,
        "stopped": False,
    }
    metrics = {
        **common_metrics(dataset, recipe, evaluation),
        **_more(dataset, predictions, folds),
        **training,
    }
    write_json(folder.metrics_file, metrics)
    folder.write_seal()
    interval = accuracy_interval(list(compress(crops, tested)), probabilities[tested])
    return Finished(0, 0, evaluation.accuracy or 0.0, evaluation.n, seconds, **interval)


def _more(
    dataset: Dataset, predictions: NDArray[np.float64], folds: list[list[int]]
) -> dict[str, Any]:
    if not folds:
        return {
            "training_accuracy": accuracy_of(dataset, predictions.astype(np.float32), "train"),
            "validation_accuracy": accuracy_of(
                dataset, predictions.astype(np.float32), "validation"
            ),
        }
    row_of = {crop.crop_id: number for number, crop in enumerate(dataset.crops)}
    rows = []
    for ids in folds:
        tested = [row_of[crop_id] for crop_id in ids]
        held_out = judge(
            dataset, [dataset.crops[p] for p in tested], predictions[tested].astype(np.float32)
        )
        rows.append(
            {"accuracy": held_out.accuracy, "n": held_out.n, "epochs": 0, "best_epoch": None}
        )
    pooled = judge(dataset, dataset.crops, predictions.astype(np.float32)).accuracy
    return {
        "folds": rows,
        "mean_accuracy": float(np.mean([r["accuracy"] for r in rows])),
        "pooled_accuracy": pooled,
    }

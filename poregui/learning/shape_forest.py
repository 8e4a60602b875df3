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
from poregui.learning.onnx_graph import answers_of, check_parity, forest_graph
from poregui.learning.results import (
    PARITY_CROPS,
    Check,
    LeftOff,
    accuracy_interval,
    accuracy_of,
    common_metrics,
    judge,
    leave_off,
    never,
    write_predictions,
    write_reference,
    write_sidecar,
)
from poregui.store.files import write_bytes, write_json
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec
from poregui.vision.shape.crop_measurement import (
    known_crop,
    network_numbers,
    shape_names,
    shape_table_of,
)
from poregui.vision.shape.crop_shapes import LENGTHS

FOLDS = 5
TREES = 200


@dataclass(frozen=True)
class ShapeRows:
    """Hold what a forest is told of the crops of a dataset, in their order, (n, numbers), with
    their (n,) labels.
    """

    crops: Sequence[DatasetCrop]
    values: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int


def write_shapes(folder: RunFolder, dataset: Dataset, check: Check = never) -> NDArray[np.float64]:
    """Measure all crops of a dataset, write shapes.csv and return (n, numbers), lengths in um where
    all is known.

    `check` is called before each crop.
    """
    names = shape_names(dataset.shape_version)
    values = _measured(folder, dataset, check, outlined=True)
    unit = "px"
    if dataset.calibrated:
        unit = "um"
    columns = [f"{name} ({unit})" if name in LENGTHS else name for name in names]
    folder.write_shapes(columns, [crop.crop_id for crop in dataset.crops], values)
    return values


def _measured(
    folder: RunFolder, dataset: Dataset, check: Check, *, outlined: bool
) -> NDArray[np.float64]:
    """Return the numbers of all crops, by their outlines where they have one and these count."""
    rows = []
    for crop, pixels in zip(dataset.crops, folder.read_crops(dataset.crops), strict=True):
        check()
        scale = crop.um_per_px if dataset.calibrated else None
        known = known_crop(crop, pixels, scale, outlined=outlined)
        rows.append(shape_table_of(dataset.shape_version, [known])[0])
    return np.array(rows).reshape(-1, len(shape_names(dataset.shape_version)))


def _forest_numbers(
    folder: RunFolder, dataset: Dataset, values: NDArray[np.float64], check: Check
) -> NDArray[np.float32]:
    """Return what a forest is told of crops whose (n, numbers) were measured, as in applying: there
    outlines count where most training crops had one.
    """
    if not dataset.outlined and any(crop.outline is not None for crop in dataset.crops):
        values = _measured(folder, dataset, check, outlined=False)
    return network_numbers(dataset.shape_version, values)


def write_baseline(
    folder: RunFolder,
    recipe: Recipe,
    dataset: Dataset,
    check: Check = never,
    rows: ShapeRows | None = None,
) -> NDArray[np.float64]:
    """Write shapes.csv and baseline.json: what a forest on shape numbers predicts for the crops of
    this run. Return its (n, classes) out-of-fold predictions.

    `test` is predicted by a forest on all crops that the network trained and was steered with;
    `out_of_fold` by forests that saw no crop of the same group. In a cross-validation both are the
    predictions of the run's own folds. `check` is called before each step of the work and may end
    it by an exception.
    """
    table = rows or shape_rows(folder, dataset, check)
    return _write_baseline(folder, recipe, table, check)


def shape_rows(folder: RunFolder, dataset: Dataset, check: Check = never) -> ShapeRows:
    """Write shapes.csv and return what a forest learns from."""
    values = write_shapes(folder, dataset, check)
    labels = np.array([crop.label for crop in dataset.crops], np.int64)
    numbers = _forest_numbers(folder, dataset, values, check)
    return ShapeRows(dataset.crops, numbers, labels, len(dataset.classes))


def _write_baseline(
    folder: RunFolder, recipe: Recipe, table: ShapeRows, check: Check
) -> NDArray[np.float64]:
    dataset = folder.read_dataset()
    labels = table.labels
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
        forest = forest_of(table, ~tested, recipe)
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
    """Write the baseline and the forest's model.onnx too, and return (n, classes) predictions of
    the forest for all crops of a dataset, in order.

    A cross-validation leaves no model; each prediction is out of its fold, NaN where the other
    folds have fewer than two classes. Validation crops are not trained on, so that probabilities
    can be calibrated with them.
    """
    table = shape_rows(folder, dataset, check)
    out_of_fold = _write_baseline(folder, recipe, table, check)
    if folder.read_folds():
        return out_of_fold
    trained = np.array([crop.split == "train" for crop in dataset.crops])
    forest = forest_of(table, trained, recipe)
    predictions = _predictions(forest, table)
    check()
    _export(folder, recipe, dataset, forest, table, predictions)
    return predictions


def _export(
    folder: RunFolder,
    recipe: Recipe,
    dataset: Dataset,
    forest: Any,
    table: ShapeRows,
    predictions: NDArray[np.float64],
) -> None:
    """Write model.onnx and model.json. Raises TrainingError where they answer otherwise."""
    content = forest_graph(forest, table.classes, table.values.shape[1]).SerializeToString()
    some = slice(0, PARITY_CROPS)
    exported = answers_of(content)({"shape": table.values[some]})
    difference = float(np.abs(exported - predictions[some]).max())
    check_parity(difference)
    write_bytes(folder.onnx_file, content)
    spec = InputSpec(
        side=1,
        channels=1,
        stretched=False,
        sees_size=False,
        calibrated=dataset.calibrated,
        sees_shape=True,
        shape_version=dataset.shape_version,
        outlined=dataset.outlined,
        sees_image=False,
    )
    write_sidecar(folder, recipe, dataset, spec, difference)
    write_reference(folder, dataset, table.values)


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
    table: ShapeRows, fold_of: NDArray[np.int64], recipe: Recipe, check: Check
) -> NDArray[np.float64]:
    """Return (n, classes) probabilities, each from the other folds; NaN where those have fewer than
    two classes.
    """
    found = np.full((len(table.labels), table.classes), np.nan)
    for fold in sorted(set(fold_of.tolist()) - {-1}):
        check()
        inside = fold_of == fold
        if len(set(table.labels[~inside].tolist())) > 1:
            found[inside] = _predictions(forest_of(table, ~inside, recipe), table)[inside]
    return found


def forest_of(table: ShapeRows, inside: NDArray[np.bool_], recipe: Recipe) -> Any:
    """Return a forest that learnt from the crops `inside` (n,)."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        TREES,
        min_samples_leaf=2,
        class_weight="balanced",
        random_state=recipe.seed,
        n_jobs=recipe.threads or available_cores(),
    )
    forest.fit(table.values[inside], table.labels[inside])
    return forest


def predictions_of(
    forest: Any, values: NDArray[np.floating[Any]], classes: int
) -> NDArray[np.float64]:
    """Return the (n, `classes`) probabilities of a forest for (n, numbers)."""
    found = np.zeros((len(values), classes))
    if len(values):
        found[:, forest.classes_] = forest.predict_proba(values)
    return found


def _predictions(forest: Any, table: ShapeRows) -> NDArray[np.float64]:
    return predictions_of(forest, table.values, table.classes)


def _importances(forest: Any, names: Sequence[str]) -> dict[str, float]:
    if forest is None:
        return {}
    shares = forest.feature_importances_[: len(names)]  # the last tells that nothing was found
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


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
    """Fit a random forest on shape numbers and leave its model, predictions and metrics in the run
    folder.

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

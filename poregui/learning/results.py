"""Write predictions and metrics of a run, whatever made them, and say when work is left off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop, SplitName
from poregui.domain.evaluation import Evaluation, Prediction, evaluate
from poregui.domain.recipe import Recipe
from poregui.domain.statistics.intervals import interval_of
from poregui.domain.statistics.out_of_distribution import make_reference
from poregui.launching import available_cores
from poregui.learning.hardware import versions
from poregui.learning.onnx_graph import PARITY
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec

Check = Callable[[], None]
"""Called again and again by long work; what it raises ends that work."""


class LeftOff(Exception):
    """Leave work because of a wish: `cancel`, or `interrupt` when nobody waits for it any more."""

    def __init__(self, wish: str) -> None:
        super().__init__(wish)
        self.wish = wish


def leave_off(wish: str) -> None:
    """Raise LeftOff for a wish that ends work at once; others, such as `stop`, want it to be
    complete.
    """
    if wish in ("cancel", "interrupt"):
        raise LeftOff(wish)


def never() -> None:
    """Be the check of work that nothing ends."""


def write_predictions(
    folder: RunFolder,
    dataset: Dataset,
    crops: Sequence[DatasetCrop],
    predictions: NDArray[np.float32],
    split: SplitName | None = None,
) -> None:
    """Write predictions.csv for crops; `split` stands in for their own where
    every prediction is a test.
    """
    folder.write_predictions(
        dataset.classes,
        {crop.crop_id: split or crop.split for crop in crops},
        (
            Prediction(crop.crop_id, tuple(float(p) for p in row))
            for crop, row in zip(crops, predictions, strict=True)
        ),
    )


def judge(
    dataset: Dataset, crops: Sequence[DatasetCrop], predictions: NDArray[np.float32]
) -> Evaluation:
    """Return the evaluation of (n, classes) probabilities of crops against their labels."""
    labels = np.array([crop.label for crop in crops], np.int64)
    return evaluate(dataset.classes, labels, predictions.argmax(axis=1).astype(np.int64))


def accuracy_interval(
    crops: Sequence[DatasetCrop], predictions: NDArray[np.float32]
) -> dict[str, Any]:
    """Return the ends of the interval of the accuracy, and what they count, as `Finished` tells
    them.
    """
    right = np.array([crop.label for crop in crops], np.int64) == predictions.argmax(axis=1)
    found = interval_of(right, [crop.group for crop in crops])
    if found is None:
        return {}
    return {"low": found.low, "high": found.high, "over": found.text}


def accuracy_of(
    dataset: Dataset, predictions: NDArray[np.float32], split: SplitName
) -> float | None:
    """Return the accuracy over the crops of a split; `predictions` (n, classes) are those of all
    crops of the dataset.
    """
    inside = np.array([crop.split == split for crop in dataset.crops])
    crops = list(itertools.compress(dataset.crops, inside))
    return judge(dataset, crops, predictions[inside]).accuracy


def common_metrics(dataset: Dataset, recipe: Recipe, evaluation: Evaluation) -> dict[str, Any]:
    """Return what every run writes to metrics.json: the numbers of the test,
    and what they rest on.
    """
    return {
        **evaluation.to_json(),
        "accuracy_as_trained": evaluation.accuracy,
        "preset": recipe.preset,
        "dataset_hash": dataset.hash,
        "threads": recipe.threads or available_cores(),
        "versions": versions(),
    }


PARITY_CROPS = 64
"""Crops for which an exported graph is held against what was trained."""


def write_sidecar(
    folder: RunFolder,
    recipe: Recipe,
    dataset: Dataset,
    spec: InputSpec,
    difference: float,
    share_of_network: float | None = None,
) -> None:
    """Write model.json: the classes and inputs of model.onnx, and where it comes from.

    `share_of_network` is that in a blend with a forest, None without one.
    """
    values = {
        "classes": list(dataset.classes),
        "class_ids": list(dataset.class_ids),
        "class_uids": list(dataset.class_uids),
        "input": spec.to_json(),
        "size_unit": "um" if spec.calibrated else "px",
        "um_per_px": _scales(crop.um_per_px for crop in dataset.split("train")),
        "preset": recipe.preset,
        "dataset_hash": dataset.hash,
        "share_of_network": share_of_network,
        "recipe": recipe.to_json(),
        "parity": {
            "largest_difference": difference,
            "limit": PARITY,
            "crops": min(len(dataset.crops), PARITY_CROPS),
        },
    }
    write_json(folder.sidecar_file, values)


def write_reference(folder: RunFolder, dataset: Dataset, features: NDArray[np.float32]) -> None:
    """Add to model.json the (n, features) of the training crops, by which others are held against
    them.
    """
    trained = np.array([crop.split == "train" for crop in dataset.crops])
    reference = make_reference(features, trained)
    trained_on = None if reference is None else reference.to_json()
    write_json(folder.sidecar_file, {**folder.read_sidecar(), "trained_on": trained_on})


def _scales(values: Iterable[float | None]) -> dict[str, float] | None:
    """Return median and range of the known scales, None when there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": float(np.median(known)), "low": min(known), "high": max(known)}

"""Save, load, predict with and export the network that a training left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.out_of_distribution import make_reference
from poregui.domain.recipe import Recipe
from poregui.learning.batches import load
from poregui.learning.export_onnx import PARITY, export
from poregui.learning.fitting import PREDICTION_BATCH, predict
from poregui.learning.results import Check, never
from poregui.store.files import replace_file, write_json
from poregui.store.run_files import BROKEN
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec


def write_features(
    folder: RunFolder,
    model: keras.Model,
    dataset: Dataset,
    spec: InputSpec,
    check: Check = never,
) -> None:
    """Write features.npy: (n, features) float32, the input of the last layer for the crops in the
    dataset's order.

    Those of the training crops also go into model.json, by which micrographs are held against them.
    `check` is called before each piece of the work.
    """
    last = model.get_layer("probabilities")
    seen = keras.Model(model.input, last.input)
    features = np.asarray(predict_crops(seen, folder, dataset.crops, spec, check), np.float32)
    folder.write_features(features)
    reference = make_reference(features, np.array([crop.part == "train" for crop in dataset.crops]))
    told = folder.read_sidecar()
    write_json(
        folder.sidecar_file,
        {**told, "trained_on": None if reference is None else reference.to_json()},
    )


_PARITY_CROPS = 64


def save_model(folder: RunFolder, model: keras.Model) -> None:
    """Write model.keras, whole or not at all. Raises PoreguiError when the disk is full."""
    bare = keras.models.clone_model(
        model
    )  # without the optimiser's state, twice the size of the weights
    bare.set_weights(model.get_weights())
    replace_file(folder.model_file, lambda beside: bare.save(beside))


def load_model(folder: RunFolder) -> keras.Model:
    """Return the network of model.keras as a fresh one, fit for inference.

    Raises DamagedRunError when the file is damaged.
    """
    try:
        return keras.saving.load_model(folder.model_file, compile=False, safe_mode=True)
    except BROKEN as error:
        raise folder.damaged(folder.model_file) from error


def predict_crops(
    model: keras.Model,
    folder: RunFolder,
    crops: Sequence[DatasetCrop],
    spec: InputSpec,
    check: Check = never,
) -> NDArray[np.float32]:
    """Return (n, classes) probabilities of crops, read and predicted piece by piece; `check` is
    called before each.
    """
    pieces = []
    for start in range(0, len(crops), PREDICTION_BATCH):
        check()
        pieces.append(predict(model, load(folder, crops[start : start + PREDICTION_BATCH], spec)))
    if pieces:
        return np.concatenate(pieces)
    return np.empty((0, model.output_shape[-1]), np.float32)


def export_model(
    folder: RunFolder, model: keras.Model, recipe: Recipe, dataset: Dataset, spec: InputSpec
) -> float:
    """Write model.onnx and its sidecar model.json; return the largest difference to Keras on crops
    of this run.

    Raises TrainingError when the exported network answers otherwise.
    """
    tested = dataset.part("test") + dataset.part("validation") + dataset.part("train")
    difference = export(model, folder.onnx_file, load(folder, tested[:_PARITY_CROPS], spec))
    write_json(
        folder.sidecar_file,
        {
            "classes": list(dataset.classes),
            "class_ids": list(dataset.class_ids),
            "class_uids": list(dataset.class_uids),
            "input": spec.to_json(),
            "size_unit": "um" if spec.calibrated else "px",
            "um_per_px": _scales(crop.um_per_px for crop in dataset.part("train")),
            "preset": recipe.preset,
            "dataset_hash": dataset.hash,
            "recipe": recipe.to_json(),
            "parity": {
                "largest_difference": difference,
                "limit": PARITY,
                "crops": min(len(tested), _PARITY_CROPS),
            },
        },
    )
    return difference


def _scales(values: Iterable[float | None]) -> dict[str, float] | None:
    """Return median and range of the known scales, None when there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": float(np.median(known)), "low": min(known), "high": max(known)}

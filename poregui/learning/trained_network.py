"""Save, load, predict with and export the network that a training left."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.recipe import Recipe
from poregui.learning.batches import load
from poregui.learning.blend import Blend
from poregui.learning.export_onnx import export
from poregui.learning.fitting import PREDICTION_BATCH, predict
from poregui.learning.results import PARITY_CROPS, Check, never, write_reference, write_sidecar
from poregui.store.files import open_plain, replace_file
from poregui.store.run_files import BROKEN, unfolded
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
    write_reference(folder, dataset, features)


def save_model(folder: RunFolder, model: keras.Model) -> None:
    """Write model.keras, whole or not at all. Raises PoreguiError when the disk is full."""
    bare = keras.models.clone_model(
        model
    )  # without the optimiser's state, twice the size of the weights
    bare.set_weights(model.get_weights())
    replace_file(folder.model_file, lambda beside: bare.save(beside))


def load_model(folder: RunFolder) -> keras.Model:
    """Return the network of model.keras, which this process wrote, as a fresh one for inference.

    Raises DamagedRunError when the file is damaged.
    """
    try:
        return keras.saving.load_model(folder.model_file, compile=False, safe_mode=True)
    except BROKEN as error:
        raise folder.damaged(folder.model_file) from error


def with_weights_of(folder: RunFolder, model: keras.Model) -> keras.Model:
    """Give a network the weights of model.keras and return it; nothing else is read of that file.

    Its description of layers could hold code and any size. Raises DamagedRunError when the weights
    are others, or anything but numbers within the file.
    """
    try:
        _check_weights(folder.model_file)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns of weights that are missing
            model.load_weights(folder.model_file)
    except (*BROKEN, UserWarning) as error:
        raise folder.damaged(folder.model_file) from error
    return model


_WEIGHTS = "model.weights.h5"
_DEEPEST = 16


def _check_weights(path: Path) -> None:
    """Raise one of BROKEN for a .keras file whose weights refer to other files or unfold."""
    with open_plain(path) as file, zipfile.ZipFile(file) as packed:
        size = os.fstat(file.fileno()).st_size
        entries = packed.infolist()
        if len({entry.filename for entry in entries}) != len(entries):
            raise ValueError("a name stands in it twice")
        if packed.getinfo(_WEIGHTS).file_size > size:
            raise ValueError("unfolds")
        content = unfolded(packed, packed.getinfo(_WEIGHTS))
    with h5py.File(io.BytesIO(content), "r") as weights:
        if _bytes_in(weights) > len(content):
            raise ValueError("unfolds")


def _bytes_in(group: h5py.Group, deep: int = 0) -> int:
    """Return the bytes of the numbers in a group. Raises ValueError for anything but numbers."""
    if deep > _DEEPEST:
        raise ValueError("groups within groups")
    total = 0
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError("a link")
        one = group[name]
        if isinstance(one, h5py.Group):
            total += _bytes_in(one, deep + 1)
        elif one.external or one.is_virtual or one.compression or one.dtype.kind not in "fiub":
            raise ValueError("no plain numbers")
        else:
            total += one.size * one.dtype.itemsize
    return total


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
    folder: RunFolder,
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    spec: InputSpec,
    blend: Blend | None = None,
) -> float:
    """Write model.onnx and its sidecar model.json; return the largest difference to what was
    trained on crops of this run.

    Raises TrainingError when the exported network answers otherwise.
    """
    tested = dataset.split("test") + dataset.split("validation") + dataset.split("train")
    difference = export(model, folder.onnx_file, load(folder, tested[:PARITY_CROPS], spec), blend)
    share = None if blend is None else blend.network
    write_sidecar(folder, recipe, dataset, spec, difference, share)
    return difference

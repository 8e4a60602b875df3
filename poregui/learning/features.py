"""Keep what the network sees in each crop, so that likeness to it can be told without it; changes with what is kept."""

from __future__ import annotations

import keras
import numpy as np

from poregui.domain.dataset import Dataset
from poregui.domain.unlike import make_reference
from poregui.learning.leaving import Check, never
from poregui.learning.outcome import predict_crops
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec


def write_features(
    folder: RunFolder,
    model: keras.Model,
    dataset: Dataset,
    spec: InputSpec,
    check: Check = never,
) -> None:
    """Write features.npy: (n, features) float32, the input of the last layer for the crops in the dataset's order.

    Those of the training crops also go into model.json, by which micrographs are held against them. `check` is called
    before each piece of the work.
    """
    last = model.get_layer("probabilities")
    seen = keras.Model(model.input, last.input)
    features = np.asarray(predict_crops(seen, folder, dataset.crops, spec, check), np.float32)
    folder.write_features(features)
    reference = make_reference(features, np.array([crop.part == "train" for crop in dataset.crops]))
    told = folder.read_sidecar()
    write_json(folder.sidecar_file, {**told, "trained_on": None if reference is None else reference.to_json()})

"""Keep what the network sees in each crop, so that crops that look alike to it can be found without it."""

from __future__ import annotations

import keras
import numpy as np

from poregui.domain.dataset import Dataset
from poregui.learning.outcome import predict_crops
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec


def write_features(folder: RunFolder, model: keras.Model, dataset: Dataset, spec: InputSpec) -> None:
    """Write features.npy: (n, features) float32, the input of the last layer for the crops in the dataset's order."""
    last = model.get_layer("probabilities")
    features = keras.Model(model.input, last.input)
    folder.write_features(np.asarray(predict_crops(features, folder, dataset.crops, spec), np.float32))

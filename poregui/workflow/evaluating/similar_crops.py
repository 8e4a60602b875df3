"""Find the training crops most similar to one; alone, because only Review reads features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poregui.store.run_folder import RunFolder


@dataclass(frozen=True, eq=False)
class Nearest:
    """Hold the network's features of a run's crops: `units` (n, features) float32, each row of
    length 1.

    `crop_ids` (n,) and `trained` (n,), which tells what was trained on.
    """

    crop_ids: NDArray[np.int64]
    trained: NDArray[np.bool_]
    units: NDArray[np.float32]

    @staticmethod
    def read(run: RunFolder) -> Nearest | None:
        """Return the features of a run; None where none were kept: cross-validations and runs of
        older versions.

        Raises ProjectError when the folder is damaged.
        """
        dataset = run.read_dataset()
        features = run.read_features(dataset)
        if features is None:
            return None
        crops = dataset.crops
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return Nearest(
            np.array([crop.crop_id for crop in crops], np.int64),
            np.array([crop.part == "train" for crop in crops]),
            np.asarray(features / np.maximum(lengths, 1e-12), np.float32),
        )

    def of(self, crop_id: int, count: int = 6) -> list[tuple[int, float]]:
        """Return the ids of the `count` nearest training crops with their distance, nearest first,
        without itself.

        The distance is 1 minus the cosine of the features, from 0 to 2. Empty for a crop that the
        run does not hold.
        """
        place = np.flatnonzero(self.crop_ids == crop_id)
        if not len(place):
            return []
        candidates = np.flatnonzero(self.trained & (self.crop_ids != crop_id))
        distances = 1.0 - self.units[candidates] @ self.units[place[0]]
        order = np.argsort(distances, kind="stable")[:count]
        return [(int(self.crop_ids[candidates[i]]), float(max(distances[i], 0.0))) for i in order]

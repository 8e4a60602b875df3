"""Blend a network with a forest on the shape numbers that it is told.

A forest learns from few crops what a network needs many for, and where both have learnt, they err
on different crops. Their probabilities are averaged; the shares are those that fit crops best that
neither was trained on, held near a half where these are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.recipe import Recipe
from poregui.learning.results import Check, never
from poregui.learning.shape_forest import ShapeRows, forest_of, predictions_of, shape_rows
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec

Floats = NDArray[np.floating[Any]]
_SHARES = np.linspace(0.0, 1.0, 41)
_CAUTION = 10.0
"""Weight, in nats, of a share's squared distance to a half beside the crops it is chosen by."""
_SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class Blend:
    """Hold the `forest` that joins a network, and the share of the `network` in the answer."""

    forest: Any
    network: float
    classes: int

    def answers(self, shapes: Floats) -> NDArray[np.float64]:
        """Return the (n, classes) probabilities of the forest for (n, numbers) shapes."""
        return predictions_of(self.forest, shapes, self.classes)

    def mix(self, network: Floats, shapes: Floats) -> NDArray[np.float32]:
        """Return (n, classes) probabilities for those of a network and (n, numbers) shapes."""
        mixed = self.network * network + (1 - self.network) * self.answers(shapes)
        return np.asarray(mixed, np.float32)


def blends(recipe: Recipe, spec: InputSpec) -> bool:
    """Tell whether a recipe asks for a forest beside its network."""
    return recipe.blends_forest and spec.sees_shape


@dataclass(frozen=True, eq=False)
class Shapes:
    """Hold what forests are told of all crops of a run, by the place of a crop in its dataset."""

    rows: ShapeRows
    recipe: Recipe

    @classmethod
    def of(
        cls, folder: RunFolder, recipe: Recipe, dataset: Dataset, check: Check = never
    ) -> Shapes:
        """Measure all crops of a run; `check` is called before each."""
        return cls(shape_rows(folder, dataset, check), recipe)

    def of_crops(self, crops: Sequence[DatasetCrop]) -> NDArray[np.float32]:
        """Return the (n, numbers) of crops."""
        return self.rows.values[self._inside(crops)]

    def blend(
        self, train: Sequence[DatasetCrop], held_out: Sequence[DatasetCrop], network: Floats
    ) -> Blend:
        """Fit a forest to crops, and its share to others that the network was not trained on.

        `network` are its (n, classes) probabilities for `held_out`.
        """
        learnt = np.zeros(len(self.rows.labels), bool)
        learnt[self._inside(train)] = True
        forest = forest_of(self.rows, learnt, self.recipe)
        rows = self._inside(held_out)
        classes = self.rows.classes
        other = predictions_of(forest, self.rows.values[rows], classes)
        return Blend(forest, share_of_network(network, other, self.rows.labels[rows]), classes)

    def _inside(self, crops: Sequence[DatasetCrop]) -> list[int]:
        place = {crop.crop_id: row for row, crop in enumerate(self.rows.crops)}
        return [place[crop.crop_id] for crop in crops]


def share_of_network(network: Floats, forest: Floats, labels: NDArray[np.int64]) -> float:
    """Return the share of the network with which (n, classes) probabilities of both fit labels
    best; a half without crops.
    """
    rows = np.arange(len(labels))
    of_network = network[rows, labels].astype(np.float64)
    of_forest = forest[rows, labels].astype(np.float64)
    mixed = _SHARES[:, None] * of_network + (1 - _SHARES[:, None]) * of_forest
    loss = -np.log(np.maximum(mixed, _SMALLEST)).sum(axis=1) + _CAUTION * (_SHARES - 0.5) ** 2
    return float(_SHARES[int(loss.argmin())])

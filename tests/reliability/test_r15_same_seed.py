"""Hold that the same dataset, recipe and seed give the same answers (R15)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run, small_recipe

from poregui.learning.train import train
from poregui.store.run_folder import RunFolder


def never() -> str:
    return ""


def probabilities(folder: RunFolder) -> np.ndarray:
    return np.array([prediction.probabilities for prediction in folder.read_predictions()])


@pytest.mark.soak
def test_equal_recipes_and_datasets_give_equal_answers_and_another_seed_others(
    tmp_path: Path,
) -> None:
    predictions = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        folder = make_run(tmp_path / name, small_recipe(epochs=1, seed=seed), crops=36)
        train(folder.path, lambda event: None, never)
        predictions.append(probabilities(folder))
    assert np.array_equal(predictions[0], predictions[1])
    assert not np.allclose(predictions[0], predictions[2], atol=1e-3)

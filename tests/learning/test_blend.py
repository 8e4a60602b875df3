"""Hold that a network and a forest answer as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project

from poregui.domain.recipe import recipe_for, recipe_from_json
from poregui.learning.blend import share_of_network
from poregui.learning.onnx_graph import PARITY
from poregui.learning.train import train
from poregui.store.pixels import CropPixels
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop
from poregui.workflow.training.prepare_dataset import freeze


def two_judges(count: int, sure: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of one that knows two classes, one that guesses, and the labels."""
    labels = np.arange(count) % 2
    knows = np.full((count, 2), 1 - sure)
    knows[np.arange(count), labels] = sure
    return knows, np.full((count, 2), 0.5), labels


def test_the_share_goes_to_whoever_knows_where_crops_are_many() -> None:
    knows, guesses, labels = two_judges(400, 0.9)
    assert share_of_network(knows, guesses, labels) == 1.0
    assert share_of_network(guesses, knows, labels) == 0.0


def test_the_share_stays_near_a_half_where_crops_are_few() -> None:
    knows, guesses, labels = two_judges(4, 0.9)
    assert 0.5 < share_of_network(knows, guesses, labels) < 0.8
    assert share_of_network(knows[:0], guesses[:0], labels[:0]) == 0.5


def test_recipes_of_older_versions_blend_nothing() -> None:
    assert recipe_for("default").blends_forest
    assert not recipe_from_json({"preset": "default", "sees_shape": True}).blends_forest


@pytest.mark.parametrize("folds", [0, 2])
def test_a_blended_run_is_exported_as_one_network_that_answers_as_it_was_tested(
    tmp_path: Path, folds: int
) -> None:
    recipe = recipe_for("default", epochs=2, input_size=32, threads=1)
    with labelled_project(tmp_path / "p", specimens=6, per_class=5) as project:
        run = freeze(project, recipe, folds=folds)
    train(run.path, lambda event: None, lambda: "")
    dataset = run.read_dataset()
    written = np.array([one.probabilities for one in run.read_predictions()])
    assert len(written) == len(dataset.crops)
    if folds:
        assert not run.has_network
        return
    metrics = run.read_metrics()
    assert 0 <= metrics["share_of_network"] <= 1
    assert run.read_sidecar()["share_of_network"] == metrics["share_of_network"]
    assert metrics["parity"] < PARITY
    crops = [
        ScaledCrop(CropPixels(pixels, crop.grey_low, crop.grey_high), crop.um_per_px)
        for crop, pixels in zip(dataset.crops, run.read_crops(dataset.crops), strict=True)
    ]
    predictor = Predictor(run)
    assert np.abs(predictor.predict(crops) - written).max() < PARITY
    assert predictor.activation_maps(crops[0]).shape[0] == len(dataset.classes)

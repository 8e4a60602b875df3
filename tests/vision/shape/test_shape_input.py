"""Hold what a network is told of shapes, in training and in prediction alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from run_folders import draw_crop, make_run, small_recipe

from poregui.domain.recipe import recipe_from_json
from poregui.learning.train import train
from poregui.store.pixels import CropPixels
from poregui.vision.patches import input_spec_from_json
from poregui.vision.shape.crop_shapes import WIDTH, shape_input
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop


def test_turned_and_mirrored_crops_have_the_same_numbers() -> None:
    crop = draw_crop(1, np.random.default_rng(3))
    received = shape_input(crop, 0.0, 255.0, 0.5)
    for turns in range(4):
        for turned in (np.rot90(crop, turns), np.rot90(crop, turns)[:, ::-1]):
            assert np.abs(shape_input(turned, 0.0, 255.0, 0.5) - received).max() < 0.01


def test_a_crop_without_a_pore_is_told_as_such_and_without_nan() -> None:
    received = shape_input(np.full((40, 30), 128, np.uint8), 0.0, 255.0, None)
    assert received.shape == (WIDTH,)
    assert np.isfinite(received).all()
    assert received[-1] == 1
    assert shape_input(draw_crop(0, np.random.default_rng(0)), 0.0, 255.0, None)[-1] == 0


def test_models_and_recipes_of_earlier_versions_are_told_no_shapes() -> None:
    earlier = {"side": 64, "channels": 1, "stretched": False, "sees_size": True, "calibrated": True}
    assert not input_spec_from_json(earlier).sees_shape
    assert not recipe_from_json({"preset": "default"}).sees_shape


def test_the_exported_network_is_told_the_same_shapes_as_the_trained_one(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "001", small_recipe(sees_shape=True))
    train(folder.path, lambda event: None, lambda: "")
    assert json.loads(folder.sidecar_file.read_text())["input"]["sees_shape"]
    dataset = folder.read_dataset()
    crops = [
        ScaledCrop(CropPixels(pixels, crop.grey_low, crop.grey_high), crop.um_per_px)
        for crop, pixels in zip(dataset.crops, folder.read_crops(dataset.crops), strict=True)
    ]
    predictor = Predictor(folder)
    expected = np.array([list(row.probabilities) for row in folder.read_predictions()])
    assert np.abs(predictor.predict(crops) - expected).max() < 1e-4
    assert predictor.activation_maps(crops[0]).shape[1:] == crops[0].pixels.array.shape


def test_the_numbers_do_not_depend_on_where_a_crop_lies_in_memory() -> None:
    random = np.random.default_rng(0)
    for number in range(400):
        crop = draw_crop(number % 3, random)
        held = np.empty(crop.size + 64, np.uint8)
        received = []
        for offset in (0, 4, 20, 36):
            moved = held[offset : offset + crop.size].reshape(crop.shape)
            moved[:] = crop
            received.append(shape_input(moved, 0.0, 255.0, 0.5))
        assert all(np.array_equal(one, received[0]) for one in received)

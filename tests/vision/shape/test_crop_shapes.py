"""Hold the shape numbers of ready-made crops, and what a trainer makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from run_folders import CLASSES, make_run, small_recipe

from poregui.domain.events import Event, Stage
from poregui.learning.shape_forest import write_baseline
from poregui.learning.train import train
from poregui.vision.shape.crop_measurement import CROP_NUMBERS
from poregui.vision.shape.crop_shapes import LENGTHS, NAMES, is_dark, shape_numbers
from poregui.workflow.evaluating.evaluate import Nearest
from poregui.workflow.evaluating.shape_baseline import read_baseline


def ellipse(
    length: float, width: float, angle: float = 0.0, *, ground: int = 200, pore: int = 50
) -> np.ndarray:
    """Return a crop of 120 x 120 px with a dark ellipse in its middle, drawn fourfold and averaged
    down.
    """
    large = np.full((480, 480), ground, np.uint8)
    cv2.ellipse(large, (240, 240), (round(2 * length), round(2 * width)), angle, 0, 360, pore, -1)
    return cv2.resize(large, (120, 120), interpolation=cv2.INTER_AREA)


def numbers(
    crop: np.ndarray, um_per_px: float | None = None, high: float = 255.0
) -> dict[str, float]:
    """Return the shape numbers by name."""
    return dict(zip(NAMES, shape_numbers(crop, 0.0, high, um_per_px).tolist(), strict=True))


def test_a_disc_is_as_large_and_as_round_as_it_was_drawn() -> None:
    found = numbers(ellipse(40, 40))
    assert found["Equivalent diameter"] == pytest.approx(40, rel=0.03)
    assert found["Length"] == pytest.approx(40, rel=0.05)
    assert found["Aspect ratio"] == pytest.approx(1, abs=0.05)
    assert found["Circularity"] > 0.85
    assert found["Solidity"] > 0.95
    assert found["Pieces"] == 1
    assert found["Crop size"] == 120


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_an_ellipse_keeps_its_numbers_however_it_lies(angle: float) -> None:
    found = numbers(ellipse(80, 20, angle))
    assert found["Length"] == pytest.approx(80, rel=0.06)
    assert found["Width"] == pytest.approx(20, rel=0.12)
    assert found["Aspect ratio"] == pytest.approx(4, rel=0.12)
    assert found["Circularity"] < 0.7


def test_lengths_are_in_um_where_a_scale_is_known_and_the_rest_has_no_scale() -> None:
    bare, scaled = numbers(ellipse(60, 30)), numbers(ellipse(60, 30), um_per_px=0.5)
    for name in NAMES:
        assert scaled[name] == pytest.approx(bare[name] * (0.5 if name in LENGTHS else 1.0))


def test_sixteen_bits_colour_and_bright_pores_give_the_same_shape() -> None:
    crop = ellipse(60, 30)
    plain = numbers(crop)
    for other in (
        numbers(crop.astype(np.uint16) * 257, high=65535.0),
        numbers(np.repeat(crop[..., None], 3, axis=2)),
        numbers(255 - crop),
    ):
        for name in ("Equivalent diameter", "Length", "Width", "Circularity", "Solidity"):
            assert other[name] == pytest.approx(plain[name], rel=0.02)


def test_a_hole_is_filled_and_told_apart() -> None:
    crop = ellipse(60, 60)
    crop[52:68, 52:68] = 200
    found = numbers(crop)
    assert found["Equivalent diameter"] == pytest.approx(60, rel=0.04)
    assert found["Filled share"] < 0.95


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (40, 40)])
def test_a_crop_without_a_pore_has_no_shape_and_no_error(shape: tuple[int, int]) -> None:
    found = numbers(np.full(shape, 128, np.uint8))
    assert np.isnan(found["Equivalent diameter"])
    assert found["Brightness"] == pytest.approx(128 / 255)


# ---- the trainer's process ------------------------------------------------------------------


def test_a_forest_on_shapes_tells_drawn_shapes_apart_without_having_seen_their_groups(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "001", small_recipe(), crops=180)
    write_baseline(run, run.read_recipe(), run.read_dataset())
    baseline = read_baseline(run)
    assert baseline is not None
    dataset = run.read_dataset()
    assert set(baseline.test) == {crop.crop_id for crop in dataset.split("test")}
    assert set(baseline.out_of_fold) == {crop.crop_id for crop in dataset.crops}
    assert baseline.accuracy_as_trained is not None
    assert baseline.accuracy_as_trained > 0.85
    right = [baseline.out_of_fold[crop.crop_id].index == crop.label for crop in dataset.crops]
    assert np.mean(right) > 0.85
    assert sum(share for _, share in baseline.importances) == pytest.approx(1)
    columns, ids, values = run.read_shapes() or ((), np.empty(0), np.empty(0))
    assert columns[0] == "Equivalent diameter (um)"
    assert values.shape == (len(ids), len(CROP_NUMBERS))


def test_in_a_cross_validation_the_forest_answers_the_same_folds(tmp_path: Path) -> None:
    run = make_run(tmp_path / "001", small_recipe(), crops=60)
    ids = [crop.crop_id for crop in run.read_dataset().crops]
    run.write_folds([ids[:30], ids[30:]])
    write_baseline(run, run.read_recipe(), run.read_dataset())
    baseline = read_baseline(run)
    assert baseline is not None
    assert set(baseline.test) == set(ids)
    assert baseline.test == baseline.out_of_fold


def test_a_class_that_the_forest_never_saw_gets_no_share_and_a_single_group_is_no_obstacle(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "001", small_recipe(), crops=60)
    dataset = run.read_dataset()
    ids = [crop.crop_id for crop in dataset.crops]
    specks = [crop.crop_id for crop in dataset.crops if crop.label == 2]
    run.write_folds([specks, [i for i in ids if i not in specks]])
    write_baseline(run, run.read_recipe(), dataset)
    baseline = read_baseline(run)
    assert baseline is not None
    assert all(baseline.test[i].probabilities[2] == 0 for i in specks)


@pytest.mark.slow
def test_a_finished_training_keeps_shapes_baseline_and_features_of_every_crop(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "001", small_recipe(), crops=60)
    received: list[Event] = []
    train(run.path, received.append, lambda: "")
    assert Stage("Comparing with shape-only baseline") in received
    dataset = run.read_dataset()
    features = run.read_features()
    assert features is not None
    assert features.shape == (60, 64)
    assert features.std() > 0
    nearest = Nearest.read(run)
    assert nearest is not None
    assert len(nearest.of(dataset.crops[0].crop_id)) == 6
    assert json.loads(run.baseline_file.read_text())["classes"] == list(CLASSES)


@pytest.mark.parametrize("seed", range(6))
def test_the_side_of_the_ground_is_told_as_by_the_ranks_of_all_greys(seed: int) -> None:
    random, received = np.random.default_rng(seed), []
    for part in np.linspace(
        0, 0.06, 30
    ):  # below and above the two hundredths at which a rank is reached
        depth = random.normal(0, 0.05, (50, 60)).astype(np.float32)
        depth[random.random(depth.shape) < part] += random.choice([-0.4, 0.4])
        ordered = np.sort(depth, axis=None)
        few = round(0.02 * (depth.size - 1))
        received.append(is_dark(depth, 1))
        assert received[-1] == (ordered[round(0.98 * (depth.size - 1))] >= -ordered[few])
    assert len(set(received)) == 2

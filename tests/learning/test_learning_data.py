"""Test how crops become batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run

from poregui.learning.batches import (
    Crops,
    augmentation,
    batch_count,
    batches,
    class_weights,
    load,
    shake,
    turn_and_mirror,
    vary,
)
from poregui.vision.patches import InputSpec

SPEC = InputSpec(32, 1, stretched=False, sees_size=True, calibrated=True)


def some_crops(n: int) -> Crops:
    images = np.random.default_rng(0).random((n, 16, 16, 1), np.float32)
    sizes = np.stack([np.arange(n), np.arange(n) + 100], axis=1).astype(np.float32)
    return Crops(images, sizes, np.arange(n) % 3, np.arange(n))


def test_crops_are_loaded_with_size_in_um_and_grey_from_0_to_1(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", bits=16, um_per_px=0.5, crops=9)
    rows = folder.read_dataset().crops
    crops = load(folder, rows, SPEC)
    assert crops.images.shape == (9, 32, 32, 1)
    assert crops.images.min() >= 0.1
    assert crops.images.max() <= 1
    assert crops.sizes.tolist() == [[row.width * 0.5, row.height * 0.5] for row in rows]
    assert crops.ids.tolist() == [row.crop_id for row in rows]


def test_every_crop_is_in_an_epoch_once_and_no_batch_is_a_crumb() -> None:
    made = list(batches(some_crops(33), 16, np.ones(3, np.float32), None, np.random.default_rng(0)))
    assert [len(batch.labels) for batch in made] == [11, 11, 11]
    assert len(made) == batch_count(33, 16)
    assert sorted(size for batch in made for size in batch.sizes[:, 0]) == list(range(33))


def test_equal_seeds_give_equal_epochs_and_other_seeds_others() -> None:
    def epoch(seed: int) -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        return [
            b.images
            for b in batches(some_crops(20), 8, np.ones(3, np.float32), turn_and_mirror, random)
        ]

    assert all(np.array_equal(a, b) for a, b in zip(epoch(1), epoch(1), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(epoch(1), epoch(2), strict=True))


def test_turned_and_mirrored_crops_are_one_of_the_eight_exact_views() -> None:
    crops = some_crops(64)
    moved, sizes = turn_and_mirror(crops.images, crops.sizes, np.random.default_rng(3))
    seen = set()
    for before, after, size, swapped in zip(crops.images, moved, crops.sizes, sizes, strict=True):
        views = {
            (turns, mirrored): np.rot90(before, turns)[:, ::-1]
            if mirrored
            else np.rot90(before, turns)
            for turns in range(4)
            for mirrored in (False, True)
        }
        (view,) = [key for key, value in views.items() if np.array_equal(value, after)]
        assert swapped.tolist() == (size[::-1].tolist() if view[0] % 2 else size.tolist())
        seen.add(view)
    assert len(seen) == 8


def test_varied_crops_are_shifted_by_up_to_3_px_and_dimmed_or_brightened_by_up_to_15_percent() -> (
    None
):
    images = np.zeros((400, 21, 21, 1), np.float32)
    images[:, 10, 10] = 0.8
    images[:, 0] = 0.5  # a border that a shift draws in, or away
    moved, _ = vary(images, np.ones((400, 2), np.float32), np.random.default_rng(1))
    y, x = np.unravel_index(moved[:, 3:-3, 3:-3, 0].reshape(400, -1).argmax(axis=1), (15, 15))
    assert {tuple(index) for index in np.stack([y, x], axis=1) - 7} == {
        (a, b) for a in range(-3, 4) for b in range(-3, 4)
    }
    peaks = moved[:, 3:-3, 3:-3].max(axis=(1, 2, 3)) / 0.8
    assert 0.85 <= peaks.min() < 0.87
    assert 1.13 < peaks.max() <= 1.15
    assert np.abs(np.log(peaks)).mean() > 0.05
    lit = (moved > 0).sum(axis=(1, 2, 3))
    assert lit.max() == 21 * 4 + 1  # shifted by three, the border stands four lines deep


def test_shaking_keeps_the_middle_in_the_crop_and_the_greys_in_range() -> None:
    images = np.zeros((40, 60, 60, 3), np.float32)
    images[:, 25:35, 25:35] = 1.0
    moved, _ = shake(images, np.ones((40, 2), np.float32), np.random.default_rng(0))
    assert moved.min() >= 0
    assert moved.max() <= 1
    y, x = np.mgrid[:60, :60]
    mass = moved[..., 0].sum(axis=(1, 2))
    middles = np.stack([(moved[..., 0] * axis).sum(axis=(1, 2)) / mass for axis in (x, y)], axis=1)
    assert np.abs(middles - 29.5).max() < 0.1 * 60 * 1.25 * 1.3
    assert np.abs(middles - 29.5).max() > 2
    assert 0.8**2 * 100 * 0.8 < mass.min() < 90 < 110 < mass.max() < 100 / 0.8**2 * 1.2


def test_rare_classes_weigh_more_and_the_mean_over_crops_is_one() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    weights = class_weights(labels, 3)
    assert weights[1] == pytest.approx(4 * weights[0])
    assert weights[labels].mean() == pytest.approx(1)


def test_presets_bring_their_own_augmentation() -> None:
    assert augmentation("default", True) is vary
    assert augmentation("pretrained", True) is turn_and_mirror
    assert augmentation("seed", True) is shake
    assert augmentation("seed", False) is None

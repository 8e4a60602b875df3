"""Make small run folders for tests of training and prediction: bright discs and squares on dark
ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop, SplitName
from poregui.domain.recipe import Recipe, recipe_for
from poregui.store.run_folder import RunFolder

CLASSES = ("Disc", "Square", "Speck")
GROUPS = 6


def small_recipe(**chosen: Any) -> Recipe:
    """Return a recipe that trains in about a second."""
    values = {"epochs": 3, "input_size": 32, "batch_size": 16, "threads": 2}
    values |= {"blends_forest": False, **chosen}  # a network alone
    return recipe_for(values.pop("preset", "default"), **values)


def draw_crop(
    label: int, random: np.random.Generator, channels: int = 1, bits: int = 8
) -> NDArray[Any]:
    """Return the pixels of a shape of class `label`, 24 to 60 px a side."""
    height, width = (int(side) for side in random.integers(24, 61, size=2))
    y, x = np.mgrid[:height, :width] + 0.5
    reach = min(height, width) * (0.1 if label == 2 else 0.35)
    away_x, away_y = np.abs(x - width / 2), np.abs(y - height / 2)
    inside = np.hypot(away_x, away_y) < reach if label != 1 else np.maximum(away_x, away_y) < reach
    grey = np.where(inside, 60.0, 200.0) + random.normal(0, 8, (height, width))
    if channels == 3:
        grey = grey[..., None] * np.array([1.0, 0.8, 0.6])
    top = 255 if bits == 8 else 65535
    return (np.clip(grey, 0, 255) / 255 * top).round().astype("u1" if bits == 8 else "<u2")


def make_run(
    path: Path,
    recipe: Recipe | None = None,
    *,
    crops: int = 60,
    um_per_px: float | None = 0.5,
    channels: int = 1,
    bits: int = 8,
    warnings: tuple[str, ...] = (),
    classes: Sequence[str] = CLASSES,
) -> RunFolder:
    """Write a run folder of `crops` crops in six groups: one for validation, one for the test, the
    rest to train.
    """
    random = np.random.default_rng(1)
    splits: tuple[SplitName, ...] = ("train", "train", "validation", "train", "test", "train")
    rows, pixels, offset = [], [], 0
    for number in range(crops):
        label, group = number % len(classes), number // len(classes) % GROUPS
        array = draw_crop(label, random, channels, bits)
        pixels.append(array)
        rows.append(
            DatasetCrop(
                crop_id=100 + number,
                label=label,
                split=splits[group],
                group=f"specimen:{group}",
                name=f"crop {number}",
                pixels=f"{number:064x}",
                width=array.shape[1],
                height=array.shape[0],
                channels=channels,
                bits=bits,
                offset=offset,
                grey_low=0.0,
                grey_high=255.0 if bits == 8 else 65535.0,
                um_per_px=um_per_px,
            )
        )
        offset += array.nbytes
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    ids = tuple(range(1, len(classes) + 1))
    dataset = Dataset(tuple(classes), ids, tuple(rows), "specimen", 5, 1, warnings)
    folder.write_dataset(recipe or small_recipe(), dataset, pixels)
    return folder

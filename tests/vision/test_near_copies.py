"""Hold that copies of a crop never stand on both sides of a split, and that other pores are not
taken for copies.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import labelled_project
from PIL import Image

from poregui.domain.recipe import recipe_for
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.near_copies import clusters, fingerprint, near_copies
from poregui.vision.synthetic import draw_specimen
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.training.grouping import untangle_folds, untangle_splits
from poregui.workflow.training.prepare_dataset import freeze


def image(seed: int, height: int = 60, width: int = 48) -> np.ndarray:
    """Return a dark pore on a grained ground."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    pore = np.hypot(x - width / 2, y - height / 2) < random.uniform(8, 14)
    ground = cv2.GaussianBlur(random.normal(0, 60, (height, width)), (0, 0), 1.6)
    grey = np.where(pore, 60, 180) + ground
    return np.clip(grey, 0, 255).astype(np.uint8)


def copied(
    pixels: np.ndarray, *, turn: int, mirror: bool, shrink: float, quality: int
) -> np.ndarray:
    image = Image.fromarray(
        np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirror else pixels, turn))
    )
    image = image.resize((round(image.width * shrink), round(image.height * shrink)))
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=quality)
    return np.array(Image.open(stored))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_a_turned_mirrored_shrunk_and_compressed_copy_is_found(turn: int, mirror: bool) -> None:
    images = [image(seed) for seed in range(6)]
    images.append(copied(images[2], turn=turn, mirror=mirror, shrink=0.85, quality=85))
    assert near_copies(np.stack([fingerprint(p) for p in images])) == [(2, 6)]


def test_pores_of_one_kind_are_not_copies_of_one_another() -> None:
    cut = []
    for number in (101, 102, 103):
        for drawn in draw_specimen(
            number, seed=0, fields=1, counts={"Gas": 12, "Keyhole": 12, "Lack of Fusion": 12}
        ):
            boxes = [pore.crop_box for pore in drawn.pores]
            cut += [drawn.image[b.y : b.bottom, b.x : b.right] for b in boxes]
    pairs = near_copies(np.stack([fingerprint(p) for p in cut]))
    assert len(cut) > 60
    assert len(pairs) <= len(cut) // 50


def test_flat_pictures_are_no_copies_and_depth_or_brightness_make_no_difference() -> None:
    flat = fingerprint(np.full((20, 20), 128, np.uint8))
    assert not flat.any()
    assert near_copies(np.stack([flat, flat])) == []
    deep = image(1).astype(np.uint16) * 200 + 500
    assert near_copies(np.stack([fingerprint(image(1)), fingerprint(deep)])) == [(0, 1)]


def test_pairs_join_to_clusters() -> None:
    assert clusters([(4, 5), (1, 2), (5, 9)]) == [[1, 2], [4, 5, 9]]


def test_copies_of_test_crops_are_not_trained_on_and_it_is_said() -> None:
    parts, notes = untangle_splits(
        {1: "train", 2: "test", 3: "validation", 4: "train"}, [[1, 2], [3, 4]]
    )
    assert parts == {2: "test", 3: "train", 4: "train"}
    assert "1 copy of a test crop excluded" in notes[0]
    assert "1 validation crop moved" in notes[1]


def test_copies_fall_into_one_fold() -> None:
    folds, notes = untangle_folds([[1, 2], [3, 4]], [[2, 3]])
    assert folds == [[1, 2, 3], [4]]
    assert notes == ("1 crop moved to the fold of its copy.",)
    assert untangle_folds([[1], [2]], []) == ([[1], [2]], ())


def test_a_frozen_dataset_has_no_copy_of_a_test_crop_on_its_training_side(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=5, per_class=6) as project:
        dataset = freeze(project, recipe_for("default")).read_dataset()
        tested = next(crop for crop in dataset.crops if crop.split == "test")
        trained = next(crop for crop in dataset.crops if crop.split == "train")
        original = project.crop(tested.crop_id)
        twin = np.ascontiguousarray(np.rot90(project.pixels.get(original.pixels).array))
        added = _add_twin(project, twin, original, project.crop(trained.crop_id).specimen_id)
        again = freeze(project, recipe_for("default")).read_dataset()
    parts = {crop.crop_id: crop.split for crop in again.crops}
    assert added not in parts
    assert parts[tested.crop_id] == "test"
    assert any("copy of a test crop" in warning for warning in again.warnings)


def _add_twin(project: Project, pixels: np.ndarray, original: Crop, specimen_id: int | None) -> int:
    crop_id = project.next_id("crops")
    content = project.pixels.add(CropPixels(pixels, 0.0, 255.0))
    height, width = pixels.shape[:2]
    crop = Crop(
        crop_id,
        content,
        width,
        height,
        source="twin.png",
        specimen_id=specimen_id,
        label=original.label,
    )
    History(project).apply(AddCrops((crop,), who="Ada", how="import"))
    return crop_id

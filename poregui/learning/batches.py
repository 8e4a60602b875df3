"""Turn the crops of a run folder into batches for a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import DatasetCrop
from poregui.learning.hardware import allowed_threads
from poregui.store.pixels import ahead
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec
from poregui.vision.shape.crop_measurement import known_crop, shape_inputs, shape_width

Floats = NDArray[np.float32]
Augment = Callable[[Floats, Floats, np.random.Generator], tuple[Floats, Floats]]
_SHIFT = 3
_DIMMED = 0.15
"""Px of the network's square by which a crop is shifted at most, and share by which it is dimmed or
brightened.
"""


@dataclass(frozen=True)
class Crops:
    """Hold crops ready for a network, one row each.

    `images` float32 (n, side, side, channels) from 0 to 1, `sizes` float32 (n, 2) width and height
    in um or px, `labels` int64 (n,), `ids` int64 (n,), `shapes` float32 (n, numbers) as
    `vision.shape.crop_measurement` makes them, None where the network does not see them.
    """

    images: Floats
    sizes: Floats
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]
    shapes: Floats | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64] | slice) -> Crops:
        """Return these rows."""
        shapes = None if self.shapes is None else self.shapes[indices]
        return Crops(
            self.images[indices],
            self.sizes[indices],
            self.labels[indices],
            self.ids[indices],
            shapes,
        )


@dataclass(frozen=True)
class Batch:
    """Hold what one step of the optimiser sees: images, sizes and shapes as in `Crops`, `weights`
    float32 (n,).
    """

    images: Floats
    sizes: Floats
    labels: NDArray[np.int64]
    weights: Floats
    shapes: Floats | None = None


def load(folder: RunFolder, crops: Sequence[DatasetCrop], spec: InputSpec) -> Crops:
    """Read crops and bring them to the network's input.

    Raises ProjectError when the pixel file is damaged.
    """
    images = np.empty((len(crops), spec.side, spec.side, spec.channels), np.float32)
    if spec.sees_shape:
        shapes = np.empty((len(crops), shape_width(spec.shape_version)), np.float32)
    else:
        shapes = None

    def see(read: tuple[int, DatasetCrop, NDArray[Any]]) -> None:
        row, crop, pixels = read
        images[row] = spec.image(pixels, crop.grey_low, crop.grey_high)
        if shapes is not None:
            scale = crop.um_per_px if spec.calibrated else None
            known = known_crop(crop, pixels, scale, outlined=spec.outlined)
            shapes[row] = shape_inputs(spec.shape_version, [known])[0]

    for _ in ahead(
        see, zip(range(len(crops)), crops, folder.read_crops(crops), strict=True), allowed_threads()
    ):
        pass
    sizes = [spec.size(crop.width, crop.height, crop.um_per_px) for crop in crops]
    return Crops(
        images,
        np.array(sizes, np.float32).reshape(-1, 2),
        np.array([crop.label for crop in crops], np.int64),
        np.array([crop.crop_id for crop in crops], np.int64),
        shapes,
    )


def class_weights(labels: NDArray[np.int64], classes: int) -> Floats:
    """Return (classes,) weights inverse to how often a class occurs; over the crops their mean is
    1.
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return np.asarray(len(labels) / (max(present, 1) * np.maximum(counts, 1)), np.float32)


def batch_count(crops: int, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    return max(1, math.ceil(crops / batch_size))


def batches(
    crops: Crops,
    batch_size: int,
    weights: Floats,
    augment: Augment | None,
    random: np.random.Generator,
) -> Iterator[Batch]:
    """Yield one epoch of shuffled, augmented batches.

    Batches are of nearly equal size, as a last one of a single crop would upset batch
    normalisation.
    """
    order = random.permutation(len(crops))
    for indices in np.array_split(order, batch_count(len(crops), batch_size)):
        images = crops.images[indices]
        sizes = crops.sizes[indices]
        if augment is not None:
            images, sizes = augment(images, sizes, random)
        labels = crops.labels[indices]
        shapes = (
            None if crops.shapes is None else crops.shapes[indices]
        )  # turned and mirrored they stay the same
        yield Batch(images, sizes, labels, weights[labels], shapes)


def turn_and_mirror(
    images: Floats, sizes: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Turn each crop by a random number of quarter turns and mirror half of them; exact, pixels
    only change places.

    A quarter turn swaps the width and the height that the network is told.
    """
    turns = random.integers(4, size=len(images))
    mirrored = random.integers(2, size=len(images))
    moved = np.empty_like(images)
    swapped = sizes.copy()
    for row, image in enumerate(images):
        turned = np.rot90(image, turns[row])
        moved[row] = turned[:, ::-1] if mirrored[row] else turned
        if turns[row] % 2:
            swapped[row] = sizes[row, ::-1]
    return moved, swapped


def vary(images: Floats, sizes: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Turn and mirror each crop, shift it by up to 3 px either way, and make it up to 15 % darker
    or brighter.

    The border is repeated where a shift lays it bare. Crops are cut by hand, and lamps are not
    alike.
    """
    moved, sizes = turn_and_mirror(images, sizes, random)
    side = images.shape[1]
    wide = np.pad(moved, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0)), mode="edge")
    shifts = random.integers(0, 2 * _SHIFT + 1, (len(images), 2)).tolist()
    for row, (top, left) in enumerate(shifts):
        moved[row] = wide[row, top : top + side, left : left + side]
    moved *= 1 + random.uniform(-_DIMMED, _DIMMED, (len(images), 1, 1, 1)).astype(np.float32)
    return moved, sizes


def shake(images: Floats, sizes: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Turn, shift, shear, zoom and mirror as the original study did.

    Ranges and the order of the transforms are those of Keras's ImageDataGenerator with
    rotation_range=15, width and height_shift_range=0.1, shear_range=0.1 (degrees there),
    zoom_range=0.2, horizontal_flip=True, fill_mode="nearest".
    """
    side = images.shape[1]
    moved = np.empty_like(images)
    for row, image in enumerate(images):
        matrix = _affine(side, random)
        shaken = cv2.warpAffine(
            image,
            matrix,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(image.shape)
        moved[row] = shaken[:, ::-1] if random.random() < 0.5 else shaken
    return moved, sizes


def _affine(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a random (2, 3) map from the place of an output pixel to that of its input pixel,
    about the centre.
    """
    angle = np.deg2rad(random.uniform(-15, 15))
    shear = np.deg2rad(random.uniform(-0.1, 0.1))
    shift = random.uniform(-0.1, 0.1, size=2) * side
    zoom = random.uniform(0.8, 1.2, size=2)
    cos = math.cos(angle)
    sin = math.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    slant = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
    scale = np.diag([zoom[0], zoom[1], 1.0])
    middle = (side - 1) / 2
    to_middle = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1]])
    back = np.array([[1, 0, middle], [0, 1, middle], [0, 0, 1]])
    return np.asarray((back @ turn @ move @ slant @ scale @ to_middle)[:2])


def augmentation(preset: str, wanted: bool) -> Augment | None:
    """Return the augmentation that belongs to a preset, or None when it is not wanted."""
    if not wanted:
        return None
    return {"seed": shake, "default": vary}.get(preset, turn_and_mirror)

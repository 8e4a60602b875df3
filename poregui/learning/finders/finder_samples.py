"""Draw what a finder learns from: varied patches of checked areas, or pixels with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.store.finder_folder import FinderImage, MarkedImage
from poregui.vision.pores.finder import Range, features_of

SIDE = 128
"""Side of a patch in px."""
_AT_PORES = 0.6
"""Share of patches that lie at a pore."""
_ZOOM = 1.4
_GREY_SCALE = (0.7, 1.35)
_GREY_SHIFT = 0.35
_CHROMA_SCALE = (0.7, 1.3)
_CHROMA_SHIFT = 0.3
_BLURRED = 0.3
_BLUR = (0.3, 1.3)
_NOISE = 0.08
_SHADED = 0.25
_OFTEN = 0.5
_REACH = 2
"""Pixels from both of two pores within which a pixel lies between them."""
_OF_A_KIND = 20_000
"""Pixels of pores, near pores and elsewhere that an instant finder learns from, of each image."""
_NEAR = 8


@dataclass(frozen=True)
class Lesson:
    """Hold an image to learn from: colours of a common range (H, W, 3), and of each pixel whether
    it is pore, apart from a second pore, and checked, all float32 (H, W).

    `at` (n, 2) are row and column of checked pixels of pores.
    """

    colours: NDArray[np.float32]
    pore: NDArray[np.float32]
    apart: NDArray[np.float32]
    counts: NDArray[np.float32]
    at: NDArray[np.int64]

    @staticmethod
    def of(image: MarkedImage, facts: FinderImage) -> Lesson:
        """Return what a marked image teaches."""
        pore = (image.labels > 0) & image.checked
        return Lesson(
            Range(facts.middle, facts.spread, facts.red, facts.blue).of(image.colours),
            pore.astype(np.float32),
            (~_between(image.labels)).astype(np.float32),
            image.checked.astype(np.float32),
            np.argwhere(pore),
        )


def _between(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which pixels have two pores or more within a few px."""
    side = 2 * _REACH + 1
    square = np.ones((side, side), np.uint8)
    values = labels.astype(np.float32)  # dilation knows no wide integers, and these have the digits
    highest = cv2.dilate(values, square)
    most = np.float32(labels.max() + 1)
    lowest = most - cv2.dilate(np.where(labels > 0, most - values, 0), square)
    return np.asarray((highest > 0) & (lowest < highest))


def patches(
    lessons: Sequence[Lesson], number: int, random: np.random.Generator, side: int = SIDE
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return varied patches (number, side, side, 3) and their truth (number, side, side, 3)."""
    pairs = [
        _patch(lessons[int(random.integers(len(lessons)))], random, side) for _ in range(number)
    ]
    inputs, truths = zip(*pairs, strict=True)
    return np.stack(inputs), np.stack(truths)


def _patch(
    lesson: Lesson, random: np.random.Generator, side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    height, width = lesson.pore.shape
    row = random.integers(height)
    column = random.integers(width)
    if len(lesson.at) and random.random() < _AT_PORES:
        row, column = lesson.at[random.integers(len(lesson.at))]
        row += random.integers(-side // 3, side // 3 + 1)
        column += random.integers(-side // 3, side // 3 + 1)
    zoom = _ZOOM ** random.uniform(-1, 1)
    turn = cv2.getRotationMatrix2D(
        (float(column), float(row)), 90.0 * random.integers(4) + random.uniform(-45, 45), zoom
    )
    turn[0, 2] += side / 2 - float(column)
    turn[1, 2] += side / 2 - float(row)
    if random.random() < _OFTEN:
        turn[0] = [0, 0, side - 1] - turn[0]
    colours = _moved(lesson.colours, turn, side)
    parts = [_moved(part, turn, side) for part in (lesson.pore, lesson.apart)]
    counts = cv2.warpAffine(lesson.counts, turn, (side, side), flags=cv2.INTER_NEAREST)
    return _varied(colours, random), np.stack([*parts, counts], axis=-1)


def _moved(values: NDArray[np.float32], turn: NDArray[Any], side: int) -> NDArray[np.float32]:
    moved = cv2.warpAffine(
        values, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.float32)


def _varied(colours: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Return colours under other light and focus, with more noise."""
    varied = np.array(colours, np.float32)
    varied[..., 0] *= random.uniform(*_GREY_SCALE)
    varied[..., 0] += random.uniform(-_GREY_SHIFT, _GREY_SHIFT)
    varied[..., 1:] *= random.uniform(*_CHROMA_SCALE)
    varied[..., 1:] += random.normal(0, _CHROMA_SHIFT, 2).astype(np.float32)
    if random.random() < _OFTEN:
        light = random.normal(0, _SHADED, (3, 3)).astype(np.float32)
        varied[..., 0] += cv2.resize(light, varied.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    if random.random() < _BLURRED:
        varied = np.asarray(cv2.GaussianBlur(varied, (0, 0), random.uniform(*_BLUR)), np.float32)
    if random.random() < _BLURRED:
        varied += random.normal(0, random.uniform(0, _NOISE), varied.shape).astype(np.float32)
    return varied


def pixels_of(
    lessons: Sequence[Lesson], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return numbers of checked pixels (n, features) and their truth (n, 3).

    Pores, their surroundings and the rest are drawn alike; each counts as much as it is rare among
    those that were drawn.
    """
    inputs = []
    truths = []
    square = np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8)
    for lesson in lessons:
        features = features_of(lesson.colours)
        near = cv2.dilate(lesson.pore, square) > 0
        checked = lesson.counts > 0
        pore = lesson.pore > 0
        for chosen in (pore, near & ~pore & checked, ~near & checked):
            places = np.flatnonzero(chosen)
            if not len(places):
                continue
            drawn = random.choice(places, min(_OF_A_KIND, len(places)), replace=False)
            inputs.append(features.reshape(-1, features.shape[-1])[drawn])
            share = np.full(len(drawn), len(places) / len(drawn), np.float32)
            parts = [part.reshape(-1)[drawn] for part in (lesson.pore, lesson.apart)]
            truths.append(np.stack([*parts, share], axis=-1))
    together = np.concatenate(truths)
    together[:, 2] /= together[:, 2].mean()
    return np.concatenate(inputs), together

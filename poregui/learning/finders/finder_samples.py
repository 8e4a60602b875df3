"""Draw what a finder learns from: varied patches of checked areas, or pixels with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.store.finder_folder import FinderImage, MarkedImage
from poregui.vision.pores.finder import Range

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
_DRAWN = 300_000
"""Pixels that an instant finder learns from, at most."""
_SHARES = 3
_COPIES = 4
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
    lessons: Sequence[Lesson],
    random: np.random.Generator,
    numbers: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]],
    copies: int = _COPIES,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the `numbers` of checked pixels (n, count) and their truth (n, 3).

    Each image is shown as it is and in varied `copies`. Pores, their surroundings and the rest are
    drawn alike; each counts as much as it is rare among those that were drawn.
    """
    inputs = []
    truths = []
    most = max(1, _DRAWN // (len(lessons) * (copies + 1) * _SHARES))
    for lesson in lessons:
        for copy in range(copies + 1):
            shown = _another(lesson, random) if copy else lesson
            places, shares = _drawn_places(shown, random, most)
            if not len(places):
                continue
            inputs.append(numbers(shown.colours, places))
            parts = [part.reshape(-1)[places] for part in (shown.pore, shown.apart)]
            truths.append(np.stack([*parts, shares], axis=-1))
    together = np.concatenate(truths)
    together[:, 2] /= together[:, 2].mean()
    return np.concatenate(inputs), together


def _another(lesson: Lesson, random: np.random.Generator) -> Lesson:
    """Return a lesson of another size, under other light and focus."""
    zoom = _ZOOM ** random.uniform(-1, 1)
    height, width = lesson.pore.shape
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))

    def sized(values: NDArray[np.float32], how: int) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(values, size, interpolation=how), np.float32)

    smooth = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return Lesson(
        _varied(sized(lesson.colours, smooth), random),
        np.round(sized(lesson.pore, smooth)),
        np.round(sized(lesson.apart, smooth)),
        sized(lesson.counts, cv2.INTER_NEAREST),
        lesson.at,
    )


def _drawn_places(
    lesson: Lesson, random: np.random.Generator, most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return flat places of checked pixels, at most so many of pores, near them and elsewhere, and
    of how many each is one.
    """
    near = cv2.dilate(lesson.pore, np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8)) > 0
    checked = lesson.counts > 0
    pore = lesson.pore > 0
    places = []
    shares = []
    for chosen in (pore & checked, near & ~pore & checked, ~near & checked):
        there = np.flatnonzero(chosen)
        if len(there):
            drawn = random.choice(there, min(most, len(there)), replace=False)
            places.append(drawn)
            shares.append(np.full(len(drawn), len(there) / len(drawn), np.float32))
    if not places:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    return np.concatenate(places), np.concatenate(shares)

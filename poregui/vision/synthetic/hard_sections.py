"""Draw polished sections on which a threshold fails, with exact truth: etched grain boundaries,
scratches, stains, uneven light and parts out of focus are as dark as the pores.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from poregui.vision.synthetic.scene import FloatArray

_FINE = 4
"""Parts of a px that pores are drawn in."""
_METAL = 185.0
_ROOM = 4.0
"""Px of metal between two pores."""
_SMALLEST = 4.0
"""Radius in px of the smallest pore."""


@dataclass(frozen=True)
class HardSection:
    """Hold one drawn section and its truth.

    `image` is uint8 (H, W); `mask` is int32 (H, W): 0 for the metal, else the number of the pore.
    """

    image: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.int32] = field(repr=False)
    pores: int


def draw_hard_section(seed: int, side: int = 512, pores: int = 45) -> HardSection:
    """Return a square section with at most so many pores of 8 px and more."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, side, pores, 22]))
    tones, boundaries = _grains(rng, side)
    grey = _METAL * (1 + tones)
    grey *= 1 - rng.uniform(0.3, 0.5) * boundaries
    grey *= _stains(rng, side)
    grey *= 1 - _scratches(rng, side)
    covered, mask = _pores(rng, side, pores)
    floor = rng.uniform(0.12, 0.25) * _METAL
    grey = grey * (1 - covered) + floor * covered * _texture(rng, side)
    grey = _focused(rng, grey)
    grey *= _light(rng, side)
    grey += cv2.GaussianBlur(rng.normal(0, 5.0, (side, side)), (0, 0), 0.6)
    return HardSection(np.clip(np.rint(grey), 0, 255).astype(np.uint8), mask, int(mask.max()))


def _grains(rng: np.random.Generator, side: int) -> tuple[FloatArray, FloatArray]:
    """Return the relative tone of grains, and how dark their etched boundaries are, both (H, W)."""
    number = (side // 46) ** 2
    seeds = rng.uniform(0, side, (number, 2))
    rows, columns = np.mgrid[:side, :side]
    places = np.stack([rows, columns], axis=-1).reshape(-1, 2) + 0.5
    wobble = np.stack([_clouds(rng, side, 9), _clouds(rng, side, 9)], axis=-1).reshape(-1, 2)
    away, owner = cKDTree(seeds).query(places + 3.0 * wobble, k=2)
    gap = (away[:, 1] - away[:, 0]).reshape(side, side)
    depth = rng.uniform(0.2, 1.0, number)[owner[:, 0]].reshape(side, side)
    boundaries = np.exp(-((gap / 2.2) ** 2)) * depth
    tones = rng.normal(0, 0.07, number)[owner[:, 0]].reshape(side, side)
    return tones, boundaries


def _clouds(rng: np.random.Generator, side: int, cell: int) -> FloatArray:
    """Return smooth random numbers of deviation 1, (H, W)."""
    coarse = rng.normal(0, 1, (side // cell + 3, side // cell + 3))
    smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth / smooth.std(), np.float64)


def _stains(rng: np.random.Generator, side: int) -> FloatArray:
    """Return by what light stains let through, (H, W), with soft edges."""
    clouds = _clouds(rng, side, 70)
    soft = 1 / (1 + np.exp(-(clouds - 1.0) * 9))
    return np.asarray(1 - rng.uniform(0.3, 0.45) * soft)


def _scratches(rng: np.random.Generator, side: int) -> FloatArray:
    """Return how dark scratches are, (H, W)."""
    dark = np.zeros((side, side))
    main = rng.uniform(0, np.pi)
    for _ in range(side // 40):
        angle = main + rng.normal(0, 0.12)
        middle = rng.uniform(0, side, 2)
        reach = rng.uniform(0.2, 0.7) * side * np.array([np.cos(angle), np.sin(angle)])
        one = np.zeros((side, side), np.uint8)
        ends = [tuple(np.rint((middle + s * reach) * 16).astype(int).tolist()) for s in (-1, 1)]
        cv2.line(one, ends[0], ends[1], 255, int(rng.integers(1, 4)), cv2.LINE_AA, 4)
        dark = np.maximum(dark, one / 255 * rng.uniform(0.2, 0.6))
    return dark


def _pores(rng: np.random.Generator, side: int, pores: int) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return how much of each pixel is pore, and the number of the pore that covers more than half
    of it.
    """
    covered = np.zeros((side, side))
    mask = np.zeros((side, side), np.int32)
    free = np.ones((side, side), np.bool_)
    number = 0
    for _ in range(pores):
        radius = float(np.clip(6.5 * np.exp(rng.normal(0, 0.5)), _SMALLEST, 26.0))
        room = distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1]
        places = np.argwhere(room > 1.5 * radius + _ROOM)
        if not len(places):
            continue
        y, x = places[rng.integers(len(places))] + 0.5
        part = _covered(rng, side, float(x), float(y), radius)
        number += 1
        covered = np.maximum(covered, part)
        mask[part > 0.5] = number
        free &= part == 0
    return covered, mask


def _covered(rng: np.random.Generator, side: int, x: float, y: float, radius: float) -> FloatArray:
    """Return which part of each pixel a pore of uneven outline covers."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    uneven = sum(
        rng.normal(0, 0.1 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        for order in (2, 3, 4, 5)
    )
    line = radius * np.clip(1 + uneven, 0.6, 1.45)
    points = np.stack([x + line * np.cos(angle), y + line * np.sin(angle)], axis=1)
    fine = np.zeros((side * _FINE, side * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.rint((points * _FINE - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return np.asarray(
        cv2.resize(fine.astype(np.float64), (side, side), interpolation=cv2.INTER_AREA)
    )


def _texture(rng: np.random.Generator, side: int) -> FloatArray:
    """Return how bright the floor of pores is beside its mean, (H, W)."""
    return np.asarray(np.clip(1 + 0.25 * _clouds(rng, side, 5), 0.4, 2.0))


def _focused(rng: np.random.Generator, grey: FloatArray) -> FloatArray:
    """Return greys of which parts are out of focus; outlines stay where they are."""
    sharp = cv2.GaussianBlur(grey, (0, 0), 0.7)
    blurred = cv2.GaussianBlur(grey, (0, 0), rng.uniform(1.8, 2.4))
    part = 1 / (1 + np.exp(-(_clouds(rng, len(grey), 160) - 0.6) * 6))
    return np.asarray(sharp * (1 - part) + blurred * part)


def _light(rng: np.random.Generator, side: int) -> FloatArray:
    """Return uneven light, (H, W): it falls off to one side and towards the corners."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.5, 0.8) * (np.cos(angle) * columns + np.sin(angle) * rows)
    return np.asarray(1 + slope - 0.5 * (rows**2 + columns**2))

"""Draw slices of X-ray computed tomography with exact truth: beam hardening, rings, noise and black
corners outside the circle of reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.synthetic.scene import FloatArray

_FINE = 4
"""Parts of a px that pores are drawn in."""
_METAL = 30000.0
_AIR = 5000.0
_BLUR_PX = 0.9
_NOISE = 0.08
"""Standard deviation of the noise over the grey of metal, before it is blurred."""
_ROOM = 3.0
"""Px of metal between two pores."""


@dataclass(frozen=True)
class DrawnSlice:
    """Hold one drawn slice and its truth.

    `image` is uint16 (H, W), 0 outside the circle of reconstruction; `mask` is int32 (H, W): 0 for
    the metal, else the number of the pore, from 1 to `pores`.
    """

    image: NDArray[np.uint16] = field(repr=False)
    mask: NDArray[np.int32] = field(repr=False)
    pores: int


def draw_slice(seed: int, side: int = 384, pores: int = 40, *, in_air: bool = False) -> DrawnSlice:
    """Return a square slice with so many dark pores; the metal fills the circle of reconstruction,
    or lies `in_air`.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, side, pores]))
    rows, columns = np.mgrid[:side, :side] + 0.5
    away = np.hypot(columns - side / 2, rows - side / 2)
    circle = away < 0.49 * side
    radius = (0.36 if in_air else 0.6) * side
    part = np.minimum(away / radius, 1.0)
    hardened = 1 - rng.uniform(0.4, 0.55) * (1 - part**2)
    reach = min(radius, 0.49 * side)
    covered, mask = _draw_pores(rng, side, pores, reach)
    solid = (1 - covered) * np.clip(radius - away, 0, 1)
    grey = _AIR + (_METAL * hardened - _AIR) * solid
    grey = cv2.GaussianBlur(grey, (0, 0), _BLUR_PX)
    grey += _METAL * _circles(rng, side)[np.minimum(away.astype(int), side - 1)]
    noise = rng.normal(0, _NOISE * _METAL, (side, side))
    grey += cv2.GaussianBlur(noise, (0, 0), 0.6)
    image = np.where(circle, np.clip(np.rint(grey), 1, 65535), 0).astype(np.uint16)
    return DrawnSlice(image, mask, int(mask.max()))


def _draw_pores(
    rng: np.random.Generator, side: int, pores: int, reach: float
) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return how much of each pixel is pore, less of it in faint pores, and the numbers of pores
    that cover more than half of it.
    """
    covered = np.zeros((side, side))
    mask = np.zeros((side, side), np.int32)
    placed: list[tuple[float, float, float]] = []
    while len(placed) < pores:
        radius = float(np.clip(4.0 * np.exp(rng.normal(0, 0.35)), 2.8, 11.0))
        far = (reach - radius - 2 * _ROOM) * np.sqrt(rng.random())
        angle = rng.uniform(0, 2 * np.pi)
        x = side / 2 + far * np.cos(angle)
        y = side / 2 + far * np.sin(angle)
        if any(np.hypot(x - a, y - b) < radius * 1.3 + 1.3 * r + _ROOM for a, b, r in placed):
            continue
        placed.append((x, y, radius))
        part = _covered(rng, side, x, y, radius)
        covered += part * rng.uniform(0.55, 1.0)
        mask[part > 0.5] = len(placed)
    return np.minimum(covered, 1.0), mask


def _covered(rng: np.random.Generator, side: int, x: float, y: float, radius: float) -> FloatArray:
    """Return which part of each pixel a pore of uneven outline covers."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    uneven = sum(
        rng.normal(0, 0.07) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        for order in (2, 3, 4)
    )
    line = radius * (1 + uneven)
    points = np.stack([x + line * np.cos(angle), y + line * np.sin(angle)], axis=1)
    fine = np.zeros((side * _FINE, side * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.rint((points * _FINE - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return np.asarray(
        cv2.resize(fine.astype(np.float64), (side, side), interpolation=cv2.INTER_AREA)
    )


def _circles(rng: np.random.Generator, side: int) -> FloatArray:
    """Return the relative grey of rings around the middle, by their radius in px."""
    circles = np.zeros(side)
    for _ in range(side // 12):
        at = int(rng.integers(4, side // 2))
        circles[at : at + int(rng.integers(1, 4))] += rng.normal(0, 0.025)
    return circles

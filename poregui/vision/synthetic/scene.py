"""Choose how a synthetic specimen looks and where its pores lie, and keep the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box

GAS = "Gas"
KEYHOLE = "Keyhole"
LACK_OF_FUSION = "Lack of Fusion"
CLASS_NAMES = (GAS, KEYHOLE, LACK_OF_FUSION)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TruePore:
    """Hold the truth of one drawn pore.

    `number` counts from 1 within the micrograph and is its value in the label image. `x`, `y` are
    the centroid in px, pixel centres lying at whole numbers plus a half. Areas include the grains
    inside; `diameter_um` is that of the circle of equal area. `box` is tight around the pore,
    `crop_box` the box that a person drew. `outline` is the drawn polygon, float64 (N, 2), x and y
    in px.
    """

    number: int
    class_name: str
    x: float
    y: float
    area_px: float
    area_um2: float
    diameter_um: float
    box: Box
    crop_box: Box
    outline: FloatArray = field(compare=False, repr=False)


@dataclass(frozen=True)
class SyntheticMicrograph:
    """Hold one drawn field of view and its truth.

    `image` is uint8 (H, W); `mask` is int32 (H, W): 0 for the matrix, else the number of the pore.
    """

    name: str
    specimen: str
    um_per_px: float
    image: NDArray[np.uint8] = field(compare=False, repr=False)
    pores: tuple[TruePore, ...]
    mask: NDArray[np.int32] = field(compare=False, repr=False)


LOOK, FIELD_PORES, FIELD_BACKDROP, FIELD_PLACES, COUNTS = range(5)


@dataclass(frozen=True)
class Look:
    """Hold what all micrographs of one specimen share.

    Grey levels are of 255, `contrast` values fractions of the matrix level, angles in radians.
    """

    um_per_px: float
    level: float
    gradient: float
    gradient_angle: float
    vignetting: float
    focus_px: float
    noise: float
    texture: float
    scratches: int
    scratch_angle: float
    scratch_contrast: float
    stains: int
    stain_contrast: float
    build_angle: float
    tone_shift: float
    diameter_um: Mapping[str, float]
    box_ratio: float
    share: Mapping[str, float]


def generator(seed: int, number: int, field: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of one purpose, so that a change in one leaves the others as they
    are.
    """
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, number, field, purpose]))
    )


def look_of(seed: int, number: int) -> Look:
    """Return the look of specimen `number`."""
    rng = generator(seed, number, 0, LOOK)
    scales = {GAS: 11.0, KEYHOLE: 27.0, LACK_OF_FUSION: 62.0}
    shares = {GAS: 0.55, KEYHOLE: 0.27, LACK_OF_FUSION: 0.18}
    return Look(
        um_per_px=round(float(rng.uniform(0.42, 0.9)), 4),
        level=float(rng.uniform(206, 234)),
        gradient=float(rng.uniform(0.01, 0.07)),
        gradient_angle=float(rng.uniform(0, 2 * math.pi)),
        vignetting=float(rng.uniform(0.0, 0.09)),
        focus_px=float(rng.uniform(0.55, 1.35)),
        noise=float(rng.uniform(1.0, 2.0)),
        texture=float(rng.uniform(0.005, 0.012)),
        scratches=int(rng.integers(4, 26)),
        scratch_angle=float(rng.uniform(0, math.pi)),
        scratch_contrast=float(rng.uniform(0.02, 0.055)),
        stains=int(rng.integers(1, 6)),
        stain_contrast=float(rng.uniform(0.015, 0.055)),
        build_angle=float(rng.uniform(0, 2 * math.pi)),
        tone_shift=float(rng.uniform(-0.05, 0.05)),
        diameter_um={name: scale * math.exp(rng.normal(0, 0.08)) for name, scale in scales.items()},
        box_ratio=float(rng.uniform(1.9, 2.8)),
        share={name: share * math.exp(rng.normal(0, 0.25)) for name, share in shares.items()},
    )

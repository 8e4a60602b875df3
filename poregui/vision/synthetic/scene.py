"""Choose how a specimen looks under the microscope: light, focus, scale, polish, pore habits and who drew the boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from poregui.vision.synthetic.truth import GAS, KEYHOLE, LACK_OF_FUSION

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
    """Return the random numbers of one purpose, so that a change in one leaves the others as they are."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number, field, purpose])))


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

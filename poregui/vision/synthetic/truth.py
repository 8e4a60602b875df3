"""Hold what is known of a synthetic micrograph; changes when the truth has more to say."""

from __future__ import annotations

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

    `number` counts from 1 within the micrograph and is its value in the label image. `x`, `y` are the centroid in px,
    pixel centres lying at whole numbers plus a half. Areas include the grains inside; `diameter_um` is that of the
    circle of equal area. `box` is tight around the pore, `crop_box` the box that a person drew. `outline` is the drawn
    polygon, float64 (N, 2), x and y in px.
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

"""Draw what lies around the pores: polished matrix, scratches, stains, the lamp's light and the camera's noise."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.synthetic.scene import Look
from poregui.vision.synthetic.truth import FloatArray


def draw_matrix(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the reflectance of a polished field without pores, near 1, float64 (height, width)."""
    field = np.ones((height, width))
    for cell, weight in ((3, 0.5), (14, 0.6), (60, 0.8)):
        field += look.texture * weight * _clouds(width, height, cell, rng)
    field *= 1 + _scratches(look, width, height, rng)
    field *= 1 + _stains(look, width, height, rng)
    return field


def expose(field: FloatArray, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture that the camera takes of a reflectance, uint8."""
    height, width = field.shape
    y, x = np.mgrid[0:height, 0:width]
    across, down = (x - width / 2) / width, (y - height / 2) / height
    along = across * math.cos(look.gradient_angle) + down * math.sin(look.gradient_angle)
    light = look.level * (1 + look.gradient * along) * (1 - look.vignetting * 2 * (across**2 + down**2))
    grey = field * light + 6.0 + look.noise * rng.standard_normal((height, width))
    picture: NDArray[np.uint8] = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return picture


def _clouds(width: int, height: int, cell: int, rng: np.random.Generator) -> FloatArray:
    """Return smooth noise whose features are about `cell` px across and whose spread is about 0.6."""
    coarse = rng.standard_normal((height // cell + 2, width // cell + 2))
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _scratches(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the relative grey of fine scratches, most of them along the last polishing direction."""
    layer = np.zeros((height, width), dtype=np.uint8)
    for _ in range(look.scratches):
        angle = look.scratch_angle + rng.normal(0, 0.12) if rng.random() < 0.7 else rng.uniform(0, math.pi)
        length, bend = rng.uniform(0.1, 1.1) * width, rng.normal(0, 0.03)
        steps = np.linspace(-0.5, 0.5, 24)
        along, aside = steps * length, bend * length * steps**2
        x = rng.uniform(0, width) + along * math.cos(angle) - aside * math.sin(angle)
        y = rng.uniform(0, height) + along * math.sin(angle) + aside * math.cos(angle)
        points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32)
        depth = int(rng.integers(90, 256))
        cv2.polylines(layer, [points], False, depth, 1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(layer.astype(np.float64), (0, 0), max(0.6, 0.7 * look.focus_px))
    return np.asarray(soft * (-2.2 * look.scratch_contrast / 255), dtype=np.float64)


def _stains(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the relative grey of soft stains and dried drops, smooth over tens of px."""
    part = 8
    y, x = np.mgrid[0 : -(-height // part), 0 : -(-width // part)] * float(part)
    total = np.zeros_like(x)
    for _ in range(look.stains):
        radius, squeeze = rng.uniform(90, 320), rng.uniform(0.6, 1.0)
        across, down = x - rng.uniform(0, width), (y - rng.uniform(0, height)) / squeeze
        away = np.hypot(across, down) / radius
        angle = np.arctan2(down, across)
        for order in (2, 3, 5):
            away = away * (1 + 0.12 * np.cos(order * angle + rng.uniform(0, 2 * math.pi)))
        body, rim = 0.5 - 0.5 * np.tanh((away - 1) * 4), np.exp(-(((away - 1) / 0.18) ** 2))
        total -= look.stain_contrast * rng.uniform(0.3, 1.0) * (0.6 * body + rng.uniform(0, 0.6) * rim)
    return np.asarray(cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64)

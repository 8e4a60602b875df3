"""Draw images with a burned-in info bar."""

from __future__ import annotations

import cv2
import numpy as np


def noise(height: int = 600, width: int = 800) -> np.ndarray:
    return np.random.default_rng(3).normal(130, 12, (height, width)).clip(0, 255).astype(np.uint8)


def with_bar(ground: int, ink: int, rows: int = 48, *, top: bool = False) -> np.ndarray:
    image = noise()
    bar = np.full((rows, image.shape[1]), ground, np.uint8)
    cv2.putText(
        bar, "HV 10.00 kV  mag 1000x  20 um", (10, rows - 14), cv2.FONT_HERSHEY_SIMPLEX, 1, ink, 2
    )
    if top:
        image[:rows] = bar
    else:
        image[-rows:] = bar
    return image

"""Make greys comparable before a threshold: one channel, dark pores, even light; changes with what is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box

FloatImage = NDArray[np.float32]
_COARSE = 6.0
"""The radius of the background in pixels of the small image that it is looked for in."""


def grey_of(pixels: NDArray[Any]) -> FloatImage:
    """Return (H, W) float32 from (H, W) or (H, W, channels); colours by the weights of ITU-R BT.601, alpha left out."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    if pixels.shape[2] < 3:
        return pixels[..., 0].astype(np.float32)
    weights = np.array([[0.299, 0.587, 0.114]], np.float32)
    return np.asarray(cv2.transform(np.ascontiguousarray(pixels[..., :3]).astype(np.float32), weights), np.float32)


@dataclass(frozen=True)
class Light:
    """Hold the light of the matrix at low resolution: `gain` brings each place to the same level.

    `gain` is float32 (h, w) for an image of `width` x `height` px; or None where the light is taken as it is.
    """

    gain: FloatImage | None
    width: int
    height: int

    def correct(self, grey: FloatImage, box: Box) -> FloatImage:
        """Return the greys of a box of the image under even light."""
        if self.gain is None:
            return grey
        rows, columns = self.gain.shape
        x = ((np.arange(box.x, box.right, dtype=np.float32) + 0.5) * (columns / self.width) - 0.5).astype(np.float32)
        y = ((np.arange(box.y, box.bottom, dtype=np.float32) + 0.5) * (rows / self.height) - 0.5).astype(np.float32)
        across, down = np.broadcast_to(x, grey.shape), np.broadcast_to(y[:, None], grey.shape)
        gain = cv2.remap(self.gain, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(grey * gain, np.float32)


def light_of(
    small: FloatImage, masked: NDArray[np.bool_] | None, radius: float, polarity: str, width: int, height: int
) -> Light:
    """Return the light of the matrix from a small copy of an image of `width` x `height` px.

    A grey closing (an opening for bright pores) with a disc of `radius` px of the image removes the pores, a Gaussian
    smooths what is left. `masked` pixels of the copy do not count.
    """
    if masked is not None and not masked.all():
        small = np.where(masked, np.median(small[~masked]), small).astype(np.float32)
    shrink = max(1.0, radius * small.shape[1] / width / _COARSE)
    size = (max(1, round(small.shape[1] / shrink)), max(1, round(small.shape[0] / shrink)))
    coarse = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    reach = max(1, round(radius * size[0] / width))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    without = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE if polarity == "dark" else cv2.MORPH_OPEN, disc)
    smooth = cv2.GaussianBlur(without, (0, 0), max(reach / 2, 0.5), borderType=cv2.BORDER_REPLICATE)
    level = float(smooth.mean())
    floor = max(0.02 * level, 1e-6)
    return Light((level / np.maximum(smooth, floor)).astype(np.float32), width, height)

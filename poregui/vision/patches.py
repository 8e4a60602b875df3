"""Bring crops of any size and depth to the square, scaled input of a network without changing their
proportions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import flag, whole
from poregui.domain.dataset import SHAPE_VERSION


@dataclass(frozen=True)
class InputSpec:
    """Hold what a network is given for a crop: the same for training, the command line and the
    window.

    `side` and `channels` of the square image; `stretched` gives up the proportions; `sees_size`:
    the crop's size is a second input, in um when `calibrated`, else in px; `sees_shape`: what
    `vision.shape.crop_measurement` makes is a third one, numbers of `shape_version`, from outlines
    where its training crops had them (`outlined`); `sees_image` is false for a forest, which is
    given nothing else.
    """

    side: int
    channels: int
    stretched: bool
    sees_size: bool
    calibrated: bool
    sees_shape: bool = False
    shape_version: int = SHAPE_VERSION
    outlined: bool = False
    sees_image: bool = True

    def image(self, crop: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
        """Return (side, side, channels) float32 from 0 to 1."""
        return network_input(
            crop,
            low=low,
            high=high,
            side=self.side,
            channels=self.channels,
            stretched=self.stretched,
        )

    def size(self, width: int, height: int, um_per_px: float | None) -> tuple[float, float]:
        """Return width and height of the crop in the unit that this network was trained with."""
        return size_input(width, height, um_per_px if self.calibrated else None)

    def back_to_crop(
        self, drawn: NDArray[np.float32], width: int, height: int
    ) -> NDArray[np.float32]:
        """Lay a map over the network's square, of any resolution, back over a crop: (`height`,
        `width`) float32.
        """
        if self.stretched:
            return np.asarray(
                cv2.resize(drawn, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
            )
        side = max(width, height)
        square = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_LINEAR)
        top = (side - height) // 2
        left = (side - width) // 2
        return np.asarray(square[top : top + height, left : left + width], np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        return asdict(self)


LARGEST_SIDE = 4096
"""Px of the largest square that a network may ask for."""


def input_spec_from_json(values: Mapping[str, Any]) -> InputSpec:
    """Return the specification that `to_json` wrote.

    Raises KeyError, TypeError or ValueError when a field is missing or none that it writes.
    """
    if values["channels"] not in (1, 3):
        raise ValueError("neither grey nor colour")
    return InputSpec(
        side=whole(values["side"], 1, LARGEST_SIDE),
        channels=whole(values["channels"]),
        stretched=flag(values["stretched"]),
        sees_size=flag(values["sees_size"]),
        calibrated=flag(values["calibrated"]),
        sees_shape=flag(values.get("sees_shape", False)),  # models of earlier versions do not say
        shape_version=whole(values.get("shape_version", 1), 1, SHAPE_VERSION),
        outlined=flag(values.get("outlined", False)),
        sees_image=flag(values.get("sees_image", True)),
    )


def scale_grey(crop: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Return the crop as float32 where `low` became 0 and `high` became 1; values outside are kept
    to 0..1.
    """
    if crop.dtype == np.uint8:
        return np.asarray(_scaled_bytes(low, high)[crop], np.float32)
    return _scaled(crop, low, high)


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    span = max(high - low, 1e-9)
    scaled = (values.astype(np.float32) - np.float32(low)) / np.float32(span)
    return np.asarray(np.clip(scaled, 0.0, 1.0), np.float32)


@lru_cache(maxsize=64)
def _scaled_bytes(low: float, high: float) -> NDArray[np.float32]:
    return _scaled(np.arange(256, dtype=np.uint8), low, high)


def set_channels(crop: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return the crop as (height, width, `channels`): grey is repeated, colour becomes grey (ITU-R
    BT.601 weights).
    """
    if crop.ndim == 2:
        crop = crop[..., None]
    crop = crop[..., :3] if crop.shape[2] >= 3 else crop[..., :1]
    if crop.shape[2] == channels:
        return crop
    if channels == 3:
        return np.repeat(crop, 3, axis=2)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return (crop @ weights)[..., None].astype(np.float32)


def letterbox(crop: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Fit a (height, width, channels) crop into a square of `side` px, proportions kept.

    The rest of the square gets the median of the crop's border, so that no edge appears. Areas are
    averaged when shrinking and pixels interpolated linearly when growing. Returns (side, side,
    channels).
    """
    height, width, channels = crop.shape
    scale = side / max(height, width)
    wide = max(1, round(width * scale))
    high = max(1, round(height * scale))
    fitted = _resize(crop, wide, high)
    if wide == high:
        return fitted
    square = np.empty((side, side, channels), np.float32)
    square[:] = _border_median(crop)
    top = (side - high) // 2
    left = (side - wide) // 2
    square[top : top + high, left : left + wide] = fitted
    return square


def stretch(crop: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Stretch a (height, width, channels) crop to (side, side, channels), as the original study's
    network needs.
    """
    return _resize(crop, side, side)


def network_input(
    crop: NDArray[Any],
    *,
    low: float,
    high: float,
    side: int,
    channels: int,
    stretched: bool = False,
) -> NDArray[np.float32]:
    """Return what a network is given for a crop: (side, side, channels) float32 from 0 to 1."""
    scaled = set_channels(scale_grey(crop, low, high), channels)
    if stretched:
        return stretch(scaled, side)
    return letterbox(scaled, side)


def size_input(width: int, height: int, um_per_px: float | None) -> tuple[float, float]:
    """Return (width, height) of a crop in um, or in px when the scale is unknown."""
    scale = 1.0
    if um_per_px is not None:
        scale = um_per_px
    return width * scale, height * scale


def _resize(crop: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    shrinks = width <= crop.shape[1] and height <= crop.shape[0]
    resized = cv2.resize(
        crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.asarray(resized, np.float32).reshape(height, width, crop.shape[2])


def _border_median(crop: NDArray[np.float32]) -> NDArray[np.float32]:
    border = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    upper = len(border) // 2  # their number is even: each corner counts twice
    middle = np.partition(border, (upper - 1, upper), axis=0)[upper - 1 : upper + 1]
    return np.asarray(middle.mean(axis=0), np.float32)

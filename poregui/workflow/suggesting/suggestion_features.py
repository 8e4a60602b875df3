"""Measure crops for the suggestions and keep the numbers in a cache; changes with what a crop is told by."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.store.files import replace_file
from poregui.store.pixels import PixelStore
from poregui.vision.shape.crop_shapes import LENGTHS, shape_numbers
from poregui.vision.shape.crop_shapes import NAMES as SHAPES
from poregui.vision.shape.crop_texture import NAMES as TEXTURES
from poregui.vision.shape.crop_texture import texture_numbers
from poregui.workflow.importing.pyramids import CACHE

Floats = NDArray[np.float64]
COUNT = len(SHAPES) + len(TEXTURES)
_FILE = "crop-numbers-1.npz"
_LENGTHS = tuple(SHAPES.index(name) for name in LENGTHS)
_RATIO = SHAPES.index("Aspect ratio")
_TEXTURE_WEIGHT = 0.3
"""Shape tells pores apart with few labels, texture refines it: measured on the sample project, where full weight cost
9 points at 20 labels."""
_SMALLEST = 1e-3


class CropFeatures:
    """Hold the numbers of crops by the hash of their pixels, lengths in px; those that are not known are measured."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CACHE / _FILE
        self._known: dict[str, NDArray[np.float32]] = {}
        self._new = 0
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), open(self._file, "rb") as file:
            kept = np.load(file)
            keys, values = kept["keys"], kept["values"]
            if values.ndim == 2 and values.shape == (len(keys), COUNT):
                self._known = dict(zip(keys.astype(str).tolist(), values, strict=True))

    def of(self, key: str, pixels: PixelStore) -> NDArray[np.float32]:
        """Return the (numbers,) of a crop, NaN where a number, or the pixels, cannot be had."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _measured(key, pixels)
            self._new += 1
        return found

    def has(self, key: str) -> bool:
        """Tell whether a crop was measured already."""
        return key in self._known

    def save(self) -> None:
        """Keep what was measured for the next time, where the project can be written."""
        if not self._new:
            return
        keys, values = np.array(list(self._known), "S64"), np.array(list(self._known.values()), np.float32)

        def write(beside: Path) -> None:
            with open(beside, "wb") as file:
                np.savez(file, keys=keys, values=values)

        with suppress(OSError, PoreguiError):  # a cache: without it the crops are measured again
            self._file.parent.mkdir(exist_ok=True)
            replace_file(self._file, write)
            self._new = 0


def _measured(key: str, pixels: PixelStore) -> NDArray[np.float32]:
    try:
        crop = pixels.get(key)
    except PoreguiError:
        return np.full(COUNT, np.nan, np.float32)
    shape = shape_numbers(crop.array, crop.grey_low, crop.grey_high, None)
    return np.concatenate([shape, texture_numbers(crop.array, crop.grey_low, crop.grey_high)]).astype(np.float32)


def feature_rows(numbers: Floats, um_per_px: Sequence[float | None]) -> Floats:
    """Return (n, features) rows fit for a linear model from (n, numbers) with lengths in px.

    Lengths are taken in um where the scale of every crop is known, and as logarithms; every feature has mean 0 and
    spread 1 over all crops, textures a smaller one. What is unknown lies in the middle.
    """
    found = np.array(numbers, np.float64).reshape(-1, COUNT)
    if len(found) and all(um_per_px):
        found[:, _LENGTHS] *= np.array(um_per_px, np.float64)[:, None]
    positive = (*_LENGTHS, _RATIO)
    found[:, positive] = np.log(np.maximum(found[:, positive], _SMALLEST))
    known = np.isfinite(found)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, found, 0.0).sum(axis=0) / counts
    apart = np.where(known, found - means, 0.0)
    spread = np.sqrt((apart**2).sum(axis=0) / counts)
    apart /= np.where(spread > 0, spread, 1.0)
    apart[:, len(SHAPES) :] *= _TEXTURE_WEIGHT
    return np.clip(apart, -8.0, 8.0)

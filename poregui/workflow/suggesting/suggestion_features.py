"""Measure crops for the suggestions, by shape and by the newest network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.geometry import Outline
from poregui.store.files import replace_file
from poregui.store.pixels import PixelStore
from poregui.store.run_check import glance_at
from poregui.store.run_files import BROKEN, read_arrays
from poregui.store.run_folder import RunFolder, runs_in
from poregui.vision.shape.crop_measurement import CROP_NUMBERS, KnownCrop, measure_crops
from poregui.vision.shape.crop_shapes import LENGTHS, TEXTURES, texture_numbers
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop
from poregui.workflow.importing.image_identity import CACHE

Floats = NDArray[np.float64]
COUNT = len(CROP_NUMBERS) + len(TEXTURES)
_FILE = "crop-numbers-2.npz"
_LENGTHS = tuple(CROP_NUMBERS.index(name) for name in LENGTHS)
_RATIO = CROP_NUMBERS.index("Aspect ratio")
_TEXTURE_WEIGHT = 0.3
"""Shape tells pores apart with few labels, texture refines it: measured on the sample project,
where full weight cost 9 points at 20 labels."""
_SMALLEST = 1e-3


@dataclass(frozen=True)
class SeenCrop:
    """Hold what a crop is measured by: the hash of its `pixels`, its scale, and the outline of its
    pore in px of the crop, None where it has none.
    """

    pixels: str
    um_per_px: float | None = None
    outline: Outline | None = None

    @cached_property
    def key(self) -> str:
        """Return a hash of all that its numbers in px depend on."""
        if self.outline is None:
            return self.pixels
        return hashlib.sha256(self.pixels.encode() + self.outline.data).hexdigest()

    @property
    def line(self) -> NDArray[np.float32] | None:
        """Return the points of its outline, (N, 2), None without one."""
        if self.outline is None:
            return None
        return self.outline.points.astype(np.float64)


class CropFeatures:
    """Hold the numbers of crops, lengths in px; those that are not known are measured."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CACHE / _FILE
        self._known: dict[str, NDArray[np.float32]] = {}
        self._new = 0
        with suppress(*BROKEN):
            kept = read_arrays(self._file)
            keys = kept["keys"]
            values = kept["values"]
            if values.ndim == 2 and values.shape == (len(keys), COUNT):
                self._known = dict(zip(keys.astype(str).tolist(), values, strict=True))

    def of(self, crop: SeenCrop, pixels: PixelStore) -> NDArray[np.float32]:
        """Return the (numbers,) of a crop, NaN where a number, or the pixels, cannot be had."""
        found = self._known.get(crop.key)
        if found is None:
            found = self._known[crop.key] = _measured(crop, pixels)
            self._new += 1
        return found

    def has(self, crop: SeenCrop) -> bool:
        """Tell whether a crop was measured already."""
        return crop.key in self._known

    def save(self) -> None:
        """Keep what was measured for the next time, where the project can be written."""
        if not self._new:
            return
        keys = np.array(list(self._known), "S64")
        values = np.array(list(self._known.values()), np.float32)

        def write(beside: Path) -> None:
            with open(beside, "wb") as file:
                np.savez(file, keys=keys, values=values)

        with suppress(OSError, PoreguiError):  # a cache: without it the crops are measured again
            self._file.parent.mkdir(exist_ok=True)
            replace_file(self._file, write)
            self._new = 0


def _measured(crop: SeenCrop, pixels: PixelStore) -> NDArray[np.float32]:
    try:
        seen = pixels.get(crop.pixels)
    except PoreguiError:
        return np.full(COUNT, np.nan, np.float32)
    low = seen.grey_low
    high = seen.grey_high
    shape = measure_crops([KnownCrop(seen.array, low, high, None, crop.line)])[0]
    return np.concatenate([shape, texture_numbers(seen.array, low, high)]).astype(np.float32)


def feature_rows(numbers: Floats, um_per_px: Sequence[float | None]) -> Floats:
    """Return (n, features) rows fit for a linear model from (n, numbers) with lengths in px.

    Lengths are taken in um where the scale of every crop is known, and as logarithms; every feature
    has mean 0 and spread 1 over all crops, textures a smaller one. What is unknown lies in the
    middle.
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
    apart[:, len(CROP_NUMBERS) :] *= _TEXTURE_WEIGHT
    return np.clip(apart, -8.0, 8.0)


WEIGHT = 0.2
"""Weight of a standardised feature beside one of size and shape.

Accuracy on other specimens, without and with a run that had learnt from some of the labels: maize
stomata .80 and .87, where numbers of shape say little; two projects drawn by the program, where
they say nearly all, .901 and .888, .928 and .924. Weight 1 cost up to 3 points there, and 0.1 gave
half as much on maize."""
FEWEST_UNSEEN = 20
"""Labelled crops that a run must not have learnt from, before its features count: only those tell
how sure to be.
"""
_CLIP = 8.0


class RunFeatures:
    """Hold the features of crops, as the network of `run` gives them.

    `learnt_from` are the ids of the crops that the run was trained on. Raises PoreguiError when it
    has no network that can be read or that names its features.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run.number
        self.folder = run.path
        self._predictor = Predictor(run, threads=1)
        self._width = self._predictor.feature_count
        if not self._width:
            raise ProjectError(
                f"The network of run {run.number} does not name its features.", "Train again."
            )
        self._known: dict[SeenCrop, NDArray[np.float32]] = {}
        self.learnt_from = frozenset(crop.crop_id for crop in run.read_dataset().split("train"))

    def has(self, crop: SeenCrop) -> bool:
        """Tell whether the features of a crop are known."""
        return crop in self._known

    def see(self, keys: Sequence[SeenCrop], store: PixelStore) -> None:
        """Take the features of crops; those whose pixels, or the scale that the network needs, are
        missing stay NaN.
        """
        for key in keys:
            self._known[key] = np.full(self._width, np.nan, np.float32)
        crops: dict[SeenCrop, ScaledCrop] = {}
        for key in keys:
            try:
                crop = ScaledCrop(store.get(key.pixels), key.um_per_px, key.line)
            except PoreguiError:
                continue
            if self._predictor.can_predict(crop):
                crops[key] = crop
        if crops:
            self._known.update(
                zip(crops, self._predictor.features(list(crops.values())), strict=True)
            )

    def rows(self, keys: Sequence[SeenCrop]) -> Floats:
        """Return (n, features) rows, each feature with mean 0 and spread `WEIGHT` over them; 0
        where not known.
        """
        blank = np.full(self._width, np.nan, np.float32)
        found = np.array([self._known.get(key, blank) for key in keys], np.float64).reshape(
            -1, self._width
        )
        known = np.isfinite(found)
        counts = np.maximum(known.sum(axis=0), 1)
        apart = np.where(known, found - np.where(known, found, 0.0).sum(axis=0) / counts, 0.0)
        spread = np.sqrt((apart**2).sum(axis=0) / counts)
        return WEIGHT * np.clip(apart / np.where(spread > 0, spread, 1.0), -_CLIP, _CLIP)


def networks(project: Path) -> Iterator[RunFolder]:
    """Yield the runs of a project folder that finished with a network, the newest first; damaged
    ones are passed over, and those of the preset shape, which see nothing but shapes.

    They are looked at one by one, as far as one sees without reading them.
    """
    for run in reversed(runs_in(project)):
        if run.has_network and run.finished and not glance_at(run) and _sees_pixels(run):
            yield run


def _sees_pixels(run: RunFolder) -> bool:
    try:
        return run.read_recipe().preset != "shape"
    except PoreguiError:
        return False

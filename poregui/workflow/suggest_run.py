"""Give the suggestions what the network of the newest run sees in crops; changes with how its features are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.pixels import PixelStore
from poregui.store.run_check import glance_at
from poregui.store.run_folder import RunFolder, runs_in
from poregui.workflow.predict import Predictor, ScaledCrop

Floats = NDArray[np.float64]
WEIGHT = 0.2
"""Weight of a standardised feature beside one of size and shape.

Accuracy on other specimens, without and with a run that had learnt from some of the labels: maize stomata .80 and .87,
where numbers of shape say little; two projects drawn by the program, where they say nearly all, .901 and .888, .928 and
.924. Weight 1 cost up to 3 points there, and 0.1 gave half as much on maize."""
FEWEST_UNSEEN = 20
"""Labelled crops that a run must not have learnt from, before its features count: only those tell how sure to be."""
_CLIP = 8.0
_Key = tuple[str, float | None]


class RunFeatures:
    """Hold the features of crops by the hash of their pixels and their scale, as the network of `run` gives them.

    `learnt_from` are the ids of the crops that the run was trained on. Raises PoreguiError when it has no network that
    can be read or that names its features.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run.number
        self.folder = run.path
        self._predictor = Predictor(run, threads=1)
        self._width = self._predictor.feature_count
        if not self._width:
            raise ProjectError(f"The network of run {run.number} does not name its features.", "Train again.")
        self._known: dict[_Key, NDArray[np.float32]] = {}
        self.learnt_from = frozenset(crop.crop_id for crop in run.read_dataset().part("train"))

    def has(self, pixels: str, um_per_px: float | None) -> bool:
        """Tell whether the features of a crop are known."""
        return (pixels, um_per_px) in self._known

    def see(self, asked: Sequence[_Key], store: PixelStore) -> None:
        """Take the features of crops; those whose pixels, or the scale that the network needs, are missing stay NaN."""
        for key in asked:
            self._known[key] = np.full(self._width, np.nan, np.float32)
        crops: dict[_Key, ScaledCrop] = {}
        for key in asked:
            try:
                crop = ScaledCrop(store.get(key[0]), key[1])
            except PoreguiError:
                continue
            if self._predictor.can_answer(crop):
                crops[key] = crop
        if crops:
            self._known.update(zip(crops, self._predictor.features(list(crops.values())), strict=True))

    def rows(self, asked: Sequence[_Key]) -> Floats:
        """Return (n, features) rows, each feature with mean 0 and spread `WEIGHT` over them; 0 where not known."""
        blank = np.full(self._width, np.nan, np.float32)
        found = np.array([self._known.get(key, blank) for key in asked], np.float64).reshape(-1, self._width)
        known = np.isfinite(found)
        counts = np.maximum(known.sum(axis=0), 1)
        apart = np.where(known, found - np.where(known, found, 0.0).sum(axis=0) / counts, 0.0)
        spread = np.sqrt((apart**2).sum(axis=0) / counts)
        return WEIGHT * np.clip(apart / np.where(spread > 0, spread, 1.0), -_CLIP, _CLIP)


def networks(project: Path) -> Iterator[RunFolder]:
    """Yield the runs of a project folder that finished with a network, the newest first; damaged ones are passed over.

    They are looked at one by one, as far as one sees without reading them.
    """
    for run in reversed(runs_in(project)):
        if run.has_network and run.finished and not glance_at(run):
            yield run

"""Hold what a network says about its own certainty against how often it is right; every formula
names its source.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.intervals import wilson_interval

FEWEST_TO_FIT = 20
"""Validation crops from which on a temperature is fitted."""
COLDEST = 0.05
HOTTEST = 20.0
_SMALLEST = 1e-12
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationBin:
    """Hold the answers whose confidence lies above `low` up to `high`: how many, how sure, how
    often right.

    `interval` is Wilson's of `accuracy`.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """Hold the calibration curve (bins that have crops only) and the expected calibration error, a
    fraction.
    """

    bins: tuple[CalibrationBin, ...]
    error: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return asdict(self)


def calibration(probabilities: Floats, truth: NDArray[np.int64], bins: int = 10) -> Calibration:
    """Return how (n, classes) probabilities hold against (n,) true places, in `bins` equal steps of
    confidence.

    The error is the mean distance of confidence and accuracy, weighted by the crops of each bin (M.
    P. Naeini et al., AAAI 2015; C. Guo et al., ICML 2017); None without crops.
    """
    if not len(truth):
        return Calibration((), None)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        hits = int(right[inside].sum())
        if count:
            interval = wilson_interval(hits, count)
            assert interval is not None
            mean = float(confidence[inside].mean())
            found.append(
                CalibrationBin(
                    number / bins, (number + 1) / bins, count, mean, hits / count, interval
                )
            )
    error = sum(one.count * abs(one.confidence - one.accuracy) for one in found) / len(truth)
    return Calibration(tuple(found), error)


def log_loss(probabilities: Floats, truth: NDArray[np.int64]) -> float | None:
    """Return the mean cross-entropy of (n, classes) probabilities in nats; None without crops."""
    if not len(truth):
        return None
    given = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(given, _SMALLEST)).mean())


def fit_temperature(probabilities: Floats, truth: NDArray[np.int64]) -> float | None:
    """Return the temperature that makes (n, classes) probabilities of *validation* crops least
    surprising.

    Minimises the cross-entropy of softmax(log p / T) (C. Guo et al., ICML 2017), convex in 1/T, by
    bisection of its slope between `COLDEST` and `HOTTEST`. Above 1: the network is too sure. None
    for fewer than `FEWEST_TO_FIT` crops.
    """
    if len(truth) < FEWEST_TO_FIT:
        return None
    logs = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    given = logs[np.arange(len(truth)), truth]

    def slope(inverse: float) -> float:
        return float((_softmax(logs * inverse) * logs).sum() - given.sum())

    low = 1 / HOTTEST
    high = 1 / COLDEST
    for _ in range(60):
        middle = (low + high) / 2
        if slope(middle) < 0:
            low = middle
            high = high
        else:
            low = low
            high = middle
    return 2 / (low + high)


def at_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return (n, classes) probabilities at a temperature: above 1 softer, below 1 sharper; the
    order stays.
    """
    return _softmax(np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST)) / temperature)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))

"""Estimate the largest pore of a larger area from the largest of many fields.

The manner is that of ASTM E2283 (extreme value analysis of inclusions): the square root of the area
of the largest pore of each field (Y. Murakami), Gumbel's distribution by maximum likelihood. All of
it is of sections through the material, not of its volume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST_FIELDS = 10
"""Fields with a pore below which nothing is said; E2283 asks for 24."""
FEWEST_PEAKS = 30
_SHARE_OF_PEAKS = 0.1
_DRAWS = 999
_STEPS = 40
_SHAPES = (-0.5, 0.5)
_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class LargestPore:
    """Hold the largest √area (µm) expected in an area, and the 95 % interval in which the largest
    of one such area lies; `fit_p` is small where the distribution does not fit.

    `location` and `scale` are Gumbel's for one field, or threshold and scale of the peaks over it,
    whose `shape` is above zero where the tail is heavy.
    """

    largest: float
    low: float
    high: float
    fit_p: float
    location: float
    scale: float
    shape: float = 0.0
    peaks: int = 0


def gumbel_largest(
    maxima: Sequence[float], areas: Sequence[float], area: float, *, seed: int = 0
) -> LargestPore:
    """Return what (n,) maxima of √area (µm; 0: no pore) in fields of (n,) areas say of the largest
    in `area`, all in mm².

    A field without a pore counts as one whose largest is below the smallest maximum seen; fields of
    other sizes by the logarithm of their area. The interval predicts the largest of one such area:
    the error of the prediction over the scale does not depend on location and scale, so that its
    distribution is drawn from the fit (J. F. Lawless, Statistical Models and Methods for Lifetime
    Data, 2nd ed. 2003, 5.3). Raises ValueError for fewer than `FEWEST_FIELDS` fields with a pore,
    equal maxima, or an area that is not larger than a field.
    """
    x = np.asarray(maxima, np.float64)
    sizes = np.asarray(areas, np.float64)
    seen = x > 0
    if seen.sum() < FEWEST_FIELDS or np.ptp(x[seen]) == 0:
        raise ValueError("too few fields with a pore, or all alike")
    usual = float(sizes.mean())
    if area <= usual:
        raise ValueError("the area is not larger than a field")
    offsets = np.log(sizes / usual)
    smallest = float(x[seen].min())
    x = np.where(seen, x, smallest)
    location, scale = (float(v[0]) for v in _fit_gumbel(x[None, :], offsets, seen[None, :]))
    ahead = math.log(area / usual)
    rng = np.random.default_rng(seed)
    drawn = location + scale * (offsets - np.log(rng.standard_exponential((_DRAWS, len(x)))))
    drawn_seen = drawn > smallest if not seen.all() else np.ones(drawn.shape, bool)
    drawn = np.maximum(drawn, smallest) if not seen.all() else drawn
    kept = drawn_seen.sum(axis=1) > 2
    places, scales = _fit_gumbel(drawn[kept], offsets, drawn_seen[kept])
    largest = location + scale * (ahead - np.log(rng.standard_exponential(len(places))))
    errors = (largest - places - scales * ahead) / scales
    low, high = np.quantile(errors, _TAILS)
    middle = location + scale * ahead
    distances = _distance(drawn[kept], drawn_seen[kept], offsets, places, scales)
    own = _distance(x[None, :], seen[None, :], offsets, np.array([location]), np.array([scale]))
    return LargestPore(
        middle,
        max(0.0, middle + scale * float(low)),
        middle + scale * float(high),
        float(np.mean(distances >= own[0])),
        location,
        scale,
    )


def _fit_gumbel(x: Floats, offsets: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return location and scale by maximum likelihood of each row of (m, n) maxima, those not
    `seen` being upper bounds; by golden section over the logarithm of the scale.
    """
    counts = seen.sum(axis=1)
    base = x.min(axis=1, keepdims=True)
    above = x - base
    sums = np.where(seen, above, 0.0).sum(axis=1)
    spread = np.maximum(x.std(axis=1), 1e-9 * (1 + np.abs(base[:, 0])))

    def place(scales: Floats) -> Floats:
        total = np.exp(offsets - above / scales[:, None]).sum(axis=1)
        return np.asarray(np.log(counts / total), np.float64)

    def fit(logs: Floats) -> Floats:
        scales = np.exp(logs)
        return np.asarray(-counts * logs - sums / scales + counts * place(scales), np.float64)

    low, high = np.log(spread / 20), np.log(spread * 20)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(_STEPS):
        one, two = high - golden * (high - low), low + golden * (high - low)
        better = fit(one) > fit(two)
        high = np.where(better, two, high)
        low = np.where(better, low, one)
    scales = np.exp((low + high) / 2)
    return base[:, 0] + scales * place(scales), scales


def _distance(
    x: Floats, seen: NDArray[np.bool_], offsets: Floats, places: Floats, scales: Floats
) -> Floats:
    """Return the largest distance between the distribution of each row and the fitted one
    (Kolmogorov), where maxima were seen.
    """
    z = (x - places[:, None]) / scales[:, None] - offsets
    fitted = np.sort(np.exp(-np.exp(-np.where(seen, z, -50.0))), axis=1)
    return _kolmogorov(fitted, seen.shape[1] - seen.sum(axis=1))


def _kolmogorov(fitted: Floats, hidden: NDArray[np.int64]) -> Floats:
    count = fitted.shape[1]
    steps = np.arange(count + 1) / count
    gaps = np.maximum(np.abs(fitted - steps[:-1]), np.abs(fitted - steps[1:]))
    gaps = np.where(np.arange(count) >= hidden[:, None], gaps, 0.0)
    return np.asarray(gaps.max(axis=1), np.float64)


def peaks_largest(
    sizes: Sequence[float], examined: float, area: float, *, seed: int = 0
) -> LargestPore:
    """Return what (n,) pores of √area (µm) on `examined` mm² say of the largest in `area` mm².

    The peaks over a threshold, the largest tenth and 30 at least, follow a generalised Pareto
    distribution, fitted by probability-weighted moments (J. R. M. Hosking and J. R. Wallis,
    Technometrics 29 (1987) 339) with a shape from -0.5 to 0.5. The interval predicts the largest of
    one such area; it reaches as far as either of two draws says: the largest of refitted draws,
    and how far their predictions are from what the fit has drawn; each by itself was too narrow
    with 30 peaks. Raises ValueError for fewer than twice
    `FEWEST_PEAKS` pores or peaks that are alike.
    """
    ordered = np.sort(np.asarray(sizes, np.float64))[::-1]
    if len(ordered) < 2 * FEWEST_PEAKS:
        raise ValueError("too few pores")
    count = max(FEWEST_PEAKS, int(_SHARE_OF_PEAKS * len(ordered)))
    threshold = float(ordered[count])
    peaks = np.sort(ordered[:count] - threshold)
    if peaks[-1] <= peaks[0] or area <= 0 or examined <= 0:
        raise ValueError("peaks that are alike")
    shape, scale = (float(v[0]) for v in _fit_pareto(peaks[None, :]))
    wanted = count * area / examined
    rng = np.random.default_rng(seed)
    drawn = np.sort(_pareto(rng.random((_DRAWS, count)), shape, scale), axis=1)
    shapes, scales = _fit_pareto(drawn)
    rates = wanted * rng.poisson(count, _DRAWS) / count
    predicted = _level(1 / np.maximum(rates, 1e-12), shapes, scales)
    largest = _pareto(rng.standard_exponential(_DRAWS) / wanted, shape, scale)
    middle = float(_pareto(np.array(1 / wanted), shape, scale))
    redrawn = _level(rng.standard_exponential(_DRAWS) / np.maximum(rates, 1e-12), shapes, scales)
    ends = np.quantile(np.stack([middle * largest / predicted, redrawn]), _TAILS, axis=1)
    low, high = float(ends[0].min()), float(ends[1].max())
    own = _kolmogorov(_pareto_share(peaks[None, :], shape, scale), np.zeros(1, np.int64))
    fitted = _pareto_share(drawn, shapes[:, None], scales[:, None])
    distances = _kolmogorov(fitted, np.zeros(_DRAWS, np.int64))
    return LargestPore(
        threshold + middle,
        threshold + low,
        threshold + high,
        float(np.mean(distances >= own[0])),
        threshold,
        scale,
        shape,
        count,
    )


def _fit_pareto(peaks: Floats) -> tuple[Floats, Floats]:
    """Return shape and scale of each row of ordered peaks."""
    count = peaks.shape[1]
    weights = 1 - (np.arange(1, count + 1) - 0.35) / count
    mean = peaks.mean(axis=1)
    weighted = (peaks * weights).mean(axis=1)
    shapes = np.clip(2 - mean / np.maximum(mean - 2 * weighted, 1e-12), *_SHAPES)
    return shapes, mean * (1 - shapes)


def _pareto(beyond: Floats, shape: float, scale: float) -> Floats:
    return _level(beyond, np.array(shape), np.array(scale))


def _level(beyond: Floats, shapes: Floats, scales: Floats) -> Floats:
    """Return the peak that is exceeded with the probability (or expected number) `beyond`."""
    flat = np.abs(shapes) < 1e-6
    bent = np.where(flat, 1.0, shapes)
    logs = np.minimum(np.log(beyond), 0.0)
    return np.asarray(scales * np.where(flat, -logs, np.expm1(-bent * logs) / bent), np.float64)


def _pareto_share(peaks: Floats, shapes: Floats | float, scales: Floats | float) -> Floats:
    """Return the fitted share of peaks below each."""
    bent = np.where(np.abs(np.asarray(shapes)) < 1e-6, 1e-6, shapes)
    return np.asarray(1 - np.maximum(1 + bent * peaks / scales, 1e-300) ** (-1 / bent), np.float64)

"""Correct amounts per predicted class for what the classifier confuses; every formula names its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORST_CONDITION = 8.0
"""Condition number of the rates above which a correction would tell of the test crops' chance, not of the part."""
FEWEST_TESTED = 5
"""Test crops that each true class needs before its rates are used."""


@dataclass(frozen=True)
class Correction:
    """Hold the matrix that turns amounts per predicted class into amounts per true class.

    `counts` (K, K) are the test crops (whole, or effective ones of `weighted_counts`), rows the truth, columns the
    prediction; `matrix` (K, K) multiplies (K,) amounts
    per predicted class from the left; `possible` is False where the classifier confuses too much or a class was tested
    too little, `matrix` is then the identity and `why_not` says which.
    """

    counts: Floats
    matrix: Floats
    possible: bool
    why_not: str = ""

    def apply(self, amounts: Floats) -> Floats:
        """Return (..., K) amounts per true class for (..., K) amounts per predicted class; single ones may be below 0.

        Amounts below zero are kept, for a mean over fields is free of bias only with them; the sum is kept too.
        """
        corrected: Floats = amounts @ self.matrix.T
        return corrected

    def draws(self, amounts: Floats, number: int, seed: int) -> Floats:
        """Return (`number`, K) corrected amounts as they might be with other test crops.

        The rows of the rates are drawn from Dirichlet distributions with the counts and Jeffreys' half per cell: the
        posterior of a multinomial row (A. Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, 3.4).
        """
        if not self.possible:
            return np.repeat(amounts[np.newaxis], number, axis=0)
        counts = np.ascontiguousarray(self.counts, dtype=np.float64)
        found: Floats = _drawn_matrices(counts.tobytes(), len(counts), number, seed) @ amounts
        return found


@lru_cache(maxsize=16)
def _drawn_matrices(counts: bytes, classes: int, number: int, seed: int) -> Floats:
    """Return (`number` or fewer, K, K) matrices such as other test crops might have given, read-only.

    They are the same for all specimens that one network was applied to, and are drawn anew for other counts only:
    drawing them takes a hundred times longer than using them.
    """
    table = np.frombuffer(counts, np.float64).reshape(classes, classes)
    gammas = np.random.default_rng(seed).standard_gamma(np.broadcast_to(table + 0.5, (number, classes, classes)))
    rates = gammas / gammas.sum(axis=2, keepdims=True)
    kept = np.linalg.cond(rates) < 4 * WORST_CONDITION
    matrices: Floats = np.linalg.inv(np.swapaxes(rates[kept], 1, 2))
    matrices.setflags(write=False)
    return matrices


def weighted_counts(truth: NDArray[np.int64], predicted: NDArray[np.int64], weights: Floats, classes: int) -> Floats:
    """Return the (classes, classes) confusion of (n,) crops that count by weight, as so many crops of equal weight.

    What is confused differs with the size of a pore, so that areas are corrected by the area that was confused. Each
    row sums to the effective number of its crops, (sum w)^2 / sum w^2 (L. Kish, Survey Sampling, 1965, 11.7), so that a
    single large pore does not pass for many.
    """
    flat = np.bincount(truth * classes + predicted, weights, classes * classes).reshape(classes, classes)
    summed, squares = np.bincount(truth, weights, classes), np.bincount(truth, weights**2, classes)
    effective = np.divide(summed, squares, out=np.zeros(classes), where=squares > 0)
    return np.asarray(flat * effective[:, np.newaxis], np.float64)


def correction(counts: NDArray[np.int64] | Floats) -> Correction:
    """Return the correction that a confusion matrix of unseen crops allows.

    `counts` (K, K), rows the truth, counted or of `weighted_counts`. The amounts observed per predicted class are
    o = R' t, R the rates (row shares of `counts`) and t the true amounts, so t = inverse(R') o: the inverse-matrix
    estimator of misclassified proportions (J. Grassia and R. Sundberg, Technometrics 24 (1982) 117). It holds where the
    shares of the classes differ from the test's, as they do from part to part, and assumes that each class is confused
    as it was in the test.
    """
    counts = np.asarray(counts, dtype=np.float64)
    classes = len(counts)
    tested = counts.sum(axis=1)
    same = np.eye(classes)
    if classes == 0 or tested.min() < FEWEST_TESTED:
        few = tested.min() if classes else 0
        return Correction(counts, same, False, f"a class had {few:.3g} test crops, fewer than {FEWEST_TESTED}")
    rates = counts / tested[:, np.newaxis]
    if not np.linalg.cond(rates) < WORST_CONDITION:
        return Correction(counts, same, False, "the run confuses the classes too much for a correction")
    return Correction(counts, np.linalg.inv(rates.T), True)

"""Compute how far people agree who rated the same crops, with intervals over specimens.

Ratings are (crops, raters) whole numbers, indices of classes; MISSING where somebody gave none.
Every coefficient is computed from sums over specimens, so that leaving one out costs a
subtraction. Every formula names its source.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poregui.domain.statistics.intervals import wilson_interval
from poregui.domain.statistics.jackknife import (
    Estimate,
    Floats,
    Ints,
    Over,
    estimate,
    first_by_second,
    ratio,
    share_of,
    summed,
    units_of,
)

MISSING = -1

_PART = 0.2
_DOMINANT = 0.7


@dataclass(frozen=True, eq=False)
class PairAgreement:
    """Hold how far two raters agree on the `n` crops that both gave a class: raw agreement,
    Cohen's kappa and Gwet's AC1.

    `matrix` is (classes, classes) counts, rows are the first rater.
    """

    n: int
    agreement: Estimate
    kappa: Estimate
    ac1: Estimate
    matrix: Ints
    over: Over

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "n": self.n,
            **self.agreement.to_json("agreement"),
            **self.kappa.to_json("kappa"),
            **self.ac1.to_json("ac1"),
        }


@dataclass(frozen=True)
class JointAgreement:
    """Hold how far several raters agree on the `n` crops that two or more gave a class: raw
    agreement, Fleiss' kappa, Krippendorff's alpha and Gwet's AC1.
    """

    n: int
    agreement: Estimate
    fleiss_kappa: Estimate
    alpha: Estimate
    ac1: Estimate
    over: Over

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "n": self.n,
            **self.agreement.to_json("agreement"),
            **self.fleiss_kappa.to_json("fleiss_kappa"),
            **self.alpha.to_json("alpha"),
            **self.ac1.to_json("ac1"),
        }


@dataclass(frozen=True)
class ClassAgreement:
    """Hold how far raters agree on one class, on the `n` crops that somebody gave it: the share of
    the others who gave it too, and kappa and AC1 of the class against all others.
    """

    n: int
    agreement: Estimate
    kappa: Estimate
    ac1: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "n": self.n,
            **self.agreement.to_json("agreement"),
            **self.kappa.to_json("kappa"),
            **self.ac1.to_json("ac1"),
        }


# ---- two raters -----------------------------------------------------------------------------


def pair_agreement(first: Ints, second: Ints, groups: Sequence[str], classes: int) -> PairAgreement:
    """Return how far two raters agree: (n,) ratings each, and the group of each crop."""
    both = (first != MISSING) & (second != MISSING)
    one = first[both]
    other = second[both]
    chosen = [group for group, taken in zip(groups, both.tolist(), strict=True) if taken]
    tables = np.zeros((len(one), classes, classes))
    tables[np.arange(len(one)), one, other] = 1
    agree = np.asarray(one == other)
    over, units = units_of(agree, chosen)
    sums = summed(tables.reshape(len(one), classes * classes), units)
    same = bool(agree.all())
    return PairAgreement(
        len(one),
        share_of(agree, chosen),
        estimate(cohen_kappa, sums, all_agree=same, skewed=True),
        estimate(gwet_ac1, sums, all_agree=same),
        tables.sum(axis=0).astype(np.int64),
        over,
    )


def cohen_kappa(sums: Floats) -> Floats:
    """Return kappa of (..., classes * classes) counts; NaN where both raters use a single class.

    J. Cohen, Educ. Psychol. Meas. 20 (1960) 37.
    """
    tables = _square(sums)
    total = tables.sum(axis=(-2, -1))
    observed = ratio(np.trace(tables, axis1=-2, axis2=-1), total)
    first = ratio(tables.sum(axis=-1), total[..., None])
    second = ratio(tables.sum(axis=-2), total[..., None])
    return _beyond_chance(observed, (first * second).sum(axis=-1))


def gwet_ac1(sums: Floats) -> Floats:
    """Return AC1 of (..., classes * classes) counts (K. L. Gwet, Br. J. Math. Stat. Psychol. 61
    (2008) 29).
    """
    tables = _square(sums)
    total = tables.sum(axis=(-2, -1))
    observed = ratio(np.trace(tables, axis1=-2, axis2=-1), total)
    uses = ratio(tables.sum(axis=-1) + tables.sum(axis=-2), 2 * total[..., None])
    return _beyond_chance(observed, _chance_of_gwet(uses))


# ---- several raters -------------------------------------------------------------------------


def joint_agreement(ratings: Ints, groups: Sequence[str], classes: int) -> JointAgreement:
    """Return how far several raters agree: (crops, raters) ratings, and the group of each crop.

    Crops with fewer than two ratings tell nothing and are left out.
    """
    counts, chosen = _rated_twice(ratings, groups, classes)
    share = _pairs_that_agree(counts)
    over, units = units_of(share > 0.5, chosen)
    fleiss = summed(_sums_of_fleiss(counts), units)
    coincidences = summed(_coincidences(counts), units)
    same = bool((share == 1).all())
    return JointAgreement(
        len(counts),
        estimate(first_by_second, fleiss, all_agree=same, share=True),
        estimate(fleiss_kappa, fleiss, all_agree=same, skewed=True),
        estimate(
            krippendorff_alpha,
            coincidences,
            all_agree=same,
            skewed=True,
        ),
        estimate(_joint_ac1, fleiss, all_agree=same),
        over,
    )


def class_agreement(ratings: Ints, groups: Sequence[str], classes: int) -> list[ClassAgreement]:
    """Return for each class how far raters agree on it.

    The share is the specific agreement (D. V. Cicchetti and A. R. Feinstein, J. Clin. Epidemiol. 43
    (1990) 551, over all pairs of raters), kappa that of Fleiss for the class and all others.
    """
    counts, chosen = _rated_twice(ratings, groups, classes)
    _, units = units_of(_pairs_that_agree(counts) > 0.5, chosen)
    found = []
    for index in range(classes):
        own = counts[:, index]
        two = np.stack([own, counts.sum(axis=1) - own], axis=1)
        pairs = np.stack([own * (own - 1), own * (two.sum(axis=1) - 1)], axis=1)
        fleiss = summed(_sums_of_fleiss(two), units)
        same = bool((pairs[:, 0] == pairs[:, 1]).all())
        found.append(
            ClassAgreement(
                int((own > 0).sum()),
                estimate(first_by_second, summed(pairs, units), all_agree=same, share=True),
                estimate(fleiss_kappa, fleiss, all_agree=same, skewed=True),
                estimate(_joint_ac1, fleiss, all_agree=same),
            )
        )
    return found


def fleiss_kappa(sums: Floats) -> Floats:
    """Return kappa of several raters from (..., 2 + classes) sums over crops: agreeing pairs as a
    share of all, one for each crop, and the share of ratings of each class.

    J. L. Fleiss, Psychol. Bull. 76 (1971) 378; where raters missed crops as in K. L. Gwet, Handbook
    of Inter-Rater Reliability, 4th ed. 2014, 2.3.
    """
    uses = ratio(sums[..., 2:], sums[..., 1:2])
    return _beyond_chance(first_by_second(sums), (uses**2).sum(axis=-1))


def krippendorff_alpha(sums: Floats) -> Floats:
    """Return alpha for nominal data from (..., classes * classes) coincidences (K. Krippendorff,
    Content Analysis, 2nd ed. 2004, 11.3).
    """
    coincidences = _square(sums)
    of_class = coincidences.sum(axis=-1)
    total = of_class.sum(axis=-1)
    observed = 1 - ratio(np.trace(coincidences, axis1=-2, axis2=-1), total)
    same = (of_class * (of_class - 1)).sum(axis=-1)
    expected = 1 - ratio(same, total * (total - 1))
    return 1 - ratio(observed, np.where(expected > 0, expected, 0.0))


def _joint_ac1(sums: Floats) -> Floats:
    uses = ratio(sums[..., 2:], sums[..., 1:2])
    return _beyond_chance(first_by_second(sums), _chance_of_gwet(uses))


def _square(sums: Floats) -> Floats:
    size = math.isqrt(sums.shape[-1])
    return sums.reshape(*sums.shape[:-1], size, size)


def _chance_of_gwet(uses: Floats) -> Floats:
    return (uses * (1 - uses)).sum(axis=-1) / max(1, uses.shape[-1] - 1)


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    room = 1 - chance
    return ratio(observed - chance, np.where(room > 1e-12, room, 0.0))


def _rated_twice(ratings: Ints, groups: Sequence[str], classes: int) -> tuple[Floats, list[str]]:
    """Return (crops, classes) how often each class was given, and groups, of crops rated twice or
    more.
    """
    counts = np.stack([(ratings == index).sum(axis=1) for index in range(classes)], axis=1)
    enough = counts.sum(axis=1) >= 2
    chosen = [group for group, taken in zip(groups, enough.tolist(), strict=True) if taken]
    return counts[enough].astype(np.float64), chosen


def _pairs_that_agree(counts: Floats) -> Floats:
    raters = counts.sum(axis=1)
    return ratio((counts * (counts - 1)).sum(axis=1), raters * (raters - 1))


def _sums_of_fleiss(counts: Floats) -> Floats:
    """Return (crops, 2 + classes) what `fleiss_kappa` sums up."""
    uses = ratio(counts, counts.sum(axis=1, keepdims=True))
    ones = np.ones(len(counts))
    return np.concatenate([np.stack([_pairs_that_agree(counts), ones], axis=1), uses], axis=1)


def _coincidences(counts: Floats) -> Floats:
    """Return (crops, classes * classes) pairs of ratings, each crop's raters weighing as many as
    they are.
    """
    size = counts.shape[1]
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, np.arange(size), np.arange(size)] -= counts
    weighed = pairs / (counts.sum(axis=1) - 1)[:, None, None]
    return weighed.reshape(len(counts), size * size)


# ---- what follows from agreement ------------------------------------------------------------


def ceiling(repeats: Estimate, classes: int) -> Estimate:
    """Return the accuracy that nobody can be expected to exceed against labels of this noise.

    `repeats` is the share of crops that a person gave the same class twice. She errs alike on every
    crop and into every other class: share = a² + (1 - a)² / (classes - 1) is solved for a. Where
    some crops are hard and others easy, the truth lies between the share and its square root.
    """
    if repeats.value is None:
        return repeats
    ends = None
    if repeats.interval is not None:
        low, high = repeats.interval
        ends = (_right_once(low, classes), _right_once(high, classes))
    return Estimate(_right_once(repeats.value, classes), ends)


def _right_once(share: float, classes: int) -> float:
    others = max(1, classes - 1)
    room = max(0.0, (others + 1) * share - 1)
    return (1 + math.sqrt(others * room)) / (others + 1)


def where_kappa_parts(pair: PairAgreement, names: Sequence[str]) -> str:
    """Return a sentence where kappa lies far below AC1 because one class dominates; empty
    otherwise.
    """
    kappa = pair.kappa.value
    ac1 = pair.ac1.value
    if not pair.n or ac1 is None:
        return ""
    uses = (pair.matrix.sum(axis=0) + pair.matrix.sum(axis=1)) / (2 * pair.n)
    common = int(uses.argmax())
    part = kappa is None or ac1 - kappa > _PART
    if not part or uses[common] < _DOMINANT:
        return ""
    value = "does not exist"
    if kappa is not None:
        value = f"is {kappa:.2f}"
    return (
        f"Kappa {value} although AC1 is {ac1:.2f}: {100 * uses[common]:.0f} % of the labels are "
        f"{names[common]}, and kappa takes most of the agreement on them for chance. Report both."
    )


def half_width(crops: int, share: float = 0.9) -> float | None:
    """Return how precisely an agreement of about `share` is known from so many crops: half of
    Wilson's interval; None for no crop.
    """
    ends = wilson_interval(round(crops * share), crops)
    if ends is None:
        return None
    return (ends[1] - ends[0]) / 2

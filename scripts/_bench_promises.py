"""Measure whether the suggester keeps what it promises: sureness and gain by more labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from _bench_suggest import FOLDS, _mean, _table

COUNTS = (50, 100, 200)
TAUGHT = 150
"""Labels from which gains are promised; the rest of the pool then shows what more of a class does
bring.
"""


def promises(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare sureness with the share that is right, and promised gains with real ones, on crops of
    unseen specimens.

    Each seed deals the specimens to three folds and tests each with labels in random order of the
    others; answers of the folds are pooled for its calibration error (ten bins of equal width).
    """
    from poregui.store.project import Project
    from poregui.workflow.importing.sample_project import make_sample
    from poregui.workflow.suggesting.suggestion_model import group_folds

    source = options.project or folder / "project"
    if options.project is None:
        make_sample(source)
    with Project.open(source, read_only=True) as project:
        rows, labels, groups, _ = _table(project, folder)
    errors: dict[int, list[tuple[float, float, float]]] = {count: [] for count in COUNTS}
    gains: list[dict[str, float]] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        folds = group_folds(labels, groups, FOLDS, seed)
        pools = [np.flatnonzero(folds != fold) for fold in range(FOLDS)]
        orders = [
            np.random.default_rng([seed, fold]).permutation(pool) for fold, pool in enumerate(pools)
        ]
        for count in COUNTS:
            errors[count].append(
                _sureness(rows, labels, groups, folds, [order[:count] for order in orders])
            )
        for fold, order in enumerate(orders):
            gains += _gains(rows, labels, groups, order, np.flatnonzero(folds == fold))
    calibrations = {str(count): _calibration(found) for count, found in errors.items()}
    return {"seeds": options.seeds, "calibration": calibrations, **_kept(gains)}


def _sureness(
    rows: Any, labels: Any, groups: list[str], folds: Any, taught: list[Any]
) -> tuple[float, float, float]:
    """Return the calibration error with and without temperature, and mean sureness minus the share
    that is right.
    """
    from poregui.domain.statistics.scores import calibration
    from poregui.workflow.suggesting.suggestion_model import fit, fitted_model

    of_folds, raw, truth = [], [], []
    for fold, known in enumerate(taught):
        tested = np.flatnonzero(folds == fold)
        model = fit(rows[known], labels[known], [groups[i] for i in known])
        assert model is not None
        class_indices = np.searchsorted(np.array(model.labels), labels[tested])
        of_folds.append(model.probabilities(rows[tested]))
        raw.append(fitted_model(rows[known], labels[known]).predict_proba(rows[tested]))
        truth.append(class_indices)
    probabilities, uncalibrated, truth_of_all = (
        np.concatenate(of_folds),
        np.concatenate(raw),
        np.concatenate(truth).astype(np.int64),
    )
    over = float(
        probabilities.max(axis=1).mean() - (probabilities.argmax(axis=1) == truth_of_all).mean()
    )
    tempered, untempered = (
        calibration(probabilities, truth_of_all).error,
        calibration(uncalibrated, truth_of_all).error,
    )
    assert tempered is not None
    assert untempered is not None
    return tempered, untempered, over


def _calibration(found: list[tuple[float, float, float]]) -> dict[str, Any]:
    names = ("error", "error_without_temperature", "sureness_minus_right")
    return {name: _interval(values) for name, values in zip(names, np.array(found).T, strict=True)}


def _gains(
    rows: Any, labels: Any, groups: list[str], order: Any, tested: Any
) -> list[dict[str, float]]:
    """Return for each class the promised gain with its interval, and what as many more crops of it
    bring.
    """
    from poregui.workflow.suggesting.suggestion_model import predictions_of
    from poregui.workflow.training.learning_curve import learning_curve

    known, rest = order[:TAUGHT], order[TAUGHT:]
    curve = learning_curve(rows[known], labels[known], [groups[i] for i in known])
    if curve is None:
        return []
    before = (predictions_of(rows[known], labels[known], rows[tested]) == labels[tested]).mean()
    found = []
    for index, one in enumerate(curve.gains):
        added = rest[labels[rest] == one.label][: one.more]
        if len(added) < one.more:
            continue
        now = np.concatenate([known, added])
        after = (predictions_of(rows[now], labels[now], rows[tested]) == labels[tested]).mean()
        promise = {"promised": one.gain, "low": one.interval[0], "high": one.interval[1]}
        found.append(
            {
                "label": one.label,
                "place": index,
                "more": one.more,
                **promise,
                "real": float(after - before),
            }
        )
    return found


def _kept(gains: list[dict[str, float]]) -> dict[str, Any]:
    labels = sorted({one["label"] for one in gains})
    named = {f"class_{label}": [one for one in gains if one["label"] == label] for label in labels}
    named["advised"] = [one for one in gains if one["place"] == 0 and one["low"] > 0]
    named |= {"seems_best": [one for one in gains if one["place"] == 0], "all": gains}
    return {"gains": {name: _promise(ones) for name, ones in named.items() if ones}}


def _promise(ones: list[dict[str, float]]) -> dict[str, Any]:
    means = {
        label: np.mean([o["real"] for o in ones if o["label"] == label])
        for label in {o["label"] for o in ones}
    }
    inside = [one["low"] <= means[one["label"]] <= one["high"] for one in ones]
    return {
        "asked": len(ones),
        "more": round(float(np.mean([one["more"] for one in ones])), 1),
        "promised": _interval(np.array([one["promised"] for one in ones])),
        "real": _interval(np.array([one["real"] for one in ones])),
        "interval_held_the_mean_real_one": round(float(np.mean(inside)), 2),
    }


def _interval(values: Any) -> list[float]:
    mean, half = _mean(values)
    return [round(mean, 4), round(mean - half, 4), round(mean + half, 4)]

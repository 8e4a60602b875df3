"""Measure how many labels the order of the suggestions saves; changes with how orders are compared."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

STEP = 5
REFERENCE = 200
"""Labels in random order whose accuracy is to be reached."""
LONGEST = 300
"""Labels up to which the suggested order may go on; a seed that needs still more counts with 300."""
FOLDS = 3
WINDOW = 5
"""Points of a curve that are averaged, so that one lucky model does not count."""


def suggest(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare labelling in the suggester's order with random order on the sample project, crops of unseen specimens.

    Each seed deals the specimens to three folds, tests each with labels of the others, and draws ten first labels. The
    accuracy wanted is that of random order at 180 to 200 labels; both orders are read from their mean curves by the
    same rule: the first count at which the mean of five points reaches it.
    """

    from poregui.store.project import Project
    from poregui.workflow.sample import make_sample

    source = options.project or folder / "project"
    if options.project is None:
        make_sample(source)
    with Project.open(source, read_only=True) as project:
        rows, labels, groups, milliseconds = _table(project, folder)
    seeds = [_one_seed(rows, labels, groups, seed, options.repeats) for seed in range(options.seeds)]
    ratios = np.array([one["ratio"] for one in seeds])
    half = 1.96 * ratios.std(ddof=1) / np.sqrt(len(ratios)) if len(ratios) > 1 else float("nan")
    return {
        "seeds": options.seeds,
        "wanted_is_random_order_at": REFERENCE,
        "labels_random_mean": round(float(np.mean([one["random"] for one in seeds])), 1),
        "labels_suggested_mean": round(float(np.mean([one["suggested"] for one in seeds])), 1),
        "ratio_mean": round(float(ratios.mean()), 3),
        "ratio_interval95": [round(float(ratios.mean() - half), 3), round(float(ratios.mean() + half), 3)],
        "fit_ms_at_200_labels": round(float(np.mean([one["fit_ms"] for one in seeds])), 1),
        "features_ms_a_crop": round(milliseconds, 2),
        "runs": seeds,
    }


def _table(project: Any, folder: Path) -> tuple[Any, Any, list[str], float]:
    from poregui.domain.splits import group_of
    from poregui.workflow.suggest_features import CropNumbers, feature_rows

    numbers = CropNumbers(folder)
    crops = [crop for crop in project.crops() if crop.label is not None and crop.label > 0]
    began = time.perf_counter()
    values = np.array([numbers.of(crop.pixels, project.pixels) for crop in crops])
    milliseconds = 1000 * (time.perf_counter() - began) / len(crops)
    rows = feature_rows(values, [crop.um_per_px for crop in crops])
    return rows, np.array([crop.label for crop in crops]), [group_of(crop) for crop in crops], milliseconds


def _one_seed(rows: Any, labels: Any, groups: list[str], seed: int, repeats: int) -> dict[str, Any]:
    from poregui.workflow.suggest import fit, group_folds

    folds = group_folds(labels, groups, FOLDS, seed)
    curves: dict[str, list[list[float]]] = {"random": [], "suggested": []}
    for fold in range(FOLDS):
        tested = folds == fold
        pool = np.flatnonzero(~tested)
        for repeat in range(repeats):
            for order, found in curves.items():
                random = np.random.default_rng([seed, fold, repeat])
                found.append(_curve(rows, labels, pool, tested, random, suggested=order == "suggested"))
    smooth = np.full(WINDOW, 1 / WINDOW)
    means = {order: np.convolve(np.mean(found, axis=0), smooth, "valid") for order, found in curves.items()}
    wanted = means["random"][-1]
    needed = {
        order: 10 + STEP * (WINDOW - 1 + int(np.argmax(reached)))
        if (reached := mean >= wanted - 1e-9).any()
        else LONGEST
        for order, mean in means.items()
    }
    began = time.perf_counter()
    fit(rows[pool][:REFERENCE], labels[pool][:REFERENCE], [groups[i] for i in pool[:REFERENCE]])
    return {
        "seed": seed,
        "wanted_accuracy": round(float(wanted), 4),
        **needed,
        "ratio": round(needed["suggested"] / needed["random"], 3),
        "fit_ms": round(1000 * (time.perf_counter() - began), 1),
    }


def _curve(rows: Any, labels: Any, pool: Any, tested: Any, random: Any, *, suggested: bool) -> list[float]:
    from poregui.workflow.suggest import fitted_model, teaching_order

    order = list(random.permutation(pool))
    while len(set(labels[order[:10]].tolist())) < 2:
        order = list(random.permutation(pool))
    known, found = order[:10], []
    while True:
        model = fitted_model(rows[known], labels[known])
        found.append(float((model.predict(rows[tested]) == labels[tested]).mean()))
        if len(known) >= (LONGEST if suggested else REFERENCE):
            return found
        if suggested:
            labelled = np.isin(pool, known)
            chosen = teaching_order(rows[pool], model.predict_proba(rows[pool]), labelled, STEP)
            known = [*known, *pool[chosen]]
        else:
            known = order[: len(known) + STEP]

"""Measure how many labels the order of the suggestions saves."""

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
"""Labels up to which the suggested order may go on; a seed that needs still
more counts with 300.
"""
FOLDS = 3
WINDOW = 5
"""Points of a curve that are averaged, so that one lucky model does not count."""


ORDERS = ("random", "suggested", "undecided")


def suggest(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare labelling in the suggester's order with random order on the sample project, crops of
    unseen specimens.

    Each seed deals the specimens to three folds, tests each with labels of the others, and draws
    ten first labels. Two rules, both fixed before the seeds from 100 on were drawn, read the labels
    needed from the mean curve of a seed. The smoothed one: the first count at which the mean of
    five points reaches that of random order at 180 to 200 labels. The plain one: the first count at
    which the curve reaches that of random order at 200 labels. The order `undecided` takes the crop
    with the smallest lead of the first class over the second and looks at nothing else.
    """

    from poregui.store.project import Project
    from poregui.workflow.importing.sample_project import make_sample

    source = options.project or folder / "project"
    if options.project is None:
        make_sample(source)
    with Project.open(source, read_only=True) as project:
        rows, labels, groups, milliseconds = _table(project, folder)
    first = options.first_seed
    seeds = [
        _one_seed(rows, labels, groups, seed, options.repeats)
        for seed in range(first, first + options.seeds)
    ]
    return {
        "seeds": [first, first + options.seeds - 1],
        "wanted_is_random_order_at": REFERENCE,
        **{rule: _ratios([one[rule] for one in seeds]) for rule in ("smoothed", "plain")},
        "accuracy_at": {str(count): _at(seeds, count) for count in (50, 100, 150, 200)},
        "fit_ms_at_200_labels": round(float(np.mean([one["fit_ms"] for one in seeds])), 1),
        "features_ms_a_crop": round(milliseconds, 2),
        "runs": [{key: value for key, value in one.items() if key != "curves"} for one in seeds],
    }


def _ratios(needed: list[dict[str, int]]) -> dict[str, Any]:
    """Return the labels each order needs, and their ratio to random order with its 95 % interval
    over seeds.
    """
    found: dict[str, Any] = {
        f"labels_{order}": round(float(np.mean([n[order] for n in needed])), 1) for order in ORDERS
    }
    for order in ORDERS[1:]:
        ratios = np.array([n[order] / n["random"] for n in needed])
        mean, half = _mean(ratios)
        found[f"ratio_{order}"] = round(mean, 3)
        found[f"ratio_{order}_interval95"] = [round(mean - half, 3), round(mean + half, 3)]
        found[f"{order}_never_reached_it"] = sum(n[order] == LONGEST for n in needed)
    return found


def _at(seeds: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Return the mean accuracy of random order at a count of labels, and by how much others differ,
    with intervals.
    """
    index = (count - 10) // STEP
    accuracy = {order: np.array([one["curves"][order][index] for one in seeds]) for order in ORDERS}
    found: dict[str, Any] = {"random": round(float(accuracy["random"].mean()), 4)}
    for order in ORDERS[1:]:
        mean, half = _mean(accuracy[order] - accuracy["random"])
        found[f"{order}_minus_random"] = [
            round(mean, 4),
            round(mean - half, 4),
            round(mean + half, 4),
        ]
    return found


def _mean(values: Any) -> tuple[float, float]:
    from scipy.stats import t

    if len(values) < 2:
        return float(values.mean()), float("nan")
    return float(values.mean()), float(
        t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    )


def _table(project: Any, folder: Path) -> tuple[Any, Any, list[str], float]:
    from poregui.domain.statistics.splits import group_of
    from poregui.workflow.suggesting.suggestion_features import (
        CropFeatures,
        feature_rows,
    )

    numbers = CropFeatures(folder)
    crops = [crop for crop in project.crops() if crop.label is not None and crop.label > 0]
    outlines = project.outlines()
    began = time.perf_counter()
    values = np.array([numbers.of(_seen(crop, outlines), project.pixels) for crop in crops])
    milliseconds = 1000 * (time.perf_counter() - began) / len(crops)
    rows = feature_rows(values, [crop.um_per_px for crop in crops])
    return (
        rows,
        np.array([crop.label for crop in crops]),
        [group_of(crop) for crop in crops],
        milliseconds,
    )


def _seen(crop: Any, outlines: Any) -> Any:
    from poregui.domain.dataset import outline_in_crop
    from poregui.workflow.suggesting.suggestion_features import SeenCrop

    line = outline_in_crop(outlines.get(crop.id), crop.box, crop.width, crop.height)
    return SeenCrop(crop.pixels, crop.um_per_px, line)


def _one_seed(rows: Any, labels: Any, groups: list[str], seed: int, repeats: int) -> dict[str, Any]:
    from poregui.workflow.suggesting.suggestion_model import fit, group_folds

    folds = group_folds(labels, groups, FOLDS, seed)
    curves: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    for fold in range(FOLDS):
        tested = folds == fold
        pool = np.flatnonzero(~tested)
        for repeat in range(repeats):
            for order, found in curves.items():
                random = np.random.default_rng([seed, fold, repeat])
                found.append(_curve(rows, labels, pool, tested, random, order))
    means = {order: np.mean(found, axis=0) for order, found in curves.items()}
    smooth = {
        order: np.convolve(mean, np.full(WINDOW, 1 / WINDOW), "valid")
        for order, mean in means.items()
    }
    began = time.perf_counter()
    fit(rows[pool][:REFERENCE], labels[pool][:REFERENCE], [groups[i] for i in pool[:REFERENCE]])
    return {
        "seed": seed,
        "smoothed": _needed(smooth, 10 + STEP * (WINDOW - 1)),
        "plain": _needed(means, 10),
        "curves": {order: mean.tolist() for order, mean in means.items()},
        "fit_ms": round(1000 * (time.perf_counter() - began), 1),
    }


def _needed(curves: dict[str, Any], first: int) -> dict[str, int]:
    """Return for each order the labels at which its curve reaches the end of
    that of random order.
    """
    wanted = curves["random"][-1] - 1e-9
    return {
        order: first + STEP * int(np.argmax(curve >= wanted))
        if (curve >= wanted).any()
        else LONGEST
        for order, curve in curves.items()
    }


def _curve(rows: Any, labels: Any, pool: Any, tested: Any, random: Any, by: str) -> list[float]:
    from poregui.workflow.suggesting.suggestion_model import (
        fitted_model,
        teaching_order,
        uncertainty,
    )

    order = list(random.permutation(pool))
    while len(set(labels[order[:10]].tolist())) < 2:
        order = list(random.permutation(pool))
    known, found = order[:10], []
    while True:
        model = fitted_model(rows[known], labels[known])
        found.append(float((model.predict(rows[tested]) == labels[tested]).mean()))
        if len(known) >= (REFERENCE if by == "random" else LONGEST):
            return found
        labelled = np.isin(pool, known)
        if by == "random":
            known = order[: len(known) + STEP]
        elif by == "suggested":
            known = [
                *known,
                *pool[teaching_order(rows[pool], model.predict_proba(rows[pool]), labelled, STEP)],
            ]
        else:
            worth = np.where(labelled, -1.0, uncertainty(model.predict_proba(rows[pool])))
            known = [*known, *pool[np.argsort(-worth, kind="stable")[:STEP]]]

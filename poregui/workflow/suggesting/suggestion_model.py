"""Learn from the labels so far what the other crops may be.

A regularised multinomial logistic regression on shape and texture: it learns from ten labels, is
fitted within milliseconds, and beat forests and support vectors below a hundred labels of the
sample project. It imports scikit-learn, so it runs in a process of its own (see
suggestion_worker.py) and never in the window's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.statistics.scores import at_temperature, fit_temperature
from poregui.domain.statistics.splits import Item, assign_folds, kind_of

Floats = NDArray[np.float64]
FEWEST_LABELS = 10
"""Labels from which on crops are suggested."""
MOST_LABELS = 5000
"""Labels that a fit looks at; of more, as many are drawn."""
FOLDS = 3
_STRENGTH = 0.3
"""Inverse of the regularisation: with few labels the model stays careful."""


@dataclass(frozen=True, eq=False)
class Suggester:
    """Hold a fitted model: `labels` are the labels that it tells apart, in the order of its
    probabilities.

    `temperature` calibrates them; `accuracy` is the share of the labels that models of other
    groups' labels found, None where that could not be asked. `count` labels were learnt from.
    `checked` are what it is a share of, of `groups` groups of a sort, `over` (see `kind_of`);
    `chance` is what saying the commonest of them always would find.
    """

    labels: tuple[int, ...]
    temperature: float
    accuracy: float | None
    count: int
    _model: Any
    checked: int = 0
    groups: int = 0
    over: str = "crop"
    chance: float = 0.0

    def probabilities(self, rows: Floats) -> Floats:
        """Return (n, labels) calibrated probabilities of (n, features) rows."""
        return at_temperature(self._model.predict_proba(rows), self.temperature)


def fit(
    rows: Floats,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    seed: int = 0,
    honest: NDArray[np.bool_] | None = None,
) -> Suggester | None:
    """Learn (n,) labels from (n, features) rows; None for fewer than `FEWEST_LABELS` or a single
    class.

    The temperature is fitted to predictions of models that saw no crop of the same group (C. Guo et
    al., ICML 2017), of the `honest` (n,) crops alone where that is given: features of crops that
    taught a network know their labels.
    """
    classes, class_indices = np.unique(labels, return_inverse=True)
    if len(labels) < FEWEST_LABELS or len(classes) < 2:
        return None
    honest = np.ones(len(labels), bool) if honest is None else honest
    if len(labels) > MOST_LABELS:
        drawn = np.sort(np.random.default_rng(seed).choice(len(labels), MOST_LABELS, replace=False))
        rows = rows[drawn]
        class_indices = class_indices[drawn]
        groups = [groups[i] for i in drawn]
        honest = honest[drawn]
    model = fitted_model(rows, class_indices)
    out_of_fold = cross_validated_predictions(rows, class_indices, groups, len(classes), seed)
    predicted = np.isfinite(out_of_fold[:, 0]) & honest
    predictions = out_of_fold[predicted]
    truth = class_indices[predicted].astype(np.int64)
    if predicted.any():
        temperature = fit_temperature(predictions, truth)
    else:
        temperature = None
    if predicted.any():
        accuracy = float((predictions.argmax(axis=1) == truth).mean())
    else:
        accuracy = None
    groups_checked = {group for group, known in zip(groups, predicted, strict=True) if known}
    return Suggester(
        tuple(int(name) for name in classes),
        temperature or 1.0,
        accuracy,
        len(labels),
        model,
        len(truth),
        len(groups_checked) if len(set(groups)) > 1 else 1,
        kind_of(sorted(set(groups))),
        float(np.bincount(truth).max() / len(truth)) if len(truth) else 1.0,
    )


def cross_validated_predictions(
    rows: Floats,
    class_indices: NDArray[Any],
    groups: Sequence[str],
    classes: int,
    seed: int,
    folds: int = FOLDS,
) -> Floats:
    """Return (n, classes) probabilities, each by a model of other groups; NaN where there was
    nothing to learn from.

    `class_indices` (n,) are indices of classes. A single group is split into crops.
    """
    found = np.full((len(class_indices), classes), np.nan)
    fold_of = group_folds(class_indices, groups, folds, seed)
    for fold in range(int(fold_of.max(initial=-1)) + 1):
        inside = fold_of == fold
        if len(np.unique(class_indices[~inside])) > 1:
            model = fitted_model(rows[~inside], class_indices[~inside])
            found[inside] = 0.0
            found[np.ix_(inside, model.classes_)] = model.predict_proba(rows[inside])
    return found


def group_folds(
    class_indices: NDArray[Any], groups: Sequence[str], folds: int, seed: int
) -> NDArray[np.int64]:
    """Return a fold for each crop, by whole groups where there are several,
    otherwise crop by crop.
    """
    items = [
        Item(i, int(index), group)
        for i, (index, group) in enumerate(zip(class_indices, groups, strict=True))
    ]
    if len(set(groups)) < 2:
        items = [Item(item.crop_id, item.label, f"crop:{item.crop_id}") for item in items]
    fold_of_group = assign_folds(items, min(folds, len({item.group for item in items})), seed)
    return np.array([fold_of_group[item.group] for item in items], np.int64)


def predictions_of(rows: Floats, class_indices: NDArray[Any], unseen: Floats) -> NDArray[np.int64]:
    """Return the places of classes that a model of (n, features) rows gives (m, features) asked
    ones.
    """
    if len(np.unique(class_indices)) < 2:
        return np.full(len(unseen), class_indices[0] if len(class_indices) else -1, np.int64)
    return np.asarray(fitted_model(rows, class_indices).predict(unseen), np.int64)


def fitted_model(rows: Floats, class_indices: NDArray[Any]) -> Any:
    """Return the classifier of (n, features) rows and (n,) labels, not calibrated."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=_STRENGTH, max_iter=200, tol=1e-3).fit(rows, class_indices)


def uncertainty(probabilities: Floats) -> Floats:
    """Return (n,) how undecided (n, classes) probabilities are: 1 minus the lead of the first over
    the second.
    """
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(1.0 - (top[:, 1] - top[:, 0]))


def teaching_order(
    rows: Floats, probabilities: Floats, labelled: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """Return up to `count` places of unlabelled crops, the one that teaches most first.

    What is undecided and unlike all that is labelled or chosen before: uncertainty times the
    distance to the nearest of them (greedy k-centre of O. Sener and S. Savarese, ICLR 2018,
    weighted by the margin).
    """
    left = np.flatnonzero(~labelled)
    worth = uncertainty(probabilities)[left]
    if len(left) > _MOST_WEIGHED:
        left = left[np.argsort(-worth, kind="stable")[:_MOST_WEIGHED]]
        worth = uncertainty(probabilities)[left]
    here = rows[left]
    nearest = _nearest(here, rows[labelled])
    chosen = []
    for _ in range(min(count, len(left))):
        best = int(np.argmax(worth * nearest))
        if worth[best] < 0:
            break
        chosen.append(int(left[best]))
        worth[best] = -1.0
        nearest = np.minimum(nearest, np.sqrt(((here - here[best]) ** 2).sum(axis=1)))
    return np.array(chosen, np.int64)


_MOST_WEIGHED = 20_000
_CHUNK = 4096


def _nearest(rows: Floats, known: Floats) -> Floats:
    """Return (n,) distances of rows to the nearest known one; ones without any."""
    if not len(known):
        return np.ones(len(rows))
    found = np.empty(len(rows))
    known_squares = (known**2).sum(axis=1)
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        squares = (chunk**2).sum(axis=1)[:, None] + known_squares - 2 * chunk @ known.T
        found[start : start + _CHUNK] = squares.min(axis=1)
    return np.asarray(np.sqrt(np.maximum(found, 0.0)))

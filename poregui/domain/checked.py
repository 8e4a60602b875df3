"""Check values that were read from files, those of a run's files above all.

Each function returns the value that it was given, or raises ValueError, KeyError or TypeError when
it is of another kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def mapping(value: Any) -> dict[str, Any]:
    """Return a dictionary."""
    if not isinstance(value, dict):
        raise ValueError("no dictionary")
    return value


def as_list(value: Any, check: Callable[[Any], T] | None = None) -> list[T]:
    """Return a list, each of its values checked where a check is given."""
    if not isinstance(value, list):
        raise ValueError("no list")
    if check is None:
        return value
    return [check(one) for one in value]


def text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def flag(value: Any) -> bool:
    """Return yes or no."""
    if not isinstance(value, bool):
        raise ValueError("neither yes nor no")
    return value


def whole(value: Any, low: int = 0, high: int = 2**53) -> int:
    """Return a whole number within a closed range."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError("no whole number of this range")
    return value


def number(value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number within a closed range."""
    if type(value) not in (int, float) or not low <= value <= high or not math.isfinite(value):
        raise ValueError("no number of this range")
    return float(value)


def share(value: Any) -> float:
    """Return a number from 0 to 1."""
    return number(value, 0.0, 1.0)


def maybe(check: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """Return a check that lets None pass as well."""
    return lambda value: None if value is None else check(value)


def of_list(check: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """Return a check of a list whose values pass a check."""
    return lambda value: as_list(value, check)


def fields(values: dict[str, Any], checks: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return a dictionary whose known fields, as far as they are there, pass their checks."""
    for name, check in checks.items():
        if name in values:
            check(values[name])
    return values


SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of a crop may sum up, for they were rounded when they were
written.
"""
_positive = partial(number, low=1e-12)
_count = partial(whole, low=0)
_METRICS: dict[str, Callable[[Any], Any]] = {
    "accuracy": maybe(share),
    "accuracy_as_trained": maybe(share),
    "mean_accuracy": maybe(share),
    "pooled_accuracy": maybe(share),
    "training_accuracy": maybe(share),
    "validation_accuracy": maybe(share),
    "accuracy_interval95": maybe(of_list(number)),
    "confusion_matrix": of_list(of_list(_count)),
    "classes": of_list(text),
    "per_class": of_list(mapping),
    "n_test": _count,
    "epochs": _count,
    "best_epoch": maybe(_count),
    "seconds": partial(number, low=0.0),
    "stopped": flag,
    "parameters": _count,
    "threads": _count,
    "trees": _count,
    "parity": number,
    "preset": text,
    "dataset_hash": text,
    "versions": lambda value: [text(one) for one in mapping(value).values()],
    "folds": of_list(lambda one: _fold(mapping(one))),
}


def _fold(received: dict[str, Any]) -> None:
    maybe(share)(received["accuracy"])
    _count(received["n"])


def check_metrics(values: Any) -> dict[str, Any]:
    """Check metrics.json; fields of other versions are passed over."""
    received = fields(mapping(values), _METRICS)
    if "folds" in received:
        maybe(share)(received["pooled_accuracy"])
    return received


def check_sidecar(values: Any) -> dict[str, Any]:
    """Check model.json as far as every reader of it must."""
    received = mapping(values)
    classes = as_list(received["classes"], text)
    class_ids = as_list(received["class_ids"], partial(whole, low=-(2**31)))
    if not classes or len(classes) != len(class_ids):
        raise ValueError("classes and their ids do not fit together")
    mapping(received["input"])
    scale = received["um_per_px"]
    if scale is not None:
        for name in ("median", "low", "high"):
            _positive(mapping(scale)[name])
    return fields(received, {"trained_on": maybe(mapping), "temperature": maybe(_positive)})


def check_baseline(values: Any, crop_ids: Collection[int], classes: int) -> dict[str, Any]:
    """Check baseline.json of a run with these crops and so many classes."""
    received = mapping(values)
    for name in ("test", "out_of_fold"):
        rows: list[list[Any]] = as_list(received[name], as_list)
        ids = [whole(row[0]) for row in rows]
        shares = [[number(p) for p in row[1:]] for row in rows]
        check_predictions(ids, np.array(shares, np.float64).reshape(len(ids), classes), crop_ids)
    for importance in mapping(received["importances"]).values():
        number(importance)
    maybe(share)(received["accuracy_as_trained"])
    return received


def check_predictions(
    ids: Sequence[int], shares: NDArray[np.float64], crop_ids: Collection[int]
) -> None:
    """Check (n,) crops and their (n, classes) probabilities against the crops of the dataset."""
    if len(set(ids)) != len(ids):
        raise ValueError("a crop is answered twice")
    if isinstance(crop_ids, set | frozenset):
        known = crop_ids
    else:
        known = set(crop_ids)
    if not known.issuperset(ids):
        raise ValueError("a crop is none of the dataset")
    if not len(ids):
        return
    within = np.isfinite(shares) & (shares >= 0) & (shares <= 1 + SUM_TOLERANCE)
    if not within.all() or (np.abs(shares.sum(axis=1) - 1) > SUM_TOLERANCE).any():
        raise ValueError("probabilities do not sum up to 1")

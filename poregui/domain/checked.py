"""Check single values that were read from a file; changes with what a value of a file may be.

Each function returns the value that it was given, or raises ValueError when it is of another kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def mapping(value: Any) -> dict[str, Any]:
    """Return a dictionary."""
    if not isinstance(value, dict):
        raise ValueError("no dictionary")
    return value


def listed(value: Any, check: Callable[[Any], T] | None = None) -> list[T]:
    """Return a list, each of its values checked where a check is given."""
    if not isinstance(value, list):
        raise ValueError("no list")
    return value if check is None else [check(one) for one in value]


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
    return lambda value: listed(value, check)


def fields(values: dict[str, Any], checks: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return a dictionary whose known fields, as far as they are there, pass their checks."""
    for name, check in checks.items():
        if name in values:
            check(values[name])
    return values

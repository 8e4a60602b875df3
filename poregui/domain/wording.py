"""Write counts, percentages, intervals and lists as people read them, the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

MICROMETRE = "µm"
"""The sign of the unit where people read; files and options say `um`."""
_PLAIN_MICROMETRE = re.compile(r"\bum(?![a-z])")


def with_micrometres(text: str) -> str:
    """Return a text with the unit `um` as people read it, such as `Area (µm²)`; words that end in
    those letters stay.
    """
    return _PLAIN_MICROMETRE.sub(MICROMETRE, text)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as `1 crop`, `2 crops` or `20,000 crops`.

    `many` is the plural where it is not the singular with an s.
    """
    return f"{number:,} {noun(number, one, many)}"


def noun(number: int, one: str, many: str = "") -> str:
    """Return the singular for 1 and the plural for any other number."""
    if number == 1:
        return one
    return many or f"{one}s"


_DECIMAL = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)


def decimal_from(text: str) -> float:
    """Return the number that a person typed, with a point or a comma before its decimals.

    Nothing parts thousands, for in half of all languages that is the other sign. Raises ValueError
    for anything else.
    """
    plain = text.strip()
    if not _DECIMAL.fullmatch(plain):
        raise ValueError(f"{plain!r} is not a number")
    return float(plain.replace(",", "."))


def percent(share: float, digits: int = 1) -> str:
    """Return a share from 0 to 1 as per cent, such as `92.2 %`."""
    return f"{100 * share:.{digits}f} %"


def percent_or_dash(share: float | None) -> str:
    """Return a share from 0 to 1 as per cent, a dash for one that does not exist."""
    if share is None:
        return "–"
    return percent(share)


FEWEST_FOR_PERCENT = 20
"""A whole below which a share of it is told as two numbers: a hundred per cent of one says nothing.
"""


def fraction(number: int, whole: int, digits: int = 1) -> str:
    """Return how many of how many, such as `92.2 % of 115`; of a small whole `3 of 4`."""
    if whole < FEWEST_FOR_PERCENT:
        return f"{number:,} of {whole:,}"
    return f"{percent(number / whole, digits)} of {whole:,}"


def fraction_of(share: float, whole: int, digits: int = 1) -> str:
    """Return the `fraction` of a whole that a share (0 to 1) of it is."""
    return fraction(round(share * whole), whole, digits)


def interval(low: float, high: float, unit: str = "", digits: int = 1) -> str:
    """Return a 95 % confidence interval such as `95 % CI 48.0–100.0 %`; the unit stands last."""
    return f"95 % CI {span(low, high, unit, digits)}"


def span(low: float, high: float, unit: str = "", digits: int = 1) -> str:
    """Return a range such as `48.0–100.0 %`, for a place whose heading says what it is."""
    return f"{low:.{digits}f}–{high:.{digits}f} {unit}".rstrip()


def percent_span(ends: Sequence[float] | None) -> str:
    """Return two shares from 0 to 1 as a range such as `48.0–100.0 %`, a dash for none."""
    if ends is None:
        return "–"
    return span(100 * ends[0], 100 * ends[1], "%")


def points(difference: float) -> str:
    """Return a difference of two shares as signed percentage points, such as `+1.5 points`."""
    return f"{_signed(difference)} points"


def points_span(low: float, high: float) -> str:
    """Return a range of differences of shares, in points, such as `−0.2 to +3.1`."""
    return f"{_signed(low)} to {_signed(high)}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def named_run(run: int, name: str) -> str:
    """Return a run as people know it: its number, and its name in quotation marks."""
    return f"Run {run} “{name}”" if name else f"Run {run}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return names as one phrase: `A`, `A and B`, `A, B and C`; empty for none."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def shortened(names: Sequence[str], shown: int = 3, last: str = "and") -> str:
    """Return the first names of a long list and how many more there are: `A, B, C and 7 more`."""
    if len(names) <= shown:
        return listed(names, last)
    return f"{', '.join(names[:shown])} {last} {len(names) - shown:,} more"


def about(name: str, sentence: object) -> str:
    """Return a sentence with the name of what it is about before it, where it does not begin so."""
    text = str(sentence)
    if text.startswith(name):
        return text
    return f"{name}: {text}"

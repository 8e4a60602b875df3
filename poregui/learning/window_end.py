"""Leave work before its end because somebody wished so."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], None]
"""Called again and again by long work; what it raises ends that work."""


class LeftOff(Exception):
    """Leave work because of a wish: `cancel`, or `interrupt` when nobody waits for it any more."""

    def __init__(self, wish: str) -> None:
        super().__init__(wish)
        self.wish = wish


def leave_off(wish: str) -> None:
    """Raise LeftOff for a wish that ends work at once; others, such as `stop`, want it to be
    complete.
    """
    if wish in ("cancel", "interrupt"):
        raise LeftOff(wish)


def never() -> None:
    """Be the check of work that nothing ends."""

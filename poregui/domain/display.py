"""Define how the grey of a micrograph is shown; changes when the contrast window can do more."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.domain.errors import PoreguiError


@dataclass(frozen=True)
class Display:
    """Hold a contrast window: stored values from `low` (black) to `high` (white), bent by `gamma`.

    Raises PoreguiError when white does not lie above black or gamma is not between 0.1 and 10.
    """

    low: float
    high: float
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise PoreguiError("White must lie above black.", "Move the upper end of the contrast window up.")
        if not 0.1 <= self.gamma <= 10:
            raise PoreguiError(f"A gamma of {self.gamma:g} shows nothing.", "Choose one between 0.1 and 10.")

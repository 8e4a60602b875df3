"""Name one picture among those that a file holds; changes with what a person can choose in a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from poregui.domain.errors import PoreguiError

_MOST = 1_000_000


@dataclass(frozen=True, order=True)
class Plane:
    """Hold which picture of a file is meant, each number from 1 as people count.

    `page` counts the file's pictures, a time step each where it knows of times; `channel` is None for the colours as
    they are, or the first channel where they are no colours; `z` counts the slices of a stack. Raises PoreguiError for
    numbers below 1.
    """

    page: int = 1
    channel: int | None = None
    z: int = 1

    def __post_init__(self) -> None:
        for name, number in (("page", self.page), ("channel", self.channel), ("z", self.z)):
            if number is not None and not 1 <= number <= _MOST:
                raise PoreguiError(f"There is no {_WORDS[name]} {number}.", "Count from 1.")

    @classmethod
    def parse(cls, text: str) -> Plane:
        """Return the plane that a text like 'page=2;channel=1' names, the first for an empty one.

        Raises PoreguiError for any other text.
        """
        found: dict[str, int] = {}
        for part in filter(None, text.replace(" ", "").split(";")):
            match = re.fullmatch(r"(page|channel|z)=(\d{1,7})", part)
            if match is None or match[1] in found:
                raise PoreguiError(f"{text!r} names no plane.", "Write it like page=2;channel=1;z=3.")
            found[match[1]] = int(match[2])
        return cls(**found)

    def __str__(self) -> str:
        """Return the canonical text, which leaves out what is the first; empty for the first plane of all."""
        parts = [("page", self.page, 1), ("channel", self.channel, None), ("z", self.z, 1)]
        return ";".join(f"{name}={number}" for name, number, usual in parts if number != usual)

    @property
    def words(self) -> str:
        """Return the plane for a person to read: 'page 2, channel 1', empty for the first."""
        return ", ".join(f"{_WORDS[name]} {number}" for name, number in _parts(str(self)))


_WORDS = {"page": "page", "channel": "channel", "z": "slice"}
FIRST = Plane()


def _parts(text: str) -> list[tuple[str, str]]:
    return [(name, number) for name, _, number in (part.partition("=") for part in text.split(";") if part)]

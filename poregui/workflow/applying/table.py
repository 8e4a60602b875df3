"""Read what was written of the single pores of a micrograph; changes with the columns of pores.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError

AREA = "Area (px²)"
FIRST_CHANCE = 3
"""Place of the first class's probability, after number, class and confidence."""


@dataclass(frozen=True, eq=False)
class PoreTable:
    """Hold of the (n,) pores of a micrograph the `areas` in square px and the (n, classes) `chances`."""

    areas: NDArray[np.float64]
    chances: NDArray[np.floating[Any]]

    def chosen(self, least: float) -> NDArray[np.int64]:
        """Return the place of the class of each pore, -1 where none is as likely as wanted."""
        if not len(self.areas):
            return np.empty(0, np.int64)
        return np.where(self.chances.max(axis=1) >= least, self.chances.argmax(axis=1), -1).astype(np.int64)


def read_pores(folder: Path, classes: int) -> PoreTable:
    """Return the pores of a folder of results. Raises PoreguiError when pores.csv is gone or was changed."""
    path = folder / "pores.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            area = next(rows).index(AREA)
            numbers = [(float(row[area]), *map(float, row[FIRST_CHANCE : FIRST_CHANCE + classes])) for row in rows]
    except (OSError, ValueError, IndexError, StopIteration) as error:
        raise PoreguiError(f"{path} cannot be read.", f"Remove {folder} and find its pores again.") from error
    table = np.array(numbers, np.float64).reshape(-1, classes + 1)
    return PoreTable(table[:, 0], table[:, 1:])

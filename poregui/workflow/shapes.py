"""Give the shape numbers of a run's crops, from its folder or measured anew; changes with who needs shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poregui.store.run_folder import RunFolder
from poregui.vision.crop_shapes import LENGTHS, NAMES, shape_numbers
from poregui.workflow.evaluate import RunReview


@dataclass(frozen=True, eq=False)
class ShapeTable:
    """Hold shape numbers: `values` (n, names) float64, NaN where one could not be measured, of crops `crop_ids` (n,).

    `units` are `um`, `px` or nothing, one for each of `names`.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    crop_ids: NDArray[np.int64]
    values: NDArray[np.float64]

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {crop_id: row for row, crop_id in enumerate(self.crop_ids.tolist())}

    def of(self, crop_id: int) -> dict[str, float] | None:
        """Return the numbers of one crop by name, NaN where unknown; None for a crop that is not in the table."""
        row = self._rows.get(crop_id)
        return None if row is None else dict(zip(self.names, self.values[row].tolist(), strict=True))

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one number of all crops, (n,). Raises ValueError for a name that is not measured."""
        return np.asarray(self.values[:, self.names.index(name)])

    def unit(self, name: str) -> str:
        """Return the unit of a number. Raises ValueError for a name that is not measured."""
        return self.units[self.names.index(name)]

    def rows_of(self, crop_ids: list[int]) -> NDArray[np.float64]:
        """Return (len(crop_ids), names), NaN for crops that are not in the table."""
        blank = np.full(len(self.names), np.nan)
        rows = [self.values[self._rows[i]] if i in self._rows else blank for i in crop_ids]
        return np.array(rows, np.float64).reshape(len(crop_ids), len(self.names))


def shape_table(run: RunFolder) -> ShapeTable:
    """Return the shape numbers of all crops of a run's dataset; those that the run did not keep are measured anew.

    Raises ProjectError when the folder is damaged.
    """
    dataset = run.read_dataset()
    kept = run.read_shapes(dataset)
    if kept is not None:
        names, units = zip(*(_name_and_unit(column) for column in kept[0]), strict=True)
        if set(NAMES) <= set(names):  # another version measured others
            return ShapeTable(names, units, kept[1], kept[2])
    values = [
        shape_numbers(pixels, crop.grey_low, crop.grey_high, crop.um_per_px if dataset.calibrated else None)
        for crop, pixels in zip(dataset.crops, run.read_crops(dataset.crops), strict=True)
    ]
    unit = "um" if dataset.calibrated else "px"
    return ShapeTable(
        NAMES,
        tuple(unit if name in LENGTHS else "" for name in NAMES),
        np.array([crop.crop_id for crop in dataset.crops], np.int64),
        np.array(values, np.float64).reshape(-1, len(NAMES)),
    )


def _name_and_unit(column: str) -> tuple[str, str]:
    name, _, unit = column.partition(" (")
    return name, unit.rstrip(")")


def distributions(table: ShapeTable, reviewed: RunReview, name: str) -> dict[str, NDArray[np.float64]]:
    """Return the sorted known values of a number for each class of a run, with the labels as they are now."""
    values = dict(zip(table.crop_ids.tolist(), table.column(name).tolist(), strict=True))
    found: dict[int, list[float]] = {place: [] for place in range(len(reviewed.classes))}
    for j in reviewed.judged:
        value = values.get(j.crop_id, np.nan)
        if j.truth is not None and np.isfinite(value):
            found[j.truth].append(value)
    return {reviewed.classes[place]: np.sort(np.array(known, np.float64)) for place, known in found.items()}

"""Give shape numbers of a run's crops and what a forest on them alone predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SplitName
from poregui.domain.evaluation import Evaluation, Prediction, evaluate
from poregui.domain.statistics.scores import Pairing, pair
from poregui.domain.wording import count, percent
from poregui.store.run_folder import RunFolder
from poregui.vision.shape.crop_measurement import known_crop, shape_names, shape_table_of
from poregui.vision.shape.crop_shapes import LENGTHS
from poregui.workflow.evaluating.evaluate import Predictions


@dataclass(frozen=True, eq=False)
class ShapeTable:
    """Hold shape numbers: `values` (n, names) float64, NaN where one could not be measured, of
    crops `crop_ids` (n,).

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
        """Return the numbers of one crop by name, NaN where unknown; None for a crop that is not in
        the table.
        """
        row = self._rows.get(crop_id)
        if row is None:
            return None
        return dict(zip(self.names, self.values[row].tolist(), strict=True))

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one number of all crops, (n,).

        Raises ValueError for a name that is not measured.
        """
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
    """Return the shape numbers of all crops of a run's dataset; those that the run did not keep are
    measured anew.

    Raises ProjectError when the folder is damaged.
    """
    dataset = run.read_dataset()
    wanted = shape_names(dataset.shape_version)
    kept = run.read_shapes(dataset)
    if kept is not None:
        names, units = zip(*(_name_and_unit(column) for column in kept[0]), strict=True)
        if set(wanted) <= set(names):  # another version measured others
            return ShapeTable(names, units, kept[1], kept[2])
    crops = [
        known_crop(crop, pixels, crop.um_per_px if dataset.calibrated else None)
        for crop, pixels in zip(dataset.crops, run.read_crops(dataset.crops), strict=True)
    ]
    unit = "um" if dataset.calibrated else "px"
    return ShapeTable(
        wanted,
        tuple(unit if name in LENGTHS else "" for name in wanted),
        np.array([crop.crop_id for crop in dataset.crops], np.int64),
        shape_table_of(dataset.shape_version, crops),
    )


def _name_and_unit(column: str) -> tuple[str, str]:
    name, _, unit = column.partition(" (")
    return name, unit.rstrip(")")


def distributions(
    table: ShapeTable, predictions: Predictions, name: str
) -> dict[str, NDArray[np.float64]]:
    """Return the sorted known values of a number for each class of a run, with the labels as they
    are now.
    """
    values = dict(zip(table.crop_ids.tolist(), table.column(name).tolist(), strict=True))
    of_rows = np.array([values.get(i, np.nan) for i in predictions.ids.tolist()], np.float64)
    known = np.isfinite(of_rows)
    return {
        of_class: np.sort(of_rows[known & (predictions.truth == index)])
        for index, of_class in enumerate(predictions.classes)
    }


@dataclass(frozen=True)
class Baseline:
    """Hold the predictions of a forest on shape numbers: for the test crops, and out of fold for
    all crops, by crop id.

    `importances` are the numbers by their share in the forest's decisions, the greatest first.
    """

    test: Mapping[int, Prediction]
    out_of_fold: Mapping[int, Prediction]
    accuracy_as_trained: float | None
    importances: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class BesideBaseline:
    """Hold network and shape baseline on the same crops with the labels as they are now; `network`
    is the first.
    """

    network: Evaluation
    baseline: Evaluation
    pairing: Pairing

    @property
    def sentence(self) -> str:
        """Return what the comparison says, in words."""
        if self.network.accuracy is None or self.baseline.accuracy is None:
            return "No crop has predictions of both the network and the shape-only baseline."
        ahead = self.network.accuracy - self.baseline.accuracy
        text = (
            f"On the same {count(self.network.n, 'crop')}, the shape-only baseline (random forest) "
            f"reaches {percent(self.baseline.accuracy)}, the network "
            f"{percent(self.network.accuracy)}"
        )
        p = f"McNemar p = {self.pairing.p_value:.2g}"
        if self.pairing.p_value >= 0.05:
            return f"{text}; the difference may be due to chance ({p})."
        if ahead > 0:
            return f"{text}; the network is better ({p})."
        return f"{text}; the shape-only baseline is better ({p})."

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a dictionary fit for JSON."""
        return {
            "accuracy": self.baseline.accuracy,
            "accuracy_interval95": self.baseline.interval and list(self.baseline.interval),
            "network_accuracy": self.network.accuracy,
            "confusion_matrix": self.baseline.matrix.tolist(),
            "n": self.baseline.n,
            "pairing": self.pairing.to_json(),
        }


def read_baseline(run: RunFolder) -> Baseline | None:
    """Return the shape baseline of a run; None where none was made.

    Raises ProjectError when the file is damaged.
    """
    received = run.read_baseline()
    if received is None:
        return None
    importances = sorted(received["importances"].items(), key=lambda one: -one[1])
    return Baseline(
        test=_predictions(received["test"]),
        out_of_fold=_predictions(received["out_of_fold"]),
        accuracy_as_trained=received["accuracy_as_trained"],
        importances=tuple((str(name), float(share)) for name, share in importances),
    )


def _predictions(rows: Sequence[Sequence[float]]) -> dict[int, Prediction]:
    return {int(row[0]): Prediction(int(row[0]), tuple(float(p) for p in row[1:])) for row in rows}


def beside_baseline(
    predictions: Predictions, baseline: Baseline, split: SplitName = "test"
) -> BesideBaseline:
    """Return network and baseline on the crops that both predicted unseen, with the labels as they
    are now.
    """
    counted = predictions.counted(split)
    rows = counted[np.isin(predictions.ids[counted], list(baseline.test))]
    truth = predictions.truth[rows]
    network = predictions.predicted[rows]
    ids = predictions.ids[rows].tolist()
    forest = np.array([baseline.test[crop_id].index for crop_id in ids], np.int64)
    return BesideBaseline(
        evaluate(predictions.classes, truth, network),
        evaluate(predictions.classes, truth, forest),
        pair(network == truth, forest == truth),
    )

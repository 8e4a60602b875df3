"""Hold the answers of a run as columns, so that 20,000 of them are filtered and sorted at once;
knows no widget.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop, Part
from poregui.domain.evaluation import Evaluation, from_matrix
from poregui.domain.intervals import HeadlineInterval, confusion_matrix, interval_of
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.plots.probability_bars import percent
from poregui.workflow.evaluating.evaluate import RunAnswers, RunReview

Order = Literal["loss", "margin", "sure", "unsure", "large", "small"]
"""How crops are sorted: greatest loss, smallest margin, most and least confident, largest and
smallest first.
"""
PARTS: tuple[Part, ...] = ("test", "validation", "train")
NO_TRUTH = -1
_SMALLEST = 1e-12


@dataclass(frozen=True)
class PredictionTable:
    """Hold one row per predicted crop, in the order of the run's predictions; `rows` are their
    numbers by crop id.

    `parts` are places in PARTS; `truth` is the place of the label as it is now, NO_TRUTH where the
    crop does not count; `sizes` are the longer sides in `unit` (um, or px when a scale is unknown),
    `aspects` longer over shorter side, `scales` um per px (nan: unknown).
    """

    ids: NDArray[np.int64]
    parts: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    trained: NDArray[np.int64]
    confidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    truth: NDArray[np.int64]
    sizes: NDArray[np.float64]
    aspects: NDArray[np.float64]
    scales: NDArray[np.float64]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    sure_words: tuple[str, ...]
    rows: Mapping[int, int]
    unit: str

    def __len__(self) -> int:
        return len(self.ids)

    def in_part(self, part: Part) -> NDArray[np.bool_]:
        """Return which rows are of a part."""
        return np.asarray(self.parts == PARTS.index(part))

    def counted(self, part: Part) -> NDArray[np.intp]:
        """Return the rows of a part whose label counts."""
        return np.flatnonzero(self.in_part(part) & (self.truth != NO_TRUTH))

    @property
    def loss(self) -> NDArray[np.float64]:
        """Return -log of the probability of the label; infinite where there is none."""
        known = self.truth != NO_TRUTH
        own = self.probabilities[np.arange(len(self)), np.where(known, self.truth, 0)]
        return np.where(known, -np.log(np.maximum(own, _SMALLEST)), np.inf)

    def evaluation(self, part: Part, classes: tuple[str, ...]) -> Evaluation:
        """Return the numbers of a part with the labels as they are now."""
        rows = self.counted(part)
        return from_matrix(
            classes, confusion_matrix(self.truth[rows], self.predicted[rows], len(classes))
        )

    @property
    def there(self) -> set[Part]:
        """Return the parts that have predictions."""
        return {PARTS[place] for place in np.unique(self.parts).tolist()}

    @property
    def relabelled(self) -> tuple[int, int]:
        """Return how many test crops, and how many others, have another label than at the freeze,
        or none any more.
        """
        changed = self.truth != self.trained
        tested = self.in_part("test")
        return int((changed & tested).sum()), int((changed & ~tested).sum())

    def interval(self, part: Part) -> HeadlineInterval | None:
        """Return the interval that stands beside the accuracy of a part."""
        rows = self.counted(part)
        if len(rows) == len(self):
            groups = self.groups
        else:
            groups = [self.groups[row] for row in rows.tolist()]
        return interval_of(self.truth[rows] == self.predicted[rows], groups)

    def with_truth(self, reviewed: RunReview, crop_ids: Collection[int]) -> PredictionTable:
        """Return the table with the labels of some crops (of all, when there are none) of a review
        of the same run.
        """
        if not crop_ids:
            return replace(self, truth=_truth(reviewed))
        truth = self.truth.copy()
        for crop_id in crop_ids:
            row = self.rows.get(crop_id)
            if row is not None:
                now = reviewed.judged[row].truth
                truth[row] = NO_TRUTH if now is None else now
        return replace(self, truth=truth)


def table_of(reviewed: RunReview, answers: RunAnswers) -> PredictionTable:
    """Return the columns of a review."""
    frozen = {crop.crop_id: crop for crop in answers.dataset.crops}
    crops = [frozen[j.crop_id] for j in reviewed.judged]
    shares = np.array([j.prediction.probabilities for j in reviewed.judged], np.float64)
    shares = shares.reshape(len(crops), len(reviewed.classes))
    ordered = np.sort(shares, axis=1)
    sides = np.array([(crop.width, crop.height) for crop in crops], np.float64).reshape(
        len(crops), 2
    )
    scales = np.array(
        [np.nan if crop.um_per_px is None else crop.um_per_px for crop in crops], np.float64
    )
    known = bool(len(crops)) and not np.isnan(scales).any()
    longer = sides.max(axis=1, initial=0.0)
    return PredictionTable(
        ids=np.array([crop.crop_id for crop in crops], np.int64),
        parts=np.array([PARTS.index(j.part) for j in reviewed.judged], np.int8),
        probabilities=shares,
        predicted=shares.argmax(axis=1).astype(np.int64),
        trained=np.array([crop.label for crop in crops], np.int64),
        confidence=ordered[:, -1],
        margin=ordered[:, -1] - ordered[:, -2],
        truth=_truth(reviewed),
        sizes=longer * scales if known else longer,
        aspects=longer / np.maximum(sides.min(axis=1, initial=np.inf), 1.0),
        scales=scales,
        groups=tuple(crop.group for crop in crops),
        names=tuple(crop.name for crop in crops),
        sure_words=tuple(percent(sure) for sure in ordered[:, -1].tolist()),
        rows={crop.crop_id: row for row, crop in enumerate(crops)},
        unit="µm" if known else "px",
    )


def _truth(reviewed: RunReview) -> NDArray[np.int64]:
    values = (NO_TRUTH if j.truth is None else j.truth for j in reviewed.judged)
    return np.fromiter(values, np.int64, len(reviewed.judged))


def chosen_rows(
    table: PredictionTable, part: Part, cells: Collection[Cell] | None
) -> NDArray[np.intp]:
    """Return the rows of cells: all errors for EVERYTHING, those that do not count for None."""
    inside = table.in_part(part)
    if cells is None:
        return np.flatnonzero(inside & (table.truth == NO_TRUTH))
    inside = inside & (table.truth != NO_TRUTH)
    if EVERYTHING in cells:
        return np.flatnonzero(inside & (table.truth != table.predicted))
    wanted = np.zeros(len(table), np.bool_)
    for cell in cells:
        one = np.ones(len(table), np.bool_)
        if cell.row is not None:
            one &= table.truth == cell.row
        if cell.column is not None:
            one &= table.predicted == cell.column
        wanted |= one
    return np.flatnonzero(inside & wanted)


def ordered_rows(table: PredictionTable, rows: NDArray[np.intp], order: Order) -> NDArray[np.intp]:
    """Return rows in an order; equals by confidence and then by crop."""
    keys: Mapping[Order, NDArray[np.float64]] = {
        "loss": -table.loss[rows],
        "margin": table.margin[rows],
        "sure": -table.confidence[rows],
        "unsure": table.confidence[rows],
        "large": -table.sizes[rows],
        "small": table.sizes[rows],
    }
    return rows[np.lexsort((table.ids[rows], -table.confidence[rows], keys[order]))]


def by_id(dataset: Dataset) -> dict[int, DatasetCrop]:
    """Return the crops of a dataset by their ids."""
    return {crop.crop_id: crop for crop in dataset.crops}

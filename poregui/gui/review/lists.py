"""Put judged crops into the rows of a list; changes with what a list of judged crops shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from poregui.gui.lists.crop_list import CropRow
from poregui.gui.review.prediction_table import NO_TRUTH, PredictionTable
from poregui.workflow.evaluating.evaluate import RunReview


def rows_of(
    reviewed: RunReview,
    table: PredictionTable,
    rows: NDArray[np.intp],
    lost: Mapping[int, int | None],
    done: Collection[int],
) -> list[CropRow]:
    """Return list rows for rows of the table, in their order.

    `lost` are the labels of crops that do not count and still exist, `done` the crops marked as reviewed.
    """
    ids, names, sure = reviewed.class_ids, table.names, table.sure_words
    said = [f", predicted {name}" for name in reviewed.classes]
    columns = (table.ids[rows].tolist(), table.truth[rows].tolist(), table.predicted[rows].tolist())
    made = []
    for row, crop_id, truth, predicted in zip(rows.tolist(), *columns, strict=True):
        words = names[row] + said[predicted]
        if truth != NO_TRUTH:
            label: int | None = ids[truth]
        else:
            label = lost.get(crop_id)
            words += "" if reviewed.judged[row].exists else ", deleted"
        # In the order of the fields: a cell can hold thousands, and naming them takes a third longer.
        made.append(CropRow(crop_id, label, sure[row], words, truth != predicted, ids[predicted], crop_id in done))
    return made

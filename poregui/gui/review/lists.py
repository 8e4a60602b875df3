"""Put judged crops into the rows of a list; changes with what a list of judged crops shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from poregui.gui.models.crop_list import CropRow
from poregui.gui.review.run_table import NO_TRUTH, RunTable
from poregui.gui.widgets.probability_bars import percent
from poregui.workflow.evaluate import RunReview


def rows_of(
    reviewed: RunReview,
    table: RunTable,
    rows: NDArray[np.intp],
    lost: Mapping[int, int | None],
    done: Collection[int],
) -> list[CropRow]:
    """Return list rows for rows of the table, in their order.

    `lost` are the labels of crops that do not count and still exist, `done` the crops marked as reviewed.
    """
    names, ids = reviewed.classes, reviewed.class_ids
    columns = (table.ids[rows].tolist(), table.truth[rows].tolist(), table.predicted[rows].tolist())
    made = []
    for row, crop_id, truth, predicted, sure in zip(
        rows.tolist(), *columns, table.confidence[rows].tolist(), strict=True
    ):
        gone = "" if truth != NO_TRUTH or reviewed.judged[row].exists else ", deleted"
        made.append(
            CropRow(
                crop_id=crop_id,
                label=ids[truth] if truth != NO_TRUTH else lost.get(crop_id),
                text=percent(sure),
                sub_text=f"{table.names[row]}, predicted {names[predicted]}{gone}",
                wrong=truth != predicted,
                predicted=ids[predicted],
                reviewed=crop_id in done,
            )
        )
    return made

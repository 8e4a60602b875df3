"""Pick the crops that a list of the review page holds and put them into rows; changes with what is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poregui.domain.dataset import Part
from poregui.gui.models.crop_list import CropRow
from poregui.gui.widgets.confusion_matrix import EVERYTHING, Cell
from poregui.gui.widgets.probability_bars import percent
from poregui.workflow.evaluate import Judged, RunReview, worst_first


def listed(reviewed: RunReview, part: Part, cell: Cell | None) -> list[Judged]:
    """Return the crops of a cell, the worst first: all errors for EVERYTHING, those that do not count for None."""
    if cell == EVERYTHING:
        return reviewed.errors(part)
    mine = [j for j in reviewed.judged if j.part == part]
    if cell is None:
        return worst_first(j for j in mine if j.truth is None)
    if cell.row is not None and cell.column is not None:
        return reviewed.cell(cell.row, cell.column, part)
    return worst_first(
        j
        for j in mine
        if j.truth is not None
        and (cell.row is None or j.truth == cell.row)
        and (cell.column is None or j.prediction.index == cell.column)
    )


def rows_of(reviewed: RunReview, judged: Sequence[Judged], lost: Mapping[int, int | None]) -> list[CropRow]:
    """Return rows in the order of the crops; `lost` are the labels of crops that do not count and still exist."""
    names = reviewed.classes
    return [
        CropRow(
            crop_id=j.crop_id,
            label=reviewed.class_ids[j.truth] if j.truth is not None else lost.get(j.crop_id),
            text=percent(j.prediction.confidence),
            sub_text=f"{j.name}, predicted {names[j.prediction.index]}" + ("" if j.exists else ", deleted"),
            wrong=not j.right,
            predicted=reviewed.class_ids[j.prediction.index],
        )
        for j in judged
    ]

"""List the crops of a choice in an order."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Part
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings
from poregui.gui.review.prediction_table import (
    NO_TRUTH,
    Order,
    PredictionTable,
    chosen_rows,
    ordered_rows,
)
from poregui.gui.review.review_text import empty_list_words, list_title
from poregui.workflow.evaluating.evaluate import RunReview


def rows_of(
    reviewed: RunReview,
    table: PredictionTable,
    rows: NDArray[np.intp],
    lost: Mapping[int, int | None],
    done: Collection[int],
) -> list[CropRow]:
    """Return list rows for rows of the table, in their order.

    `lost` are the labels of crops that do not count and still exist, `done` the crops marked as
    reviewed.
    """
    ids = reviewed.class_ids
    names = table.names
    sure = table.sure_words
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
        # In the order of the fields: a cell can hold thousands, and naming them takes a third
        # longer.
        made.append(
            CropRow(
                crop_id,
                label,
                sure[row],
                words,
                truth != predicted,
                ids[predicted],
                crop_id in done,
            )
        )
    return made


class CropsPresenter(PanelPresenter):
    """Hold which cells are listed (None: the crops that do not count) and how.

    A group of crops may stand in the place of cells: its name and the ids of its crops.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, around.page.prediction_list)
        self.cells: tuple[Cell, ...] | None = (EVERYTHING,)
        self._group: tuple[str, NDArray[np.int64]] | None = None
        self._order: Order = "loss"
        self._to_do_only = False
        panel = around.page.crops
        self.link(around.desk.part_changed, self._leave_group)
        self.link(panel.order_chosen, self._choose_order)
        self.link(panel.hide_reviewed_changed, self._hide_reviewed)

    def choose(self, cells: Collection[Cell] | None) -> None:
        """List the crops of cells."""
        self.cells = None if cells is None else tuple(cells)
        self._group = None
        self.page.confusion_matrix.set_cells(self.cells or (EVERYTHING,))
        self.stale = True

    def choose_group(self, name: str, crop_ids: NDArray[np.int64]) -> None:
        """List these crops under a name."""
        self.cells = ()
        self._group = (name, crop_ids)
        self.page.confusion_matrix.set_cells(())
        self.stale = True

    def reset(self) -> None:
        super().reset()
        self.cells = (EVERYTHING,)
        self._group = None
        self.page.confusion_matrix.set_cells(self.cells)
        self.page.prediction_list.set_rows(())

    def fill(self) -> None:
        run = self.desk.run
        part = self.desk.part
        if run is None:
            self.page.prediction_list.set_rows(())
            return
        table = run.table
        rows = ordered_rows(table, self._chosen_rows(table, part), self._order)
        done = {crop_id for crop_id, remark in self.desk.remarks().items() if remark.reviewed}
        hidden = 0
        if self._to_do_only and done:
            kept = rows[~np.isin(table.ids[rows], np.fromiter(done, np.int64))]
            rows, hidden = kept, len(rows) - len(kept)
        lost = table.ids[rows[table.truth[rows] == NO_TRUTH]].tolist()
        if lost:
            labels = self.around.session.project.labels_of(lost)
        else:
            labels = {}
        self.page.prediction_list.set_rows(rows_of(run.review, table, rows, labels, done))
        self._say(len(rows), hidden)

    def _say(self, count: int, hidden: int) -> None:
        run = self.desk.run
        assert run is not None
        cells = self.cells
        table = run.table
        part = self.desk.part
        counted = table.counted(part)
        errors = int((table.truth[counted] != table.predicted[counted]).sum())
        if self._group is not None:
            title = f"{self._group[0]} · {count}"
        else:
            if cells is None:
                title = f"Not counted · {count}"
            else:
                title = list_title(run.review.classes, cells, count)
        title += f" ({hidden} reviewed hidden)" if hidden else ""
        if cells is None:
            nothing = "Every crop of this part counts."
        else:
            nothing = empty_list_words(cells)
        if hidden:
            nothing = "All crops of this choice are reviewed. Switch “To do” off to see them."
        self.page.crops.set_words(
            title,
            errors=errors,
            uncounted=int(table.in_part(part).sum()) - len(counted),
            shown="uncounted" if cells is None else "errors" if EVERYTHING in cells else "",
            nothing="" if count else nothing,
        )

    def _chosen_rows(self, table: PredictionTable, part: Part) -> NDArray[np.intp]:
        if self._group is None:
            return chosen_rows(table, part, self.cells)
        counted = table.counted(part)
        return counted[np.isin(table.ids[counted], self._group[1])]

    def _leave_group(self) -> None:
        if self._group is not None:
            self.choose((EVERYTHING,))

    def _choose_order(self, order: Order) -> None:
        self._order = order
        self.stale = True
        self.listed.emit()

    def _hide_reviewed(self, hide: bool) -> None:
        self._to_do_only = hide
        self.stale = True
        self.listed.emit()

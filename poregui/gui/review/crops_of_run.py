"""List the crops of a choice in an order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SplitName
from poregui.domain.wording import percent
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.plots.confusion_matrix import EVERYTHING
from poregui.gui.review.panel_presenter import PanelPresenter
from poregui.gui.review.review_panels import CropsPanel
from poregui.gui.review.review_state import ReviewFilter, ReviewState
from poregui.gui.review.review_text import empty_list_text, list_title
from poregui.workflow.evaluating.evaluate import NO_TRUTH, Predictions

Order = Literal["loss", "margin", "sure", "unsure", "large", "small"]
"""How crops are sorted: greatest loss, smallest margin, most and least confident, largest and
smallest first.
"""


def chosen_rows(
    predictions: Predictions, split: SplitName, chosen: ReviewFilter
) -> NDArray[np.intp]:
    """Return the rows of a filter in a split: of a group, of cells, or those that do not count."""
    inside = predictions.in_split(split)
    truth = predictions.truth
    if chosen.cells is None:
        return np.flatnonzero(inside & (truth == NO_TRUTH))
    inside = inside & (truth != NO_TRUTH)
    if chosen.group:
        return np.flatnonzero(inside & np.isin(predictions.ids, chosen.crop_ids))
    if EVERYTHING in chosen.cells:
        return np.flatnonzero(inside & ~predictions.right)
    wanted = np.zeros(len(predictions), np.bool_)
    for cell in chosen.cells:
        one = np.ones(len(predictions), np.bool_)
        if cell.row is not None:
            one &= truth == cell.row
        if cell.column is not None:
            one &= predictions.predicted == cell.column
        wanted |= one
    return np.flatnonzero(inside & wanted)


def ordered_rows(
    predictions: Predictions, rows: NDArray[np.intp], order: Order
) -> NDArray[np.intp]:
    """Return rows in an order; equals by confidence and then by crop."""
    confidence = predictions.confidence[rows]
    if order == "loss":
        key = -predictions.loss[rows]
    elif order == "margin":
        key = predictions.margin[rows]
    elif order == "sure":
        key = -confidence
    elif order == "unsure":
        key = confidence
    else:
        # All rows, so that the unit is the same whatever is listed.
        sizes, _unit = predictions.sizes(np.arange(len(predictions)))
        key = sizes[rows]
        if order == "large":
            key = -key
    return rows[np.lexsort((predictions.ids[rows], -confidence, key))]


def rows_of(
    predictions: Predictions,
    rows: NDArray[np.intp],
    uncounted: Mapping[int, int | None],
    reviewed: Collection[int],
) -> list[CropRow]:
    """Return list rows for rows of the predictions, in their order.

    `uncounted` are the labels of crops that do not count and still exist, `reviewed` the crops
    marked as reviewed.
    """
    ids = predictions.class_ids
    texts = [f", predicted {name}" for name in predictions.classes]
    columns = (predictions.truth, predictions.predicted, predictions.confidence)
    values = zip(rows.tolist(), *(column[rows].tolist() for column in columns), strict=True)
    made = []
    for row, truth, predicted, confidence in values:
        crop = predictions.crops[row]
        crop_id = crop.crop_id
        text = crop.name + texts[predicted]
        if truth != NO_TRUTH:
            label: int | None = ids[truth]
        else:
            label = uncounted.get(crop_id)
            if not predictions.exists[row]:
                text += ", deleted"
        # In the order of the fields: a cell can hold thousands, and naming them takes a third
        # longer.
        made.append(
            CropRow(
                crop_id,
                label,
                percent(confidence),
                text,
                truth != predicted,
                ids[predicted],
                crop_id in reviewed,
            )
        )
    return made


class CropsPresenter(PanelPresenter):
    """List the crops that the filter of the page asks for."""

    def __init__(self, panel: CropsPanel, state: ReviewState) -> None:
        super().__init__(state, panel.prediction_list)
        self._panel = panel
        self._order: Order = "loss"
        self._unreviewed_only = False
        self.link(panel.order_chosen, self._choose_order)
        self.link(panel.hide_reviewed_changed, self._hide_reviewed)

    def choose(self, chosen: ReviewFilter) -> None:
        """List other crops."""
        self.state.set_filter(chosen)
        self.stale = True

    def reset(self) -> None:
        super().reset()
        self.state.set_filter(ReviewFilter())
        self._panel.prediction_list.set_rows(())

    def fill(self) -> None:
        predictions = self.state.predictions
        if predictions is None:
            self._panel.prediction_list.set_rows(())
            return
        rows = chosen_rows(predictions, self.state.split, self.state.filter)
        rows = ordered_rows(predictions, rows, self._order)
        remarks = self.state.remarks().items()
        reviewed = {crop_id for crop_id, remark in remarks if remark.reviewed}
        hidden = 0
        if self._unreviewed_only and reviewed:
            kept = rows[~np.isin(predictions.ids[rows], list(reviewed))]
            hidden = len(rows) - len(kept)
            rows = kept
        uncounted = predictions.ids[rows[predictions.truth[rows] == NO_TRUTH]].tolist()
        labels: Mapping[int, int | None] = {}
        if uncounted:
            labels = self.state.project.labels_of(uncounted)
        self._panel.prediction_list.set_rows(rows_of(predictions, rows, labels, reviewed))
        self._show_texts(predictions, len(rows), hidden)

    def _show_texts(self, predictions: Predictions, count: int, hidden: int) -> None:
        split = self.state.split
        chosen = self.state.filter
        counted = predictions.counted(split)
        title = list_title(predictions.classes, chosen.cells, chosen.group, count)
        if hidden:
            title += f" ({hidden:,} reviewed hidden)"
        nothing = ""
        if hidden and not count:
            nothing = "All of these crops are reviewed. Turn off “Unreviewed” to show them."
        elif not count:
            nothing = empty_list_text(chosen.cells)
        shown = ""
        if chosen.cells is None:
            shown = "uncounted"
        elif EVERYTHING in chosen.cells:
            shown = "errors"
        self._panel.set_texts(
            title,
            errors=int((~predictions.right[counted]).sum()),
            uncounted=int(predictions.in_split(split).sum()) - len(counted),
            shown=shown,
            nothing=nothing,
        )

    def _choose_order(self, order: Order) -> None:
        self._order = order
        self.list_anew()

    def _hide_reviewed(self, hide: bool) -> None:
        self._unreviewed_only = hide
        self.list_anew()

"""Define what the features of the review page's panels share: they fill their panel only while it
is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal

from poregui.gui.base.feature import Feature
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.review.review_state import ReviewState


class PanelPresenter(Feature):
    """Fill one panel from the state; `listed` tells that its list came anew by itself.

    `reset` is called when another run is there, `follow` when labels of crops changed (no ids: all
    may have), `refresh` when the panel is seen and something of both happened.
    """

    listed = Signal()

    def __init__(self, state: ReviewState, grid: CropGrid | None = None) -> None:
        super().__init__(state)
        self.state = state
        self.grid = grid
        self.stale = True

    def detach(self) -> None:
        """Disconnect from panel and state, and forget the run."""
        super().detach()
        self.reset()

    def reset(self) -> None:
        """Forget what was known of the run before."""
        self.stale = True

    def follow(self, crop_ids: frozenset[int]) -> None:
        """Take note of labels that changed."""
        self.stale = True

    def refresh(self) -> None:
        """Fill the panel where it is not up to date."""
        if self.stale:
            self.stale = False
            self.fill()

    def fill(self) -> None:
        """Fill the panel."""

    def list_anew(self) -> None:
        """Have the panel filled, because what it is to show changed."""
        self.stale = True
        self.listed.emit()


def crop_row(
    state: ReviewState,
    crop_id: int,
    label: int | None,
    *,
    text: str,
    sub_text: str,
    predicted: int | None,
) -> CropRow:
    """Return the row of a crop in a list of its own: label now, texts, proposed or predicted
    label.
    """
    row = state.row(crop_id)
    predictions = state.predictions
    wrong = row is not None and predictions is not None and not predictions.is_right(row)
    reviewed = state.remark(crop_id).reviewed
    return CropRow(
        crop_id, label, text, sub_text, wrong=wrong, predicted=predicted, reviewed=reviewed
    )


def following(grid: CropGrid, ids: Sequence[int], otherwise: int | None) -> int | None:
    """Return the crop that comes after some of a list, the one before them at its end."""
    indices = [index for index in map(grid.rows.position, ids) if index is not None]
    if not indices:
        return None
    gone = set(ids)
    rows = grid.rows.rows
    after = (row.crop_id for row in rows[max(indices) + 1 :] if row.crop_id not in gone)
    before = (row.crop_id for row in reversed(rows[: min(indices)]))
    return next(after, next(before, otherwise))

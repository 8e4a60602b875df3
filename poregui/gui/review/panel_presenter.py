"""Define what the presenters of the review page's panels share: they fill their panel only while it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, SignalInstance

from poregui.gui.models.crop_list import CropRow
from poregui.gui.review.page import ReviewPage
from poregui.gui.review.run_desk import RunDesk
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.widgets.crop_grid import CropGrid


@dataclass(frozen=True)
class Surroundings:
    """Hold what every panel's presenter works with; they are parts of `owner` and go away with it."""

    page: ReviewPage
    desk: RunDesk
    session: Session
    services: Services
    owner: QObject


class PanelPresenter(QObject):
    """Fill one panel from the desk; `listed` tells that its list came anew by itself.

    `reset` is called when another run is there, `follow` when labels of crops changed (no ids: all may have), `refresh`
    when the panel is seen and something of both happened.
    """

    listed = Signal()

    def __init__(self, around: Surroundings, grid: CropGrid | None = None) -> None:
        super().__init__(around.owner)
        self.around = around
        self.grid = grid
        self.stale = True
        self._links: list[tuple[SignalInstance, Callable]] = []

    @property
    def page(self) -> ReviewPage:
        """Return the page."""
        return self.around.page

    @property
    def desk(self) -> RunDesk:
        """Return the run that is shown."""
        return self.around.desk

    def link(self, signal: SignalInstance, slot: Callable) -> None:
        """Connect until `detach`."""
        signal.connect(slot)
        self._links.append((signal, slot))

    def detach(self) -> None:
        """Disconnect from the page."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []
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


def answer_row(
    around: Surroundings, crop_id: int, label: int | None, *, text: str, sub_text: str, predicted: int | None
) -> CropRow:
    """Return the row of a crop in a list of its own: label now, proposed or predicted label, words."""
    judged = around.desk.judged.get(crop_id)
    return CropRow(
        crop_id,
        label,
        text,
        sub_text,
        wrong=judged is not None and not judged.right,
        predicted=predicted,
        reviewed=around.desk.remark(crop_id).reviewed,
    )


def following(grid: CropGrid, ids: Sequence[int], otherwise: int | None) -> int | None:
    """Return the crop that comes after some of a list, the one before them at its end."""
    places = [place for place in map(grid.rows.place, ids) if place is not None]
    if not places:
        return None
    gone = set(ids)
    rows = grid.rows.rows
    after = (row.crop_id for row in rows[max(places) + 1 :] if row.crop_id not in gone)
    before = (row.crop_id for row in reversed(rows[: min(places)]))
    return next(after, next(before, otherwise))

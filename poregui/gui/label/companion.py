"""Define what stands beside the label presenter (finding pores, contrast, masks), so that each stays small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject

from poregui.domain.records import Changed
from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.ordering import Ordering
from poregui.gui.label.page import LabelPage
from poregui.gui.label.stage import Stage
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.workflow.edits import Edit


@dataclass(frozen=True)
class LabelDesk:
    """Hold what every part of the label page works with.

    `apply` does an edit (None only asks whether it could) and tells whether the project took it; `choose` makes a crop
    the current one everywhere; `current` returns the id of the current crop; `chosen_ids` those that a key acts on;
    `next_unlabelled` the crop after some in the grid that has no label; `refill` shows the grid in `ordering` anew;
    `owner` goes away with the project, and every part that is made for it with `owner`.
    """

    page: LabelPage
    session: Session
    services: Services
    catalogue: Catalogue
    stage: Stage
    apply: Callable[[Edit | None], bool]
    choose: Callable[[int | None], None]
    current: Callable[[], int | None]
    chosen_ids: Callable[[], list[int]]
    next_unlabelled: Callable[[Sequence[int]], int | None]
    ordering: Ordering
    refill: Callable[[], None]
    owner: QObject


class Companion(Protocol):
    """Know the page and the session for one task; made by the label presenter with its desk."""

    def attach(self) -> None:
        """Connect to the page and show what the project says."""

    def detach(self) -> None:
        """Disconnect, cancel background work and leave the page as it was."""

    def follow(self, changed: Changed) -> None:
        """Show what an edit changed."""

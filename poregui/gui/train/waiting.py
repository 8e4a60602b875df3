"""Show runs that wait among those that were, under numbers below zero; changes with how a waiting run is told."""

from __future__ import annotations

from collections.abc import Mapping

from poregui.gui.lists.run_table import WAITING, RunRow
from poregui.gui.train.train_text import TrainingHeadline
from poregui.workflow.training.training_request import Order


def waiting_rows(orders: Mapping[int, Order]) -> list[RunRow]:
    """Return the rows of the table for orders by ticket; a row's number is its ticket below zero."""
    return [RunRow(-ticket, order.text, WAITING, 0, 0, None, 0, WAITING) for ticket, order in orders.items()]


def waiting_headline(orders: Mapping[int, Order], ticket: int) -> TrainingHeadline:
    """Say when a run that waits begins."""
    before = list(orders).index(ticket)
    turn = "when the run that goes on has ended" if not before else f"after {before} more that wait"
    return TrainingHeadline(
        f"Waiting: {orders[ticket].text}.", f"It begins {turn}, with the labels as they are then.", "warning"
    )

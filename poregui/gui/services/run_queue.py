"""Keep the runs that wait for the trainer, in their order; changes with what can be done with one that waits."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from poregui.workflow.training.training_request import Order


class RunQueue(QObject):
    """Hold orders by ticket, a number from 1 that is never used twice; `changed` after each of its changes.

    `refused` carries an order whose turn came and that could not begin, and its PoreguiError.
    """

    changed = Signal()
    refused = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._orders: dict[int, Order] = {}
        self._tickets = 0

    @property
    def orders(self) -> dict[int, Order]:
        """Return what waits by ticket, the next one first."""
        return dict(self._orders)

    def add(self, order: Order) -> int:
        """Let an order wait behind the others; return its ticket."""
        self._tickets += 1
        self._orders[self._tickets] = order
        self.changed.emit()
        return self._tickets

    def remove(self, ticket: int) -> None:
        """Forget an order; one that is no longer here is passed over."""
        if self._orders.pop(ticket, None) is not None:
            self.changed.emit()

    def take(self) -> Order | None:
        """Return the order whose turn it is and let it wait no longer; None when nothing waits."""
        if not self._orders:
            return None
        order = self._orders.pop(next(iter(self._orders)))
        self.changed.emit()
        return order

    def clear(self) -> None:
        """Forget all orders."""
        if self._orders:
            self._orders.clear()
            self.changed.emit()

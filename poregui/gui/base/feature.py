"""Own the links between the signals and slots of one use case, so that they end together."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, SignalInstance


class Feature(QObject):
    """Do one thing of a page with its panel and the state of the page; `detach` ends its links."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._links: list[tuple[SignalInstance, Callable[..., object]]] = []

    def link(self, signal: SignalInstance, slot: Callable[..., object]) -> None:
        """Connect until `detach`."""
        signal.connect(slot)
        self._links.append((signal, slot))

    def detach(self) -> None:
        """Disconnect all that was linked."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links = []

"""Let each part of a page own its connections and hear only the changes that concern it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QObject, SignalInstance

from poregui.domain.records import Changed

Link = tuple[SignalInstance, Callable[..., Any]]
"""A signal, and what it calls."""


class Feature(QObject):
    """Do one task of a page, with its panel and the state of the page, from `attach` to `detach`.

    A subclass says in `links` which signals call which of its methods, in `hears` for which kinds
    of change `follow` is called now (fewer while nothing of it is seen), and overrides `start` and
    `stop` for all else. `link` adds a
    connection that begins later.
    """

    hears: frozenset[str] = frozenset()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._linked: list[Link] = []

    def links(self) -> Iterable[Link]:
        """Return the connections that hold while the feature is attached."""
        return ()

    def link(self, signal: SignalInstance, slot: Callable[..., Any]) -> None:
        """Connect until `detach`."""
        signal.connect(slot)
        self._linked.append((signal, slot))

    def attach(self) -> None:
        """Connect, and show what the project says."""
        for signal, slot in self.links():
            self.link(signal, slot)
        self.start()

    def detach(self) -> None:
        """Disconnect, and leave the widgets as they were."""
        for signal, slot in self._linked:
            signal.disconnect(slot)
        self._linked = []
        self.stop()

    def start(self) -> None:
        """Begin to work; all links hold already."""

    def stop(self) -> None:
        """End what runs and leave the widgets empty."""

    def follow(self, changed: Changed) -> None:
        """Show what a change of a kind in `hears` changed."""

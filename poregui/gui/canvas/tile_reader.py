"""Read tiles in threads, the most wanted first, and keep them up to a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThreadPool, Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import TILE, Pyramid

Key = tuple[int, int, int, int]
"""Of which layer, at which level, in which column and row."""
USUAL_BYTES = 128 * 2**20


class TileCache:
    """Hold the tiles of all layers of a window; those not asked for the longest go first."""

    def __init__(self, most_bytes: int = USUAL_BYTES) -> None:
        self._tiles: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._most = most_bytes
        self.nbytes = 0

    @property
    def most_bytes(self) -> int:
        """Return the bound."""
        return self._most

    @most_bytes.setter
    def most_bytes(self, most: int) -> None:
        self._most = most
        self._shrink()

    def get(self, key: Key) -> NDArray[Any] | None:
        """Return a tile that is at hand."""
        found = self._tiles.get(key)
        if found is not None:
            self._tiles.move_to_end(key)
        return found

    def put(self, key: Key, tile: NDArray[Any]) -> None:
        """Keep a tile."""
        before = self._tiles.pop(key, None)
        self.nbytes += tile.nbytes - (before.nbytes if before is not None else 0)
        self._tiles[key] = tile
        self._shrink()

    def forget(self, layer: int) -> None:
        """Let the tiles of a layer go."""
        for key in [key for key in self._tiles if key[0] == layer]:
            self.nbytes -= self._tiles.pop(key).nbytes

    def _shrink(self) -> None:
        while self.nbytes > self._most and self._tiles:
            self.nbytes -= self._tiles.popitem(last=False)[1].nbytes


Place = tuple[int, int, int]
"""Level, column and row of a tile."""


def tile_box(pyramid: Pyramid, place: Place) -> Box:
    """Return the box of a tile in px of its level, cut at the image's edge."""
    level, column, row = place
    box = Box(column * TILE, row * TILE, TILE, TILE).clipped(*pyramid.sizes[level])
    assert box is not None
    return box


class TileReader(QObject):
    """Read the tiles that the layers of a window want in a few threads; `close` it before the
    window goes.

    `read` carries the number of the layer, the pyramid, the place, and the pixels or the
    PoreguiError.
    """

    read = Signal(int, object, object, object)

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._changed = threading.Condition()
        self._wanted: dict[int, tuple[Pyramid, list[Place]]] = {}
        self._reading: dict[tuple[int, Place], Pyramid] = {}
        self._threads = 0

    def want(self, layer: int, pyramid: Pyramid, places: Sequence[Place]) -> None:
        """Read these tiles for a layer, the first of them first, and none that it wanted before."""
        with self._changed:
            self._wanted.pop(layer, None)
            missing = [
                place
                for place in reversed(places)
                if self._reading.get((layer, place)) is not pyramid
            ]
            if missing:
                self._wanted[layer] = pyramid, missing
            more = max(0, min(len(missing), self._pool.maxThreadCount() - self._threads))
            self._threads += more
        for _ in range(more):
            self._pool.start(self._work)

    def busy(self, layer: int) -> bool:
        """Tell whether a layer waits for tiles."""
        with self._changed:
            return layer in self._wanted or any(key[0] == layer for key in self._reading)

    def drop(self, layer: int) -> None:
        """Want nothing for a layer any more; what is being read for it still ends."""
        with self._changed:
            self._wanted.pop(layer, None)

    def finish(self, layer: int) -> None:
        """Want nothing for a layer any more, and wait until nothing is read for it."""
        self.drop(layer)
        with self._changed:
            self._changed.wait_for(lambda: not any(key[0] == layer for key in self._reading))

    def close(self) -> None:
        """End the reading."""
        with self._changed:
            self._wanted.clear()
        self._pool.waitForDone()

    def _work(self) -> None:
        """Read tile after tile, for the layer that asked last, until none is wanted (in a thread of
        the pool).
        """
        while True:
            with self._changed:
                if not self._wanted:
                    self._threads -= 1
                    return
                layer = next(reversed(self._wanted))
                pyramid, places = self._wanted[layer]
                place = places.pop()
                if not places:
                    del self._wanted[layer]
                self._reading[layer, place] = pyramid
            answer: NDArray[Any] | PoreguiError
            try:
                answer = pyramid.read(place[0], tile_box(pyramid, place))
            except PoreguiError as error:
                answer = error
            self.read.emit(layer, pyramid, place, answer)
            with self._changed:
                self._reading.pop((layer, place), None)
                self._changed.notify_all()

"""Keep tiles that were read, up to a bound in bytes; changes with which tiles are let go first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

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

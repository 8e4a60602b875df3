"""Read pixels of crops that are asked for twice once, as long as there is room; changes with how much is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from poregui.store.pixels import CropPixels, PixelStore

MOST_BYTES = 256 << 20


class PixelsInHand:
    """Keep what was read of a store, up to a number of bytes; what does not fit is read again."""

    def __init__(self, store: PixelStore, most: int = MOST_BYTES) -> None:
        self._store = store
        self._left = most
        self._kept: dict[str, CropPixels] = {}

    def get_many(self, keys: Iterable[str]) -> Iterator[CropPixels]:
        """Yield the pixels of hashes in their order. Raises ProjectError as `PixelStore.get`."""
        wanted = list(keys)
        missing = [key for key in dict.fromkeys(wanted) if key not in self._kept]
        awaited, fresh = set(missing), self._store.get_many(missing)
        for key in wanted:
            if key in awaited:
                awaited.remove(key)
                yield self._keep(key, next(fresh))
            else:
                kept = self._kept.get(key)
                yield kept if kept is not None else self._store.get(key)

    def _keep(self, key: str, pixels: CropPixels) -> CropPixels:
        if pixels.array.nbytes <= self._left:
            self._left -= pixels.array.nbytes
            self._kept[key] = pixels
        return pixels

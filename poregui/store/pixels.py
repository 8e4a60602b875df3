"""Keep the pixels of crops, append-only and keyed by content."""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import number, whole
from poregui.domain.errors import ProjectError
from poregui.store.connections import Connections
from poregui.store.database import damaged, explained, refused_write
from poregui.store.files import replace_file

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 4
"""Items that wait for each thread: more would only need memory."""
_MOST_THREADS = 4


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int = 0
) -> Iterator[Result]:
    """Yield `work(item)` of each item in order, worked in up to `threads` (0: one a core, four at
    most).

    `items` are taken in the thread of the caller, and an error of `work` is raised there in its
    turn.
    """
    count = threads or min(os.cpu_count() or 1, _MOST_THREADS)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


MOST_CROP_BYTES = 256 << 20
"""No crop unfolds to more: 16,000 x 16,000 px of 8 bits."""
_SMALLER = "Draw a smaller box, or import the image as a micrograph."
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pixels (
    sha256 TEXT PRIMARY KEY, height INTEGER NOT NULL, width INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    bits INTEGER NOT NULL, grey_low REAL NOT NULL, grey_high REAL NOT NULL, content BLOB NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class CropPixels:
    """Hold the pixels of a crop at the micrograph's own depth, and the grey values that become 0
    and 1 for a network.

    `array` is (height, width) or (height, width, 3), uint8 or uint16.
    """

    array: NDArray[Any]
    grey_low: float
    grey_high: float

    @property
    def hash(self) -> str:
        """Return the SHA-256 of shape, depth, grey range and content."""
        head = f"{self.array.shape} {self.array.dtype.str} {self.grey_low:g} {self.grey_high:g} "
        return hashlib.sha256(
            head.encode() + np.ascontiguousarray(self.array).tobytes()
        ).hexdigest()

    @property
    def channels(self) -> int:
        """Return 1 for grey and 3 for colour."""
        if self.array.ndim == 2:
            return 1
        return int(self.array.shape[2])

    @property
    def bits(self) -> int:
        """Return 8 or 16."""
        return 8 * self.array.dtype.itemsize


def make_pixels(path: Path) -> None:
    """Make an empty file of pixels where there is none.

    Raises ProjectError when the folder refuses or the disk is full.
    """
    if path.exists():
        return

    def write(beside: Path) -> None:
        with explained(path), closing(sqlite3.connect(beside)) as made:
            made.execute(_SCHEMA)

    replace_file(path, write)


class PixelStore:
    """Read and add pixels from any thread; `close` it at the end, after which reading raises
    ProjectError.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._connections = Connections(path, read_only=read_only)

    @property
    def is_there(self) -> bool:
        """Tell whether the file is there; opening a store makes none."""
        return self._path.exists()

    @property
    def is_empty(self) -> bool:
        """Tell whether the file keeps no pixels. Raises ProjectError without a file."""
        with self._connections.reading() as connection:
            return connection.execute("SELECT 1 FROM pixels LIMIT 1").fetchone() is None

    def make(self) -> None:
        """Make the file where it is missing. Raises ProjectError when the project is read-only."""
        if not self.is_there and self._read_only:
            raise refused_write(self._path)
        make_pixels(self._path)

    def keys(self) -> set[str]:
        """Return the hashes of all pixels that are kept. Raises ProjectError without a file."""
        with self._connections.reading() as connection:
            return {key for (key,) in connection.execute("SELECT sha256 FROM pixels")}

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit all that this thread adds in the body at once; it alone finds it before."""
        with self._connections.batch():
            yield

    def add(self, pixels: CropPixels) -> str:
        """Keep pixels and return their hash; pixels that are there already are not kept twice."""
        if pixels.array.nbytes > MOST_CROP_BYTES:
            height, width = pixels.array.shape[:2]
            raise ProjectError(f"A crop of {width} x {height} px is too large.", _SMALLER)
        key = pixels.hash
        array = np.ascontiguousarray(pixels.array)
        height, width = array.shape[:2]
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        row = (
            key, height, width, pixels.channels, pixels.bits, pixels.grey_low, pixels.grey_high,
            zlib.compress(little.tobytes(), 1),
        )  # fmt: skip
        with self._connections.writing() as writer, explained(self._path):
            writer.execute("INSERT OR IGNORE INTO pixels VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return key

    def has(self, key: str) -> bool:
        """Tell whether pixels with this hash are kept."""
        return self._row(key, "1") is not None

    def get(self, key: str) -> CropPixels:
        """Return the pixels of a hash. Raises ProjectError when they are missing or damaged."""
        return self._unpacked(self._packed(key))

    def _packed(self, key: str) -> tuple[Any, ...]:
        row = self._row(key, "height, width, channels, bits, grey_low, grey_high, content")
        if row is None:
            raise ProjectError(
                f"The pixels of a crop are missing in {self._path}.",
                "Restore pixels.db from a copy.",
            )
        return row

    def _unpacked(self, row: tuple[Any, ...]) -> CropPixels:
        height, width, channels, bits, low, high, content = row
        try:
            _check_form(channels, bits, low, high)
            shape: tuple[int, ...] = (whole(height, 1), whole(width, 1))
            if channels != 1:
                shape = (*shape, channels)
            content = _unfolded(content, math.prod(shape) * (bits // 8))
        except (zlib.error, ValueError, TypeError, MemoryError) as error:
            raise damaged(self._path) from error
        return CropPixels(
            np.frombuffer(content, "u1" if bits == 8 else "<u2").reshape(shape), low, high
        )

    def form(self, key: str) -> tuple[int, int, float, float]:
        """Return channels, bits and grey range of pixels without reading them.

        Raises ProjectError when missing.
        """
        row = self._row(key, "channels, bits, grey_low, grey_high")
        if row is None:
            raise ProjectError(
                f"The pixels of a crop are missing in {self._path}.",
                "Restore pixels.db from a copy.",
            )
        channels, bits, low, high = row
        try:
            _check_form(channels, bits, low, high)
        except ValueError as error:
            raise damaged(self._path) from error
        return int(channels), int(bits), float(low), float(high)

    def get_many(self, keys: Iterable[str]) -> Iterator[CropPixels]:
        """Yield the pixels of hashes in their order, unpacked in threads.

        Raises ProjectError as `get`.
        """
        return ahead(self._unpacked, map(self._packed, keys))

    def _row(self, key: str, columns: str) -> tuple[Any, ...] | None:
        with self._connections.reading() as connection:
            row: tuple[Any, ...] | None = connection.execute(
                f"SELECT {columns} FROM pixels WHERE sha256 = ?", (key,)
            ).fetchone()
        return row

    def close(self) -> None:
        """Close all connections; reads that are going on end first."""
        self._connections.close()


def _check_form(channels: Any, bits: Any, low: Any, high: Any) -> None:
    """Raise ValueError for channels, bits or grey values that no crop has."""
    if channels not in (1, 3) or bits not in (8, 16):
        raise ValueError("no crop")
    number(low)
    number(high)


def _unfolded(content: bytes, size: int) -> bytes:
    """Return packed pixels, of which there are `size` bytes and not one more.

    Raises ValueError or zlib.error for anything else, before more than that is unfolded.
    """
    if not 0 < size <= MOST_CROP_BYTES:
        raise ValueError("too large")
    packed = zlib.decompressobj()
    found = packed.decompress(content, size + 1)
    if len(found) != size or not packed.eof:
        raise ValueError("another size")
    return found


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
        awaited = set(missing)
        fresh = self._store.get_many(missing)
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

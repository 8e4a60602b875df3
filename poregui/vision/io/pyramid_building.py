"""Write the smaller sizes of a large image into a file, by bands of rows."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import (
    FORMAT,
    OVERVIEW,
    TILE,
    ArrayLevel,
    Level,
    Pyramid,
    halved,
    read_sound,
    stamp,
)

Progress = Callable[[int, int], None]


def build_pyramid(
    source: Pyramid, of: Path, target: Path, progress: Progress = lambda done, total: None
) -> None:
    """Write the sizes that the file `of`, opened as `source`, lacks into a tiled TIFF file, without
    loss.

    The full size is in it too where the file has no tiles. Memory holds one band of rows of the
    image, whatever its height; the smaller sizes wait beside `target` in files without a name.
    `progress` hears of tiles done and of how many, and may raise to stop. Raises ImageError where
    an image without tiles is damaged, OSError where the disk refuses.
    """
    full = source.levels[0]
    whole = isinstance(full, ArrayLevel) or not getattr(full, "is_tiled", True)
    description = {
        "poregui_pyramid": FORMAT,
        "of": stamp(of),
        "whole": whole,
        "orientation": source.orientation,
        "missing": source.missing is not None,
        "grey": [source.grey_low, source.grey_high],
        "um_per_px": source.notes.um_per_px,
        "scale_source": source.notes.scale_source,
        "warnings": source.notes.warnings,
    }
    sizes = _halves(full.width, full.height)
    counter = _Counter(sum(_tiles_of(width, height) for width, height in sizes), progress)
    with ExitStack() as stack:
        writer = stack.enter_context(tifffile.TiffWriter(target, bigtiff=True))
        bands = _bands(full, counter, whole=whole)
        for number, size in enumerate(sizes):
            waiting = None
            if number < len(sizes) - 1:
                waiting = _Waiting(
                    stack.enter_context(tempfile.TemporaryFile(dir=target.parent)),
                    sizes[number + 1],
                    full,
                )
            passed = _passed(bands, waiting)
            if number == 0 and not whole:
                for _ in passed:
                    pass
            else:
                _write(
                    writer,
                    passed,
                    full,
                    size,
                    counter,
                    json.dumps(description) if number == int(not whole) else None,
                )
            if waiting is not None:
                bands = waiting.bands()


def _halves(width: int, height: int) -> list[tuple[int, int]]:
    sizes = [(width, height)]
    while max(sizes[-1]) > OVERVIEW:
        width = -(-width // 2)
        height = -(-height // 2)
        sizes.append((width, height))
    return sizes


def _tiles_of(width: int, height: int) -> int:
    return -(-width // TILE) * -(-height // TILE)


@dataclass
class _Counter:
    total: int
    progress: Progress
    done: int = 0

    def count(self, tiles: int) -> None:
        self.done += tiles
        self.progress(self.done, self.total)


def _bands(level: Level, counter: _Counter, *, whole: bool) -> Iterator[NDArray[Any]]:
    """Read a level by bands of `TILE` rows; what is only read, since the full size is not written,
    counts as done.
    """
    for top in range(0, level.height, TILE):
        box = Box(0, top, level.width, min(TILE, level.height - top))
        yield level.read(box) if whole else read_sound(level, box)
        if not whole:
            counter.count(_tiles_of(level.width, 1))


class _Waiting:
    """Hold the next smaller size in a file of raw rows until its turn comes."""

    def __init__(self, file: IO[bytes], size: tuple[int, int], like: Level) -> None:
        self._file = file
        self._dtype = like.dtype
        self._row: tuple[int, ...] = size[:1]
        if like.channels != 1:
            self._row = (size[0], like.channels)

    def add(self, band: NDArray[Any]) -> None:
        self._file.write(halved(band).tobytes())

    def bands(self) -> Iterator[NDArray[Any]]:
        self._file.seek(0)
        row_bytes = math.prod(self._row) * self._dtype.itemsize
        while content := self._file.read(TILE * row_bytes):
            yield np.frombuffer(content, self._dtype).reshape(-1, *self._row)
        self._file.truncate(0)


def _passed(bands: Iterator[NDArray[Any]], waiting: _Waiting | None) -> Iterator[NDArray[Any]]:
    """Hand bands on, and half their size to the next smaller one."""
    for band in bands:
        if waiting is not None:
            waiting.add(band)
        yield band


def _write(
    writer: tifffile.TiffWriter,
    bands: Iterator[NDArray[Any]],
    like: Level,
    size: tuple[int, int],
    counter: _Counter,
    description: str | None,
) -> None:
    width, height = size
    colour = like.channels == 3

    def tiles() -> Iterator[NDArray[Any]]:
        for band in bands:
            for left in range(0, width, TILE):
                counter.count(1)  # before, for after the last tile nobody comes back
                yield np.ascontiguousarray(band[:, left : left + TILE])

    writer.write(
        tiles(),
        shape=(height, width, 3) if colour else (height, width),
        dtype=like.dtype,
        tile=(TILE, TILE),
        photometric="rgb" if colour else "minisblack",
        compression="zstd",
        compressionargs={"level": 1},
        predictor=2,
        description=description,
        metadata=None,
        subfiletype=0 if description else 1,
        maxworkers=1,
    )

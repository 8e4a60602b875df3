"""Read any part of a micrograph at any size without holding the whole."""

from __future__ import annotations

import json
import math
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import TURNED, Box, orientation_of, stored_box, turned_text
from poregui.domain.records import FIRST, Plane
from poregui.vision.io.pixel_values import TooLarge, grey_range, oriented
from poregui.vision.io.reader import Image, in_a_sentence, read_image, read_size
from poregui.vision.io.scale import SPOILT, tiff_scale
from poregui.vision.io.tiff_decoding import check_stored, is_tiff, tiff_notes
from poregui.vision.io.tiff_levels import TiffFileParts, TiffLevel, readable_by_parts, sizes_of
from poregui.vision.io.tiff_stack import tiff_stack

TILE = 512
"""Side in px of the tiles in which large images are read."""
LARGE = 64_000_000
"""Pixels above which an image is not held as a whole."""
COARSEST = 4096
"""Longer side in px that the coarsest size of a large image has at most."""
OVERVIEW = 1024
"""Longer side in px of the overview at most."""
_LARGEST_READ = 2**30
_SAMPLE = 256
_SAMPLES = 7


MissingIn = Callable[[Box], NDArray[np.bool_] | None]
"""Gives which pixels (h, w) of a box have no value, None where all have one."""
OpenFile = Callable[[], BinaryIO]
"""Opens a file for reading in binary. Raises OSError where there is none that may be read."""


class Level(Protocol):
    """Hold an image at one size, as it is stored."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]
    chunk_width: int
    chunk_height: int

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of a box that lies inside. Raises ImageError."""


class ArrayLevel:
    """Hold one size of an image in memory."""

    chunk_width = chunk_height = TILE

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.channels = 1 if pixels.ndim == 2 else 3
        self.dtype = pixels.dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return a view of the pixels of a box."""
        return self.pixels[box.y : box.bottom, box.x : box.right]


@dataclass(frozen=True)
class Notes:
    """Hold what a file says about itself beside its pixels, as Image does."""

    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()
    turned: int = 1


class Pyramid:
    """Hold an upright image of `width` x `height` px in one or more sizes, `sizes[0]` the full one;
    thread-safe.

    Pixels are grey (h, w) or colour (h, w, 3), uint8 or uint16 (`bits`). `grey_low` and `grey_high`
    are the grey values that become 0 and 1 for screens and networks. `instant` tells that reading
    only takes a copy. `missing` gives which pixels (h, w) of a box of the full image have no value,
    None where all have one, and is None itself where the whole has none. `close` it at the end.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        *,
        name: str = "image",
        orientation: int = 1,
        grey: tuple[float, float] | None = None,
        notes: Notes | None = None,
        close: Callable[[], None] = lambda: None,
        missing: MissingIn | None = None,
    ) -> None:
        self.name = name
        self.notes = notes or Notes()
        self._levels = tuple(levels)
        self._orientation = orientation
        self._missing = missing
        self.missing = None if missing is None else self._missing_in
        self._closing = weakref.finalize(self, close)
        turned = orientation in TURNED
        self.sizes = tuple(
            (level.height, level.width) if turned else (level.width, level.height)
            for level in levels
        )
        self.width, self.height = self.sizes[0]
        self.dtype = levels[0].dtype
        self.channels = levels[0].channels
        if grey is not None:
            self.grey_low, self.grey_high = grey
        else:
            self.grey_low, self.grey_high = self._sampled_range()

    @property
    def bits(self) -> int:
        """Return 8 or 16."""
        return 8 * self.dtype.itemsize

    @property
    def um_per_px(self) -> float | None:
        """Return the scale where the file is sure of it."""
        return self.notes.um_per_px

    @property
    def scale_source(self) -> str:
        """Return who says so."""
        return self.notes.scale_source

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences for a person."""
        return self.notes.warnings

    @property
    def instant(self) -> bool:
        """Tell whether all pixels are in memory."""
        return all(isinstance(level, ArrayLevel) for level in self._levels)

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the sizes as they are stored, not turned upright."""
        return self._levels

    @property
    def orientation(self) -> int:
        """Return the number (1 to 8) that says how what is stored is turned upright."""
        return self._orientation

    @property
    def is_complete(self) -> bool:
        """Tell whether a coarse size is there too, so that all of a large image can be shown at
        once.
        """
        return self.width * self.height <= LARGE or max(self.sizes[-1]) <= COARSEST

    def __enter__(self) -> Pyramid:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, as also happens when nobody holds the pyramid any more."""
        self._closing()

    def factor(self, level: int) -> tuple[float, float]:
        """Return how many px of the full image one px of a level is wide and high."""
        width, height = self.sizes[level]
        return self.width / width, self.height / height

    def level_for(self, shrinks: float) -> int:
        """Return the coarsest level that still has a px for every `shrinks` px
        of the full image.
        """
        return max(
            (
                level
                for level in range(len(self.sizes))
                if self.factor(level)[0] <= max(shrinks, 1.0) * 1.02
            ),
            key=lambda level: self.factor(level)[0],
        )

    def read(self, level: int, box: Box) -> NDArray[Any]:
        """Return the pixels of a box, in px of that level, (h, w) or (h, w, 3); not to be written
        to.

        Raises PoreguiError for a box that does not lie inside or would not fit into memory,
        ImageError for damage.
        """
        width, height = self.sizes[level]
        if box.x < 0 or box.y < 0 or box.right > width or box.bottom > height:
            raise PoreguiError(
                f"The box at {box.x}, {box.y} does not lie inside the image of {width} x {height} "
                "px.",
                "Draw the crop inside the image.",
            )
        if box.area > _LARGEST_READ:
            raise PoreguiError(
                f"{box.width} x {box.height} px are too many at once.", "Choose a smaller area."
            )
        stored = stored_box(box, width, height, self._orientation)
        return oriented(self._levels[level].read(stored), self._orientation)

    def _missing_in(self, box: Box) -> NDArray[np.bool_] | None:
        assert self._missing is not None
        found = self._missing(stored_box(box, self.width, self.height, self._orientation))
        if found is None or not found.any():
            return None
        return oriented(found, self._orientation)

    def seen(self, box: Box, side: int) -> NDArray[Any]:
        """Return a box of the full image from the coarsest level at which its longer side still has
        `side` px.
        """
        level = self.level_for(max(box.width, box.height) / max(side, 1))
        across, down = self.factor(level)
        width, height = self.sizes[level]
        left = min(int(box.x / across), width - 1)
        top = min(int(box.y / down), height - 1)
        wide = max(1, round(box.width / across))
        high = max(1, round(box.height / down))
        return self.read(level, Box(left, top, min(wide, width - left), min(high, height - top)))

    def overview(self) -> NDArray[Any]:
        """Return the whole image at its own depth, its longer side `OVERVIEW` px at most.

        Without a coarse level the full one is read by bands; of an image in strips only a few rows.
        Damage is left black.
        """
        last = len(self._levels) - 1
        width, height = self.sizes[last]
        shrinks = max(width, height) / OVERVIEW
        level = self._levels[last]
        if shrinks > 1:
            small = _reduced(level, shrinks)
        else:
            small = read_sound(level, Box(0, 0, level.width, level.height))
        return np.ascontiguousarray(oriented(small, self._orientation))

    def _sampled_range(self) -> tuple[float, float]:
        """Return the grey range of pixels from places spread evenly over the full image."""
        if self.dtype.itemsize == 1:
            return 0.0, 255.0
        samples = []
        for row in range(_SAMPLES):
            for column in range(_SAMPLES):
                x = round((column + 0.5) / _SAMPLES * self.width)
                y = round((row + 0.5) / _SAMPLES * self.height)
                box = Box.around(x, y, _SAMPLE).clipped(self.width, self.height)
                try:
                    samples.append(self.read(0, box).ravel() if box else np.empty(0, self.dtype))
                except ImageError:
                    continue
        if samples:
            values = np.concatenate(samples)
        else:
            values = np.zeros(1, self.dtype)
        return grey_range(values)


def array_pyramid(image: Image, name: str = "image", minimum: int = OVERVIEW) -> Pyramid:
    """Return the sizes of an image in memory, halved until its longer side is
    `minimum` px or below.
    """
    levels = [ArrayLevel(image.pixels)]
    while max(levels[-1].width, levels[-1].height) > minimum:
        levels.append(ArrayLevel(halved(levels[-1].pixels)))
    notes = Notes(image.um_per_px, image.scale_source, image.warnings, image.turned)
    grey = (image.grey_low, image.grey_high)
    missing = None if image.missing is None else ArrayLevel(image.missing).read
    return Pyramid(levels, name=name, grey=grey, notes=notes, missing=missing)


def halved(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return an image of half the size, rounded up, of the means of 2 x 2 px; the last row and
    column may stand alone.

    It goes by bands, so that other threads are let in between.
    """
    height, width = pixels.shape[:2]
    half = np.empty((-(-height // 2), -(-width // 2), *pixels.shape[2:]), pixels.dtype)
    for top in range(0, height, TILE):
        band = pixels[top : top + TILE]
        odd_rows = band.shape[0] % 2
        odd_columns = width % 2
        if odd_rows or odd_columns:
            band = cv2.copyMakeBorder(band, 0, odd_rows, 0, odd_columns, cv2.BORDER_REPLICATE)
        size = (band.shape[1] // 2, band.shape[0] // 2)
        done = cv2.resize(np.ascontiguousarray(band), size, interpolation=cv2.INTER_AREA)
        half[top // 2 : top // 2 + size[1]] = done
    return half


def read_sound(level: Level, box: Box) -> NDArray[Any]:
    """Return the pixels of a box of a level, in which damaged parts are black."""
    try:
        return level.read(box)
    except ImageError:
        pixels = np.zeros(
            (box.height, box.width) if level.channels == 1 else (box.height, box.width, 3),
            level.dtype,
        )
    high = level.chunk_height
    wide = level.chunk_width
    for top in range(box.y - box.y % high, box.bottom, high):
        for left in range(box.x - box.x % wide, box.right, wide):
            part = Box(left - box.x, top - box.y, wide, high).clipped(box.width, box.height)
            if part is not None:
                with suppress(ImageError):
                    pixels[part.y : part.bottom, part.x : part.right] = level.read(
                        Box(part.x + box.x, part.y + box.y, part.width, part.height)
                    )
    return pixels


def _reduced(level: Level, shrinks: float) -> NDArray[Any]:
    """Return a level `shrinks` times smaller, read by bands in two threads, without what is
    damaged.
    """
    wide = max(1, round(level.width / shrinks))
    high = max(1, round(level.height / shrinks))
    in_strips = not isinstance(level, ArrayLevel) and not getattr(level, "is_tiled", True)
    few = 2 if in_strips and shrinks > 4 else None
    step = 1 if few else max(1, int(TILE // shrinks))

    def rows(start: int, end: int) -> list[NDArray[Any]]:
        done = []
        for first in range(start, end, step):
            last = min(first + step, end)
            top = int(first * level.height / high)
            bottom = math.ceil(last * level.height / high)
            if few:
                top = (top + bottom) // 2
                bottom = top + few
            box = Box(0, top, level.width, min(bottom, level.height) - top)
            band = np.ascontiguousarray(read_sound(level, box))
            done.append(cv2.resize(band, (wide, last - first), interpolation=cv2.INTER_AREA))
        return done

    if high < 2:
        return np.concatenate(rows(0, high))
    with ThreadPoolExecutor(2) as threads:  # each its own half, so that no tile is decoded twice
        upper = threads.submit(rows, 0, high // 2)
        lower = threads.submit(rows, high // 2, high)
        return np.concatenate([*upper.result(), *lower.result()])


FORMAT = 1
"""The way in which built pyramids are kept; others are built anew."""
_MOST_SIDE = 1_000_000
_ORIENTATION = 274
_MAY_MISS = "Its transparent pixels, or those without a value, count neither as pore nor as field."


def open_pyramid(path: Path, cached: OpenFile | None = None, plane: Plane = FIRST) -> Pyramid:
    """Return an image of any size, whose parts are read when they are asked for; `close` it at the
    end.

    Below `LARGE` pixels it is read as a whole. Above, a TIFF file is read by its own tiles or
    strips and smaller sizes; what it lacks comes from what `cached` opens, a file of
    `pyramid_building`, where that is there and was made of this very file. Others are read as a
    whole where they fit into memory, and give a pyramid that is not complete. Raises ImageError
    with a sentence that names the file.
    """
    size = read_size(path, plane)
    if size is None or size[0] * size[1] <= LARGE:
        return array_pyramid(read_image(path, plane), path.name)
    with in_a_sentence(path):
        own = _by_parts(path, plane)
        if own is not None and own.is_complete:
            return own
        if cached is not None:
            found = _from_cache(path, cached, own)
            if found is not None:
                return found
        if own is not None:
            return own
    return array_pyramid(read_image(path, plane), path.name, minimum=_MOST_SIDE)


def _by_parts(path: Path, plane: Plane) -> Pyramid | None:
    """Return a TIFF file that is read by parts, or None where it has to be read as a whole."""
    with open(path, "rb") as file:
        if not is_tiff(file.read(8)):
            return None
    parts = TiffFileParts(open(path, "rb"), path.name)  # noqa: SIM115 - the parts close it
    try:
        stack = tiff_stack(parts.tiff, parts.size)
        found = stack.find(parts.tiff, plane)
        page = found.page
        if found.skipped or not readable_by_parts(page):
            parts.close()
            return None
        if max(page.imagewidth, page.imagelength) > _MOST_SIDE:
            raise TooLarge(
                f"says that it is {page.imagewidth} x {page.imagelength} px, which is too large to "
                "open.",
                "Cut it into smaller images.",
            )
        check_stored(page, parts.size)
        scale = tiff_scale(parts.tiff, page, found.image)
        levels = [TiffLevel(parts, one, found.sample) for one in sizes_of(parts.tiff, page)]
        tag = page.tags.get(_ORIENTATION)
        turn = orientation_of(tag.value) if tag is not None else 1
        warnings = (*tiff_notes(stack, plane, page), *scale.warnings, *turned_text(turn))
        notes = Notes(scale.um_per_px, scale.source, warnings, turn)
        if levels[0].may_miss:
            levels[0].fill(levels[1:])
        missing = None
        if levels[0].may_miss:
            missing = levels[0].missing
            notes = replace(notes, warnings=(*notes.warnings, _MAY_MISS))
        return Pyramid(
            levels,
            name=path.name,
            orientation=turn,
            notes=notes,
            close=parts.close,
            missing=missing,
        )
    except BaseException:
        parts.close()
        raise


def stamp(path: Path) -> dict[str, int]:
    """Return what changes when a file is replaced: its size in bytes and the time of its last
    change in ns.
    """
    status = path.stat()
    return {"bytes": status.st_size, "changed_ns": status.st_mtime_ns}


def _from_cache(path: Path, cached: OpenFile, own: Pyramid | None) -> Pyramid | None:
    """Return the sizes that were built of a file, behind its own full size where that is tiled;
    None when unfit.
    """
    try:
        parts = TiffFileParts(cached(), f"Cached copy of {path.name}")
    except (OSError, *SPOILT):
        return None
    try:
        pages = [page.aspage() for page in parts.tiff.pages]
        description: dict[str, Any] = json.loads(pages[0].description)
        missing = own._missing if own is not None else None
        same = description["of"] == stamp(path) and bool(description.get("missing")) == (
            missing is not None
        )
        if description["poregui_pyramid"] != FORMAT or not same:
            raise ValueError("made of another file")
        for page in pages:
            check_stored(page, parts.size)
        built: list[Level] = [TiffLevel(parts, page) for page in pages]
        if not description["whole"]:
            assert own is not None
            built.insert(0, own.levels[0])
        grey_low, grey_high = (float(value) for value in description["grey"])
        turn = int(description["orientation"])
        notes = Notes(
            description["um_per_px"],
            description["scale_source"],
            tuple(description["warnings"]),
            turn,
        )
    except (AssertionError, ImageError, *SPOILT):
        parts.close()
        return None

    def close() -> None:
        parts.close()
        if own is not None:
            own.close()

    return Pyramid(
        built,
        name=path.name,
        orientation=turn,
        grey=(grey_low, grey_high),
        notes=notes,
        close=close,
        missing=missing,
    )

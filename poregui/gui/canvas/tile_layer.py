"""Draw a micrograph of any size from tiles, coarse at once, sharp when they come."""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from poregui.domain.errors import PoreguiError
from poregui.gui.canvas.tile_reader import Place, TileCache, TileReader, tile_box
from poregui.vision.io.pyramid import TILE, Pyramid, array_pyramid
from poregui.vision.io.reader import Image

GREY = 128
"""The grey of what cannot be read."""


@dataclass
class Sheet:
    """Hold the tiles of a level from `left`, `top` up to before `right`, `below` (columns, rows) as
    they are shown.

    `ready` are the tiles that are there as they shall be; others are blurred or empty.
    """

    level: int
    left: int
    top: int
    right: int
    below: int
    ready: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        height = (self.below - self.top) * TILE
        width = (self.right - self.left) * TILE
        self.array: NDArray[np.uint8] = np.full((height, width, 4), GREY, np.uint8)
        self.image = QImage(
            self.array.data, width, height, self.array.strides[0], QImage.Format.Format_RGB32
        )

    def covers(self, level: int, left: int, top: int, right: int, below: int) -> bool:
        """Tell whether tiles of a level lie on it."""
        return (
            self.level == level
            and self.left <= left
            and self.top <= top
            and right <= self.right
            and below <= self.below
        )

    def holds(self, column: int, row: int) -> bool:
        """Tell whether a tile has its place here."""
        return self.left <= column < self.right and self.top <= row < self.below

    def put(self, column: int, row: int, colours: NDArray[np.uint8], *, ready: bool = True) -> None:
        """Put a tile (h, w, 4), which at the image's edge may be smaller than others."""
        y = (row - self.top) * TILE
        x = (column - self.left) * TILE
        height, width = colours.shape[:2]
        place = self.array[y : y + TILE, x : x + TILE]
        place[:height, :width] = colours
        if height < TILE:  # smooth scaling looks one px beyond the edge
            place[height : height + 1, :width] = colours[-1:]
        if width < TILE:
            place[:height, width : width + 1] = colours[:, -1:]
        if ready:
            self.ready.add((column, row))

    def take_from(self, other: Sheet) -> None:
        """Take over the tiles that are ready on another sheet of the same level."""
        for column, row in other.ready:
            if self.holds(column, row):
                y = (row - other.top) * TILE
                x = (column - other.left) * TILE
                self.put(column, row, other.array[y : y + TILE, x : x + TILE])


def to_colours(pixels: NDArray[Any], lookup: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return (h, w) or (h, w, 3) values as Qt's (h, w, 4) colours; `lookup` holds the shown grey of
    every value.
    """
    if lookup is not None:
        shown = lookup.take(pixels)
    else:
        shown = np.ascontiguousarray(pixels)
    code = cv2.COLOR_GRAY2BGRA if shown.ndim == 2 else cv2.COLOR_RGB2BGRA
    return np.asarray(cv2.cvtColor(shown, code), np.uint8)


def enlarged(
    pixels: NDArray[Any],
    scale: tuple[float, float],
    corner: tuple[float, float],
    size: tuple[int, int],
) -> NDArray[Any]:
    """Return `size` (w, h) px of which each is `scale` px of `pixels`, from `corner` (x, y) in px
    of `pixels`.
    """
    across, down = scale
    matrix = np.array(
        [[across, 0, corner[0] + across / 2 - 0.5], [0, down, corner[1] + down / 2 - 0.5]],
        dtype=np.float64,
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(pixels), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    )


_TOO_FINE = 4.0
"""How many px of a level one px of the screen may take before only the overview is drawn."""
_AHEAD = 2
"""How many levels coarser the tiles are that come before those that are wanted."""
_NUMBERS = itertools.count()


class TileLayer(QObject):
    """Hold what the canvas draws of an image of `width` x `height` px; `changed` tells that there
    is more to see.

    `overview` is the whole image, small, at its own depth. Tiles come from memory at once or
    through `reader`, and are kept in `cache`. `troubled` carries a sentence when a part cannot be
    read, once; it stays grey.
    """

    changed = Signal()
    troubled = Signal(str)

    def __init__(
        self,
        pyramid: Pyramid,
        overview: NDArray[Any],
        cache: TileCache | None = None,
        reader: TileReader | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._pyramid = pyramid
        self._overview = overview
        self._cache = cache or TileCache()
        self._reader = reader
        self._number = next(_NUMBERS)
        self._damaged: set[Place] = set()
        self._sheet: Sheet | None = None
        self._lookup: NDArray[np.uint8] | None = None
        self._small: QImage | None = None
        self._small_array: NDArray[np.uint8] | None = None
        self.set_mapping(None)
        if reader is not None:
            reader.read.connect(self._arrive, Qt.ConnectionType.QueuedConnection)
            weakref.finalize(self, reader.drop, self._number)

    # ---- what it holds ----------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Return the width in px."""
        return self._pyramid.width

    @property
    def height(self) -> int:
        """Return the height in px."""
        return self._pyramid.height

    @property
    def pyramid(self) -> Pyramid:
        """Return what the tiles are read from."""
        return self._pyramid

    @property
    def overview(self) -> NDArray[Any]:
        """Return the whole image, small, (h, w) or (h, w, 3), at its own depth."""
        return self._overview

    @property
    def busy(self) -> bool:
        """Tell whether tiles are waited for."""
        return self._reader is not None and self._reader.busy(self._number)

    @property
    def nbytes(self) -> int:
        """Return the memory in bytes, without the tiles in the cache."""
        held = sum(
            getattr(getattr(level, "pixels", None), "nbytes", 0) for level in self._pyramid.levels
        )
        return held + self._overview.nbytes

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point (px) lies on the image."""
        return 0 <= x < self.width and 0 <= y < self.height

    def value(self, x: int, y: int) -> Any:
        """Return the stored value of a px, a grey or (3,), or None while its
        tile is not at hand.
        """
        if self._pyramid.instant:
            return self._tile((0, x // TILE, y // TILE))[y % TILE, x % TILE]
        tile = self._cache.get((self._number, 0, x // TILE, y // TILE))
        if tile is None:
            return None
        return tile[y % TILE, x % TILE]

    def overview_image(self) -> QImage:
        """Return the whole image, small, as it is shown."""
        if self._small is None:
            self._small_array = to_colours(self._overview, self._lookup)
            height, width = self._small_array.shape[:2]
            self._small = QImage(
                self._small_array.data, width, height, 4 * width, QImage.Format.Format_RGB32
            )
        return self._small

    def set_mapping(self, lookup: NDArray[np.uint8] | None) -> None:
        """Show every stored value as the grey (0 to 255) that `lookup`, 256 or 65536 long, holds;
        nothing is read anew.

        Without one, the image's own grey range goes from black to white.
        """
        if lookup is not None:
            self._lookup = lookup
        else:
            self._lookup = default_lookup(self._pyramid)
        self._sheet = self._small = None
        self.changed.emit()

    def exchange(self, pyramid: Pyramid, overview: NDArray[Any]) -> None:
        """Go on with another pyramid of the same image, which has more sizes."""
        if self._reader is not None:
            self._reader.drop(self._number)
        self._cache.forget(self._number)
        self._damaged.clear()
        self._pyramid = pyramid
        self._overview = overview
        self._sheet = self._small = None
        self.changed.emit()

    def close(self) -> None:
        """Read nothing any more, and close the file."""
        if self._reader is not None:
            self._reader.finish(self._number)
        self._cache.forget(self._number)
        self._pyramid.close()

    # ---- drawing ----------------------------------------------------------------------------

    def draw(self, painter: QPainter, target: QRectF, source: QRectF) -> None:
        """Draw `source` (px of the image) into `target`, as sharp as it is at hand, and ask for
        what is missing.
        """
        if source.isEmpty() or target.isEmpty():
            return
        shrinks = source.width() / target.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks > 0.5)
        level = self._level(shrinks)
        if level is None:
            self._want(())
            small = self.overview_image()
            painter.drawImage(
                target,
                small,
                _shrunk(source, self.width / small.width(), self.height / small.height()),
            )
            return
        area = _shrunk(source, *self._pyramid.factor(level))
        sheet = self._sheet_for(level, area)
        painter.drawImage(
            target, sheet.image, area.translated(-sheet.left * TILE, -sheet.top * TILE)
        )

    def _level(self, shrinks: float) -> int | None:
        """Return the level that suits a magnification, None for the overview."""
        level = self._pyramid.level_for(shrinks)
        if self.width / self._overview.shape[1] <= max(shrinks, 1.0) * 1.02:
            return None
        if shrinks / self._pyramid.factor(level)[0] <= _TOO_FINE:
            return level
        return None

    def _sheet_for(self, level: int, area: QRectF) -> Sheet:
        width, height = self._pyramid.sizes[level]
        left = max(0, int(area.left() // TILE))
        top = max(0, int(area.top() // TILE))
        right = min(math.ceil(area.right() / TILE), -(-width // TILE))
        below = min(math.ceil(area.bottom() / TILE), -(-height // TILE))
        right = max(right, left + 1)
        below = max(below, top + 1)
        before = self._sheet
        if before is None or not before.covers(level, left, top, right, below):
            self._sheet = Sheet(level, left, top, right, below)
            if before is not None and before.level == level:
                self._sheet.take_from(before)
            self._fill(self._sheet)
        assert self._sheet is not None
        self._want(self._missing(self._sheet, area))
        return self._sheet

    def _fill(self, sheet: Sheet) -> None:
        for row in range(sheet.top, sheet.below):
            for column in range(sheet.left, sheet.right):
                if (column, row) not in sheet.ready:
                    place = (sheet.level, column, row)
                    tile = self._at_hand(place)
                    if tile is not None:
                        sheet.put(column, row, to_colours(tile, self._lookup))
                    else:
                        sheet.put(column, row, self._blurred(place), ready=False)

    def _sharpen(self, sheet: Sheet, coarse: Place) -> None:
        """Enlarge a coarse tile that has come onto those of a sheet that are still waited for."""
        for row in range(sheet.top, sheet.below):
            for column in range(sheet.left, sheet.right):
                place = (sheet.level, column, row)
                if (column, row) not in sheet.ready and self._above(place, coarse[0]) == coarse:
                    sheet.put(column, row, self._blurred(place), ready=False)

    def _at_hand(self, place: Place) -> NDArray[Any] | None:
        if self._pyramid.instant:
            return self._tile(place)
        return self._cache.get((self._number, *place))

    def _tile(self, place: Place) -> NDArray[Any]:
        return self._pyramid.read(place[0], tile_box(self._pyramid, place))

    def _blurred(self, place: Place) -> NDArray[np.uint8]:
        """Return a tile enlarged from the finest coarser one that is at hand; grey when it is
        damaged.
        """
        level = place[0]
        box = tile_box(self._pyramid, place)
        if place in self._damaged:
            return np.full((box.height, box.width, 4), GREY, np.uint8)
        size = (box.width, box.height)
        across, down = self._pyramid.factor(level)
        for coarser in range(level + 1, len(self._pyramid.sizes)):
            above = self._above(place, coarser)
            tile = self._cache.get((self._number, *above))
            if tile is not None:
                wide, high = self._pyramid.factor(coarser)
                scale = across / wide, down / high
                corner = box.x * scale[0] - above[1] * TILE, box.y * scale[1] - above[2] * TILE
                return to_colours(enlarged(tile, scale, corner, size), self._lookup)
        high = self._overview.shape[0] / self.height
        wide = self._overview.shape[1] / self.width
        scale = across * wide, down * high
        corner = box.x * scale[0], box.y * scale[1]
        return to_colours(enlarged(self._overview, scale, corner, size), self._lookup)

    def _above(self, place: Place, coarser: int) -> Place:
        """Return the tile of a coarser level in which the middle of a tile lies."""
        box = tile_box(self._pyramid, place)
        fine = self._pyramid.factor(place[0])
        coarse = self._pyramid.factor(coarser)
        width, height = self._pyramid.sizes[coarser]
        x, y = box.centre
        column = int(x * fine[0] / coarse[0]) // TILE
        row = int(y * fine[1] / coarse[1]) // TILE
        return coarser, min(column, (width - 1) // TILE), min(row, (height - 1) // TILE)

    # ---- reading ----------------------------------------------------------------------------

    def _missing(self, sheet: Sheet, area: QRectF) -> list[Place]:
        """Return the tiles to be read: few coarse ones first, then those in sight from the middle
        outwards.
        """
        if self._pyramid.instant:
            return []
        middle = area.center() / TILE
        wanted = [
            (sheet.level, column, row)
            for row in range(sheet.top, sheet.below)
            for column in range(sheet.left, sheet.right)
            if (column, row) not in sheet.ready and (sheet.level, column, row) not in self._damaged
        ]
        wanted.sort(key=lambda p: math.hypot(p[1] + 0.5 - middle.x(), p[2] + 0.5 - middle.y()))
        ahead = min(sheet.level + _AHEAD, len(self._pyramid.sizes) - 1)
        if ahead == sheet.level or len(wanted) < 4:
            return wanted
        coarse = dict.fromkeys(self._above(place, ahead) for place in wanted)
        first = [
            p
            for p in coarse
            if self._cache.get((self._number, *p)) is None and p not in self._damaged
        ]
        return first + wanted

    def _want(self, places: Sequence[Place]) -> None:
        if self._reader is not None and not self._pyramid.instant:
            self._reader.want(self._number, self._pyramid, places)

    def _arrive(
        self, layer: int, pyramid: Pyramid, place: Place, answer: NDArray[Any] | PoreguiError
    ) -> None:
        if layer != self._number or pyramid is not self._pyramid:
            return
        level, column, row = place
        if isinstance(answer, PoreguiError):
            if not self._damaged:
                self.troubled.emit(str(answer))
            self._damaged.add(place)
        else:
            self._cache.put((self._number, *place), answer)
        sheet = self._sheet
        if sheet is not None and level > sheet.level:
            self._sharpen(sheet, place)
        elif sheet is not None and level == sheet.level and sheet.holds(column, row):
            if isinstance(answer, PoreguiError):
                sheet.put(column, row, self._blurred(place), ready=False)
            else:
                sheet.put(column, row, to_colours(answer, self._lookup))
        self.changed.emit()


def default_lookup(pyramid: Pyramid) -> NDArray[np.uint8] | None:
    """Return the grey of every value when the image's own range goes from black to white; None when
    all stay so.
    """
    if pyramid.bits == 8 and pyramid.grey_low <= 0 and pyramid.grey_high >= 255:
        return None
    values = np.arange(2**pyramid.bits, dtype=np.float32) - pyramid.grey_low
    scaled = values * (255 / max(pyramid.grey_high - pyramid.grey_low, 1e-9))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def small_image(pyramid: Pyramid, overview: NDArray[Any]) -> QImage:
    """Return an overview as an image of its own, in the image's own grey range."""
    colours = to_colours(overview, default_lookup(pyramid))
    height, width = colours.shape[:2]
    return QImage(colours.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def layer_of(array: NDArray[Any], low: float = 0, high: float = 255) -> TileLayer:
    """Return a layer of an image (H, W) or (H, W, 3), uint8 or uint16, in memory."""
    pyramid = array_pyramid(Image(array, low, high))
    return TileLayer(pyramid, pyramid.overview())


def _shrunk(source: QRectF, across: float, down: float) -> QRectF:
    return QRectF(
        source.x() / across, source.y() / down, source.width() / across, source.height() / down
    )

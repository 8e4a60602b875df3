"""Read single tiles and strips of TIFF pages, and find the smaller copies a file holds."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from poregui.domain.errors import ImageError
from poregui.domain.geometry import Box
from poregui.vision.io.pixel_values import middle_grey, spread_bits, transparent
from poregui.vision.io.scale import SPOILT
from poregui.vision.io.tiff_decoding import alpha_of, nodata_of, use_our_lzw

_MOST_SIZES = 40


def sizes_of(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """Return a page and the smaller images of it that the file holds, each at most 0.75 times the
    one before.
    """
    sizes = [page]
    found = sorted(_smaller(tiff, page), key=lambda one: -int(one.imagewidth))
    for one in found:
        if one.imagewidth <= 0.75 * sizes[-1].imagewidth and _same_image(one, page):
            sizes.append(one)
    return sizes


def _smaller(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Iterator[tifffile.TiffPage]:
    """Return the pages that may be smaller images of a page: its own sub-pages, or those marked
    as reduced.
    """
    try:
        if page.subifds:
            assert page.pages is not None
            for number in range(min(len(page.subifds), _MOST_SIZES)):
                yield page.pages[number].aspage()
            return
        for number in range(int(page.index) + 1, int(page.index) + _MOST_SIZES):
            one = tiff.pages[number].aspage()
            if one.is_reduced or (tiff.is_svs and one.is_tiled):
                yield one
            elif not tiff.is_svs:
                return
    except SPOILT:  # a damaged list of pages ends where it is damaged
        return


def _same_image(one: tifffile.TiffPage, page: tifffile.TiffPage) -> bool:
    """Tell whether a page has the proportions and the sort of values of another and can be read by
    parts.
    """
    wide = int(one.imagewidth)
    high = int(one.imagelength)
    if wide < 1 or high < 1 or not readable_by_parts(one):
        return False
    shrinks = page.imagewidth / wide
    return (
        abs(page.imagelength / shrinks - high) <= 2
        and one.dtype == page.dtype
        and one.samplesperpixel == page.samplesperpixel
        and int(one.photometric) == int(page.photometric)
    )


use_our_lzw()

_WHITE_IS_ZERO = 0
_BLACK_IS_ZERO = 1
_RGB = 2
_YCBCR = 6
_JPEGS = (6, 7, 34892, 33007)
_NEW_JPEG = 7
_LARGEST_CHUNK = 64 * 2**20
"""Bytes of a tile or strip above which a page is not read by parts."""
_KEPT_BYTES = 48 * 2**20
_GRID = 6
_SAMPLE = 64
"""How many places across and down, and their side in px, the grey of pixels without a value is
taken from.
"""


class TiffFileParts:
    """Hold an open TIFF file whose pages are read by parts, from any thread; `close` it at the end.

    `file` is closed with it, and where it is no TIFF file; `name` is for messages. The parts
    decoded last are kept, up to a bound in bytes.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        try:
            self.size = os.fstat(file.fileno()).st_size
            self.tiff = tifffile.TiffFile(self._file, name="image.tif", _multifile=False)
        except BaseException:
            self._file.close()
            raise
        self._reading = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()
        self._kept_bytes = 0
        self._keeping = threading.Lock()

    def close(self) -> None:
        """Close the file and forget what was decoded."""
        with self._reading:
            self._file.close()
        self.forget()

    def bytes_at(self, offset: int, count: int) -> bytes:
        """Return bytes of the file. Raises ValueError where they end too early."""
        with self._reading:
            self._file.seek(offset)
            content = self._file.read(count)
        if len(content) != count:
            raise ValueError("the file ends too early")
        return content

    def forget(self) -> None:
        """Let go of all decoded parts."""
        with self._keeping:
            self._kept.clear()
            self._kept_bytes = 0

    def kept(self, key: tuple[int, int]) -> NDArray[Any] | None:
        """Return a decoded part that is at hand."""
        with self._keeping:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: tuple[int, int], part: NDArray[Any]) -> None:
        """Keep a decoded part, and let go of those that were not asked for the longest."""
        with self._keeping:
            if key not in self._kept:
                self._kept_bytes += part.nbytes
            self._kept[key] = part
            while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes


class TiffLevel:
    """Hold one page of a TIFF file as an image of `width` x `height` px, as it is stored, that is
    read by boxes.

    `sample` is the only channel that is read, from 0, or None for the colours or the first one.
    """

    def __init__(
        self, parts: TiffFileParts, page: tifffile.TiffPage, sample: int | None = None
    ) -> None:
        self._parts = parts
        self._page = page
        self.width = int(page.imagewidth)
        self.height = int(page.imagelength)
        self.dtype = np.dtype(np.uint16 if page.bitspersample > 8 else np.uint8)
        kind = int(page.photometric)
        self._sample = sample
        if sample is not None:
            self.channels = 1
        elif kind in (_RGB, _YCBCR) and page.samplesperpixel >= 3:
            self.channels = 3
        else:
            self.channels = 1
        self._inverted = kind == _WHITE_IS_ZERO
        self.chunk_height, self.chunk_width = _chunk_shape(page)
        self._across = -(-self.width // self.chunk_width)
        self._area = self._across * -(-self.height // self.chunk_height)
        self._plain = _is_plain(page)
        self._nodata = nodata_of(page)
        self._alpha = alpha_of(page) if sample is None else None
        self._filling: NDArray[Any] | None = None
        self._decode = page.decode
        if page.compression in _JPEGS:
            self._more = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        else:
            self._more = {}

    @property
    def is_tiled(self) -> bool:
        """Tell whether boxes are read from tiles, not from strips as wide as the image."""
        return bool(self._page.is_tiled)

    @property
    def may_miss(self) -> bool:
        """Tell whether pixels may have no value: transparent ones, or those of the value that the
        file gives for them.
        """
        return self._nodata is not None or self._alpha is not None

    def fill(self, sizes: Sequence[TiffLevel]) -> None:
        """Let pixels without a value have the middle grey of a sample of the others, here and in
        the smaller `sizes`; where the sample has no others, all pixels count.
        """
        values = []
        for row in range(_GRID):
            for column in range(_GRID):
                box = Box.around(
                    round((column + 0.5) / _GRID * self.width),
                    round((row + 0.5) / _GRID * self.height),
                    _SAMPLE,
                ).moved_inside(self.width, self.height)
                with suppress(ImageError):
                    values.append(self.read(box)[~self.missing(box)])
        seen = np.concatenate(values) if values else np.empty(0)
        for level in (self, *sizes):
            if len(seen):
                level._filling = middle_grey(seen)
            else:
                level._nodata = level._alpha = None
        self._parts.forget()

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of a box inside the page, (h, w) or (h, w, 3), uint8 or uint16; the
        array is new.

        Raises ImageError when a part of them is damaged.
        """
        shape: tuple[int, ...] = (box.height, box.width)
        if self.channels != 1:
            shape = (*shape, self.channels)
        return self._gathered(np.empty(shape, self.dtype), box, missing=False)

    def missing(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels (h, w) of a box inside the page have no value. Raises ImageError."""
        return self._gathered(np.zeros((box.height, box.width), np.bool_), box, missing=True)

    def _gathered(self, pixels: NDArray[Any], box: Box, *, missing: bool) -> NDArray[Any]:
        for index, place in self._chunks(box):
            part = self._part(index, place, box, missing=missing)
            top = max(box.y, place.y)
            left = max(box.x, place.x)
            bottom = min(box.bottom, place.bottom)
            right = min(box.right, place.right)
            pixels[top - box.y : bottom - box.y, left - box.x : right - box.x] = part[
                top - place.y : bottom - place.y, left - place.x : right - place.x
            ]
        return pixels

    def _chunks(self, box: Box) -> Iterator[tuple[int, Box]]:
        """Return the index and the place of every tile or strip that a box touches."""
        high = self.chunk_height
        wide = self.chunk_width
        for row in range(box.y // high, -(-box.bottom // high)):
            for column in range(box.x // wide, -(-box.right // wide)):
                place = Box(column * wide, row * high, wide, high).clipped(self.width, self.height)
                if place is not None:
                    yield row * self._across + column, place

    def _part(self, index: int, place: Box, box: Box, *, missing: bool) -> NDArray[Any]:
        """Return a chunk, or which of its pixels have no value; rows that the box does not need may
        be left empty.
        """
        key = (int(self._page.offset), -1 - index if missing else index)
        finished = self._missing_of if missing else self._values
        found = self._parts.kept(key)
        if found is not None:
            return found
        try:
            if self._plain:
                return finished(self._rows(index, place, box))
            planes = [self._decoded(index + plane * self._area, place) for plane in self._planes]
        except MemoryError as error:
            raise ImageError(
                f"{self._parts.name} needs more memory than there is.", "Close other programs."
            ) from error
        except Exception as error:
            raise ImageError(
                f"{self._parts.name} is damaged at {place.x}, {place.y} (page of {self.width} x "
                f"{self.height} px).",
                "Export it again; the area around it can be used.",
            ) from error
        if len(planes) == 1:
            part = planes[0]
        else:
            part = np.concatenate(planes, axis=2)
        part = finished(part)
        self._parts.keep(key, part)
        return part

    @property
    def _planes(self) -> Sequence[int]:
        if int(self._page.planarconfig) != 2:
            return (0,)
        if self._sample is not None:
            return (self._sample,)
        if self._alpha is not None:
            return range(self._page.samplesperpixel)
        return range(self.channels)

    def _decoded(self, index: int, place: Box) -> NDArray[Any]:
        page = self._page
        offset = int(page.dataoffsets[index])
        count = int(page.databytecounts[index])
        if count == 0 or offset == 0:  # a part that was never written, which is legal
            if int(page.planarconfig) == 2:
                samples = 1
            else:
                samples = page.samplesperpixel
            return np.zeros((place.height, place.width, samples), page.dtype)
        content = self._parts.bytes_at(offset, count)
        segment, _, shape = self._decode(content, index, **self._more)
        part = np.asarray(segment).reshape(shape)[0, : place.height, : place.width]
        if (
            part.shape[:2] != (place.height, place.width)
            or part.dtype.itemsize > self.dtype.itemsize
        ):
            raise ValueError("a part of another shape")
        return part

    def _rows(self, index: int, place: Box, box: Box) -> NDArray[Any]:
        """Return an uncompressed strip of which only the rows of the box are read."""
        page = self._page
        stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        row_bytes = self.width * page.samplesperpixel * stored.itemsize
        first = max(box.y, place.y) - place.y
        last = min(box.bottom, place.bottom) - place.y
        if page.databytecounts[index] < last * row_bytes:
            raise ValueError("a strip that is too short")
        content = self._parts.bytes_at(
            int(page.dataoffsets[index]) + first * row_bytes, (last - first) * row_bytes
        )
        rows = np.frombuffer(content, stored).reshape(
            last - first, self.width, page.samplesperpixel
        )
        left = box.x
        right = box.right
        part = np.empty((place.height, self.width, page.samplesperpixel), stored.newbyteorder("="))
        part[first:last, left:right] = rows[:, left:right]
        return part

    @property
    def _sample_at(self) -> int:
        if self._sample is not None and int(self._page.planarconfig) != 2:
            return self._sample
        return 0

    def _values(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return a part as grey (h, w) or colour (h, w, 3) of whole 8 or 16 bits."""
        hidden = self._missing_of(part) if self._filling is not None else None
        bits = self._page.bitspersample
        part = spread_bits(
            part[..., self._sample_at] if self.channels == 1 else part[..., : self.channels], bits
        )
        if self._inverted:
            part = 2 ** max(bits, 8) - 1 - part
        part = part.astype(self.dtype, copy=False)
        if hidden is not None and hidden.any():
            part = part.copy()
            part[hidden] = self._filling
        return part

    def _missing_of(self, part: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which pixels (h, w) of a part as it is stored have no value."""
        found = np.zeros(part.shape[:2], np.bool_)
        if self._alpha is not None:
            hidden = transparent(part[..., self._alpha], whole=False).where
            if hidden is not None:
                found |= hidden
        if self._nodata is not None:
            at = self._sample_at
            seen = part[..., at : at + self.channels]
            found |= (seen == self._nodata).all(axis=2)
        return found


def readable_by_parts(page: tifffile.TiffPage) -> bool:
    """Tell whether a page holds grey or RGB of 1 to 16 bits in tiles or strips of a size that is
    decoded at once.
    """
    if (
        page.dtype is None
        or page.dtype.kind not in "bu"
        or page.dtype.itemsize > 2
        or page.imagedepth > 1
    ):
        return False
    kind = int(page.photometric)
    known = kind in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) or (
        kind == _YCBCR and int(page.compression) == _NEW_JPEG
    )
    high, wide = _chunk_shape(page)
    return known and (
        _is_plain(page)
        or high * wide * page.samplesperpixel * page.dtype.itemsize <= _LARGEST_CHUNK
    )


def _chunk_shape(page: tifffile.TiffPage) -> tuple[int, int]:
    if page.is_tiled:
        return int(page.tilelength), int(page.tilewidth)
    return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth)


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Tell whether a page is stored in strips without compression, so that
    single rows can be read.
    """
    return (
        not page.is_tiled
        and int(page.compression) == 1
        and int(page.predictor) == 1
        and int(page.fillorder) == 1
        and (int(page.planarconfig) == 1 or page.samplesperpixel == 1)
        and page.dtype is not None
        and page.bitspersample == 8 * page.dtype.itemsize
        and int(page.photometric) != _YCBCR
    )

"""Load small images of crops in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop
from poregui.gui.canvas.canvas_view import to_qimage
from poregui.store.pixels import CropPixels, PixelStore

LARGEST = 256
"""Longer side in px above which a thumbnail is made smaller than its crop."""
_KEPT_BYTES = 96 * 2**20


def crop_image(pixels: CropPixels) -> QImage:
    """Return a crop at its own size, with its grey range mapped to black and white."""
    return to_qimage(pixels.array, pixels.grey_low, pixels.grey_high)


class Thumbnails(QObject):
    """Give images of crops at most `LARGEST` px wide; those not at hand are loaded, the last
    asked for first.

    `ready` carries the crop id when its image has come. Call `close` before the project closes.
    """

    ready = Signal(int)
    _fetched = Signal(str, object)

    def __init__(self, pixels: PixelStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pixels = pixels
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(-1)
        self._kept: OrderedDict[str, QImage] = OrderedDict()
        self._bytes = 0
        self._awaited: dict[str, set[int]] = {}
        self._wanted: list[str] = []
        self._guard = threading.Lock()
        self._closed = False
        self._fetched.connect(self._keep, Qt.ConnectionType.QueuedConnection)

    def image(self, crop: Crop) -> QImage | None:
        """Return the image of a crop, or None while it is being loaded; a damaged one is a null
        image.
        """
        found = self._kept.get(crop.pixels)
        if found is not None:
            self._kept.move_to_end(crop.pixels)
            return found
        if self._closed:
            return None
        waiting = self._awaited.setdefault(crop.pixels, set())
        first = not waiting
        waiting.add(crop.id)
        with self._guard:
            if not first and crop.pixels in self._wanted:
                self._wanted.remove(crop.pixels)
                self._wanted.append(crop.pixels)
            elif first:
                self._wanted.append(crop.pixels)
        if first:
            self._pool.start(self._fetch)
        return None

    @property
    def busy(self) -> bool:
        """Tell whether an image that was asked for has not come yet."""
        return bool(self._awaited)

    @property
    def nbytes(self) -> int:
        """Return the memory in bytes of the images at hand, which is bounded."""
        return self._bytes

    def pixels_of(self, crop: Crop) -> CropPixels:
        """Return the pixels of a crop, read now.

        Raises ProjectError when they are missing or damaged.
        """
        return self._pixels.get(crop.pixels)

    def full(self, crop: Crop) -> QImage:
        """Return a crop at its own size, read now where it is not at hand; a null image when its
        pixels are missing or damaged.
        """
        kept = self._kept.get(crop.pixels)
        if kept is not None and crop.size_px <= LARGEST:
            return kept
        try:
            return crop_image(self.pixels_of(crop))
        except PoreguiError:
            return QImage()

    def close(self) -> None:
        """End the loading; no image comes after that."""
        self._closed = True
        with self._guard:
            self._wanted.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _fetch(self) -> None:
        with self._guard:
            if not self._wanted:
                return
            key = self._wanted.pop()
        try:
            image = crop_image(self._pixels.get(key))
        except PoreguiError:
            image = QImage()
        if max(image.width(), image.height()) > LARGEST:
            image = image.scaled(
                LARGEST,
                LARGEST,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self._fetched.emit(key, image)

    def _keep(self, key: str, image: QImage) -> None:
        self._kept[key] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.sizeInBytes()
        for crop_id in self._awaited.pop(key, ()):
            self.ready.emit(crop_id)

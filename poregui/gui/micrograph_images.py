"""Load micrographs from their files in the background; changes with how they are read and how many are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.records import Micrograph
from poregui.gui.widgets.canvas_picture import CanvasPicture, build_picture
from poregui.store.project import Project
from poregui.vision.image_io import Image, read_image

THUMBNAIL = 96
"""Longer side in px of a micrograph's small picture."""
_KEPT = 4
_KEPT_BYTES = 1500 * 2**20


@dataclass(frozen=True)
class LoadedMicrograph:
    """Hold a micrograph's pixels and the levels that the canvas draws."""

    image: Image
    picture: CanvasPicture

    @property
    def nbytes(self) -> int:
        """Return the memory in bytes."""
        return int(self.image.pixels.nbytes) + self.picture.nbytes


class MicrographImages(QObject):
    """Give micrographs with their pixels: `loaded` (id, vision Image) or `failed` (id, PoreguiError) answers.

    The last few are kept. `thumbnail_ready` carries the id of a micrograph whose small picture has come. Call `close`
    before the project closes.
    """

    loaded = Signal(int, object)
    failed = Signal(int, object)
    thumbnail_ready = Signal(int)
    _read = Signal(object, object, object)
    _failed = Signal(object, object, object)

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._kept: OrderedDict[int, LoadedMicrograph] = OrderedDict()
        self._keys: dict[int, tuple[str, str]] = {}
        self._small: dict[int, QImage] = {}
        self._requested: dict[int, Micrograph] = {}
        self._wanted_small: dict[int, Micrograph] = {}
        self._guard = threading.Lock()
        self._closed = False
        self._read.connect(self._keep, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self._fail, Qt.ConnectionType.QueuedConnection)

    def request(self, micrograph: Micrograph) -> None:
        """Ask for a micrograph; `loaded` comes at once when it is at hand, `failed` when its file cannot be read."""
        kept = self.get(micrograph)
        if kept is not None:
            self.loaded.emit(micrograph.id, kept.image)
            return
        if self._closed:
            return
        with self._guard:
            self._requested.pop(micrograph.id, None)
            self._requested[micrograph.id] = micrograph
        self._pool.start(self._load_next)

    def get(self, micrograph: Micrograph) -> LoadedMicrograph | None:
        """Return a micrograph that is at hand, else None."""
        if self._keys.get(micrograph.id) != (micrograph.path, micrograph.sha256):
            return None
        kept = self._kept.get(micrograph.id)
        if kept is not None:
            self._kept.move_to_end(micrograph.id)
        return kept

    def thumbnail(self, micrograph: Micrograph) -> QImage | None:
        """Return the small picture, or None while it is being made; a null picture when the file cannot be read."""
        found = self._small.get(micrograph.id)
        if found is None and not self._closed and micrograph.id not in self._wanted_small:
            with self._guard:
                self._wanted_small[micrograph.id] = micrograph
            self._pool.start(self._load_next)
        return found

    def close(self) -> None:
        """End the loading; nothing comes after that."""
        self._closed = True
        with self._guard:
            self._requested.clear()
        self._pool.clear()
        self._pool.waitForDone()
        self._kept.clear()

    def _load_next(self) -> None:
        """Load what was asked for last, the whole micrographs before the small pictures (in the pool's thread)."""
        with self._guard:
            waiting = [m for i, m in self._wanted_small.items() if i not in self._small]
            asked = bool(self._requested)
            if not asked and not waiting:
                return
            micrograph = self._requested.popitem()[1] if asked else waiting[0]
        try:
            image = read_image(self._project.micrograph_file(micrograph))
            _check_size(micrograph, image)
            picture = build_picture(image.pixels, image.grey_low, image.grey_high)
        except PoreguiError as error:
            self._failed.emit(micrograph, error, asked)
            return
        with self._guard:
            self._small[micrograph.id] = picture.levels[-1].image.scaled(
                THUMBNAIL,
                THUMBNAIL,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self._read.emit(micrograph, LoadedMicrograph(image, picture), asked)

    def _keep(self, micrograph: Micrograph, read: LoadedMicrograph, asked: bool) -> None:
        self.thumbnail_ready.emit(micrograph.id)
        if not asked:
            return
        self._kept[micrograph.id] = read
        self._kept.move_to_end(micrograph.id)
        self._keys[micrograph.id] = (micrograph.path, micrograph.sha256)
        while len(self._kept) > 1 and (
            len(self._kept) > _KEPT or sum(one.nbytes for one in self._kept.values()) > _KEPT_BYTES
        ):
            self._kept.popitem(last=False)
        self.loaded.emit(micrograph.id, read.image)

    def _fail(self, micrograph: Micrograph, error: PoreguiError, asked: bool) -> None:
        self._small[micrograph.id] = QImage()
        self.thumbnail_ready.emit(micrograph.id)
        if asked:
            self.failed.emit(micrograph.id, error)


def _check_size(micrograph: Micrograph, image: Image) -> None:
    height, width = image.pixels.shape[:2]
    if (width, height) != (micrograph.width, micrograph.height):
        raise ImageError(
            f"{micrograph.name} is {width} x {height} px now, and was {micrograph.width} x {micrograph.height} px.",
            "Its crops would not fit: put the original file back. Labelling goes on without it.",
        )

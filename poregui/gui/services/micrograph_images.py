"""Open micrographs in the background."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.records import Micrograph, Plane
from poregui.gui.base.messages import messages
from poregui.gui.canvas.tile_layer import TileLayer, small_image
from poregui.gui.canvas.tile_reader import TileCache, TileReader
from poregui.gui.services.jobs import Background, TaskControl, TaskHandle
from poregui.store.files import Stamp, stamp_of
from poregui.store.project import Project
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.workflow.importing.image_identity import (
    OtherImage,
    check_same,
    forget_pyramids,
    kept_sizes,
    make_pyramid,
    pyramid_file,
)

THUMBNAIL = 96
"""Longer side in px of a micrograph's small image."""
_KEPT = 4
_KEPT_BYTES = 1500 * 2**20
_HELD_FIRST = 64 * 2**20
"""Bytes of a file up to which its content is held against the imported one before it is shown, else
beside it.
"""
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class LoadedMicrograph:
    """Hold a micrograph as the canvas draws it; `image` gives any part of its pixels."""

    tiles: TileLayer

    @property
    def image(self) -> Pyramid:
        """Return the image, of which any box can be read at once."""
        return self.tiles.pyramid

    @property
    def nbytes(self) -> int:
        """Return the memory in bytes, without tiles."""
        return self.tiles.nbytes


class MicrographImages(QObject):
    """Open micrographs: `loaded` (id, Pyramid) or `failed` (id, PoreguiError) answers.

    The last few are kept, and tiles of large ones up to the bound of `set_tile_megabytes`. What a
    large file lacks of smaller sizes is built once, where there is a `background`.
    `thumbnail_ready` carries the id of a micrograph whose small image has come. Call `close`
    before the project closes.
    """

    loaded = Signal(int, object)
    failed = Signal(int, object)
    thumbnail_ready = Signal(int)
    _read = Signal(object, object, object, object)
    _failed = Signal(object, object, object)
    _replaced = Signal(object, object)

    def __init__(
        self,
        project: Project,
        parent: QObject | None = None,
        *,
        background: Background | None = None,
    ) -> None:
        super().__init__(parent)
        self._tiles = TileCache()
        self._project = project
        self._background = background
        self._reader = TileReader(self)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._kept: OrderedDict[int, LoadedMicrograph] = OrderedDict()
        self._keys: dict[int, _Key] = {}
        self._verifier = QThreadPool(self)
        self._verifier.setMaxThreadCount(1)
        self._stamps: dict[int, Stamp | None] = {}
        self._building: dict[_Key, TaskHandle] = {}
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._small: dict[int, QImage] = {}
        self._requested: dict[int, Micrograph] = {}
        self._wanted_small: dict[int, Micrograph] = {}
        self._guard = threading.Lock()
        self._closed = False
        self._read.connect(self._keep, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self._fail, Qt.ConnectionType.QueuedConnection)
        self._replaced.connect(self._forget, Qt.ConnectionType.QueuedConnection)
        if not project.read_only:
            self._pool.start(partial(forget_pyramids, project.folder, project.micrographs()))

    def set_tile_megabytes(self, megabytes: int) -> None:
        """Bound the memory that the tiles of large micrographs take."""
        self._tiles.most_bytes = megabytes * 2**20

    def request(self, micrograph: Micrograph) -> None:
        """Ask for a micrograph; `loaded` comes at once when it is at hand, `failed` when its file
        cannot be read.
        """
        kept = self.get(micrograph)
        if kept is not None and self._stamps.get(micrograph.id) != _stamp(
            self._project.micrograph_file(micrograph)
        ):
            self._drop(micrograph.id)
            kept = None
        if kept is not None:
            self._complete(micrograph, kept)
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
        if self._keys.get(micrograph.id) != _key(micrograph):
            return None
        kept = self._kept.get(micrograph.id)
        if kept is not None:
            self._kept.move_to_end(micrograph.id)
        return kept

    def thumbnail(self, micrograph: Micrograph) -> QImage | None:
        """Return the small image, or None while it is being made; a null image when the file
        cannot be read.
        """
        wanted = self._wanted_small.get(micrograph.id)
        if wanted is not None and _key(wanted) != _key(micrograph):
            with self._guard:
                self._wanted_small.pop(micrograph.id)
                self._small.pop(micrograph.id, None)
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
        for pool in (self._pool, self._verifier):
            pool.clear()
            pool.waitForDone()
        self._reader.close()
        for kept in self._kept.values():
            kept.tiles.close()
        self._kept.clear()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    # ---- opening ----------------------------------------------------------------------------

    def _load_next(self) -> None:
        """Load what was asked for last, the whole micrographs before the small images (in the
        pool's thread).
        """
        with self._guard:
            waiting = [m for i, m in self._wanted_small.items() if i not in self._small]
            asked = bool(self._requested)
            if not asked and not waiting:
                return
            if asked:
                micrograph = self._requested.popitem()[1]
            else:
                micrograph = waiting[0]
        try:
            pyramid = self._open(micrograph)
            overview = pyramid.overview()
        except PoreguiError as error:
            self._failed.emit(micrograph, error, asked)
            return
        with self._guard:
            self._small[micrograph.id] = small_image(pyramid, overview).scaled(
                THUMBNAIL,
                THUMBNAIL,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self._read.emit(micrograph, pyramid if asked else None, overview, asked)

    def _open(self, micrograph: Micrograph) -> Pyramid:
        file = self._project.micrograph_file(micrograph)
        plane = Plane.parse(micrograph.plane)
        pyramid = open_pyramid(file, kept_sizes(self._sizes_folder(), micrograph), plane)
        if (pyramid.width, pyramid.height) != (micrograph.width, micrograph.height):
            pyramid.close()
            raise ImageError(
                f"{micrograph.shown_name} is {pyramid.width} x {pyramid.height} px now, and was "
                f"{micrograph.width} x {micrograph.height} px.",
                "Its crops would not fit. Restore the original file; labelling continues without "
                "it.",
            )
        try:
            if stamp_of(file)[0] <= _HELD_FIRST:
                check_same(micrograph, file, self._cache_folder)
        except PoreguiError:
            pyramid.close()
            raise
        return pyramid

    @property
    def _cache_folder(self) -> Path | None:
        """Return the project's folder where something may be remembered in its cache."""
        if self._project.read_only:
            return None
        return self._project.folder

    def _verify(self, micrograph: Micrograph, file: Path) -> None:
        """Hold a file against the image that was imported, in a thread beside that which loads
        others.

        Small ones were held against it before, which is remembered.
        """
        try:
            check_same(micrograph, file, self._cache_folder)
        except OtherImage as error:
            self._replaced.emit(micrograph, error)
        except PoreguiError:
            return  # it cannot be read any more, which showing it says

    def _forget(self, micrograph: Micrograph, error: PoreguiError) -> None:
        """Take a micrograph away that was shown before it was known to be another image."""
        if self._keys.get(micrograph.id) == _key(micrograph):
            self._drop(micrograph.id)
            self._fail(micrograph, error, asked=True)

    def _drop(self, micrograph_id: int) -> None:
        self._kept.pop(micrograph_id, None)
        self._keys.pop(micrograph_id, None)

    def _sizes_folder(self) -> Path:
        """Return below which folder smaller sizes are kept: one of this window for a project that
        may not be written.
        """
        with self._guard:
            if self._project.read_only and self._own_folder is None:
                self._own_folder = tempfile.TemporaryDirectory(
                    prefix="poregui-", ignore_cleanup_errors=True
                )
        own = self._own_folder
        return Path(own.name) if own is not None else self._project.folder

    def _keep(
        self, micrograph: Micrograph, pyramid: Pyramid | None, overview: NDArray[Any], asked: bool
    ) -> None:
        self.thumbnail_ready.emit(micrograph.id)
        if not asked or pyramid is None or self._closed:
            return
        read = LoadedMicrograph(TileLayer(pyramid, overview, self._tiles, self._reader))
        read.tiles.troubled.connect(messages().note)
        self._kept[micrograph.id] = read
        self._kept.move_to_end(micrograph.id)
        self._keys[micrograph.id] = _key(micrograph)
        file = self._project.micrograph_file(micrograph)
        self._stamps[micrograph.id] = _stamp(file)
        self._verifier.start(partial(self._verify, micrograph, file))
        while len(self._kept) > 1 and (
            len(self._kept) > _KEPT or sum(one.nbytes for one in self._kept.values()) > _KEPT_BYTES
        ):
            self._kept.popitem(last=False)
        self._complete(micrograph, read)
        self.loaded.emit(micrograph.id, read.image)

    def _fail(self, micrograph: Micrograph, error: PoreguiError, asked: bool) -> None:
        self._small[micrograph.id] = QImage()
        self.thumbnail_ready.emit(micrograph.id)
        if asked:
            self.failed.emit(micrograph.id, error)

    # ---- the sizes that a large file lacks --------------------------------------------------

    def _complete(self, micrograph: Micrograph, read: LoadedMicrograph) -> None:
        """Build the sizes that a large file lacks, and show the micrograph from them once they are
        there.
        """
        source = read.image
        if source.is_complete or self._background is None or _key(micrograph) in self._building:
            return
        file = self._project.micrograph_file(micrograph)
        kept = pyramid_file(self._sizes_folder(), micrograph)

        def build(control: TaskControl) -> tuple[Pyramid, NDArray[Any]]:
            message = f"Preparing {micrograph.shown_name}"
            make_pyramid(
                source, file, kept, lambda done, total: control.progress(done, total, message)
            )
            pyramid = self._open(micrograph)
            return pyramid, pyramid.overview()

        def show(built: tuple[Pyramid, NDArray[Any]]) -> None:
            if not self._closed and built[0].is_complete:
                read.tiles.exchange(*built)

        def ended(handle: object) -> None:
            if handle is self._building.get(_key(micrograph)) and self._background is not None:
                del self._building[_key(micrograph)]
                self._background.finished.disconnect(ended)

        self._background.finished.connect(ended)
        self._building[_key(micrograph)] = self._background.run(
            f"Preparing {micrograph.shown_name}", build, show
        )


def _stamp(file: Path) -> Stamp | None:
    try:
        return stamp_of(file)
    except ImageError:
        return None


def _key(micrograph: Micrograph) -> _Key:
    """Return what tells one image from another."""
    return micrograph.path, micrograph.sha256, micrograph.plane

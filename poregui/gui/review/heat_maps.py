"""Compute heat maps beside the window and lay them over the images of a list."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QAbstractButton

from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import PoreguiError
from poregui.gui.base.feature import Feature
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.plots.heat_map import evidence_for, heat_image
from poregui.gui.review.review_state import ReviewState
from poregui.gui.services.jobs import Background, TaskControl, TaskHandle
from poregui.store.pixels import CropPixels
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop

_MAPS_KEPT = 200
_AT_ONCE = 10
"""Crops whose maps come together, so that a page fills in steps."""

_NO_PIXELS = "No heat map: the preset shape classifies by size and shape, not by pixels."


class HeatMaps(QObject):
    """Ask the network of one run in the background; of single crops the last one asked for, of
    pages all.

    `ready` carries a crop id and its (classes, height, width) maps, `failed` a crop id and a
    PoreguiError.
    """

    ready = Signal(int, object)
    failed = Signal(int, object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._run: RunFolder | None = None
        self._predictor: Predictor | None = None
        self._wanted: list[DatasetCrop] = []
        self._handle: TaskHandle | None = None
        self._kept: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        background.finished.connect(self._ended)

    def set_run(self, run: RunFolder | None) -> None:
        """Ask the network of this run from now on."""
        self._run = run
        self._predictor = None
        self._wanted = []
        self._kept.clear()

    def why_none(self) -> str:
        """Say why the run has no heat maps; empty when its network has them."""
        if self._run is None:
            return ""
        try:
            if self._run.read_recipe().preset == "shape":
                return _NO_PIXELS
            if self._run.has_network:
                return ""
            Predictor(self._run)
        except PoreguiError as error:
            return f"No heat map: {error}"
        return ""

    def request(self, crop: DatasetCrop) -> None:
        """Ask for the maps of a crop and of no other any more; those at hand come at once."""
        self._wanted = []
        self.request_all([crop])

    def request_all(self, crops: Sequence[DatasetCrop]) -> None:
        """Ask for the maps of crops; those at hand come at once."""
        for crop in crops:
            kept = self._kept.get(crop.crop_id)
            if kept is not None:
                self.ready.emit(crop.crop_id, kept)
            else:
                self._wanted.append(crop)
        self._next()

    def _next(self) -> None:
        if self._handle is not None or not self._wanted or self._run is None:
            return
        crops = self._wanted[:_AT_ONCE]
        run = self._run
        predictor = self._predictor
        self._wanted = self._wanted[_AT_ONCE:]

        def work(_control: TaskControl) -> tuple[Predictor, list[NDArray[np.float32]]]:
            if predictor is not None:
                network = predictor
            else:
                network = Predictor(run, threads=1)
            pixels = run.read_crops(crops)
            scaled = [
                ScaledCrop(
                    CropPixels(array, crop.grey_low, crop.grey_high),
                    crop.um_per_px,
                    None if crop.outline is None else crop.outline.points,
                )
                for crop, array in zip(crops, pixels, strict=True)
            ]
            return network, [network.activation_maps(one) for one in scaled]

        def done(answer: tuple[Predictor, list[NDArray[np.float32]]]) -> None:
            self._handle = None
            if run is self._run:
                self._predictor, maps = answer
                for crop, one in zip(crops, maps, strict=True):
                    self._keep(crop.crop_id, one)
            self._next()

        def failed(error: PoreguiError) -> None:
            self._handle = None
            if run is self._run:
                self._wanted = []
                self.failed.emit(crops[0].crop_id, error)
            self._next()

        self._handle = self._background.run("Computing heat maps", work, done, failed)

    def _ended(self, handle: TaskHandle) -> None:
        if handle is self._handle and handle.cancelled:  # nobody hears of its result
            self._handle = None

    def _keep(self, crop_id: int, maps: NDArray[np.float32]) -> None:
        self._kept[crop_id] = maps
        while len(self._kept) > _MAPS_KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(crop_id, maps)


_IMAGES_KEPT = 400


class GridHeat(Feature):
    """Give images with heat maps while they are wanted; the maps of what is seen are asked for
    together.
    """

    def __init__(
        self,
        switch: QAbstractButton,
        grids: Sequence[CropGrid],
        state: ReviewState,
        background: Background,
        plain: Callable[[int], QImage | None],
    ) -> None:
        super().__init__(state)
        self._switch = switch
        self._grids = grids
        self._state = state
        self._plain = plain
        self._maps = HeatMaps(background, self)
        self._on = False
        self._made: OrderedDict[int, QImage] = OrderedDict()
        self._wanted: dict[int, None] = {}
        self._soon = QTimer(self, interval=30, singleShot=True)
        self._soon.timeout.connect(self._ask)
        self._maps.ready.connect(self._ready)
        self._maps.failed.connect(self._forget_wanted)
        self.link(switch.toggled, self.switch)

    def _forget_wanted(self) -> None:
        self._wanted.clear()

    def set_run(self, run: RunFolder | None) -> None:
        """Use the network of another run."""
        self._soon.stop()
        self._made.clear()
        self._wanted.clear()
        self._maps.set_run(run)
        has_network = run is not None and not self._maps.why_none()
        self._switch.setEnabled(has_network)

    def image(self, crop_id: int) -> QImage | None:
        """Return the image of a crop, with its heat map where it is wanted and at hand."""
        plain = self._plain(crop_id)
        run = self._state.run
        if not self._on or plain is None or run is None or crop_id not in run.frozen:
            return plain
        made = self._made.get(crop_id)
        if made is not None:
            return made
        if self._switch.isEnabled():
            self._wanted[crop_id] = None
            if not self._soon.isActive():
                self._soon.start()
        return plain

    def switch(self, on: bool) -> None:
        """Show heat maps, or plain images."""
        self._on = on
        for grid in self._grids:
            grid.viewport().update()

    def _ask(self) -> None:
        run = self._state.run
        wanted = list(self._wanted)
        self._wanted.clear()
        if run is not None:
            self._maps.request_all(
                [run.frozen[crop_id] for crop_id in wanted if crop_id in run.frozen]
            )

    def _ready(self, crop_id: int, maps: NDArray[np.float32]) -> None:
        row = self._state.row(crop_id)
        predictions = self._state.predictions
        plain = self._plain(crop_id)
        if row is None or predictions is None or plain is None or plain.isNull():
            return
        image = plain.convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        predicted = int(predictions.predicted[row])
        painter.drawImage(QRectF(image.rect()), heat_image(evidence_for(maps, predicted)))
        painter.end()
        self._made[crop_id] = image
        while len(self._made) > _IMAGES_KEPT:
            self._made.popitem(last=False)
        for grid in self._grids:
            grid.image_ready(crop_id)

"""Lay heat maps over the small pictures of a list; changes with how a list shows what a network looks at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, QTimer
from PySide6.QtGui import QImage, QPainter

from poregui.gui.review.heat_maps import HeatMaps
from poregui.gui.review.panel_presenter import Surroundings
from poregui.gui.widgets.heat_map import evidence_for, heat_image
from poregui.store.run_folder import RunFolder

_KEPT = 400


class GridHeat(QObject):
    """Give pictures with heat maps while they are wanted; the maps of what is seen are asked for together."""

    def __init__(self, around: Surroundings, plain: Callable[[int], QImage | None]) -> None:
        super().__init__(around.owner)
        self._around = around
        self._plain = plain
        self._maps = HeatMaps(around.services.background, self)
        self._on = False
        self._made: OrderedDict[int, QImage] = OrderedDict()
        self._wanted: dict[int, None] = {}
        self._soon = QTimer(self, interval=30, singleShot=True)
        self._soon.timeout.connect(self._ask)
        self._maps.ready.connect(self._ready)
        self._maps.failed.connect(lambda _crop_id, _error: self._wanted.clear())

    def set_run(self, run: RunFolder | None) -> None:
        """Use the network of another run."""
        self._soon.stop()
        self._made.clear()
        self._wanted.clear()
        self._maps.set_run(run)
        has_network = run is not None and not self._maps.why_none()
        self._around.page.crops.grid_heat_button.setEnabled(has_network)

    def image(self, crop_id: int) -> QImage | None:
        """Return the picture of a crop, with its heat map where it is wanted and at hand."""
        plain = self._plain(crop_id)
        run = self._around.desk.run
        if not self._on or plain is None or run is None or crop_id not in run.frozen:
            return plain
        made = self._made.get(crop_id)
        if made is not None:
            return made
        if self._around.page.crops.grid_heat_button.isEnabled():
            self._wanted[crop_id] = None
            if not self._soon.isActive():
                self._soon.start()
        return plain

    def switch(self, on: bool) -> None:
        """Show heat maps, or plain pictures."""
        self._on = on
        for grid in self._around.page.grids:
            grid.viewport().update()

    def _ask(self) -> None:
        run, wanted = self._around.desk.run, list(self._wanted)
        self._wanted.clear()
        if run is not None:
            self._maps.request_all([run.frozen[crop_id] for crop_id in wanted if crop_id in run.frozen])

    def _ready(self, crop_id: int, maps: NDArray[np.float32]) -> None:
        judged, plain = self._around.desk.judged.get(crop_id), self._plain(crop_id)
        if judged is None or plain is None or plain.isNull():
            return
        picture = plain.convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(picture.rect()), heat_image(evidence_for(maps, judged.prediction.index)))
        painter.end()
        self._made[crop_id] = picture
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
        for grid in self._around.page.grids:
            grid.picture_ready(crop_id)

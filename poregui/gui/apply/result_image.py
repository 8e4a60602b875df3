"""Draw the chosen micrograph with its pores as they are answered now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from poregui.domain.classes import UNSURE_COLOUR
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.tile_layer import layer_of
from poregui.gui.services.page_services import Services
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.study import AppliedField, FieldImage

_FRAME = "#ffffff"
_MARGIN = 12
Drawn = tuple["ResultImage", FieldImage | None, NDArray[np.uint8] | None]


@dataclass(frozen=True, eq=False)
class ResultImage:
    """Hold what is drawn: a micrograph with its pores at the confidence `min_confidence`."""

    field: AppliedField
    model: AppliedModel
    min_confidence: float

    @property
    def shown(self) -> tuple[Path, str]:
        """Return what tells its image from every other one: where it lies, and what it is of."""
        return self.field.task.folder, self.field.result.fingerprint

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Return colour and text of each kind of outline that is drawn; white is the frame of
        unusual pores.
        """
        classes, left, unusual = self.field.pores.drawn_kinds(self.min_confidence)
        colours = self.model.colours
        rows = [(colours[index], self.model.classes[index]) for index in sorted(classes)]
        if left:
            rows.append((UNSURE_COLOUR, "Unclassified"))
        if unusual:
            rows.append((_FRAME, "Unusual (in a frame)"))
        return rows


class ImageFlow:
    """Draw the newest image that was asked for beside the window, and what was asked for
    meanwhile after it.
    """

    def __init__(self, canvas: ImageCanvas, services: Services) -> None:
        self._canvas = canvas
        self.legend: list[tuple[str, str]] = []
        self._services = services
        self._wanted: ResultImage | None = None
        self._working = False
        self._there: tuple[tuple[Path, str], FieldImage] | None = None
        self._on_canvas: tuple[Path, str] | None = None

    def start(self) -> None:
        """Draw the legend over the canvas."""
        self._canvas.add_overlay(self._draw_legend)

    def stop(self) -> None:
        """Leave the canvas to another project."""
        self.forget()
        self._canvas.remove_overlay(self._draw_legend)

    def show(self, wanted: ResultImage) -> None:
        """Draw a micrograph; the same one again keeps its place on the canvas."""
        self._wanted = wanted
        if not self._working:
            self._draw(wanted)

    def forget(self, text: str = "") -> None:
        """Show words in the place of an image, and none that was asked for before."""
        self._wanted = self._there = self._on_canvas = None
        self._canvas.show_message(text)

    def set_legend(self, rows: list[tuple[str, str]]) -> None:
        """Name these colours over the image: colour and text of each."""
        self.legend = rows
        self._canvas.update()

    def _draw(self, wanted: ResultImage) -> None:
        there = None
        if self._there is not None and self._there[0] == wanted.shown:
            there = self._there[1]

        def work(_control: object) -> Drawn:
            image = there or wanted.field.image()
            if image is None:
                return wanted, None, None
            drawn = image.of_table(wanted.field.pores, wanted.model.colours, wanted.min_confidence)
            return wanted, image, np.ascontiguousarray(drawn[..., ::-1])

        self._working = True
        self._services.background.run("Drawing pores", work, self._take)

    def _take(self, found: Drawn) -> None:
        shown, image, pixels = found
        self._working = False
        wanted = self._wanted
        if wanted is None:
            return
        if wanted.shown == shown.shown:
            self._put(shown, image, pixels)
        if wanted is not shown:
            self._draw(wanted)

    def _put(
        self,
        drawn: ResultImage,
        image: FieldImage | None,
        pixels: NDArray[np.uint8] | None,
    ) -> None:
        shown = drawn.shown
        if image is None or pixels is None:
            self._on_canvas = None
            self._canvas.show_message(
                "The image of this micrograph is missing. Find its pores again."
            )
            return
        self._there = (shown, image)
        before = self._canvas.view if self._on_canvas == shown else None
        self.set_legend(drawn.legend)
        scale = drawn.field.result.um_per_px
        if scale is not None:
            scale *= drawn.field.result.width / pixels.shape[1]
        self._canvas.set_tiles(layer_of(pixels), um_per_px=scale, editable=False)
        if (
            before is not None
            and before.scale != CanvasView.fitted(before.size, before.window).scale
        ):
            self._canvas.zoom(1.0, before)
        self._on_canvas = shown

    def _draw_legend(self, painter: QPainter, _view: CanvasView) -> None:
        if not self.legend:
            return
        line = painter.fontMetrics().height() + 4
        widest = max(painter.fontMetrics().horizontalAdvance(text) for _, text in self.legend)
        plate = QRectF(_MARGIN, _MARGIN, widest + 38, line * len(self.legend) + 8)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(plate, 3, 3)
        for index, (colour, text) in enumerate(self.legend):
            top = plate.top() + 4 + index * line
            painter.fillRect(QRectF(plate.left() + 8, top + line / 2 - 2, 14, 4), QColor(colour))
            painter.setPen(QColor(_FRAME))
            box = QRectF(plate.left() + 30, top, widest + 4, line)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()

"""Show one crop large in its surroundings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.gui.base.theme import theme
from poregui.gui.canvas.canvas_view import draw_scale_bar, to_qimage
from poregui.gui.canvas.outline_layer import BRIGHT, draw_current
from poregui.vision.io.pyramid import Pyramid

_SURROUNDINGS = 2.2
"""How many times its longer side a crop's surroundings are wide."""
_FEWEST_PX = 48
_MOST_PX = 1024
"""Longer side in px of what is read; of a larger part a coarser size is."""
_TALLEST = 1.25
"""The height of the view over its width at most."""


class ContextView(QWidget):
    """Draw the part of a micrograph around a crop with the crop outlined, or the crop alone where
    there is none.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("context_view")
        self.setAccessibleName("Current crop in its surroundings")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(96, 76)
        self._image = self._crop = QImage()
        self._source: tuple[Pyramid, Box] | None = None
        self._outline: QRectF | None = None
        self._line: NDArray[np.float64] | None = None
        self._around: Box | None = None
        self._colour = QColor("#ffffff")
        self._um_per_px: float | None = None
        self._shrinks = 1.0
        self._empty_text = "No crop selected"
        theme().changed.connect(self.update)

    def set_surroundings(
        self, image: Pyramid | None, box: Box | None, crop: QImage, um_per_px: float | None
    ) -> None:
        """Show `box` of a micrograph in its surroundings; without micrograph or
        box, `crop` alone.
        """
        self._um_per_px = um_per_px
        self._crop = crop
        if image is not None and box is not None:
            self._source = (image, box)
        else:
            self._source = None
        self._cut()
        self.update()

    def set_line(self, points: NDArray[Any] | None) -> None:
        """Draw the outline of the pore, (N, 2) in px of the micrograph; None for none."""
        self._line = None if points is None else np.asarray(points, np.float64)
        self.update()

    def set_outline_colour(self, colour: str) -> None:
        """Outline the crop in the colour of its class (`#rrggbb`)."""
        self._colour = QColor(colour)
        self.update()

    def clear(self, text: str = "No crop selected") -> None:
        """Show nothing but a sentence."""
        self._image = self._crop = QImage()
        self._source = self._outline = self._line = None
        self._empty_text = text
        self.update()

    def _cut(self) -> None:
        """Cut what the widget has room for, so that no border is left."""
        self._image = self._crop
        self._outline = None
        self._around = None
        self._shrinks = 1.0
        if self._source is None:
            return
        image, box = self._source
        scale = max(_FEWEST_PX, max(box.width, box.height) * _SURROUNDINGS) / min(
            self.width(), self.height()
        )
        wide = max(1, round(self.width() * scale))
        high = max(1, round(self.height() * scale))
        x, y = box.centre
        around = Box(round(x - wide / 2), round(y - high / 2), wide, high).moved_inside(
            image.width, image.height
        )
        try:
            pixels = image.seen(around, _MOST_PX)
        except PoreguiError:  # a damaged file; the crop itself is kept
            return
        self._image = to_qimage(pixels, image.grey_low, image.grey_high)
        self._around = around
        self._shrinks = around.width / pixels.shape[1]
        across = pixels.shape[1] / around.width
        down = pixels.shape[0] / around.height
        self._outline = QRectF(
            (box.x - around.x) * across,
            (box.y - around.y) * down,
            box.width * across,
            box.height * down,
        )

    def sizeHint(self) -> QSize:
        return QSize(240, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.setMaximumHeight(max(self.minimumHeight(), round(self.width() * _TALLEST)))
        self._cut()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, QColor(theme().tokens.canvas))
        if self._image.isNull():
            painter.setPen(QColor(theme().tokens.muted))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(area.adjusted(12, 12, -12, -12), flags, self._empty_text)
            return
        scale = min(area.width() / self._image.width(), area.height() / self._image.height())
        wide = self._image.width() * scale
        high = self._image.height() * scale
        target = QRectF((area.width() - wide) / 2, (area.height() - high) / 2, wide, high)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 6)
        painter.drawImage(target, self._image)
        if self._outline is not None:
            self._draw_outline(painter, target, scale)
        if self._line is not None and self._around is not None:
            corner = np.array([self._around.x, self._around.y])
            points = (self._line - corner) * (scale / self._shrinks) + (target.x(), target.y())
            line = QPolygonF([QPointF(x, y) for x, y in points.tolist()])
            bright = BRIGHT if self._colour == QColor("#ffffff") else self._colour
            draw_current(painter, line, bright)
        if self._um_per_px:
            draw_scale_bar(painter, target, self._um_per_px * self._shrinks / scale)

    def _draw_outline(self, painter: QPainter, target: QRectF, scale: float) -> None:
        o = self._outline
        assert o is not None
        frame = QRectF(
            target.x() + o.x() * scale,
            target.y() + o.y() * scale,
            o.width() * scale,
            o.height() * scale,
        )
        painter.setPen(QPen(QColor(0, 0, 0, 120), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(self._colour, 1.5))
        painter.drawRect(frame)

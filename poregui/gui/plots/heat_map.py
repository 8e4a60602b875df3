"""Draw one crop large, with what speaks for a class laid over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.theme import scaled_font, theme
from poregui.gui.canvas.canvas_view import draw_scale_bar
from poregui.gui.plots.colour_scales import heat_table

_LEGEND = 8
_LEGEND_WIDTH = 48
_TALLEST = 1.1
"""The height of the view over its width at most."""
_SMOOTH_BELOW = 6
"""Screen px per px of the crop above which its px are shown as they are."""


class HeatMapView(QWidget):
    """Show a crop in its proportions and, when there is one, a heat map over it with its legend."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("heat_map")
        self.setAccessibleName("Chosen crop")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self._crop = QImage()
        self._heat = QImage()
        self._um_per_px: float | None = None
        self._empty_text = "No crop chosen"
        theme().changed.connect(self.update)

    def set_crop(self, crop: QImage, um_per_px: float | None) -> None:
        """Show a crop without a heat map."""
        self._crop = crop
        self._heat = QImage()
        self._um_per_px = um_per_px
        self._empty_text = "The pixels of this crop are missing."
        self.setAccessibleDescription("")
        self.update()

    def set_heat(self, values: NDArray[np.float32] | None, what: str = "") -> None:
        """Lay (height, width) values from 0 to 1 over the crop; None takes the map away.

        `what` says it in words.
        """
        self._heat = QImage() if values is None else heat_image(values)
        self.setAccessibleDescription(what)
        self.update()

    @property
    def has_heat(self) -> bool:
        """Tell whether a heat map is drawn."""
        return not self._heat.isNull()

    def clear(self, text: str = "No crop chosen") -> None:
        """Show nothing but a sentence."""
        self._crop = QImage()
        self._heat = QImage()
        self._empty_text = text
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.setMaximumHeight(max(self.minimumHeight(), round(self.width() * _TALLEST)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        painter.fillRect(area, QColor(theme().tokens.canvas))
        if self._crop.isNull():
            painter.setPen(QColor(theme().tokens.muted))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(area.adjusted(12, 12, -12, -12), flags, self._empty_text)
            return
        scale = min(area.width() / self._crop.width(), area.height() / self._crop.height())
        wide = self._crop.width() * scale
        high = self._crop.height() * scale
        target = QRectF((area.width() - wide) / 2, (area.height() - high) / 2, wide, high)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < _SMOOTH_BELOW)
        painter.drawImage(target, self._crop)
        if not self._heat.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, self._heat)
            self._paint_legend(painter, area)
        if self._um_per_px:
            draw_scale_bar(painter, target, self._um_per_px / scale)

    def _paint_legend(self, painter: QPainter, area: QRectF) -> None:
        """Draw from little to much in the upper left corner, on a ground of its own."""
        painter.setFont(scaled_font(self.font(), 0.8))
        metrics = painter.fontMetrics()
        left = metrics.horizontalAdvance("little")
        right = metrics.horizontalAdvance("much")
        high = metrics.height() + 6
        ground = QRectF(area.left() + 6, area.top() + 6, left + _LEGEND_WIDTH + right + 24, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(ground, 3, 3)
        bar = QRectF(
            ground.left() + left + 12, ground.center().y() - _LEGEND / 2, _LEGEND_WIDTH, _LEGEND
        )
        strip = np.ascontiguousarray(heat_table()[None, :, :3])
        painter.drawImage(bar, QImage(strip.data, 256, 1, 256 * 3, QImage.Format.Format_RGB888))
        painter.setPen(QColor("#ffffff"))
        middle = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(ground.left() + 6, ground.top(), left + 4, high), middle, "low")
        painter.drawText(QRectF(bar.right() + 6, ground.top(), right + 4, high), middle, "high")
        painter.setFont(self.font())


def evidence_for(maps: NDArray[np.float32], index: int) -> NDArray[np.float32]:
    """Return what speaks for one class, (height, width) from 0 to 1, of the (classes, height,
    width) maps of a crop.

    The greatest value that any class reaches in this crop is 1, so that maps of one crop compare;
    what speaks against the class is 0.
    """
    greatest = float(maps.max(initial=0.0))
    if greatest <= 0:
        return np.zeros(maps.shape[1:], np.float32)
    return np.clip(maps[index] / greatest, 0.0, 1.0).astype(np.float32)


def heat_image(values: NDArray[np.float32]) -> QImage:
    """Return (height, width) values from 0 to 1 as an image, clear where there is nothing."""
    levels = np.clip(np.rint(np.nan_to_num(values) * 255), 0, 255).astype(np.uint8)
    pixels = np.ascontiguousarray(heat_table()[levels])
    height, width = levels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()

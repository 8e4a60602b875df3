"""Map pixels of an image to the screen, turn arrays into images, draw scale bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter

from poregui.domain.geometry import Box
from poregui.domain.measurement import length_text, nice_length

MOST_ENLARGED = 64.0
_EDGE = 16.0
"""Screen px left free around an image that is fitted."""


@dataclass(frozen=True)
class CanvasView:
    """Hold what of an image of `size` px is seen: `scale` screen px per px, `centre` in the middle
    of `window`.
    """

    size: QSizeF
    window: QSizeF
    scale: float
    centre: QPointF

    @staticmethod
    def fitted(size: QSizeF, window: QSizeF) -> CanvasView:
        """Return the view that shows the whole image."""
        scale = min(
            max(window.width() - _EDGE, 1) / max(size.width(), 1),
            max(window.height() - _EDGE, 1) / max(size.height(), 1),
            MOST_ENLARGED / 4,
        )
        return CanvasView(size, window, scale, QPointF(size.width() / 2, size.height() / 2))

    def to_image(self, point: QPointF) -> QPointF:
        """Return the image px under a point of the screen."""
        return QPointF(
            (point.x() - self.window.width() / 2) / self.scale + self.centre.x(),
            (point.y() - self.window.height() / 2) / self.scale + self.centre.y(),
        )

    def to_screen(self, box: Box | QRectF) -> QRectF:
        """Return where a box of the image lies on the screen."""
        if isinstance(box, Box):
            box = QRectF(box.x, box.y, box.width, box.height)
        return QRectF(
            (box.x() - self.centre.x()) * self.scale + self.window.width() / 2,
            (box.y() - self.centre.y()) * self.scale + self.window.height() / 2,
            box.width() * self.scale,
            box.height() * self.scale,
        )

    def visible(self) -> QRectF:
        """Return the part of the image, in its px, that is seen."""
        corner = self.to_image(QPointF(0, 0))
        seen = QRectF(
            corner, QSizeF(self.window.width() / self.scale, self.window.height() / self.scale)
        )
        return seen.intersected(QRectF(QPointF(0, 0), self.size))

    def zoomed(self, factor: float, under: QPointF) -> CanvasView:
        """Return the view enlarged by `factor` in which the same image px stays under a point of
        the screen.
        """
        minimum = min(CanvasView.fitted(self.size, self.window).scale * 0.5, 1.0)
        scale = min(max(self.scale * factor, minimum), MOST_ENLARGED)
        fixed = self.to_image(under)
        centre = QPointF(
            fixed.x() - (under.x() - self.window.width() / 2) / scale,
            fixed.y() - (under.y() - self.window.height() / 2) / scale,
        )
        return CanvasView(self.size, self.window, scale, centre).kept_in()

    def panned(self, by: QPointF) -> CanvasView:
        """Return the view after the image was dragged by some screen px."""
        return self.at(self.centre - by / self.scale)

    def at(self, centre: QPointF) -> CanvasView:
        """Return the view with another px of the image in the middle."""
        return CanvasView(self.size, self.window, self.scale, centre).kept_in()

    def resized(self, window: QSizeF) -> CanvasView:
        """Return the view in a window of another size."""
        return CanvasView(self.size, window, self.scale, self.centre).kept_in()

    def kept_in(self) -> CanvasView:
        """Return the view whose middle lies on the image."""
        centre = QPointF(
            min(max(self.centre.x(), 0.0), self.size.width()),
            min(max(self.centre.y(), 0.0), self.size.height()),
        )
        return CanvasView(self.size, self.window, self.scale, centre)


class CanvasTool(QObject):
    """Take left-button gestures in px of the image, draw above the image, say `done` to give the
    pointer back.

    Wheel, middle button and Space+drag stay the canvas's. `hint` is shown above the image while
    the tool is active. Escape cancels. `changed` asks for a repaint.
    """

    changed = Signal()
    done = Signal()
    hint = ""
    cursor = Qt.CursorShape.CrossCursor

    def press(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Begin a gesture at a point of the image (px)."""

    def move(self, at: QPointF, *, pressed: bool) -> None:
        """Follow the pointer, with or without the button."""

    def release(self, at: QPointF) -> None:
        """End a gesture."""

    def key(self, event: QKeyEvent) -> bool:
        """Take a key and tell whether it was one of the tool's."""
        return False

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        """Draw above image and boxes, in screen px."""

    def cancel(self) -> None:
        """Forget what was begun."""


_STRIP = 256
"""Rows that are mapped at once, so that the window's thread is let in between."""


def to_eight_bits(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return (H, W) or (H, W, 3) uint8 where `low` became 0 and `high` became 255.

    An uint8 array whose range is the full one comes back as it is.
    """
    if array.dtype == np.uint8 and low <= 0 and high >= 255:
        return np.ascontiguousarray(array)
    table = _table(array.dtype.itemsize * 8, float(low), float(high))
    mapped = np.empty(array.shape, np.uint8)
    for top in range(0, len(array), _STRIP):
        mapped[top : top + _STRIP] = table[array[top : top + _STRIP]]
    return mapped


@lru_cache(maxsize=16)
def _table(bits: int, low: float, high: float) -> NDArray[np.uint8]:
    values = (np.arange(2**bits, dtype=np.float32) - low) * (255 / max(high - low, 1e-9))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_qimage(array: NDArray[Any], low: float = 0, high: float = 255) -> QImage:
    """Return an image of its own of (H, W) or (H, W, 3) uint8 or uint16 values, `low` black and
    `high` white.
    """
    return _wrapped(to_eight_bits(array, low, high)).copy()


def _wrapped(array: NDArray[np.uint8]) -> QImage:
    height, width = array.shape[:2]
    if array.ndim == 2:
        form = QImage.Format.Format_Grayscale8
    else:
        form = QImage.Format.Format_RGB888
    return QImage(array.data, width, height, array.strides[0], form)


_MARGIN = 12


def draw_scale_bar(painter: QPainter, area: QRectF, um_per_screen_px: float) -> None:
    """Draw a bar of at most a quarter of `area` into its lower left corner,
    white on a dark plate.
    """
    length = nice_length(max(40.0, min(area.width() / 4, 160.0)) * um_per_screen_px)
    wide = length / um_per_screen_px
    text = length_text(length)
    metrics = painter.fontMetrics()
    plate_width = max(wide, metrics.horizontalAdvance(text)) + 16
    plate_height = metrics.height() + 14
    plate = QRectF(
        area.left() + _MARGIN, area.bottom() - _MARGIN - plate_height, plate_width, plate_height
    )
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(QColor("#ffffff"))
    caption_area = plate.adjusted(0, 3, 0, -9)
    painter.drawText(caption_area, int(Qt.AlignmentFlag.AlignCenter), text)
    left = plate.center().x() - wide / 2
    painter.fillRect(
        QRectF(QPointF(left, plate.bottom() - 8), QPointF(left + wide, plate.bottom() - 5)),
        QColor("#ffffff"),
    )
    painter.restore()

"""Show over a corner of a canvas which part of the image is seen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from poregui.gui.base.theme import theme
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.tile_layer import TileLayer

_LONGEST = 150
_GAP = 10
_SEEN = 0.85
"""Part of the image's width and height that has to be seen for the overview to hide."""
_MIN_FRAME = 6.0


class CanvasInset(QWidget):
    """Lie over the upper right corner of a canvas and show where its view lies.

    `pointed` carries the point of the image (px) that a person wants in the middle.
    """

    pointed = Signal(QPointF)

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setObjectName("canvas_inset")
        self.setAccessibleName("Overview of the micrograph")
        self.setToolTip("Visible part; click to move it")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._canvas = canvas
        self._view: CanvasView | None = None
        self._image: TileLayer | None = None
        self.hide()

    def follow(self, view: CanvasView | None, tiles: TileLayer | None) -> None:
        """Show, hide or move with what the canvas shows of an image."""
        self._view = view
        self._image = tiles
        if view is None or tiles is None:
            self.hide()
            return
        seen = view.visible()
        share = max(seen.width() / view.size.width(), seen.height() / view.size.height())
        minimum = min(seen.width() / view.size.width(), seen.height() / view.size.height())
        longer = max(view.size.width(), view.size.height())
        wide = max(24, round(_LONGEST * view.size.width() / longer))
        high = max(24, round(_LONGEST * view.size.height() / longer))
        roomy = self._canvas.width() > 2.2 * wide and self._canvas.height() > 2 * high
        self.setVisible(roomy and (share < _SEEN or minimum < _SEEN / 2))
        self.setFixedSize(QSize(wide, high))
        self.move(self._canvas.width() - wide - _GAP, _GAP)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tiles = self._image
        if self._view is None or tiles is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.rect(), tiles.overview_image())
        painter.setPen(QPen(QColor(theme().tokens.border), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        frame = self._frame()
        painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(QColor(theme().tokens.accent), 1.5))
        painter.drawRect(frame)

    def _frame(self) -> QRectF:
        """Return where the seen part lies on the overview, never too small to be found."""
        view = self._view
        assert view is not None
        seen = view.visible()
        across = self.width() / view.size.width()
        down = self.height() / view.size.height()
        frame = QRectF(
            seen.x() * across, seen.y() * down, seen.width() * across, seen.height() * down
        )
        wide = max(frame.width(), _MIN_FRAME)
        high = max(frame.height(), _MIN_FRAME)
        frame = QRectF(frame.center().x() - wide / 2, frame.center().y() - high / 2, wide, high)
        return frame.intersected(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event.position())

    def _go(self, at: QPointF) -> None:
        view = self._view
        if view is not None:
            x = at.x() / self.width() * view.size.width()
            y = at.y() / self.height() * view.size.height()
            self.pointed.emit(QPointF(x, y))

"""Show a drawing in the colours of the theme, as large as its place allows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.theme import theme
from poregui.workflow.reporting.svg import DARK, LIGHT, Ink

Draw = Callable[[Ink], str | None]


def _nothing(_ink: Ink) -> str | None:
    return None


class SvgView(QWidget):
    """Show what a function draws for dark or light; it is asked when the theme changes, and not
    while hidden.
    """

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._draw: Draw = _nothing
        self._renderer: QSvgRenderer | None = None
        theme().changed.connect(self.forget)

    def set_drawing(self, draw: Draw) -> None:
        """Show what `draw(ink)` returns as SVG; None leaves the place empty."""
        self._draw = draw
        self.forget()

    def svg(self) -> str | None:
        """Return the drawing in the colours of now."""
        if theme().dark:
            return self._draw(DARK)
        return self._draw(LIGHT)

    def sizeHint(self) -> QSize:
        return QSize(420, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 60)

    def paintEvent(self, event: QPaintEvent) -> None:
        renderer = self._shown()
        size = renderer.defaultSize()
        if size.isEmpty():
            return
        scale = min(self.width() / size.width(), self.height() / size.height(), 1.0)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter, QRectF(0, 0, size.width() * scale, size.height() * scale))

    def _shown(self) -> QSvgRenderer:
        if self._renderer is None:
            self._renderer = QSvgRenderer(QByteArray((self.svg() or "").encode("utf-8")), self)
        return self._renderer

    def forget(self) -> None:
        """Draw anew when it is next seen."""
        if self._renderer is not None:
            self._renderer.deleteLater()
            self._renderer = None
        self.update()

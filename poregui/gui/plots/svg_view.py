"""Show drawings in the colours of the theme: any, or a figure of curves that tells its points."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QRectF, QSize
from PySide6.QtGui import QFontInfo, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poregui.gui.base.theme import theme
from poregui.workflow.reporting.plots import Figure, PlotFrame, figure_svg
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


class FigureView(SvgView):
    """Show one figure as large as its place; the pointer tells the nearest point."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, "", parent)
        self.setMinimumSize(200, 170)
        self.setMouseTracking(True)
        self._figure = Figure("", "", "")
        self.set_drawing(self._drawn)

    @property
    def figure(self) -> Figure:
        """Return what is shown."""
        return self._figure

    def set_figure(self, figure: Figure) -> None:
        """Show a figure."""
        self._figure = figure
        self.setAccessibleName(figure.title)
        names = "; ".join(line.name for line in figure.lines)
        text = f"{names}. {figure.note}".strip(". ")
        self.setAccessibleDescription(text or "nothing to draw")
        self.forget()

    def sizeHint(self) -> QSize:
        return QSize(320, 260)

    def _drawn(self, _ink: Ink) -> str:
        tokens = theme().tokens
        ink = Ink(tokens.panel, tokens.text, tokens.muted, tokens.border)
        family = self.font().family()
        size = self._text_size()
        return figure_svg(
            self._figure, self.width(), self.height(), ink, text_size=size, font=family
        )

    def _text_size(self) -> float:
        return float(QFontInfo(self.font()).pixelSize())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.forget()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        frame = PlotFrame(self._figure, self.width(), self.height(), text_size=self._text_size())
        found = frame.nearest(event.position().x(), event.position().y())
        if found is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), found, self)

"""Show a figure of curves: drawn as in a report, and the pointer tells the nearest point."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontInfo, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from poregui.gui.base.theme import theme
from poregui.gui.plots.svg_view import SvgView
from poregui.workflow.reporting.plots import Figure, PlotFrame, figure_svg
from poregui.workflow.reporting.svg import Ink


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

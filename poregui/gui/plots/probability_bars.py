"""Draw how sure a network is of each class for one crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.wording import percent
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import scaled_font, theme

_BAR = 6
_GAP = 4


@dataclass(frozen=True)
class ClassProbability:
    """Hold one bar: a label, the name to show, and its probability, 0 to 1."""

    label: int
    name: str
    probability: float


class ProbabilityBars(QWidget):
    """Show one bar per class in the class's colour; the label's name is underlined by the word
    *label*.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("probability_bars")
        self.setAccessibleName("Probabilities")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._bars: tuple[ClassProbability, ...] = ()
        self._truth: int | None = None
        self._marks = ClassMarks(())
        theme().changed.connect(self.update)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Draw bars in the colours and with the letters of these classes."""
        self._marks = ClassMarks(classes)
        self.update()

    def set_probabilities(self, bars: Sequence[ClassProbability], truth: int | None) -> None:
        """Show these bars in their order; `truth` is the label that the crop has now."""
        self._bars = tuple(bars)
        self._truth = truth
        self.setAccessibleDescription(", ".join(f"{b.name} {percent(b.probability)}" for b in bars))
        self.setFixedHeight(max(1, round(len(bars) * self._row())))
        self.update()

    def _row(self) -> float:
        return self.fontMetrics().height() + _BAR + _GAP

    def sizeHint(self) -> QSize:
        return QSize(220, self.minimumHeight())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((bar.probability for bar in self._bars), default=0.0)
        for index, bar in enumerate(self._bars):
            self._paint_bar(painter, index * self._row(), bar, first=bar.probability == most)

    def _paint_bar(
        self, painter: QPainter, top: float, bar: ClassProbability, *, first: bool
    ) -> None:
        tokens = theme().tokens
        line = self.fontMetrics().height()
        badge = round(line * 1.05)
        left = badge + 6
        bold: QFont = scaled_font(self.font(), 1.0, bold=first)
        self._marks.draw_badge(painter, 0, top + badge, bar.label)
        painter.setFont(bold)
        painter.setPen(QColor(tokens.text if first else tokens.muted))
        row = QRectF(left, top, self.width() - left, line)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(row, right, percent(bar.probability))
        room = row.width() - painter.fontMetrics().horizontalAdvance("100.0 %") - 6
        own = ""
        if bar.label == self._truth:
            own = " · label"
        name = painter.fontMetrics().elidedText(
            bar.name,
            Qt.TextElideMode.ElideRight,
            int(room - painter.fontMetrics().horizontalAdvance(own)),
        )
        painter.drawText(
            row, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name + own
        )
        painter.setFont(self.font())
        track = QRectF(left, top + line, self.width() - left, _BAR - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(track, 2, 2)
        if bar.probability > 0:
            filled = QRectF(
                track.left(), track.top(), max(2.0, track.width() * bar.probability), track.height()
            )
            painter.setBrush(self._marks.colour(bar.label))
            painter.drawRoundedRect(filled, 2, 2)

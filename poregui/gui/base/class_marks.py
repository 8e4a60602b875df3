"""Draw the marks of classes, colour always with letter, and patterns beyond eight."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from poregui.domain.classes import (
    NOT_A_PORE,
    NOT_A_PORE_COLOUR,
    NOT_A_PORE_NAME,
    UNSURE,
    UNSURE_COLOUR,
    UNSURE_NAME,
    PoreClass,
)

_PATTERNS = {
    "stripes": Qt.BrushStyle.BDiagPattern,
    "dots": Qt.BrushStyle.Dense6Pattern,
    "cross": Qt.BrushStyle.DiagCrossPattern,
}
_FIXED = {
    NOT_A_PORE: (NOT_A_PORE_NAME, "–", NOT_A_PORE_COLOUR, "plain"),
    UNSURE: (UNSURE_NAME, "?", UNSURE_COLOUR, "plain"),
}


class ClassMarks:
    """Know name, letter, colour and pattern of each label, those of *not a
    pore* and *unsure* too.
    """

    def __init__(self, classes: Sequence[PoreClass]) -> None:
        self._looks = {c.id: (c.name, c.letter, c.colour, c.pattern) for c in classes} | _FIXED

    def name(self, label: int | None) -> str:
        """Return the name of a label; *Not labelled* for None."""
        if label is None:
            return "Not labelled"
        return self._look(label)[0]

    def letter(self, label: int) -> str:
        """Return the letter of a label."""
        return self._look(label)[1]

    def colour(self, label: int) -> QColor:
        """Return the colour of a label."""
        return QColor(self._look(label)[2])

    def fill(self, painter: QPainter, area: QRectF, label: int) -> None:
        """Fill an area with the colour and pattern of a label."""
        _, _, colour, pattern = self._look(label)
        painter.fillRect(area, QColor(colour))
        if pattern in _PATTERNS:
            painter.fillRect(area, QBrush(QColor(0, 0, 0, 110), _PATTERNS[pattern]))

    def draw_badge(self, painter: QPainter, left: float, bottom: float, label: int) -> None:
        """Draw the letter on the class colour, a small square whose lower left corner is given."""
        side = round(painter.fontMetrics().height() * 1.05)
        area = QRectF(left, bottom - side, side, side)
        self.fill(painter, area, label)
        font = painter.font()
        painter.save()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(text_on(self.colour(label)))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), self.letter(label))
        painter.restore()

    def draw_suggested(self, painter: QPainter, area: QRectF, label: int) -> None:
        """Draw the letter in a dashed frame on a dark ground: what a program
        suggests is no label.
        """
        painter.save()
        painter.fillRect(area, QColor(16, 20, 24, 190))
        painter.setPen(QPen(self.colour(label), 1.2, Qt.PenStyle.DashLine))
        painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(self.colour(label).lighter(120))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), self.letter(label))
        painter.restore()

    def _look(self, label: int) -> tuple[str, str, str, str]:
        return self._looks.get(label, (f"Class {label}", "·", NOT_A_PORE_COLOUR, "plain"))


def text_on(colour: QColor) -> QColor:
    """Return black or white, whichever is read better on a colour."""
    light = 0.299 * colour.red() + 0.587 * colour.green() + 0.114 * colour.blue()
    if light > 125:
        return QColor("#101418")
    return QColor("#ffffff")

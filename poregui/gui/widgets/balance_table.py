"""Draw how many crops of each class each specimen has, thin cells marked; changes with how balance is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.theme import theme
from poregui.gui.widgets.class_marks import ClassMarks

_ROW = 22
_NAMES = 0.36
"""Share of the width that the names of specimens take."""


class BalanceTable(QWidget):
    """Show (specimen, counts of each label) as a table; cells below `thin` are framed, the last row is the sum."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("balance_table")
        self.setAccessibleName("Labels of each class and specimen")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._labels: tuple[int, ...] = ()
        self._rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._thin = 0
        theme().changed.connect(self.update)

    def show_counts(
        self, marks: ClassMarks, labels: Sequence[int], rows: Sequence[tuple[str, tuple[int, ...]]], thin: int
    ) -> None:
        """Show rows of counts of `labels`; those below `thin` are framed."""
        self._marks, self._labels, self._rows, self._thin = marks, tuple(labels), tuple(rows), thin
        self.setFixedHeight((len(self._rows) + 2) * _ROW)
        spoken = "; ".join(f"{name}: {', '.join(map(str, counts))}" for name, counts in self._rows)
        self.setAccessibleDescription(spoken)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, (len(self._rows) + 2) * _ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme().tokens
        names = self.width() * _NAMES
        wide = (self.width() - names) / max(1, len(self._labels))
        for column, label in enumerate(self._labels):
            self._marks.draw_badge(painter, names + column * wide + wide / 2 - 8, _ROW - 3, label)
        sums = tuple(sum(counts[i] for _, counts in self._rows) for i in range(len(self._labels)))
        for number, (name, counts) in enumerate((*self._rows, ("All", sums)), 1):
            top = number * _ROW
            is_sum = number > len(self._rows)
            if is_sum:
                painter.setPen(QColor(tokens.border))
                painter.drawLine(0, top, self.width(), top)
            painter.setPen(QColor(tokens.text if is_sum else tokens.muted))
            words = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, round(names) - 8)
            painter.drawText(QRectF(0, top, names, _ROW), int(Qt.AlignmentFlag.AlignVCenter), words)
            for column, count in enumerate(counts):
                cell = QRectF(names + column * wide, top, wide, _ROW).adjusted(3, 2, -3, -2)
                if not is_sum and count < self._thin:
                    painter.setPen(QPen(QColor(tokens.bad), 1, Qt.PenStyle.DotLine))
                    painter.drawRect(cell)
                painter.setPen(QColor(tokens.text))
                painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), str(count))

"""Draw how many crops of each class each specimen has, thin cells marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme

_ROW = 22
_NAMES = 0.36
"""Share of the width that the names of specimens take."""


class BalanceTable(QWidget):
    """Show (specimen, counts of each label) as a table; cells below `thin` are framed; below are
    sum and target.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("balance_table")
        self.setAccessibleName("Labels of each class and specimen")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._labels: tuple[int, ...] = ()
        self._rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._thin = 0
        self._target = 0
        theme().changed.connect(self.update)

    def show_counts(
        self,
        marks: ClassMarks,
        labels: Sequence[int],
        rows: Sequence[tuple[str, tuple[int, ...]]],
        *,
        thin: int,
        target: int,
    ) -> None:
        """Show rows of counts of `labels`; those below `thin`, and sums below
        `target`, are framed.
        """
        self._marks = marks
        self._labels = tuple(labels)
        self._rows = tuple(rows)
        self._thin = thin
        self._target = target
        self.setFixedHeight((len(self._rows) + 3) * _ROW)
        self.setToolTip(f"Framed: fewer than {thin} per specimen, or fewer than {target} in total")
        spoken = "; ".join(f"{name}: {', '.join(map(str, counts))}" for name, counts in self._rows)
        self.setAccessibleDescription(spoken)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, (len(self._rows) + 3) * _ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        names = self.width() * _NAMES
        wide = (self.width() - names) / max(1, len(self._labels))
        for column, label in enumerate(self._labels):
            self._marks.draw_badge(painter, names + column * wide + wide / 2 - 8, _ROW - 3, label)
        sums = tuple(sum(counts[i] for _, counts in self._rows) for i in range(len(self._labels)))
        wanted = (self._target,) * len(self._labels)
        for number, (name, counts) in enumerate(
            (*self._rows, ("All", sums), ("Target", wanted)), 1
        ):
            top = number * _ROW
            is_sum = number == len(self._rows) + 1
            is_wanted = number > len(self._rows) + 1
            if is_sum:
                painter.setPen(QColor(tokens.border))
                painter.drawLine(0, top, self.width(), top)
            fewest = self._thin
            colour = tokens.muted
            if is_sum:
                fewest = self._target
                colour = tokens.text
            painter.setPen(QColor(colour))
            words = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideMiddle, round(names) - 8
            )
            painter.drawText(QRectF(0, top, names, _ROW), int(Qt.AlignmentFlag.AlignVCenter), words)
            for column, count in enumerate(counts):
                cell = QRectF(names + column * wide, top, wide, _ROW).adjusted(3, 2, -3, -2)
                if not is_wanted and count < fewest:
                    painter.setPen(QPen(QColor(tokens.bad), 1, Qt.PenStyle.DotLine))
                    painter.drawRect(cell)
                painter.setPen(QColor(tokens.muted if is_wanted else tokens.text))
                painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), str(count))

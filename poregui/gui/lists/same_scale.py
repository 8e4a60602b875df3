"""Find the one scale at which all crops in sight fit their cells, and draw its bar."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.domain.measurement import length_text, nice_length
from poregui.domain.wording import count
from poregui.gui.base.theme import GAP, MARGIN, theme

_STEP = math.sqrt(2)
_LONGEST_BAR = 160.0


def cell_width(lengths: Iterable[float | None]) -> float | None:
    """Return the um that a cell shows so that crops of these lengths fit, or None when no length is
    known.

    It moves in steps of the square root of two, so that the scale stays while crops of like size
    scroll past.
    """
    longest = max((length for length in lengths if length), default=0.0)
    if longest > 0:
        return _STEP ** math.ceil(2 * math.log2(longest) - 1e-9)
    return None


class ScaleStrip(QWidget):
    """Show below the grid the bar of its one scale, and how many crops in sight have no known
    scale.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scale_strip")
        self.setAccessibleName("Scale of all crops")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._um_per_px: float | None = None
        self._unknown = 0
        theme().changed.connect(self.update)
        self.hide()

    def show_scale(self, um_per_px: float | None, unknown: int) -> None:
        """Show the um of one px on the screen (None: no scale is known) and the crops in sight of
        unknown scale.
        """
        self._um_per_px = um_per_px
        self._unknown = unknown
        if um_per_px:
            length = f"The bar is {length_text(self._bar())} long. "
        else:
            length = ""
        self.setAccessibleDescription(length + self.caption())
        self.setToolTip(self.caption())
        self.update()

    def caption(self) -> str:
        """Return what is said beside the bar."""
        if self._um_per_px is None:
            return "No visible crop has a known pixel size; each is shown to fit."
        if self._unknown:
            crops = count(self._unknown, "crop")
            return f"Same scale, except {crops} of unknown pixel size (marked ?)"
        return "Same scale"

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        left = float(MARGIN)
        middle = self.height() / 2
        flags = int(Qt.AlignmentFlag.AlignVCenter)
        if self._um_per_px is not None:
            length = self._bar()
            text = length_text(self._bar())
            wide = length / self._um_per_px
            painter.fillRect(QRectF(left, middle - 1.5, wide, 3), QColor(tokens.text))
            for end in (left, left + wide - 1):
                painter.fillRect(QRectF(end, middle - 4.5, 1, 9), QColor(tokens.text))
            left += wide + GAP
            painter.setPen(QColor(tokens.text))
            room = painter.fontMetrics().horizontalAdvance(text)
            painter.drawText(QRectF(left, 0, room + 1, self.height()), flags, text)
            left += room + 2 * GAP
        room = max(0, round(self.width() - left - MARGIN))
        painter.setPen(QColor(tokens.muted))
        caption = painter.fontMetrics().elidedText(
            self.caption(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(QRectF(left, 0, room, self.height()), flags, caption)

    def _bar(self) -> float:
        """Return the bar's length in um."""
        return nice_length(_LONGEST_BAR * (self._um_per_px or 1.0))

"""Draw scale bars of round lengths over pictures."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from poregui.domain.measurement import length_text, nice_length

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
    words = plate.adjusted(0, 3, 0, -9)
    painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), text)
    left = plate.center().x() - wide / 2
    painter.fillRect(
        QRectF(QPointF(left, plate.bottom() - 8), QPointF(left + wide, plate.bottom() - 5)),
        QColor("#ffffff"),
    )
    painter.restore()

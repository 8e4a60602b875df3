"""Draw icons in the colours of the theme from the line drawings in resources/icons."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap

from poregui.gui.base.theme import LIGHT, theme
from poregui.resources import resource

_SIDE = 24
_NUMBER = re.compile(r"[MLHVCQZ]|-?\d+(?:\.\d+)?")


def icon(name: str) -> QIcon:
    """Return the icon of a drawing, in the text colour, in the muted colour
    where it is disabled.
    """
    tokens = theme().tokens
    made = QIcon()
    for mode, colour in ((QIcon.Mode.Normal, tokens.text), (QIcon.Mode.Disabled, tokens.muted)):
        for scale in (1, 2, 3):
            made.addPixmap(_image(name, colour, scale), mode)
    return made


_APP_SIDES = (16, 24, 32, 48, 64, 128, 256)
_APP_PORES = ((0.33, 0.36, 0.15), (0.66, 0.42, 0.09), (0.55, 0.69, 0.19))
"""Centre x, y and radius of the pores of the program's icon, as shares of its side."""


def app_icon() -> QIcon:
    """Return the icon of the program: pores in a polished section, the same in both themes."""
    made = QIcon()
    for side in _APP_SIDES:
        image = QImage(QSize(side, side), QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(LIGHT.accent))
        painter.drawRoundedRect(QRectF(0, 0, side, side), 0.2 * side, 0.2 * side)
        painter.setBrush(QColor(LIGHT.accent_text))
        for x, y, r in _APP_PORES:
            painter.drawEllipse(QPointF(x * side, y * side), r * side, r * side)
        painter.end()
        made.addPixmap(QPixmap.fromImage(image))
    return made


def _image(name: str, colour: str, scale: int) -> QPixmap:
    image = QImage(QSize(_SIDE, _SIDE) * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    painter.setPen(
        QPen(
            QColor(colour),
            1.7,
            Qt.PenStyle.SolidLine,
            Qt.PenCapStyle.RoundCap,
            Qt.PenJoinStyle.RoundJoin,
        )
    )
    for path in paths(resource(f"icons/{name}.svg").read_text(encoding="utf-8")):
        painter.drawPath(path)
    painter.end()
    return QPixmap.fromImage(image)


def paths(svg: str) -> list[QPainterPath]:
    """Return the lines of a drawing that consists of `path` (M L H V C Q Z, absolute) and `circle`
    elements.
    """
    found = [_path(data) for data in re.findall(r'<path d="([^"]+)"', svg)]
    for x, y, r in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', svg):
        circle = QPainterPath()
        circle.addEllipse(
            QRectF(float(x) - float(r), float(y) - float(r), 2 * float(r), 2 * float(r))
        )
        found.append(circle)
    return found


def _path(data: str) -> QPainterPath:
    path = QPainterPath()
    parts = _NUMBER.findall(data)
    command = "M"
    index = 0
    takes = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}
    while index < len(parts):
        if parts[index].isalpha():
            command = parts[index]
            index += 1
        values = [float(number) for number in parts[index : index + takes[command]]]
        index += takes[command]
        here = path.currentPosition()
        match command:
            case "M":
                path.moveTo(*values)
            case "L":
                path.lineTo(*values)
            case "H":
                path.lineTo(values[0], here.y())
            case "V":
                path.lineTo(here.x(), values[0])
            case "C":
                path.cubicTo(*values)
            case "Q":
                path.quadTo(*values)
            case "Z":
                path.closeSubpath()
    return path

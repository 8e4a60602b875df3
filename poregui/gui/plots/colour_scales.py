"""Choose the colours of counts and heat maps so that more is always seen as more, on dark and on
light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from poregui.gui.base.theme import Tokens

_HEAT = ((28, 8, 78), (126, 22, 118), (214, 66, 84), (250, 150, 52), (255, 240, 160))
"""Steps of the heat map, each lighter than the one before, from nothing to most."""
_GREATEST_ALPHA = 0.72


def cell_colours(share: float, *, right: bool, tokens: Tokens) -> tuple[QColor, QColor]:
    """Return fill and ink of a cell that holds a share (0 to 1) of its row; right answers in blue,
    wrong ones in red.

    The fill goes evenly from the ground to the full colour; small shares of errors are lifted, so
    that one is seen.
    """
    full = QColor(tokens.accent if right else tokens.bad)
    ground = QColor(tokens.raised)
    amount = share if right else share**0.6
    fill = QColor(
        round(ground.red() + (full.red() - ground.red()) * amount),
        round(ground.green() + (full.green() - ground.green()) * amount),
        round(ground.blue() + (full.blue() - ground.blue()) * amount),
    )
    return fill, ink_on(fill)


def ink_on(ground: QColor) -> QColor:
    """Return black or white, whichever has the greater contrast on a colour."""
    black, white = QColor("#000000"), QColor("#ffffff")
    return max((black, white), key=lambda ink: contrast(ink, ground))


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two colours, 1 to 21.

    Source: W3C, WCAG 2.2, definition of contrast ratio.
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(of: QColor) -> float:
    """Return the relative luminance of a colour, 0 to 1.

    Source: W3C, WCAG 2.2, definition of relative luminance.
    """
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (of.redF(), of.greenF(), of.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def heat_table() -> NDArray[np.uint8]:
    """Return (256, 4) uint8, red, green, blue and alpha for values from nothing to most."""
    steps = np.linspace(0, 255, len(_HEAT))
    table = np.empty((256, 4), np.float64)
    for channel in range(3):
        table[:, channel] = np.interp(np.arange(256), steps, [step[channel] for step in _HEAT])
    table[:, 3] = 255 * _GREATEST_ALPHA * np.sqrt(np.arange(256) / 255)
    return table.round().astype(np.uint8)

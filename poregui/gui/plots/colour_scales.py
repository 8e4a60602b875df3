"""Choose the colours of counts and heat maps so that more is always seen as more, on dark and on
light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from poregui.gui.base.theme import Tokens
from poregui.workflow.reporting.svg import mix, reads_on

_HEAT = ((28, 8, 78), (126, 22, 118), (214, 66, 84), (250, 150, 52), (255, 240, 160))
"""Steps of the heat map, each lighter than the one before, from nothing to most."""
_GREATEST_ALPHA = 0.72


def cell_colours(share: float, *, right: bool, tokens: Tokens) -> tuple[QColor, QColor]:
    """Return fill and ink of a cell that holds a share (0 to 1) of its row; right predictions in
    blue, wrong ones in red.

    The fill goes evenly from the ground to the full colour; small shares of errors are lifted, so
    that one is seen.
    """
    full = tokens.accent if right else tokens.bad
    fill = mix(tokens.raised, full, share if right else share**0.6)
    return QColor(fill), QColor(reads_on(fill))


def heat_table() -> NDArray[np.uint8]:
    """Return (256, 4) uint8, red, green, blue and alpha for values from nothing to most."""
    steps = np.linspace(0, 255, len(_HEAT))
    table = np.empty((256, 4), np.float64)
    for channel in range(3):
        table[:, channel] = np.interp(np.arange(256), steps, [step[channel] for step in _HEAT])
    table[:, 3] = 255 * _GREATEST_ALPHA * np.sqrt(np.arange(256) / 255)
    return table.round().astype(np.uint8)

"""Guard against Qt bindings that lose references to None and True until the process dies.

PySide6 6.12.0 on Python 3.11 loses one reference to None per call of a slot and one to True per
emitted bool. From Python 3.12 on both objects are immortal: their counts never move, and there is
nothing to lose.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

CLICKS = 300
# Other things come and go meanwhile; a binding that loses references loses hundreds.
SLACK = 50


class Switch(QObject):
    """Emit whether it is on."""

    turned = Signal(bool)


def lost_references(kept: object, work: Callable[[], None]) -> int:
    """Return how many references to an object are gone after some work that was
    done once before.
    """
    work()
    before = sys.getrefcount(kept)
    for _ in range(CLICKS):
        work()
    return before - sys.getrefcount(kept)


@pytest.mark.parametrize("kept", [None, True, False])
def test_clicks_and_signals_keep_the_references_to_constants(qtbot: QtBot, kept: object) -> None:
    button = QPushButton("Start")
    qtbot.addWidget(button)
    switch = Switch()
    clicks, turns = [], []
    button.clicked.connect(lambda: clicks.append(1))
    switch.turned.connect(lambda on: turns.append(1 if on else 0))

    def click() -> None:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        switch.turned.emit(True)
        switch.turned.emit(False)

    assert lost_references(kept, click) < SLACK
    assert len(clicks) == CLICKS + 1
    assert sum(turns) == CLICKS + 1


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_a_lost_reference_would_be_noticed() -> None:
    held = [None] * (CLICKS + 1)
    assert lost_references(None, held.pop) >= SLACK

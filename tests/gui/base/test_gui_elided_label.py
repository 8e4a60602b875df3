"""Hold that words without room end in dots and can still be read."""

from __future__ import annotations

from poregui.gui.base.pieces import ElidedLabel


def test_words_without_room_end_in_dots_and_stand_in_the_tooltip(qtbot):
    label = ElidedLabel("detail")
    qtbot.addWidget(label)
    label.setText("3840 × 2748 px · scale unknown")
    label.resize(label.fontMetrics().horizontalAdvance(label.text()) + 10, 20)
    label.show()
    assert (label.shown(), label.toolTip()) == (label.text(), "")
    label.resize(100, 20)
    assert label.shown().endswith("…")
    assert label.toolTip() == "3840 × 2748 px · scale unknown"
    image = label.grab().toImage()
    colours = {image.pixelColor(x, y).rgb() for x in range(100) for y in range(20)}
    assert len(colours) > 2

"""Hold that a feature hears signals until it is detached, and none after."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from poregui.gui.base.feature import Feature


class Source(QObject):
    """Emit something."""

    changed = Signal(int)


def test_a_feature_hears_what_it_linked_until_it_is_detached(qapp) -> None:
    source = Source()
    received: list[int] = []
    feature = Feature()
    feature.link(source.changed, received.append)
    source.changed.emit(1)
    feature.detach()
    source.changed.emit(2)
    feature.detach()
    assert received == [1]

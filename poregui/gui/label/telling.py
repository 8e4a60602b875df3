"""Tell the process that suggests of many crops a few at a time; changes with what it is told of a crop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from PySide6.QtCore import QObject, QTimer

from poregui.domain.records import Crop
from poregui.domain.splits import group_of
from poregui.gui.suggester import SuggestProcess

_AT_ONCE = 500
"""Crops that are told before keys are looked at again: 3 ms. A thread that tells them all stalls the window longer."""


class SlowTelling(QObject):
    """Hold what is still to be told; crops that went in the meantime are passed over."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: dict[int, None] = {}
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._tell)

    def go_on(self, process: SuggestProcess, crop_ids: Iterable[int], known: Mapping[int, Crop]) -> None:
        """Tell of more crops, as they are in `known` when their turn comes; a few are told at once."""
        self._process, self._known = process, known
        self._waiting |= dict.fromkeys(crop_ids)
        if not self._timer.isActive():
            self._tell()

    def stop(self) -> None:
        """Tell no more."""
        self._timer.stop()
        self._waiting.clear()

    def _tell(self) -> None:
        part = list(islice(self._waiting, _AT_ONCE))
        for crop_id in part:
            del self._waiting[crop_id]
        crops = [self._known[crop_id] for crop_id in part if crop_id in self._known]
        told = [[crop.id, crop.pixels, crop.um_per_px, group_of(crop)] for crop in crops]
        self._process.tell({"crops": told, "more": bool(self._waiting)})
        if self._waiting:
            self._timer.start()
        else:
            self._timer.stop()

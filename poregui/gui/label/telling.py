"""Tell the process that suggests of many crops a few at a time; changes with what it is told of a crop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QObject, QTimer

from poregui.domain.records import Crop
from poregui.domain.splits import group_of
from poregui.gui.services.suggester import SuggestProcess

_AT_ONCE = 500
"""Crops that are told before keys are looked at again: 3 ms. A thread that tells them all stalls the window longer."""


class SlowTelling(QObject):
    """Hold what is still to be told, and in `told` crops as they were told; crops that went are passed over.

    `told` grows with the telling, for a copy of 100,000 crops made at once is felt under a key.
    """

    def __init__(self, crops: Callable[[], Mapping[int, Crop]], parent: QObject) -> None:
        super().__init__(parent)
        self.told: dict[int, Crop] = {}
        self._crops = crops
        self._waiting: deque[int] = deque()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._tell)

    def go_on(self, process: SuggestProcess, crop_ids: Iterable[int]) -> None:
        """Tell of more crops, as they are when their turn comes; a few are told at once."""
        self._process = process
        self._waiting.extend(crop_ids)
        if not self._timer.isActive():
            self._tell()

    def stop(self) -> None:
        """Tell no more."""
        self._timer.stop()
        self._waiting.clear()

    def _tell(self) -> None:
        crops = self._crops()
        part = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        here = {crop_id: crops[crop_id] for crop_id in part if crop_id in crops}
        self.told |= here
        told = [[crop.id, crop.pixels, crop.um_per_px, group_of(crop)] for crop in here.values()]
        self._process.tell({"crops": told, "more": bool(self._waiting)})
        if self._waiting:
            self._timer.start()
        else:
            self._timer.stop()

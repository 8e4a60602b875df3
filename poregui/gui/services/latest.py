"""Run the newest of many requests beside the window and forget those in between; changes with that rule."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

from poregui.domain.errors import PoreguiError


class Latest(QObject):
    """Own one thread; a result comes in the main thread, unless something newer was asked for meanwhile.

    Call `close` before what the requests work on goes away.
    """

    _ended = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._guard = threading.Lock()
        self._number = 0
        self._waiting: tuple[int, Callable[[], Any]] | None = None
        self._done: Callable[[Any], None] = _nothing
        self._failed: Callable[[PoreguiError], None] = _nothing
        self._ended.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def request(
        self, task: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[PoreguiError], None]
    ) -> None:
        """Run `task` as soon as the thread is free, unless another request comes first."""
        self._done, self._failed = done, failed
        with self._guard:
            self._number += 1
            self._waiting = (self._number, task)
        self._pool.start(self._work)

    def forget(self) -> None:
        """Let no result come any more of what was asked for until now."""
        with self._guard:
            self._number += 1
            self._waiting = None

    @property
    def busy(self) -> bool:
        """Tell whether anything runs or waits."""
        return self._pool.activeThreadCount() > 0

    def close(self) -> None:
        """Forget everything and wait for what runs."""
        self.forget()
        self._pool.clear()
        self._pool.waitForDone()

    def _work(self) -> None:
        with self._guard:
            taken, self._waiting = self._waiting, None
        if taken is None:
            return
        result, error = None, None
        try:
            result = taken[1]()
        except BaseException as raised:  # noqa: BLE001 - handed over to the main thread, whatever it is
            error = raised
        self._ended.emit(taken[0], result, error)

    @Slot(int, object, object)
    def _tell(self, number: int, result: Any, error: BaseException | None) -> None:
        if number != self._number:
            return
        if isinstance(error, PoreguiError):
            self._failed(error)
        elif error is not None:
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            self._done(result)


def _nothing(_: Any) -> None:
    """Hear of nothing."""

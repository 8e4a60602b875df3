"""Run short work beside the window, with progress and cancel, and bring its results back to the main thread."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThreadPool, Signal, Slot

from poregui.domain.errors import PoreguiError

T = TypeVar("T")
_THREADS = 2


class Cancelled(Exception):
    """Leave work that a person cancelled."""


class TaskControl:
    """Let work tell how far it is and ask whether to stop; used from the worker's thread."""

    def __init__(self, handle: TaskHandle) -> None:
        self._handle = handle

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell how far the work is. Raises Cancelled when a person cancelled it."""
        if self._handle.cancelled:
            raise Cancelled
        self._handle.progressed.emit(done, total, text)

    def cancelled(self) -> bool:
        """Tell whether a person cancelled the work."""
        return self._handle.cancelled


class TaskHandle(QObject):
    """Stand for one piece of work in the main thread."""

    progressed = Signal(int, int, str)
    ended = Signal(object, object, object)
    """This handle, and result and exception, one of them None."""

    def __init__(
        self,
        title: str,
        done: Callable[[Any], None],
        failed: Callable[[PoreguiError], None] | None,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self.done = done
        self.failed = failed
        self.cancelled = False

    def cancel(self) -> None:
        """Ask the work to stop; its result is thrown away."""
        self.cancelled = True


def _work(handle: TaskHandle, task: Callable[[TaskControl], Any]) -> None:
    """Do a task in the pool's thread and let its handle tell how it ended."""
    result, error = None, None
    try:
        result = task(TaskControl(handle))
    except Cancelled:
        handle.cancelled = True
    except BaseException as raised:  # noqa: BLE001 - handed over to the main thread, whatever it is
        error = raised
    handle.ended.emit(handle, result, error)


class Background(QObject):
    """Own a small thread pool; callbacks come in the main thread, and none after a cancel."""

    started = Signal(object)
    """A TaskHandle."""
    finished = Signal(object)
    """The same TaskHandle, when it ended in whatever way."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self._running: list[TaskHandle] = []

    def run(
        self,
        title: str,
        task: Callable[[TaskControl], T],
        done: Callable[[T], None],
        failed: Callable[[PoreguiError], None] | None = None,
    ) -> TaskHandle:
        """Run `task` in the pool and hand its result to `done`.

        A PoreguiError goes to `failed`, or to the messages without one; any other exception is our bug.
        """
        handle = TaskHandle(title, done, failed, self)
        handle.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
        self._running.append(handle)
        self.started.emit(handle)
        # Not a QRunnable of Python: one that ends before `start` returns is kept by the pool, with all that it holds.
        self._pool.start(partial(_work, handle, task))
        return handle

    @Slot(object, object, object)
    def _end(self, handle: TaskHandle, result: Any, error: BaseException | None) -> None:
        if handle in self._running:
            self._running.remove(handle)
        self.finished.emit(handle)
        handle.deleteLater()
        if handle.cancelled:
            return
        if isinstance(error, PoreguiError):
            (handle.failed or _tell)(error)
        elif error is not None:
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            handle.done(result)

    @property
    def busy(self) -> bool:
        """Tell whether any work is going on."""
        return bool(self._running)

    def cancel_all(self) -> None:
        """Ask all work to stop."""
        for handle in self._running:
            handle.cancel()

    def wait(self) -> None:
        """Wait until all work has ended and its callbacks were called."""
        while self._running:
            self._pool.waitForDone(50)
            QCoreApplication.processEvents()


def _tell(error: PoreguiError) -> None:
    from poregui.gui.messages import messages

    messages().error(error)

"""Run short work beside the window, with progress and cancel."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThreadPool, Signal, Slot

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages

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
    result, error = _attempt(partial(task, TaskControl(handle)))
    if isinstance(error, Cancelled):
        handle.cancelled = True
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

        A PoreguiError goes to `failed`, or to the messages without one; any other exception is our
        bug.
        """
        handle = TaskHandle(title, done, failed, self)
        handle.ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
        self._running.append(handle)
        self.started.emit(handle)
        # Not a QRunnable of Python: one that ends before `start` returns is kept by the pool, with
        # all that it holds.
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
        _deliver(result, error, handle.done, handle.failed or messages().error)

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


class Latest(QObject):
    """Own one thread; a result comes in the main thread, unless something newer was asked for
    meanwhile.

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
        self._ended.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def request(
        self,
        task: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[PoreguiError], None],
    ) -> None:
        """Run `task` as soon as the thread is free, unless another request comes first."""
        self._done = done
        self._failed = failed
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
            taken = self._waiting
            self._waiting = None
        if taken is None:
            return
        number, task = taken
        result, error = _attempt(task)
        self._ended.emit(number, result, error)

    @Slot(int, object, object)
    def _answer(self, number: int, result: Any, error: BaseException | None) -> None:
        if number == self._number:
            _deliver(result, error, self._done, self._failed)


def _attempt(task: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return what a task returns, or what it raises, whatever that is."""
    try:
        return task(), None
    except BaseException as raised:  # noqa: BLE001 - handed over to the main thread
        return None, raised


def _deliver(
    result: Any,
    error: BaseException | None,
    done: Callable[[Any], None],
    failed: Callable[[PoreguiError], None],
) -> None:
    """Hand over a result or a PoreguiError; any other exception is our bug."""
    if isinstance(error, PoreguiError):
        failed(error)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    else:
        done(result)


def _nothing(_: Any) -> None:
    """Hear of nothing."""

"""Guard every test of the window against what it may leave behind."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

PATIENCE_S = 3.0
# Qt makes these for itself and keeps them: the window of a tool tip, the cursor's picture while
# something is dragged.
QT_OWN_WINDOWS = {"QTipLabel", "QShapedPixmapWidget"}
# How the offscreen platform begins when it speaks of itself: raise(), propagateSizeHints(),
# grabbing the keyboard.
OFFSCREEN_NOTE = "This plugin does not support "
WAITING_CALLS = {
    "QMessageBox": ("about", "aboutQt", "critical", "information", "question", "warning", "exec"),
    "QFileDialog": (
        "getExistingDirectory",
        "getExistingDirectoryUrl",
        "getOpenFileName",
        "getOpenFileNames",
        "getOpenFileUrl",
        "getOpenFileUrls",
        "getSaveFileName",
        "getSaveFileUrl",
        "exec",
    ),
    "QInputDialog": ("getDouble", "getInt", "getItem", "getMultiLineText", "getText", "exec"),
    "QColorDialog": ("getColor", "exec"),
    "QMenu": ("exec",),
}


class UnexpectedDialogError(AssertionError):
    """Say that a test opened a dialog that would have waited for a person."""


class Guard:
    """Watch one test: what Qt says, which threads run and which windows stand when it is over."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.messages: list[str] = []
        self.started: weakref.WeakSet[Any] = weakref.WeakSet()
        self._patch = patch
        self._threads = set(threading.enumerate())
        self._windows = weakref.WeakSet(_windows())

    def install(self) -> Callable[[], None]:
        """Start to watch and return what ends it."""
        from PySide6.QtCore import QThread, qInstallMessageHandler

        previous = qInstallMessageHandler(self._hear)
        start = QThread.start

        def remember_and_start(thread: QThread, *arguments: Any) -> None:
            self.started.add(thread)
            start(thread, *arguments)

        self._patch.setattr(QThread, "start", remember_and_start)
        _forbid_waiting(self._patch)
        return lambda: qInstallMessageHandler(previous)

    def faults(self) -> list[str]:
        """Return one sentence for everything that the test left behind; wait a little for what is
        about to end.
        """
        found = _eventually_empty(self._left_threads)
        found += _eventually_empty(self._left_windows)
        return found + [f"Qt said: {message}" for message in self.messages]

    def _hear(self, kind: Any, _context: Any, message: str) -> None:
        from PySide6.QtCore import QtMsgType

        loud = kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        if loud and not message.startswith(OFFSCREEN_NOTE):
            self.messages.append(message)

    def _left_threads(self) -> list[str]:
        import shiboken6
        from PySide6.QtCore import QThreadPool

        running = [
            thread
            for thread in list(self.started)
            if shiboken6.isValid(thread) and thread.isRunning()
        ]
        left = [
            f"A QThread still runs: {thread.objectName() or type(thread).__name__}"
            for thread in running
        ]
        pool = QThreadPool.globalInstance()
        if pool.activeThreadCount():
            left.append(f"{pool.activeThreadCount()} tasks still run in the thread pool.")
        # What Qt's own threads look like from Python is told above.
        alive = [t for t in threading.enumerate() if t not in self._threads and not _is_foreign(t)]
        return left + [f"A thread still runs: {thread.name}" for thread in alive]

    def _left_windows(self) -> list[str]:
        left = [
            w
            for w in _windows()
            if w not in self._windows and type(w).__name__ not in QT_OWN_WINDOWS
        ]
        return [
            f"A window was left behind: {type(w).__name__} {w.objectName()!r} {w.windowTitle()!r}"
            for w in left
        ]


@contextmanager
def guarded(test_failed: Callable[[], bool]) -> Iterator[Guard]:
    """Watch what happens inside and fail at the end for what is left; say nothing more where the
    test failed itself.

    A failed test holds its windows in its traceback, so a second complaint would only hide the
    first.
    """
    with pytest.MonkeyPatch.context() as patch:
        guard = Guard(patch)
        stop = guard.install()
        # what other tests made, TensorFlow's modules too, need not be looked through again and
        # again
        gc.freeze()
        unfreeze = gc.unfreeze
        if "tensorflow" in sys.modules:
            # the program thaws all when a project is closed, which is slow with half a million
            # objects of TensorFlow; it never has them itself
            patch.setattr(gc, "freeze", lambda: None)
            patch.setattr(gc, "unfreeze", lambda: None)
        try:
            yield guard
            faults = [] if test_failed() else guard.faults()
        finally:
            unfreeze()
            stop()
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def _forbid_waiting(patch: pytest.MonkeyPatch) -> None:
    from PySide6 import QtWidgets

    for class_name, calls in WAITING_CALLS.items():
        for call in calls:
            patch.setattr(getattr(QtWidgets, class_name), call, _refusal(f"{class_name}.{call}"))


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_arguments: Any, **_named: Any) -> NoReturn:
        raise UnexpectedDialogError(f"{name} would wait for a person: replace it in the test.")

    return refuse


def _windows() -> list[Any]:
    from PySide6.QtWidgets import QApplication

    return [widget for widget in QApplication.topLevelWidgets() if widget.parent() is None]


def _is_foreign(thread: threading.Thread) -> bool:
    return isinstance(thread, threading._DummyThread)


def _eventually_empty(look: Callable[[], list[str]]) -> list[str]:
    from PySide6.QtCore import QCoreApplication, QEvent

    end = time.monotonic() + PATIENCE_S
    while True:
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
        left = look()
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)

"""Own the process that learns from the labels: start it, tell it of crops and labels, hear its
suggestions.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from poregui.launching import child_environment, poregui_command
from poregui.workflow.suggesting.suggestions import Suggestions

SUGGEST = poregui_command("suggest", "--serve")
"""The command that learns; the project folder follows."""
_NICE = 5
_GRACE_MS = 3000


class SuggestProcess(QObject):
    """Talk with the process of one project, which is started by the first message and ends with
    `close`.

    `suggested` carries Suggestions, or None while there is too little to learn from; `measured`
    crops done and of how many; `curve_drawn` a LearningCurve as JSON; `alike` the id asked for, all
    ids by likeness, and ids of each label. `ended` tells that it ended by itself; what went wrong
    stands in its argument.
    """

    suggested = Signal(object)
    measured = Signal(int, int)
    curve_drawn = Signal(object)
    alike = Signal(int, object, object)
    ended = Signal(str)

    def __init__(
        self, folder: Path, command: Sequence[str] = SUGGEST, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._program, *self._arguments = [*command, str(folder)]
        self._process: QProcess | None = None
        self._heard = self._closed = False

    @property
    def running(self) -> bool:
        """Tell whether the process was started and has not ended."""
        return self._process is not None

    def tell(self, message: Mapping[str, Any] | bytes) -> None:
        """Send a message, or lines of them that were written already."""
        if self._closed:
            return
        if self._process is None:
            self._start()
        assert self._process is not None
        self._process.write(
            message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        )

    def close(self) -> None:
        """Let the process end, which keeps what it measured; one that has measured nothing yet is
        not waited for.
        """
        self._closed = True
        process = self._process
        self._process = None
        if process is None:
            return
        process.closeWriteChannel()
        if not self._heard or not process.waitForFinished(_GRACE_MS):
            process.kill()
            process.waitForFinished(_GRACE_MS)
        process.deleteLater()

    def _start(self) -> None:
        process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in child_environment(OMP_NUM_THREADS="1").items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail)
        process.started.connect(self._step_back)
        if (
            sys.platform != "win32"
        ):  # else all pages of the window's memory are copied in its tables under a key
            process.setUnixProcessParameters(QProcess.UnixProcessFlag.UseVFork)
        self._process = process
        process.start(self._program, self._arguments)

    def _step_back(self) -> None:
        """Let the window go first."""
        if sys.platform != "win32" and self._process is not None:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.processId(), _NICE)

    def _read(self) -> None:
        while self._process is not None and self._process.canReadLine():
            self._hear(json.loads(bytes(self._process.readLine().data())))

    def _hear(self, message: Mapping[str, Any]) -> None:
        self._heard = True
        if "measured" in message:
            self.measured.emit(message["measured"], message["of"])
        if "suggestions" in message:
            suggestions = message["suggestions"]
            self.suggested.emit(None if suggestions is None else Suggestions.from_json(suggestions))
        if "curve" in message:
            self.curve_drawn.emit(message["curve"])
        if "alike" in message:
            self.alike.emit(message["alike"], message["order"], dict(message["of_each"]))

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._finish()

    def _finish(self, *_: object) -> None:
        process = self._process
        self._process = None
        if process is None or self._closed:
            return
        self._closed = True
        messages = (
            bytes(process.readAllStandardError().data())
            .decode("utf-8", "replace")
            .strip()
            .splitlines()
        )
        process.deleteLater()
        self.ended.emit(messages[-1] if messages else "")

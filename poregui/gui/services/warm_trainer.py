"""Keep a trainer's process ready that has loaded TensorFlow already."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from poregui.domain.recipe import Recipe
from poregui.launching import child_environment, poregui_command

WAIT = poregui_command("fit", "--wait", "--events", "--control")
"""The command that waits to be told of a run."""
MEGABYTES = 640
"""What such a process takes: measured on Linux with TensorFlow 2.21, nearly all of it its own."""
_NICE = 5


class WarmTrainer:
    """Hold at most one process that waits; none is started until `wanted` is set and `prepare` is
    called.

    It ends by itself when its input closes, so that it never outlives a window that was killed.
    """

    def __init__(self, command: Sequence[str] = WAIT) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False

    @property
    def wanted(self) -> bool:
        """Tell whether a process may be kept ready."""
        return self._wanted

    @wanted.setter
    def wanted(self, wanted: bool) -> None:
        self._wanted = wanted
        if not wanted:
            self.close()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """Return the process that waits, None when there is none or when it died."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        return self._process

    def prepare(self) -> None:
        """Start a process unless one waits; one that cannot be started is done without."""
        if self._wanted and self.process is None:
            with contextlib.suppress(OSError):
                self._process = start(self._command, subprocess.DEVNULL)

    def take(self, recipe: Recipe | None) -> subprocess.Popen[bytes] | None:
        """Hand over the process for a run of this recipe.

        None when there is none, or when the recipe needs another: the number of threads is settled
        before TensorFlow is loaded, and a forest does without it. The process that waits then ends,
        so that its memory is there for the run.
        """
        process = self.process
        fits = recipe is not None and recipe.threads == 0 and recipe.preset != "shape"
        if process is None or not fits:
            self.close()
            return None
        self._process = None
        return process

    def close(self) -> None:
        """End the process that waits; it has nothing to save."""
        process = self._process
        self._process = None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def start(command: Sequence[str], stderr: Any) -> subprocess.Popen[bytes]:
    """Start a trainer's process that lets the window go first.

    Raises OSError when that is refused.
    """
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=child_environment(),
        **_apart(),
    )
    _step_back(process)
    return process


def _apart() -> dict[str, Any]:
    """Keep the child away from the terminal's Ctrl+C and, on Windows, from a console window of its
    own.
    """
    if sys.platform == "win32":
        return {
            "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        }
    return {"start_new_session": True}


def _step_back(process: subprocess.Popen[bytes]) -> None:
    """Let the window go first.

    Done from outside, for code between fork and exec is unsafe beside threads.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)

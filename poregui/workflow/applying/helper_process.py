"""Make a process ready that works for another one and never outlives it."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from multiprocessing import parent_process
from multiprocessing.sharedctypes import RawArray
from typing import Any

LOOK_S = 0.2
_SWITCH_S = 0.0002
"""How long a thread holds the interpreter while another wants it: with Python's own 5 ms the
threads of a micrograph that come back from the network wait for one another a sixth of the time.
"""
_GARBAGE = (100_000, 50, 100)
"""After how many new objects circles among them are looked for: with Python's own 700 to 2,000,
which pass within some pores, looking took a twentieth of the time and found nothing."""
GRACE_S = 1.0
"""How long a process may take to end in order before it ends at once."""


class Stopped(Exception):
    """Leave work that nobody waits for any more."""


class Talk:
    """Share how far each of `count` micrographs is, 0 to 1, and whether to stop, between processes
    and without locks.

    A process that dies would take a lock along, and everybody else would wait for it.
    """

    def __init__(self, count: int) -> None:
        self._values: Any = RawArray(ctypes.c_double, count + 1)

    def stop(self) -> None:
        """Ask all processes to end."""
        self._values[-1] = 1.0

    @property
    def stopped(self) -> bool:
        """Tell whether all were asked to end."""
        return bool(self._values[-1])

    def tell(self, place: int, part: float) -> None:
        """Say how far a micrograph is. Raises Stopped when all were asked to end."""
        if self.stopped:
            raise Stopped
        self._values[place] = part

    def part(self, place: int) -> float:
        """Return how far a micrograph is."""
        return float(self._values[place])


_talk: Talk | None = None


def prepare(talk: Talk) -> None:
    """Make a new process ready: one thread for pictures, Ctrl+C for its parent alone, an end when
    that has ended.
    """
    global _talk
    import cv2

    cv2.setNumThreads(1)
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _talk = talk
    threading.Thread(target=_watch, args=(talk,), daemon=True).start()


def _watch(talk: Talk) -> None:
    """End this process a little after it was asked to, or when its parent is gone, whatever it is
    doing.
    """
    parent = parent_process()
    while not talk.stopped and (parent is None or parent.is_alive()):
        time.sleep(LOOK_S)
    talk.stop()
    time.sleep(GRACE_S)
    os._exit(1)


def current_talk() -> Talk | None:
    """Return what this process shares with the one that started it; None in one that nobody made
    ready.
    """
    return _talk

"""Append and read what a training told, line by line; changes with how events lie on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from poregui.domain.events import Event, from_line, to_line
from poregui.store.damage import size_of
from poregui.store.files import explain_write_error

_TAIL = 1 << 16
_LONGEST_LINE = 1 << 22


class EventWriter:
    """Append events to a file, each line forced out at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._out: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115 - lives as long as the writer
        except OSError as error:
            raise explain_write_error(error, path) from error

    def write(self, event: Event) -> None:
        """Append one event."""
        self._out.write(to_line(event) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Force everything to disk and close."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file; nothing when it is no file or holds none."""
    try:
        size_of(path)
        with open(path, encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(_LONGEST_LINE):
                event = from_line(line)
                if event is not None:
                    yield event
    except OSError:
        return


def last_event(path: Path) -> Event | None:
    """Return the last event of a file, read from its end; None when it is no file or holds none."""
    try:
        size = size_of(path)
        with open(path, "rb") as content:
            content.seek(max(0, size - _TAIL))
            lines = content.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        event = from_line(line)
        if event is not None:
            return event
    if size <= _TAIL:
        return None
    last = None
    for event in read_events(path):
        last = event
    return last

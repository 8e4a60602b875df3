"""Lend a few connections to a SQLite file to any number of threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poregui.domain.errors import ProjectError
from poregui.store.database import explained, refused_write, transaction

MOST_READERS = 4
"""Connections for reading that are open at most; a read takes well below 1 ms, so few wait."""
_BUSY_S = 3.0
_PATIENCE_S = 5.0
"""Time to wait for another thread: longer than SQLite itself waits for a lock."""


class Connections:
    """Lend connections for one read each, and the only one that writes; no file is ever made.

    What is open depends neither on how many threads ask nor on how long they live: a thread of Qt
    is a new one to Python each time that it calls, so a connection for each thread would be one
    for each call. A read waits while `most_readers` are lent. Raises ProjectError where the file
    cannot be opened, and after `close`.
    """

    def __init__(self, path: Path, *, read_only: bool, most_readers: int = MOST_READERS) -> None:
        self._path = path
        self._read_only = read_only
        self._most = most_readers
        self._changed = threading.Condition()
        self._idle: list[sqlite3.Connection] = []
        self._open = 0
        self._closed = False
        self._writing = threading.RLock()
        self._batch_of: int | None = None
        self._writer: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for one read; the writer's own to the thread that is inside of `batch`.

        A connection with which something went wrong is not lent again.
        """
        if self._batch_of == threading.get_ident():
            with self.writing() as writer, explained(self._path):
                yield writer
            return
        connection = self._take()
        try:
            with explained(self._path):
                yield connection
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection that writes. Raises ReadOnlyError where nothing may be written."""
        if self._read_only:
            raise refused_write(self._path)
        if not self._writing.acquire(timeout=_PATIENCE_S):
            what = f"{self._path} is being written by other work."
            raise ProjectError(what, "Wait until that has ended, and try again.")
        try:
            if self._closed:
                raise self._is_closed()
            if self._writer is None:
                self._writer = self._new_writer()
            yield self._writer
        finally:
            if self._closed and self._batch_of is None:
                self._close_writer()
            self._writing.release()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Commit all that this thread writes in the body at once; only it sees it before.

        Raises as `transaction`.
        """
        with self.writing() as writer:
            self._batch_of = threading.get_ident()
            try:
                with transaction(writer, self._path):
                    yield
            finally:
                self._batch_of = None

    def close(self) -> None:
        """Close all connections; one that is lent is waited for.

        When that takes too long, who has it closes it as soon as it comes back.
        """
        with self._changed:
            self._closed = True
            idle = self._idle
            self._idle = []
            self._open -= len(idle)
            self._changed.notify_all()
        for connection in idle:
            connection.close()
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0, _PATIENCE_S)
        if self._batch_of == threading.get_ident():
            return
        if self._writing.acquire(timeout=_PATIENCE_S):
            self._close_writer()
            self._writing.release()

    def _take(self) -> sqlite3.Connection:
        with self._changed:
            self._changed.wait_for(self._may_take)
            if self._closed:
                raise self._is_closed()
            if self._idle:
                return self._idle.pop()
            self._open += 1
        try:
            with explained(self._path):
                return self._connect("ro" if self._read_only else "rw")
        except BaseException:
            self._forget_one()
            raise

    def _may_take(self) -> bool:
        return self._closed or bool(self._idle) or self._open < self._most

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._changed:
            if not self._closed:
                self._idle.append(connection)
                self._changed.notify()
                return
        self._drop(connection)

    def _drop(self, connection: sqlite3.Connection) -> None:
        connection.close()
        self._forget_one()

    def _forget_one(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def _connect(self, mode: str) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_S,
        )

    def _new_writer(self) -> sqlite3.Connection:
        with explained(self._path):
            writer = self._connect("rw")
            writer.execute("PRAGMA synchronous = FULL")
        return writer

    def _close_writer(self) -> None:
        writer = self._writer
        self._writer = None
        if writer is not None:
            writer.close()

    def _is_closed(self) -> ProjectError:
        return ProjectError(f"{self._path.parent} was closed.", "Open it again.")

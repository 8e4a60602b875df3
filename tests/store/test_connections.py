"""Few connections serve any number of threads, all are closed, and what SQLite refuses has its
sentence.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poregui.domain.errors import ImageError, ProjectError, ReadOnlyError
from poregui.store import connections, database
from poregui.store.connections import MOST_READERS, Connections
from poregui.store.database import explain
from poregui.store.files import explain_write_error
from poregui.store.pixels import CropPixels, PixelStore, make_pixels
from poregui.store.project import Project
from poregui.vision.io.reader import read_image

ROOT = Path(__file__).resolve().parents[2]
needs_limits = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not limit descriptors"
)


def grey(value: int) -> CropPixels:
    return CropPixels(np.full((10, 12), value, np.uint8), 0, 255)


class Counted(sqlite3.Connection):
    """Tell how many connections are open now and were at most."""

    now = most = 0
    guard = threading.Lock()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.is_counted = True
        with Counted.guard:
            Counted.now += 1
            Counted.most = max(Counted.most, Counted.now)

    def close(self) -> None:
        super().close()
        with Counted.guard:
            Counted.now -= self.is_counted
            self.is_counted = False


@pytest.fixture(autouse=True)
def _file(tmp_path: Path) -> None:
    make_pixels(tmp_path / "pixels.db")


@pytest.fixture
def counted(monkeypatch) -> type[Counted]:
    Counted.now = Counted.most = 0
    connect = sqlite3.connect
    monkeypatch.setattr(
        connections.sqlite3,
        "connect",
        lambda *text, **named: connect(*text, factory=Counted, **named),
    )
    return Counted


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with store.batch():
        found = [store.add(grey(value)) for value in range(40)]
    store.close()
    return found


@pytest.mark.parametrize("read_only", [True, False])
def test_threads_that_live_for_one_read_share_few_connections(
    tmp_path: Path, keys: list[str], counted: type[Counted], read_only: bool
) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=read_only)
    read: list[int] = []

    def work(number: int) -> None:
        read.append(int(store.get(keys[number % len(keys)]).array[0, 0]))

    for start in range(0, 200, 20):
        threads = [threading.Thread(target=work, args=(start + number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(read) == sorted(number % len(keys) for number in range(200))
    assert counted.now == counted.most <= MOST_READERS + (not read_only)
    store.close()
    assert counted.now == 0


def test_threads_that_stay_never_hold_more_than_is_lent(
    tmp_path: Path, keys: list[str], counted: type[Counted]
) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with ThreadPoolExecutor(16) as pool:
        values = list(pool.map(lambda key: int(store.get(key).array[0, 0]), keys * 20))
    assert values == list(range(40)) * 20
    assert counted.most <= MOST_READERS + 1
    store.close()
    assert counted.now == 0


def test_only_the_thread_of_a_batch_sees_what_is_not_committed(tmp_path: Path) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with ThreadPoolExecutor(1) as other, store.batch():
        key = store.add(grey(7))
        assert store.has(key)
        assert int(store.get(key).array[0, 0]) == 7
        assert [int(one.array[0, 0]) for one in store.get_many([key, key])] == [7, 7]
        assert store.form(key) == (1, 8, 0.0, 255.0)
        assert not other.submit(store.has, key).result()
    assert store.has(key)
    store.close()


def test_a_batch_that_fails_keeps_nothing_and_the_next_one_does(tmp_path: Path) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with suppress(ZeroDivisionError), store.batch():
        lost = store.add(grey(1))
        raise ZeroDivisionError
    with store.batch():
        kept = store.add(grey(2))
    assert (store.has(lost), store.has(kept)) == (False, True)
    store.close()


def test_two_threads_add_in_turn_and_one_that_waits_too_long_is_told(
    tmp_path: Path, monkeypatch
) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with ThreadPoolExecutor(2) as pool:
        with store.batch():
            waiting = pool.submit(store.add, grey(1))
            mine = store.add(grey(2))
        assert store.has(waiting.result())
        assert store.has(mine)
        monkeypatch.setattr(connections, "_PATIENCE_S", 0.05)
        with store.batch():
            refused = pool.submit(store.add, grey(3)).exception()
    assert isinstance(refused, ProjectError)
    assert "is being written by other work" in refused.what
    store.close()


def test_closing_waits_for_a_read_and_nothing_is_lent_afterwards(
    tmp_path: Path, keys: list[str], counted: type[Counted]
) -> None:
    lent = Connections(tmp_path / "pixels.db", read_only=False)
    with ThreadPoolExecutor(1) as pool, lent.reading() as connection:
        closing = pool.submit(lent.close)
        while not lent._closed:
            time.sleep(0.001)
        assert connection.execute("SELECT COUNT(*) FROM pixels").fetchone() == (len(keys),)
        assert not closing.done()
    closing.result()
    assert counted.now == 0
    for use in (lent.reading, lent.writing, lent.batch):
        with pytest.raises(ProjectError, match="was closed"), use():
            pass
    lent.close()


def test_closing_does_not_hang_on_a_read_that_never_ends(
    tmp_path: Path, keys, counted, monkeypatch
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.05)
    lent = Connections(tmp_path / "pixels.db", read_only=False)
    with ThreadPoolExecutor(1) as pool, lent.reading(), lent.batch():
        pool.submit(lent.close).result(timeout=20)
        assert counted.now == 2
    assert counted.now == 0


def test_a_batch_whose_store_is_closed_inside_of_it_keeps_what_was_added(
    tmp_path: Path, counted
) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with store.batch():
        key = store.add(grey(1))
        store.close()
    assert counted.now == 0
    again = PixelStore(tmp_path / "pixels.db", read_only=True)
    assert again.has(key)
    again.close()


def test_a_connection_with_which_a_read_failed_is_not_lent_again(
    tmp_path: Path, keys, counted
) -> None:
    lent = Connections(tmp_path / "pixels.db", read_only=True)
    with pytest.raises(ProjectError, match="no such column"), lent.reading() as connection:
        connection.execute("SELECT colour FROM pixels")
    assert counted.now == 0
    with lent.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM pixels").fetchone() == (len(keys),)
    lent.close()


def test_nothing_is_added_to_a_store_for_reading(tmp_path: Path, keys) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=True)
    with pytest.raises(ReadOnlyError, match="is read-only"):
        store.add(grey(1))
    store.close()


def test_pixels_that_vanished_are_told_and_not_made_anew(tmp_path: Path, keys) -> None:
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    (tmp_path / "pixels.db").rename(tmp_path / "away.db")
    with pytest.raises(ProjectError, match=r"pixels\.db no longer exists"):
        store.get(keys[0])
    assert not (tmp_path / "pixels.db").exists()
    store.close()


def refusal(name: str, text: str = "refused") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "says", "advises"),
    [
        (refusal("SQLITE_FULL"), "is full", "Free some space"),
        (refusal("SQLITE_BUSY_SNAPSHOT"), "being written by another program", "Close it there"),
        (refusal("SQLITE_READONLY_DIRECTORY"), "is read-only", "Copy the project"),
        (refusal("SQLITE_READONLY_ROLLBACK"), "did not end properly", "may be written"),
        (refusal("SQLITE_READONLY_DBMOVED"), "was moved or replaced", "Restore it"),
        (refusal("SQLITE_NOTADB"), "pixels.db is damaged", "restore pixels.db"),
        (refusal("SQLITE_IOERR_FSYNC"), "The disk failed", "its drive is connected"),
        (refusal("SQLITE_IOERR_NOMEM"), "not enough memory", "Close other programs"),
        (MemoryError(), "not enough memory", "Close other programs"),
        (refusal("SQLITE_CANTOPEN"), "pixels.db cannot be opened", "Check the folder"),
        (refusal("SQLITE_ERROR", "no such table: pixels"), "no such table", "restore the file"),
    ],
)
def test_each_refusal_has_a_sentence_of_its_own(
    tmp_path: Path, error, says: str, advises: str
) -> None:
    (tmp_path / "pixels.db").touch()
    received = explain(error, tmp_path / "pixels.db")
    assert says in received.what
    assert advises in received.remedy
    assert str(tmp_path) in received.what


@pytest.mark.parametrize("name", ["SQLITE_CANTOPEN", "SQLITE_IOERR_READ"])
def test_a_file_that_is_gone_is_called_gone(tmp_path: Path, name: str) -> None:
    assert "no longer exists" in explain(refusal(name), tmp_path / "gone.db").what


def test_a_file_without_permission_is_called_so(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "project.db").touch()
    monkeypatch.setattr(database.os, "access", lambda path, mode: False)
    assert "no permission" in explain(refusal("SQLITE_CANTOPEN"), tmp_path / "project.db").what
    monkeypatch.setattr(database.os, "access", lambda path, mode: mode == os.R_OK)
    assert isinstance(explain(refusal("SQLITE_CANTOPEN"), tmp_path / "project.db"), ReadOnlyError)


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.EMFILE, "too many files open"), (errno.ENOENT, "no longer exists")],
)
def test_a_write_that_is_refused_names_the_cause(tmp_path: Path, code: int, says: str) -> None:
    assert (
        says
        in explain_write_error(OSError(code, os.strerror(code)), tmp_path / "gone" / "a.csv").what
    )


CROWDED = """
import json, os, resource, sys
from pathlib import Path
from poregui.domain.errors import PoreguiError
from poregui.store.pixels import PixelStore
from poregui.store.project import Project
from poregui.vision.io.reader import read_image

folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
project = Project.open(folder)
key = project.crops()[0].pixels

def told(use):
    try:
        use()
    except PoreguiError as error:
        return str(error)

def write():
    with project.transaction():
        project.put_meta("a", "b")

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
uses = {
    "label": write,
    "pixels": lambda: project.pixels.get(key),
    "picture": lambda: read_image(picture),
    "open": lambda: Project.open(folder.parent / "other"),
}
said = {name: told(use) for name, use in uses.items()}
for descriptor in taken:
    os.close(descriptor)
write()
project.close()
print(json.dumps(said))
"""


@needs_limits
def test_too_many_open_files_are_called_so_and_the_file_is_named(tmp_path: Path) -> None:
    from label_desk import add_micrograph, add_ready_made

    for name in ("mine", "other"):
        with Project.create(tmp_path / name) as project:
            add_ready_made(project, 2)
            add_micrograph(project)
    image = tmp_path / "mine" / "field.png"
    assert read_image(image).width
    done = subprocess.run(
        [sys.executable, "-c", CROWDED, str(tmp_path / "mine"), str(image)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    files = {
        "label": "project.db",
        "pixels": "pixels.db",
        "picture": "field.png",
        "open": "project.lock",
    }
    for use, file in files.items():
        assert f"{file} cannot be" in said[use], said
        assert "this program has too many files open. Close poregui and start it again" in said[use]


def test_a_picture_whose_disk_fails_is_not_called_damaged(tmp_path: Path, monkeypatch) -> None:
    from poregui.vision.io import reader

    def fail(path: Path, plane: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(reader, "_decode", fail)
    with pytest.raises(ImageError, match="its disk failed"):
        read_image(tmp_path / "a.png")

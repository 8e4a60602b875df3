"""Hold a project with very many crops to its times, at five times each (R8).

A twentieth of the crops every day, all 100,000 in a soak run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from _bench_label import make_project, memory_mb
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.shell.main_window import MainWindow
from poregui.store.backups import backups_of, make_backup
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

OPENS_S = 5 * 3.0
NEXT_S = 5 * 0.05
COMMIT_S = 5 * 0.02
MOST_MB = 1200
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, repetitions: Callable[[int], int]) -> Path:
    count = 100_000 if repetitions(10) == 10 else 5_000
    return make_project(tmp_path_factory.mktemp("many") / "p", count, images=500)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    made = build_window(None)
    made.resize(1200, 800)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def test_a_label_is_on_disk_soon_among_very_many(folder: Path) -> None:
    times = []
    with Project.open(folder) as project:
        history = History(project)
        for number in range(200):
            edit = label_crops(project, [1 + number], 1 + number % 3, who="x")
            began = time.perf_counter()
            history.apply(edit)
            times.append(time.perf_counter() - began)
    assert float(np.median(times)) < COMMIT_S


def test_a_backup_of_very_many_takes_little_time_and_only_the_place_of_project_db(
    folder: Path,
) -> None:
    began = time.perf_counter()
    backup = make_backup(folder)
    assert time.perf_counter() - began < OPENS_S
    size = (folder / "project.db").stat().st_size
    assert backup.path.stat().st_size <= size + 65_536
    assert backups_of(folder)[0] == backup


def test_a_window_opens_very_many_soon_and_goes_from_one_to_the_next(
    window: MainWindow, folder: Path
) -> None:
    before = memory_mb()  # of other tests in this process too, TensorFlow among them
    began = time.perf_counter()
    window.open_project(folder)
    QApplication.processEvents()
    assert time.perf_counter() - began < OPENS_S
    grid = window.label_page.crop_grid
    times = []
    for number in range(60):
        began = time.perf_counter()
        QTest.keyClicks(grid, "123"[number % 3])
        QApplication.processEvents()
        times.append(time.perf_counter() - began)
    assert float(np.median(times)) < NEXT_S
    assert window.session is not None
    assert len(window.session.project.label_log()) >= 60
    after = memory_mb()
    assert before is None or after is None or after - before < MOST_MB

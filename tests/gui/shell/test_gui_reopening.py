"""Opening one project after the other leaves nothing of those before, neither for Qt nor for
Python.
"""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import labelled_project
from finished_runs import finished_run
from label_desk import add_micrograph
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from poregui.gui.app import build_window
from poregui.gui.services.jobs import Background
from poregui.gui.shell.main_window import MainWindow

WARM_UP, REPEATED = 3, 4


@pytest.fixture
def projects(tmp_path: Path) -> tuple[Path, Path]:
    """Return two projects, each with labels, micrographs and two runs."""
    folders = (tmp_path / "one", tmp_path / "two")
    for folder in folders:
        with labelled_project(folder) as project:
            finished_run(project)
            finished_run(project)
            add_micrograph(project, "first.png")
            add_micrograph(project, "second.png")
    return folders


@pytest.fixture
def window(qtbot) -> Iterator[MainWindow]:
    window = build_window()
    window.resize(1200, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()


def work_on(window: MainWindow, folder: Path, qtbot: Any) -> None:
    """Open a project, look at each page, label some crops, look at the micrographs."""
    window.open_project(folder)
    services = window.services
    assert services is not None
    for page in (window.train_page, window.review_page, window.apply_page, window.label_page):
        window.show_page(page)
        QApplication.processEvents()
    QTest.keyClicks(window.label_page.crop_grid, "12")
    for micrograph in window.session.project.micrographs():
        services.micrograph_images.request(micrograph)
    qtbot.waitUntil(lambda: not services.background.busy and not services.thumbnails.busy)


def kinds() -> Counter[str]:
    """Return how many objects of each kind hang below the windows, after what
    waits to be deleted.
    """
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        gc.unfreeze()
        gc.collect()
    found: Counter[str] = Counter()
    waiting: list[QObject] = [w for w in QApplication.topLevelWidgets() if w.parent() is None]
    while waiting:
        one = waiting.pop()
        found[type(one).__name__] += 1
        waiting += one.children()
    return found


def test_reopening_leaves_no_object_and_no_project_behind(
    window: MainWindow, projects: tuple[Path, Path], qtbot: Any
) -> None:
    for number in range(WARM_UP):
        work_on(window, projects[number % 2], qtbot)
    before, opened = kinds(), []
    for number in range(WARM_UP, WARM_UP + REPEATED):
        work_on(window, projects[number % 2], qtbot)
        opened.append(weakref.ref(window.session.project))
        opened.append(weakref.ref(window.services))
    assert kinds() - before == Counter()
    assert [index for index, one in enumerate(opened) if one() is not None] == [
        len(opened) - 2,
        len(opened) - 1,
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_work_that_ended_is_not_kept_by_its_pool(qtbot, fails: bool) -> None:
    class Large:
        """Stand for what a task holds or brings."""

    background, kept, heard = Background(), [], []
    for _ in range(50):
        large = Large()
        kept.append(weakref.ref(large))

        def work(_control: object, large: Large = large) -> Large:
            if fails:
                background.cancel_all()
            return large

        background.run("work", work, lambda _result: heard.append(1))
        del large, work
    background.wait()
    kinds()
    assert len(heard) == (0 if fails else 50)
    assert [one() for one in kept if one() is not None] == []

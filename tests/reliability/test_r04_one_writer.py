"""Hold that a project has one writer, and says at once where it has none (R4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import labelled_project

from poregui.domain.errors import PoreguiError
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.widgets.banners import Banner
from poregui.launching import child_environment
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

SOON_S = 5.0
"""Five times what it may take."""
OPENING = """
import sys, time
from pathlib import Path
from poregui.store.project import Project

sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
project = Project.open(Path(sys.argv[1]))
sys.stdout.write(f"{project.read_only}\\n")
sys.stdout.flush()
sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    return tmp_path / "p"


def opening(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPENING, str(folder)],
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def received(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_of_processes_that_open_a_project_at_once_one_alone_writes(
    folder: Path, repetitions: Callable[[int], int]
) -> None:
    for _ in range(repetitions(20)):
        processes = [opening(folder) for _ in range(3)]
        for one in processes:
            assert received(one) == "ready"
        for one in processes:
            go_on(one)
        assert sorted(received(one) for one in processes) == ["False", "True", "True"]
        for one in processes:
            end(one)


def test_the_lock_of_a_process_that_was_killed_holds_nobody_up(folder: Path) -> None:
    writer = opening(folder)
    assert received(writer) == "ready"
    go_on(writer)
    assert received(writer) == "False"
    with Project.open(folder) as project:
        assert project.read_only
    if sys.platform == "win32":
        writer.kill()
    else:
        writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert (folder / "project.lock").exists()
    with Project.open(folder) as project:
        assert not project.read_only


def test_a_second_window_says_at_once_that_it_only_reads(window: MainWindow, folder: Path) -> None:
    with Project.open(folder):
        began = time.monotonic()
        window.open_project(folder)
        banner = window.findChild(Banner, "read_only_banner")
        assert banner is not None
        assert banner.isVisible()
        assert time.monotonic() - began < SOON_S
        assert "is read-only" in banner.text
        assert window.session is not None
        with pytest.raises(PoreguiError, match="reading only"):
            window.session.apply(label_crops(window.session.project, [1], 2, who="x"))
        window.close_project()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets no folder be renamed in use.")
def test_a_folder_that_is_renamed_while_it_is_open_gives_a_sentence_and_loses_nothing(
    window: MainWindow, folder: Path
) -> None:
    window.open_project(folder)
    assert window.session is not None
    window.session.apply(label_crops(window.session.project, [1], 2, who="x"))
    folder.rename(folder.with_name("q"))
    with pytest.raises(PoreguiError) as caught:
        window.session.apply(label_crops(window.session.project, [2], 3, who="x"))
    assert "project.db" in caught.value.what
    window.close_project()
    with Project.open(folder.with_name("q")) as project:
        assert not project.read_only
        assert project.labels()[1] == 2
        assert project.labels()[2] == 2
        History(project).apply(label_crops(project, [2], 3, who="x"))
    assert not folder.exists() or os.listdir(folder) == []

"""Hold the first promise: a label that was seen is on disk, also when the program is killed while
keys arrive.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from label_desk import add_ready_made

import poregui
from poregui.store.project import Project

CROPS = 250
LABELLING = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from poregui.gui.app import build_window

window = build_window(Path(sys.argv[1]))
window.show()
page, session = window.label_page, window.session

def tell(changed):
    for crop_id in changed.crop_ids:
        label = session.project.crop(crop_id).label
        sys.stdout.write(f"{crop_id} {label or 0}\\n")
    sys.stdout.flush()

session.changed.connect(tell)
keys = iter("1230u2z31z" * 10_000)
timer = QTimer(interval=0)
timer.timeout.connect(lambda: QTest.keyClick(page.crop_grid, next(keys)))
timer.start()
QApplication.instance().exec()
"""


def kill_while_labelling(folder: Path, settings: Path, after: float) -> list[tuple[int, int]]:
    """Let the real window label by keys, kill it `after` seconds of that, and return what it
    showed: crop and label.
    """
    source = str(Path(poregui.__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": source,
        "XDG_CONFIG_HOME": str(settings),
        "QT_QPA_PLATFORM": "offscreen",
    }
    program = subprocess.Popen(
        [sys.executable, "-c", LABELLING, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert program.stdout is not None
    lines = [program.stdout.readline()]
    time.sleep(after)
    program.send_signal(signal.SIGKILL)
    lines += program.stdout.read().splitlines(keepends=True)
    program.wait()
    program.stdout.close()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(crop_id), int(label)) for crop_id, label in whole]


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
def test_a_label_that_was_shown_survives_a_kill_while_keys_arrive(
    tmp_path: Path, repetitions: Callable[[int], int]
) -> None:
    with Project.create(tmp_path / "pores") as project:
        add_ready_made(project, CROPS)
    chance = random.Random(0)
    before = 0
    for _ in range(repetitions(60)):
        shown = kill_while_labelling(
            tmp_path / "pores", tmp_path / "settings", chance.uniform(0, 0.6)
        )
        assert shown
        with contextlib.closing(sqlite3.connect(tmp_path / "pores" / "project.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with Project.open(tmp_path / "pores") as project:
            assert not project.read_only
            log = [(entry.crop_id, entry.label or 0) for entry in project.label_log()]
            labels = {crop_id: label or 0 for crop_id, label in project.labels().items()}
        written = log[before:]
        assert written[: len(shown)] == shown
        assert (
            len(written) - len(shown) <= 1
        )  # the last key may be on disk and was killed before it was shown
        assert labels == dict.fromkeys(labels, 0) | dict(log)
        before = len(log)

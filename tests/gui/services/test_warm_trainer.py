"""Test the trainer that waits beside the window: when there is one, what it does, that it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from fake_trainer import BEGIN, FINISHED, epochs
from run_folders import make_run, small_recipe
from train_desk import Desk

import poregui
from poregui.domain.events import Finished, from_line
from poregui.domain.recipe import recipe_for
from poregui.gui.services.trainer import TrainerThread
from poregui.gui.services.warm_trainer import WAIT, WarmTrainer, start
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder

FAKE = Path(__file__).resolve().parents[3] / "tests" / "support" / "fake_trainer.py"
WAITING = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(FAKE.parent)!r})
line = sys.stdin.buffer.raw.readline()
if not line:
    sys.exit(0)
from fake_trainer import play
from poregui.store.run_folder import RunFolder
sys.exit(play(sys.argv[1], RunFolder(Path(json.loads(line)))))
"""


def waiting(way: str) -> tuple[str, ...]:
    """Return a command that waits for a run as the real one does, without TensorFlow, and then
    behaves in some way.
    """
    return (sys.executable, "-c", WAITING, way)


@pytest.fixture
def desk(qtbot, tmp_path):
    """Return a train page whose cold trainer dies, and whose warm one finishes, so that one can
    tell them apart.
    """
    made = Desk(qtbot, labelled_project(tmp_path / "pores"), "dies")
    made.trainer.warm = WarmTrainer(waiting("finishes"))
    yield made
    made.close()


def test_nothing_waits_until_a_person_wants_it(desk):
    desk.trainer.keep_ready()
    assert desk.trainer.warm.process is None


def test_a_run_is_given_to_the_trainer_that_waits_and_the_next_one_waits_again(qtbot, desk):
    desk.trainer.warm.wanted = True
    desk.trainer.keep_ready()
    first = desk.trainer.warm.process
    with qtbot.waitSignal(desk.trainer.finished, timeout=30_000) as ended:
        desk.trainer.start(recipe_for("default"))
    assert ended.args == [FINISHED]
    assert first.returncode == 0
    second = desk.trainer.warm.process
    assert second is not None
    assert second.pid != first.pid
    desk.trainer.close()
    assert second.returncode is not None
    assert desk.trainer.warm.process is None


def test_a_recipe_with_its_own_number_of_threads_gets_a_process_of_its_own(qtbot, desk):
    desk.trainer.warm.wanted = True
    desk.trainer.keep_ready()
    waited = desk.trainer.warm.process
    with qtbot.waitSignal(desk.trainer.finished, timeout=30_000) as ended:
        desk.trainer.start(recipe_for("default", threads=1))
    assert "the very last words" in str(ended.args[0])  # of the cold one
    assert waited.returncode is not None


def test_switching_it_off_ends_the_one_that_waits(desk):
    desk.trainer.warm.wanted = True
    desk.trainer.keep_ready()
    waited = desk.trainer.warm.process
    desk.trainer.warm.wanted = False
    assert waited.returncode is not None
    desk.trainer.keep_ready()
    assert desk.trainer.warm.process is None


def test_a_page_with_too_few_labels_lets_nothing_wait(qtbot, tmp_path):
    desk = Desk(qtbot, Project.create(tmp_path / "empty"), "finishes")
    desk.trainer.warm = WarmTrainer(waiting("finishes"))
    desk.trainer.warm.wanted = True
    desk.presenter._stale = True
    desk.presenter._refresh_if_visible()
    assert desk.trainer.warm.process is None
    desk.close()


def test_a_page_from_which_one_can_train_lets_a_trainer_wait(desk):
    desk.trainer.warm.wanted = True
    desk.presenter._stale = True
    desk.presenter._refresh_if_visible()
    assert desk.trainer.warm.process is not None


def test_a_trainer_that_died_while_it_waited_is_replaced_without_a_word(qtbot, tmp_path):
    (tmp_path / "001").mkdir()
    ready = start((sys.executable, "-c", "import sys; sys.stdin.readline()"), subprocess.DEVNULL)
    cold = (sys.executable, str(FAKE), "finishes")
    thread = TrainerThread(RunFolder(tmp_path / "001"), cold, ready=ready)
    received = []
    thread.received.connect(received.append)
    with qtbot.waitSignal(thread.finished, timeout=30_000):
        thread.start()
    qtbot.waitUntil(lambda: bool(received) and received[-1] == thread.final)
    thread.wait()
    assert received == [*BEGIN, *epochs(), FINISHED]
    assert ready.returncode == 0


def test_a_trainer_that_waits_can_be_cancelled_at_once(qtbot, tmp_path):
    (tmp_path / "001").mkdir()
    thread = TrainerThread(
        RunFolder(tmp_path / "001"), (), ready=start(waiting("waits"), subprocess.DEVNULL)
    )
    thread.ask("cancel")
    with qtbot.waitSignal(thread.finished, timeout=30_000):
        thread.start()
    assert type(thread.final).__name__ == "Cancelled"


def test_the_preference_is_ticked_in_the_menu_and_kept(qtbot):
    from poregui.gui.base.preferences import Preferences
    from poregui.gui.shell.main_window import MainWindow

    window = MainWindow()
    qtbot.addWidget(window)
    action = window.actions_by_name["keep_trainer_ready"]
    assert "MB" in action.text()
    assert not action.isChecked()  # as tests have it
    action.trigger()
    assert Preferences().keeps_trainer_ready
    action.trigger()
    assert not Preferences().keeps_trainer_ready


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


KEEPER = """
import sys, time
from poregui.gui.services.warm_trainer import WarmTrainer
warm = WarmTrainer()
warm.wanted = True
warm.prepare()
print(warm.process.pid, flush=True)
time.sleep(100)
"""


def _waits_for_input(pid: int) -> bool:
    """Tell whether a process has loaded TensorFlow and does nothing any more."""
    before = _processor_time(pid)
    time.sleep(1.0)
    loaded = "tensorflow" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return loaded and _processor_time(pid) == before


def _wait_for_the_end(pid: int) -> float:
    """Wait until a process has ended, however long a busy machine takes, and return the seconds."""
    began = time.monotonic()
    while _alive(pid):
        time.sleep(0.05)
    return time.monotonic() - began


def _processor_time(pid: int) -> float | None:
    try:
        received = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(received[11]) + int(received[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="Processes are looked up in /proc."
)
@pytest.mark.parametrize("loaded", [False, True], ids=["while it loads", "while it waits"])
@pytest.mark.timeout(600)
def test_a_trainer_that_waits_ends_with_its_killed_window(loaded: bool):
    source = str(Path(poregui.__file__).parents[1])
    window = subprocess.Popen(
        [sys.executable, "-c", KEEPER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert window.stdout is not None
    pid = int(window.stdout.readline())
    while loaded and not _waits_for_input(pid):
        time.sleep(0.05)
    assert _alive(pid)
    window.send_signal(signal.SIGKILL)
    window.wait()
    window.stdout.close()
    took = _wait_for_the_end(pid)
    if os.environ.get("POREGUI_SOAK"):  # it has the machine alone there
        assert took < 10


@pytest.mark.soak
@pytest.mark.slow
def test_a_run_of_the_trainer_that_waited_answers_as_any_other(tmp_path):
    predictions = []
    for name, command in (("001", WAIT), ("002", (*WAIT[:4], "fit", "--events", "--control"))):
        folder = make_run(tmp_path / name, small_recipe(epochs=2))
        waits = "--wait" in command
        process = start(command if waits else (*command, str(folder.path)), subprocess.DEVNULL)
        assert process.stdin is not None
        assert process.stdout is not None
        if waits:
            process.stdin.write(f"{json.dumps(str(folder.path))}\n".encode())
            process.stdin.flush()
        received = [from_line(line.decode()) for line in process.stdout]
        assert isinstance(received[-1], Finished)
        assert None not in received  # nothing of TensorFlow's is among the events
        process.stdin.close()
        process.stdout.close()
        assert process.wait() == 0
        predictions.append(
            np.array([prediction.probabilities for prediction in folder.read_predictions()])
        )
    assert np.array_equal(predictions[0], predictions[1])


def test_fit_wants_a_folder_or_to_wait_for_one():
    from poregui.cli.main import main

    assert main(["fit"]) == 2
    assert main(["fit", "--wait", "somewhere"]) == 2

"""Hold a training to what survives a kill: of the trainer while it saves, and of the window above
it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from run_folders import make_run, small_recipe

from poregui.domain.events import EpochEnded, Event, Interrupted, from_line
from poregui.learning import checkpoint
from poregui.store.project import Project
from poregui.store.run_files import remove_leftovers
from poregui.store.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
ROOT = Path(__file__).resolve().parents[2]
SAVING = """
import sys
from pathlib import Path
import numpy as np
from poregui.learning.checkpoint import Snapshot, State, write

epoch = int(sys.argv[2])
while True:
    epoch += 1
    arrays = [np.full((256, 1024), epoch, np.float32) for _ in range(4)]
    state = State(epoch, epoch, 0.5, 0.5, 0, 1.0)
    write(Path(sys.argv[1]), Snapshot(state, arrays, arrays, arrays))
    sys.stdout.write(f"{epoch}\\n")
    sys.stdout.flush()
"""
TRAINING = """
import os, sys
from pathlib import Path
import poregui.learning.fitting as fitting
from poregui.learning.child import fit

events, write = os.dup(1), fitting.checkpoint.write

def write_and_tell(*given):
    os.write(events, b"saving\\n")
    write(*given)

fitting.checkpoint.write = write_and_tell
fitting.checkpoint.Pace.is_due = lambda *given: True  # a checkpoint after every epoch
sys.exit(fit(Path(sys.argv[1]), events=True, control=True))
"""
WINDOW = """
import sys
from pathlib import Path
from poregui.domain.events import EpochEnded
from poregui.domain.recipe import recipe_for
from poregui.gui.app import build_window
from PySide6.QtWidgets import QApplication

window = build_window(Path(sys.argv[1]))
window.show()
window.show_page(window.train_page)
window.train_page.recipe_form.set_recipe(
    recipe_for(
        "default", epochs=2000, early_stopping=False, input_size=32, batch_size=16, threads=1
    )
)

def tell(event):
    if isinstance(event, EpochEnded):
        sys.stdout.write(f"{event.epoch}\\n")
        sys.stdout.flush()

window.services.trainer.received.connect(tell)
window.workspace.train.train()
QApplication.instance().exec()
"""


def start(code: str, *text: object, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, text)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kill a process and return the whole lines that it still said."""
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    assert process.stdin is not None
    said = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    process.stdin.close()
    process.stdout.close()
    return said


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_kill_while_a_checkpoint_is_saved_leaves_the_whole_of_the_last_one(
    tmp_path: Path, repetitions
) -> None:
    chance, file, known = random.Random(0), tmp_path / "checkpoint.npz", 0
    for _ in range(repetitions(50)):
        saving = start(SAVING, file, known)
        assert saving.stdout is not None
        known = int(saving.stdout.readline())
        time.sleep(chance.uniform(0, 0.2))
        known = max([known, *(int(line) for line in kill(saving))])
        stored = checkpoint.read(file)
        assert stored is not None
        assert (
            known <= stored.state.epoch <= known + 1
        )  # one more may be whole on disk and was not told
        for array in (*stored.variables, *stored.optimizer, *stored.best):
            assert (array == stored.state.epoch).all()
        known = stored.state.epoch
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def epochs_of(process: subprocess.Popen[str], count: int) -> list[EpochEnded]:
    """Read what a trainer tells until `count` epochs have ended."""
    assert process.stdout is not None
    received: list[EpochEnded] = []
    while len(received) < count and (line := process.stdout.readline()):
        event = from_line(line)
        received += [event] if isinstance(event, EpochEnded) else []
    return received


def wait_for_a_save(process: subprocess.Popen[str]) -> None:
    """Read what a trainer tells until it begins to write a checkpoint."""
    assert process.stdout is not None
    while process.stdout.readline() not in ("saving\n", ""):
        pass


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_trainer_that_is_killed_while_it_saves_goes_on_each_time(
    tmp_path: Path, repetitions
) -> None:
    chance, reached, ungrouped = random.Random(1), 0, 0
    # each loads TensorFlow
    times = repetitions(50) if repetitions(10) == 10 else 2
    folder = make_run(
        tmp_path / "001", small_recipe(epochs=2000, early_stopping=False, threads=1), crops=30
    )
    for _ in range(times):
        trainer = start(TRAINING, folder.path)
        received = epochs_of(trainer, 2)
        assert received[0].epoch == reached + 1  # the epoch in which it was killed is repeated
        wait_for_a_save(trainer)
        time.sleep(chance.uniform(0, 0.02))
        kill(trainer)
        ungrouped += bool(leftovers(folder.path))
        stored = checkpoint.read(folder.checkpoint_file)
        assert stored is not None
        assert np.isfinite(stored.best[0]).all()
        assert stored.state.epoch >= received[0].epoch
        reached = stored.state.epoch
        assert isinstance(folder.final_event(), Interrupted)
    assert reached >= times
    assert ungrouped >= times // 5  # so many were killed in the middle of it


def wait_for_the_end(run: RunFolder) -> Event | None:
    """Wait for as long as a busy machine may need."""
    limit = time.monotonic() + 300
    while run.is_running() and time.monotonic() < limit:
        time.sleep(0.1)
    return run.final_event()


def epochs_told(run: RunFolder) -> int:
    return sum(isinstance(event, EpochEnded) for event in run.events())


@pytest.mark.soak
def test_a_trainer_ends_within_some_epochs_of_its_killed_window_and_its_run_goes_on(
    tmp_path: Path,
) -> None:
    labelled_project(tmp_path / "pores").close()
    window = start(
        WINDOW,
        tmp_path / "pores",
        XDG_CONFIG_HOME=str(tmp_path / "settings"),
        QT_QPA_PLATFORM="offscreen",
    )
    assert window.stdout is not None
    assert int(window.stdout.readline()) == 1
    with Project.open(tmp_path / "pores", read_only=True) as project:
        (run,) = project.runs()
    assert run.is_running()
    kill(window)
    before = epochs_told(run)
    assert isinstance(wait_for_the_end(run), Interrupted)
    assert epochs_told(run) <= before + 25  # of 2000
    stored = checkpoint.read(run.checkpoint_file)
    assert stored is not None
    again = start(TRAINING, run.path)
    assert epochs_of(again, 1)[0].epoch == stored.state.epoch + 1
    again.communicate("cancel\n", timeout=60)
    assert not run.is_running()
    assert leftovers(run.path) == []

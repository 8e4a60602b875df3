"""Test the training process from outside: its pipes, its log, its lock and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from run_folders import make_run, small_recipe

from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, Failed, Finished, Interrupted, Started, from_line
from poregui.learning.child import Control, Teller, fit
from poregui.store.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "import sys; from pathlib import Path; from poregui.learning.child import fit; "
    "sys.exit(fit(Path(sys.argv[1]), events='events' in sys.argv, control='control' in sys.argv))"
)


class ResourceExhaustedError(Exception):
    """Stand in for TensorFlow's error of this name, which cannot be made without importing it."""


def start(folder: RunFolder, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder.path), *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def long_run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "012", small_recipe(epochs=2000, early_stopping=False))


def until(child: subprocess.Popen[str], kind: str) -> list[dict[str, Any]]:
    """Read events until one of a kind."""
    received = []
    assert child.stdout is not None
    for line in child.stdout:
        received.append(json.loads(line))
        if received[-1]["event"] == kind:
            return received
    pytest.fail(f"the child ended without {kind}: {received}")


def test_a_child_tells_events_and_nothing_else_and_obeys_stop(long_run: RunFolder) -> None:
    child = start(long_run, "events", "control")
    until(child, "EpochEnded")
    assert long_run.is_running()
    out, err = child.communicate("stop\n", timeout=90)
    assert child.returncode == 0
    assert err == ""
    events = [from_line(line) for line in out.splitlines()]
    assert None not in events
    assert isinstance(events[-1], Finished)
    assert events[-1].stopped
    assert events[-1] == long_run.events()[-1] == long_run.final_event()
    assert sum(isinstance(event, Started) for event in long_run.events()) == 1
    assert not long_run.is_running()
    assert "TensorFlow" in long_run.log_file.read_text()  # its notices went to the log


@pytest.mark.soak
def test_a_child_obeys_cancel_and_ends_when_its_window_is_gone(long_run: RunFolder) -> None:
    child = start(long_run, "events", "control")
    until(child, "EpochEnded")
    assert child.stdin is not None
    child.stdin.close()
    child.stdin = None
    child.communicate(timeout=90)
    assert child.returncode == 0
    assert isinstance(long_run.final_event(), Interrupted)
    assert long_run.checkpoint_file.exists()

    child = start(long_run, "events", "control")
    received = until(child, "EpochEnded")
    assert received[-1]["epoch"] > 1
    assert long_run.final_event() is None
    child.communicate("cancel\n", timeout=90)
    assert child.returncode == 0
    assert isinstance(long_run.final_event(), Cancelled)


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no Ctrl+C to one process")
def test_ctrl_c_stops_a_training_that_nobody_controls_and_a_second_one_is_refused(
    long_run: RunFolder,
) -> None:
    child = start(long_run, "events")
    until(child, "EpochEnded")
    before = len(long_run.events())
    second = start(long_run)
    _, err = second.communicate(timeout=90)
    assert second.returncode == 2
    assert "is being trained already" in err
    assert "Traceback" not in err
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=90)
    assert child.returncode == 0
    received = long_run.events()
    assert len(received) >= before
    assert not any(isinstance(event, Failed) for event in received)
    assert isinstance(received[-1], Finished)


def test_a_folder_without_a_run_is_refused_with_a_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path / "nothing", events=False, control=False) == 2
    assert "is not a run folder. Give the folder of a run" in capfd.readouterr().err
    assert fit(tmp_path, events=True, control=False) == 2
    assert isinstance(from_line(capfd.readouterr().out), Failed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (TrainingError("The disk is full.", "Make room."), 2, "The disk is full. Make room."),
        (MemoryError(), 2, "Training ran out of memory. Choose fewer crops per batch"),
        (
            ResourceExhaustedError(),
            2,
            "Training ran out of memory. Choose fewer crops per batch",
        ),
        (
            RuntimeError("Failed to allocate: CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
            2,
            "Training ran out of memory",
        ),
        (KeyError("conv_9"), 1, "Training failed: KeyError: 'conv_9'. See"),
    ],
)
def test_a_failure_is_told_and_logged_and_the_lock_is_free(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    sentence: str,
) -> None:
    folder = make_run(tmp_path / "001", crops=6)

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("poregui.learning.train.train", fail)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    assert fit(folder.path, events=False, control=False) == code
    captured = capfd.readouterr()
    assert sentence in captured.err
    assert captured.out == ""
    assert "Traceback" in folder.log_file.read_text()
    final = folder.final_event()
    assert isinstance(final, Failed)
    assert bool(final.detail) == (code == 1)
    assert not folder.is_running()


def test_a_weaker_wish_never_takes_back_a_stronger_one() -> None:
    wishes = Control()
    for wish, asked in (
        ("", ""),
        ("nonsense", ""),
        ("interrupt", "interrupt"),
        ("stop", "stop"),
        ("interrupt", "stop"),
        ("cancel", "cancel"),
        ("stop", "cancel"),
    ):
        wishes.ask(wish)
        assert wishes.asked() == asked


def test_a_second_ctrl_c_cancels() -> None:
    wishes = Control()
    wishes.signalled(signal.SIGINT, None)
    assert wishes.asked() == "stop"
    wishes.signalled(signal.SIGINT, None)
    assert wishes.asked() == "cancel"


def test_a_teller_survives_a_reader_that_went_away() -> None:
    read, write = os.pipe()
    os.close(read)
    teller = Teller(write)
    teller(Failed("Oh."))
    teller(Failed("Oh."))
    os.close(write)
    assert teller.descriptor is None
    assert teller.ended

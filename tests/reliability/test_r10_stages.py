"""Hold a run to what survives a kill or a fault at each of its stages, silence, a flood of output
and too little memory (R10).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from run_folders import make_run, small_recipe
from train_desk import Desk, train

from poregui.cli.main import REFUSED
from poregui.domain.events import (
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Finished,
    Interrupted,
    Stage,
    from_line,
)
from poregui.launching import child_environment, poregui_command
from poregui.learning.child import BROKEN, DONE, Teller, fit
from poregui.store.project import Project
from poregui.store.run_check import problem_of
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.training_request import last_words

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has other limits and signals."),
    pytest.mark.timeout(1800),
]
STAGES = (
    "Exporting",
    "Starting TensorFlow",
    "Reading the crops",
    "an epoch",
    "Saving the best weights",
    "Testing on unseen crops",
    "Comparing with shape-only baseline",
)
"""Where a run is killed or fails; the first alone where there is little time."""


def trainer(run: RunFolder) -> subprocess.Popen[str]:
    return subprocess.Popen(
        poregui_command("fit", "--events", "--control", "--", str(run.path)),
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def is_there(event: Event | None, stage: str) -> bool:
    if stage == "an epoch":
        return isinstance(event, EpochEnded)
    return isinstance(event, Stage) and event.text.startswith(stage)


def told_until(process: subprocess.Popen[str], stage: str) -> list[Event | None]:
    """Return what a trainer tells until it comes to a stage, or ends."""
    assert process.stdout is not None
    received: list[Event | None] = []
    for line in process.stdout:
        received.append(from_line(line))
        if is_there(received[-1], stage):
            break
    return received


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_stage_is_marked_and_goes_on_to_its_end(
    tmp_path: Path, repetitions: Callable[[int], int]
) -> None:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    for number, stage in enumerate(STAGES[: repetitions(10)][: len(STAGES)], 1):
        path = tmp_path / "p" / "runs" / f"{number:03d}"
        run = make_run(path, small_recipe(epochs=1, threads=1), crops=30)
        process = trainer(run)
        assert is_there(told_until(process, stage)[-1], stage)
        process.kill()
        process.communicate()
        assert isinstance(run.final_event(), Interrupted)
        assert not run.is_running()
        with Project.open(tmp_path / "p") as project:
            assert project.label_counts().total() == 6
            assert [one.path.name for one in project.runs()][-1] == path.name
        again = trainer(run)
        assert isinstance(told_until(again, "never")[-1], Finished)
        again.communicate()
        assert problem_of(run) == ""
        assert len(run.read_predictions()) == 30


def fail_at(stage: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a run that meets a bug at a stage, and hold what is told of it."""
    tell = Teller.__call__

    def fail(teller: Teller, event: Event) -> None:
        if is_there(event, stage):
            raise KeyError("conv_9")
        tell(teller, event)

    with monkeypatch.context() as patch:
        patch.setattr(Teller, "__call__", fail)
        assert fit(run.path, events=False, control=False) == BROKEN
    final = run.final_event()
    assert isinstance(final, Failed)
    assert final.what == "Training failed: KeyError: 'conv_9'."
    assert "Traceback" in run.log_file.read_text(encoding="utf-8")
    assert not run.is_running()


@pytest.fixture
def _threads_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


@pytest.mark.usefixtures("_threads_as_before")
@pytest.mark.parametrize("stage", STAGES)
def test_a_bug_at_any_stage_is_told_and_leaves_the_run_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    ended = EpochEnded(1, 1, 0.5, 0.5, 0.5, 0.5, 0.001, 1, 0, 10, 1, 0)

    def train(_folder: Path, report: Callable[[Event], None], _wish: object) -> None:
        for told in STAGES:
            report(ended if told == "an epoch" else Stage(told))

    monkeypatch.setattr("poregui.learning.child._start_tensorflow", lambda: train)
    fail_at(stage, make_run(tmp_path / "001", small_recipe(), crops=6), monkeypatch)


@pytest.mark.soak
@pytest.mark.usefixtures("_threads_as_before")
def test_a_run_that_met_a_bug_at_any_stage_goes_on_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    for number, stage in enumerate(STAGES, 1):
        path = tmp_path / "p" / "runs" / f"{number:03d}"
        run = make_run(path, small_recipe(epochs=1), crops=30)
        fail_at(stage, run, monkeypatch)
        with Project.open(tmp_path / "p") as project:
            assert project.label_counts().total() == 6
            assert [one.path.name for one in project.runs()][-1] == path.name
        assert fit(path, events=False, control=False) == DONE
        assert problem_of(run) == ""
        assert len(run.read_predictions()) == 30


def test_a_trainer_that_says_nothing_is_told_of_and_can_be_cancelled_and_tried_again(
    qtbot: QtBot, tmp_path: Path
) -> None:
    desk = Desk(
        qtbot, labelled_project(tmp_path / "p", per_class=1), "deaf", grace_ms=100, silence_ms=200
    )
    desk.page.train_button.click()
    stage = desk.page.facts.findChild(QLabel, "training_stage")
    assert stage is not None
    qtbot.waitUntil(lambda: "silent for 0.2 s" in stage.text(), timeout=30_000)
    with qtbot.waitSignal(desk.trainer.finished, timeout=5000) as finished:
        desk.trainer.cancel()
    assert isinstance(finished.args[0], Cancelled)
    desk.close()
    again = Desk(qtbot, Project.open(tmp_path / "p"), "finishes")
    train(qtbot, again)
    assert again.session.project.label_counts().total() == 15
    assert "75.0 % accuracy" in again.page.headline.text()
    again.close()


def test_a_trainer_that_floods_both_outputs_is_followed_to_its_end(
    qtbot: QtBot, tmp_path: Path
) -> None:
    desk = Desk(qtbot, labelled_project(tmp_path / "p", per_class=1), "floods")
    train(qtbot, desk)
    assert "75.0 % accuracy" in desk.page.headline.text()
    (run,) = desk.session.project.runs()
    assert run.log_file.stat().st_size > 2_000_000
    assert set(last_words(run.log_file)) == {"noise without an end"}
    desk.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "p", specimens=3, per_class=4).close()
    return tmp_path / "p"


def test_a_training_in_too_little_address_space_says_so_at_once_and_leaves_no_child(
    folder: Path,
) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))

    done = subprocess.run(
        poregui_command("train", str(folder), "--epochs", "1"),
        env=child_environment(),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == REFUSED
    assert "1.4 GB of address space, too little for TensorFlow" in done.stderr
    assert "Traceback" not in done.stderr
    (run,) = (folder / "runs").iterdir()
    assert '"Failed"' in (run / "events.jsonl").read_text(encoding="utf-8")

"""Hold a run to what survives a kill at each of its stages, and too little memory (R10)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import labelled_project
from run_folders import make_run, small_recipe

from poregui.cli.main import REFUSED
from poregui.domain.events import EpochEnded, Event, Finished, Interrupted, Stage, from_line
from poregui.launching import child_environment, poregui_command
from poregui.store.project import Project
from poregui.store.run_check import problem_of
from poregui.store.run_folder import RunFolder

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
"""Where a run is killed; the first alone where there is little time."""


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

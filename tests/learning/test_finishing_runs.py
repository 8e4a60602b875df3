"""Test that a run whose network is trained is finished without training again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run, small_recipe

from poregui.domain.events import (
    BatchEnded,
    Cancelled,
    Event,
    Finished,
    Interrupted,
    Stage,
    Started,
)
from poregui.gui.lists.run_table import read_row
from poregui.learning.child import Control
from poregui.learning.job import read_trained
from poregui.learning.results import leave_off
from poregui.learning.train import train
from poregui.store.run_check import fault_of
from poregui.store.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = (
    "model.onnx",
    "model.json",
    "predictions.csv",
    "metrics.json",
    "features.npy",
    "shapes.csv",
    "baseline.json",
)
CHILD = """
import importlib
import sys
from pathlib import Path
from poregui.learning.child import fit

training = importlib.import_module("poregui.learning.train")
write = training.write_predictions

def wait_for_the_kill(*given):
    sys.stdin.read()
    return write(*given)

training.write_predictions = wait_for_the_kill
sys.exit(fit(Path(sys.argv[1]), events=False, control=False))
"""


def run_it(
    folder: RunFolder, wish: Callable[[list[Event]], str] = lambda received: ""
) -> list[Event]:
    """Train a run folder in this process with its events on disk; `wish` is asked with what was
    told so far.
    """
    received: list[Event] = []
    writer = folder.open_events()

    def report(event: Event) -> None:
        writer.write(event)
        received.append(event)

    train(folder.path, report, lambda: wish(received))
    writer.close()
    return received


def when(text: str, wish: str) -> Callable[[list[Event]], str]:
    """Return who wishes something as soon as a stage is told."""
    return lambda received: (
        wish if any(isinstance(one, Stage) and one.text == text for one in received) else ""
    )


def predictions(folder: RunFolder) -> np.ndarray:
    return np.array([one.probabilities for one in folder.read_predictions()])


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run that was left as soon as its network was trained."""
    folder = make_run(tmp_path_factory.mktemp("trained") / "001", small_recipe(), crops=36)
    received = run_it(folder, when("Exporting the model", "interrupt"))
    assert [event for event in received if isinstance(event, BatchEnded)]
    return folder


@pytest.fixture(scope="module")
def finished(pattern: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return the same run when it is finished."""
    folder = RunFolder(shutil.copytree(pattern.path, tmp_path_factory.mktemp("finished") / "001"))
    assert read_row(folder).resumable
    assert isinstance(run_it(folder)[-1], Finished)
    return folder


@pytest.fixture
def trained(pattern: RunFolder, tmp_path: Path) -> RunFolder:
    """Return a run that was left when its network was trained, for one test."""
    return RunFolder(shutil.copytree(pattern.path, tmp_path / "001"))


def test_a_finished_run_says_what_each_of_its_files_is(finished: RunFolder) -> None:
    seal = finished.read_seal()
    assert seal is not None
    made = {path.name for path in finished.path.iterdir()}
    assert set(seal) == made - {"events.jsonl", "results.json"}
    assert set(RESULTS) < set(seal)
    assert seal["predictions.csv"].rows == 36
    assert fault_of(finished) == ""


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("Testing on unseen crops", marks=pytest.mark.slow),
        "Comparing with shape-only baseline",
    ],
)
def test_a_run_left_in_its_last_steps_goes_on_there_and_gives_the_same(
    trained: RunFolder, finished: RunFolder, stage: str
) -> None:
    folder = trained
    assert run_it(folder, when(stage, "interrupt"))[-1] == Interrupted(3)
    assert read_row(folder).resumable
    again = run_it(folder)
    assert not [event for event in again if isinstance(event, Started | BatchEnded)]
    assert isinstance(again[-1], Finished)
    assert (again[-1].epochs, again[-1].best_epoch) == (3, finished.read_metrics()["best_epoch"])
    assert np.array_equal(predictions(folder), predictions(finished))
    assert fault_of(folder) == ""


def test_a_run_whose_window_asked_to_stop_and_went_away_is_completed() -> None:
    wishes = Control()
    wishes.ask("stop")
    wishes.ask("interrupt")  # what the end of its input asks for
    leave_off(wishes.asked())


def test_a_run_that_is_cancelled_in_its_last_steps_leaves_no_network(trained: RunFolder) -> None:
    folder = trained
    received = run_it(folder, when("Testing on unseen crops", "cancel"))
    assert isinstance(received[-1], Cancelled)
    assert not [
        path for path in (folder.model_file, folder.trained_file, folder.onnx_file) if path.exists()
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
def test_a_trainer_killed_between_sidecar_and_predictions_leaves_a_run_that_fit_finishes(
    trained: RunFolder, finished: RunFolder
) -> None:
    folder = trained
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder.path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    while not any(
        isinstance(one, Stage) and one.text == "Testing on unseen crops" for one in folder.events()
    ):
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert folder.sidecar_file.exists()
    assert not folder.predictions_file.exists()
    assert isinstance(folder.final_event(), Interrupted)
    assert read_row(folder).resumable
    assert isinstance(run_it(folder)[-1], Finished)
    assert np.array_equal(predictions(folder), predictions(finished))


def test_damaged_results_of_a_trained_run_are_made_again(
    tmp_path: Path, finished: RunFolder
) -> None:
    folder = RunFolder(shutil.copytree(finished.path, tmp_path / "001"))
    for name in RESULTS:
        (folder.path / name).write_text("null\n", encoding="utf-8")
    row = read_row(folder)
    assert (row.state, row.resumable) == ("damaged", True)
    again = run_it(folder)
    assert not [event for event in again if isinstance(event, Started)]
    assert fault_of(folder) == ""
    assert np.array_equal(predictions(folder), predictions(finished))


def test_the_network_of_an_older_version_that_was_killed_while_it_tested_counts_as_trained(
    trained: RunFolder,
) -> None:
    known = read_trained(trained)
    trained.trained_file.unlink()
    older = read_trained(trained)
    assert known is not None
    assert older is not None
    assert (
        (older.epochs, older.best_epoch)
        == (known.epochs, known.best_epoch)
        == (3, known.best_epoch)
    )
    trained.model_file.unlink()
    assert read_trained(trained) is None


@pytest.mark.parametrize("name", ["recipe.json", "dataset.json", "model.keras", "trained.json"])
def test_a_network_does_not_count_as_trained_when_what_it_comes_from_changed(
    trained: RunFolder, name: str
) -> None:
    assert read_trained(trained) is not None
    path = trained.path / name
    path.write_bytes(path.read_bytes().replace(b"8", b"9").replace(b"3", b"2") + b" ")
    assert read_trained(trained) is None or name == "trained.json"
    path.write_bytes(b"null\n")
    assert read_trained(trained) is None

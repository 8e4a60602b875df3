"""Test how the command line trains: its child, its progress, its ends."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import grey, labelled_project
from PIL import Image

from poregui.cli import training_output
from poregui.cli.main import main
from poregui.cli.output import Screen, headline
from poregui.domain.errors import TrainingError
from poregui.domain.events import (
    BatchEnded,
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Finished,
    Interrupted,
    Started,
    to_line,
)
from poregui.domain.recipe import parameters, recipe_for
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.prepare_dataset import freeze

FINISHED = Finished(epochs=4, best_epoch=3, accuracy=0.75, n_test=12, seconds=1.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a closed project with 60 labelled crops of 5 specimens."""
    labelled_project(tmp_path / "steel").close()
    return tmp_path / "steel"


@pytest.fixture
def run(folder: Path) -> RunFolder:
    """Give a frozen run that nobody trained."""
    with Project.open(folder) as project:
        return freeze(project, recipe_for("default"))


def stand_in(monkeypatch: pytest.MonkeyPatch, *events: Event, script: str = "") -> None:
    """Put a child in the place of the trainer that tells these events, then runs a script."""
    lines = "".join(f"print({to_line(event)!r}, flush=True)\n" for event in events)
    monkeypatch.setattr(
        training_output,
        "_command",
        lambda run_folder: [sys.executable, "-c", f"import os, sys\n{lines}{script}"],
    )


def started(epochs: int = 4) -> Started:
    return Started(
        run="001",
        classes=("Gas", "Keyhole"),
        n_train=40,
        n_validation=8,
        n_test=12,
        epochs=epochs,
        batches=2,
    )


def epoch(number: int) -> EpochEnded:
    return EpochEnded(
        epoch=number, epochs=4, loss=0.9, accuracy=0.6, validation_loss=0.8,
        validation_accuracy=0.7, learning_rate=0.001, best_epoch=number, plateau=0, patience=10,
        seconds=2.0, seconds_left=65.0,
    )  # fmt: skip


def test_a_training_is_followed_to_its_end(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, started(), BatchEnded(1, 1, 2, 0.9, 0.5), epoch(1), FINISHED)
    assert training_output.follow(run, Screen(as_json=False)) == FINISHED
    received = capsys.readouterr()
    assert received.out == ""
    assert "40 crops for training, 8 for validation, 12 for testing" in received.err
    assert "epoch 1/4" in received.err
    assert "at most 1:05 left" in received.err


def test_in_a_terminal_the_progress_moves_in_one_line(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
    stand_in(monkeypatch, started(), BatchEnded(1, 1, 2, 0.9, 0.5), epoch(1), FINISHED)
    training_output.follow(run, Screen(as_json=False))
    received = capsys.readouterr().err
    assert "\repoch 1 [########........] loss 0.900" in received
    assert received.endswith("\r")


def test_a_failed_training_says_why(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(
        monkeypatch, started(), Failed("The disk is full.", "Make room."), script="sys.exit(2)"
    )
    with pytest.raises(TrainingError, match=r"The disk is full\. Make room\."):
        training_output.follow(run, Screen(as_json=False))


@pytest.mark.parametrize(
    ("over", "text"),
    [
        (
            {"over": "specimens", "groups": 3, "low": 0.5, "high": 0.9},
            "95 % CI 50.0–90.0 % over 3 specimens; 60.0–80.0 % over crops",
        ),
        (
            {"over": "crops", "groups": 12, "low": 0.6, "high": 0.8},
            "12 unseen crops (95 % CI 60.0–80.0 % over crops)",
        ),
    ],
)
def test_an_accuracy_is_told_with_what_its_interval_counts(over: dict, text: str) -> None:
    values = {
        "run": 1, "preset": "default", "accuracy": 0.75, "n_test": 12,
        "accuracy_interval95": [0.6, 0.8], "accuracy_interval_over_groups": over,
        "relabelled_since": 0,
    }  # fmt: skip
    assert text in headline(values)


def test_an_interrupted_training_says_how_to_go_on(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, Interrupted(epochs=2))
    with pytest.raises(TrainingError, match="poregui fit"):
        training_output.follow(run, Screen(as_json=False))


def test_a_child_that_dies_has_its_last_words_shown(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.log_file.write_text(
        "2026-01-01 10:00:00.1: I tensorflow/core: noise\nout of luck\n", encoding="utf-8"
    )
    stand_in(
        monkeypatch,
        started(),
        script="sys.stderr.write('farewell'); sys.stderr.flush(); os._exit(7)",
    )
    with pytest.raises(TrainingError) as caught:
        training_output.follow(run, Screen(as_json=False))
    expected = "Training of run 001 crashed (exit code 7). Last log lines: out of luck / farewell."
    assert caught.value.what == expected
    assert str(run.log_file) in caught.value.remedy
    assert "checkpoint" not in caught.value.remedy


def test_a_child_that_dies_after_a_checkpoint_says_how_to_go_on(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.checkpoint_file.write_bytes(b"state")
    stand_in(monkeypatch, started(), script="os._exit(7)")
    with pytest.raises(TrainingError) as caught:
        training_output.follow(run, Screen(as_json=False))
    assert f"poregui fit {run.path}, continues from there" in caught.value.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_child_that_the_system_kills_is_told_apart(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, script="os.kill(os.getpid(), 9)")
    with pytest.raises(TrainingError, match=r"crashed \(SIGKILL, possibly out of memory\)"):
        training_output.follow(run, Screen(as_json=False))


@pytest.mark.parametrize(
    "script",
    [
        "os.kill(os.getpid(), 9)",
        "sys.stderr.write('terminate called: std::bad_alloc'); sys.stderr.flush(); os.abort()",
        "sys.exit('RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4294967296 bytes')",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_child_that_died_for_want_of_memory_says_how_to_need_less(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    stand_in(monkeypatch, script=script)
    with pytest.raises(TrainingError) as died:
        training_output.follow(run, Screen(as_json=False))
    assert "possibly out of memory" in died.value.what
    assert "Choose fewer crops per batch" in died.value.remedy


@pytest.mark.parametrize(("presses", "heard"), [(1, "stop"), (2, "stop cancel")])
def test_ctrl_c_stops_and_a_second_one_cancels(
    run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    presses: int,
    heard: str,
) -> None:
    before = signal.getsignal(signal.SIGINT)
    show = training_output.Display.show

    def press(display: Any, event: Event) -> None:
        show(display, event)
        if isinstance(event, Started):
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training_output.Display, "show", press)
    end = to_line(FINISHED if presses == 1 else Cancelled(1.0))
    text = f"words = [sys.stdin.readline().strip() for _ in range({presses})]\n"
    stand_in(
        monkeypatch,
        started(),
        script=f"{text}assert ' '.join(words) == {heard!r}\nprint({end!r}, flush=True)",
    )
    if presses == 1:
        assert training_output.follow(run, Screen(as_json=False)) == FINISHED
    else:
        with pytest.raises(KeyboardInterrupt):
            training_output.follow(run, Screen(as_json=False))
    assert "Stopping and keeping the best weights" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_every_field_of_a_recipe_is_an_option(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, Failed("That is enough."))
    text = [
        "--epochs",
        "7",
        "--no-augment",
        "--learning-rate",
        "0.01",
        "--early-stopping-patience",
        "3",
    ]
    assert main(["train", str(folder), "--preset", "seed", *text]) == 2
    with Project.open(folder, read_only=True) as project:
        recipe = project.runs()[0].read_recipe()
    chosen = {"epochs": 7, "augment": False, "learning_rate": 0.01, "early_stopping_patience": 3}
    assert recipe == recipe_for("seed", **chosen)
    capsys.readouterr()
    assert main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"--{parameter.name.replace('_', '-')}" in shown for parameter in parameters())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (["--epochs", "0"], "Max. epochs cannot be 0"),
        (["--folds", "1"], "1 folds are too few"),
        (["--folds", "9"], "9 folds are not possible with 5 specimens"),
        (["--ungrouped"], "Add --folds"),
    ],
)
def test_an_impossible_training_gets_a_sentence(
    folder: Path, text: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(folder), *text]) == 2
    assert sentence in capsys.readouterr().err


def test_one_project_trains_one_run_at_a_time(
    folder: Path, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = run.lock()
    try:
        assert main(["train", str(folder)]) == 2
    finally:
        lock.release()
    assert "Run 1 of this project is being trained" in capsys.readouterr().err


def test_a_folder_that_is_no_run_cannot_be_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(tmp_path)]) == 2
    assert "dataset.json is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_training_evaluating_and_predicting_agree_about_their_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--epochs", "2", "--input-size", "32", "--threads", "1"]
    assert main(["train", str(folder), *small, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert {
        "run",
        "seconds",
        "epochs",
        "best_epoch",
        "accuracy",
        "n_test",
        "confusion_matrix",
        "split",
    } < set(trained)
    assert (trained["run"], trained["epochs"], trained["n_test"]) == (1, 2, 12)
    assert main(["evaluate", str(folder), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    shared = evaluated.keys() & trained.keys()
    assert {name: evaluated[name] for name in shared} == {name: trained[name] for name in shared}
    assert {"accuracy", "confusion_matrix", "per_class", "split"} <= shared
    Image.fromarray(grey(5)).save(tmp_path / "ü 🔬.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    assert (
        main(
            [
                "predict",
                str(folder),
                str(tmp_path / "ü 🔬.png"),
                str(tmp_path / "bad.png"),
                "--json",
            ]
        )
        == 0
    )
    human_label = json.loads(capsys.readouterr().out)
    (prediction,) = human_label["predictions"]
    assert prediction["path"] == str(tmp_path / "ü 🔬.png")
    assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert prediction["class"] == max(
        prediction["probabilities"], key=prediction["probabilities"].__getitem__
    )
    assert [one["path"] for one in human_label["skipped"]] == [str(tmp_path / "bad.png")]


@pytest.mark.soak
@pytest.mark.slow
def test_folds_test_every_crop_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--epochs", "1", "--input-size", "32", "--threads", "1"]
    assert main(["train", str(folder), "--folds", "2", "--ungrouped", *small, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert sum(fold["n"] for fold in values["folds"]) == 60
    right = sum(fold["accuracy"] * fold["n"] for fold in values["folds"])
    assert values["pooled_accuracy"] == pytest.approx(right / 60)
    assert values["mean_accuracy"] == pytest.approx(
        sum(fold["accuracy"] for fold in values["folds"]) / 2
    )
    assert 0 <= values["ungrouped_accuracy"] <= 1
    assert main(["evaluate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == values["run"]


@pytest.mark.slow
def test_the_doctor_knows_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["training"]["tensorflow"]
    assert values["window"]["platform"] == "offscreen"

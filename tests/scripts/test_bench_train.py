"""Hold the benchmark of training to what it promises."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import _bench_train
import bench
import pytest
from _bench_folds import cell_project, class_folders, deal
from builders import labelled_project
from PIL import Image

from poregui.domain.recipe import recipe_for
from poregui.domain.statistics.splits import group_of
from poregui.store.project import Project
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a project of six specimens with twelve labelled crops each."""
    labelled_project(tmp_path / "source", specimens=6, per_class=4).close()
    return tmp_path / "source"


def test_three_seeds_test_every_specimen_once_and_never_train_on_it(source):
    with Project.open(source, read_only=True) as project:
        crops = {crop.id: crop for crop in project.crops()}
        folds = [deal(project, seed, 8) for seed in range(3)]
    assert sorted(key for fold in folds for key in fold.keys) == sorted(
        {group_of(crop) for crop in crops.values()}
    )
    for fold in folds:
        assert not {group_of(crops[i]) for i in fold.trained} & fold.keys
        assert {group_of(crops[i]) for i in fold.tested} == fold.keys
        labels = [crops[i].label for i in fold.trained]
        assert [labels.count(label) for label in (1, 2, 3)] == [8, 8, 8]


def test_the_crops_of_a_short_training_are_among_those_of_a_long_one(source):
    with Project.open(source, read_only=True) as project:
        short, long = deal(project, 4, 3), deal(project, 4, 9)
    assert set(short.trained) < set(long.trained)
    assert short.tested == long.tested


def test_a_cell_trains_on_its_crops_and_tests_on_its_specimens(source, tmp_path):
    with Project.open(source, read_only=True) as project:
        fold = deal(project, 1, 6)
    cell_project(source, tmp_path / "cell", fold)
    with Project.open(tmp_path / "cell") as project:
        dataset = freeze(project, recipe_for("default")).read_dataset()
    assert {c.crop_id for c in dataset.crops if c.split == "test"} == set(fold.tested)
    assert {c.crop_id for c in dataset.crops if c.split != "test"} == set(fold.trained)


def test_the_peer_is_given_the_same_crops_in_class_folders(source, tmp_path):
    with Project.open(source, read_only=True) as project:
        fold = deal(project, 0, 5)
        held = project.pixels.get(project.crop(fold.trained[0]).pixels).array
        names = {c.id: c.name for c in project.classes()}
        label = project.crop(fold.trained[0]).label
    class_folders(source, tmp_path / "peer", fold.trained)
    written = {int(file.stem): file for file in (tmp_path / "peer").rglob("*.png")}
    assert set(written) == set(fold.trained)
    first = written[fold.trained[0]]
    assert first.parent.name == names[label]
    assert (Image.open(first).tobytes()) == held.tobytes()


def _options(*given: str) -> argparse.Namespace:
    return bench.command_line().parse_args(["train", *given])


def _predictions(preset: str, right: int) -> dict[str, Any]:
    curve = [
        {"epoch": 1, "seconds": 4.0, "accuracy": 0.5},
        {"epoch": 2, "seconds": 5.0, "accuracy": 0.7},
    ]
    return {
        "seconds": 8.0,
        "accuracy": right / 10,
        "curve": curve,
        "specimens": {"a": [right, 10], "b": [right, 10]},
    }


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the runs, and return what was run."""
    ran: list[str] = []

    def run_cell(
        options: Any, source: Any, folder: Any, preset: str, size: int, seed: int
    ) -> dict[str, Any]:
        ran.append(f"{preset}-{size}-{seed}")
        received = {"peer": 6, "shape": 8, "default": 9}[preset]
        cell = {"preset": preset, "size": size, "seed": seed, **_predictions(preset, received)}
        return cell | ({"seconds": 100.0} if preset == "peer" else {})

    monkeypatch.setattr(_bench_train, "_run_cell", run_cell)
    return ran


def test_what_is_done_is_not_done_again(tmp_path, source, done):
    given = [
        "--keep",
        str(tmp_path / "kept"),
        "--project",
        str(source),
        "--presets",
        "default,peer,shape",
    ]
    given += ["--peer", __file__, "--sizes", "20"]
    first = _bench_train.train(_options(*given, "--seeds", "0,1"), tmp_path)
    assert done == [
        f"{preset}-20-{seed}" for seed in (0, 1) for preset in ("peer", "default", "shape")
    ]
    done.clear()
    more = _bench_train.train(_options(*given, "--seeds", "0,1,2"), tmp_path)
    assert done == ["peer-20-2", "default-20-2", "shape-20-2"]
    assert more["cells"][:6] == first["cells"]


def test_results_of_other_settings_are_not_mixed(tmp_path, source, done):
    given = [
        "--keep",
        str(tmp_path / "kept"),
        "--project",
        str(source),
        "--presets",
        "default",
        "--sizes",
        "20",
    ]
    _bench_train.train(_options(*given), tmp_path)
    with pytest.raises(SystemExit, match="other settings"):
        _bench_train.train(_options(*given, "--epochs", "3"), tmp_path)


def test_time_and_accuracy_are_compared_pair_by_pair(tmp_path, source, done):
    given = [
        "--project",
        str(source),
        "--presets",
        "peer,shape,default",
        "--sizes",
        "20",
        "--peer",
        __file__,
    ]
    received = _bench_train.train(_options(*given), tmp_path)
    (peer,), (shape,) = received["against_peer"], received["against_shape"]
    assert peer["gain_mean"] == pytest.approx(0.3)
    assert peer["times_sooner_at_its_accuracy"] == [
        20.0,
        20.0,
        20.0,
    ]  # 100 s of the peer, 5 s to its 0.6
    assert peer["times_sooner_to_our_very_end"] == [12.5, 12.5, 12.5]
    assert shape["groups"] == 2
    assert shape["gain_mean"] == pytest.approx(0.1)
    assert [row["accuracy"] for row in received["table"]] == [0.6, 0.8, 0.9]


def test_an_accuracy_that_was_never_reached_has_no_time():
    cell = _predictions("default", 7)
    assert _bench_train.seconds_to_reach(cell, 0.7) == 5.0
    assert _bench_train.seconds_to_reach(cell | {"curve": []}, 0.7) == 8.0
    assert _bench_train.seconds_to_reach(cell, 0.75) is None


def test_a_missing_peer_is_said_before_anything_is_drawn(tmp_path):
    with pytest.raises(SystemExit, match="seed_method"):
        _bench_train.train(_options("--peer", str(tmp_path / "seed_method.py")), tmp_path)
    assert not (tmp_path / "project").exists()

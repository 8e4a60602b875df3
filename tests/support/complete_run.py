"""Make a small project with complete runs, every file of one as a trainer leaves it, and damage
files in all ways.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from builders import labelled_project
from fake_trainer import BEGIN, epochs
from finished_runs import add_baseline, add_features, mostly_right
from size_model import write_size_model

from poregui.domain.evaluation import Prediction, evaluate
from poregui.domain.events import Finished
from poregui.domain.recipe import Recipe
from poregui.store.files import write_json
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.shape.crop_measurement import CROP_NUMBERS
from poregui.vision.shape.crop_shapes import LENGTHS
from poregui.workflow.training.prepare_dataset import freeze

HEALTHY, OTHER = 1, 2
"""Numbers of the run that stays as it is and of the newer one that is damaged."""
INPUTS = ("recipe.json", "dataset.json", "crops.bin")
RESULTS = (
    "model.json",
    "model.onnx",
    "predictions.csv",
    "metrics.json",
    "shapes.csv",
    "baseline.json",
    "features.npy",
)
FILES = (
    *INPUTS,
    *RESULTS,
    "events.jsonl",
    "results.json",
    "model.keras",
    "trainer.log",
    "folds.json",
)
_COLUMNS = tuple(f"{name} (px)" if name in LENGTHS else name for name in CROP_NUMBERS)


def make_project(folder: Path) -> None:
    """Make a project of two complete runs."""
    with labelled_project(folder, specimens=5, per_class=2) as project:
        for _ in (HEALTHY, OTHER):
            complete(freeze(project, Recipe()), folder.parent / "network")


def complete(run: RunFolder, network: Path) -> RunFolder:
    """Write all that a trainer leaves into a frozen run, the seal last."""
    dataset = run.read_dataset()
    predictions = [Prediction(crop.crop_id, mostly_right(crop)) for crop in dataset.crops]
    run.write_predictions(
        dataset.classes, {crop.crop_id: crop.split for crop in dataset.crops}, predictions
    )
    tested = [
        (crop.label, one.index)
        for crop, one in zip(dataset.crops, predictions, strict=True)
        if crop.split == "test"
    ]
    truth, predicted = np.array(tested, np.int64).T
    found = evaluate(dataset.classes, truth, predicted)
    write_json(run.metrics_file, _metrics(found.to_json(), found.accuracy, dataset.hash))
    values = np.random.default_rng(run.number).uniform(1, 9, (len(dataset.crops), len(_COLUMNS)))
    run.write_shapes(_COLUMNS, [crop.crop_id for crop in dataset.crops], values)
    add_baseline(run)
    add_features(run)
    model = write_size_model(network)
    run.onnx_file.write_bytes(model.read_bytes())
    run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
    run.model_file.write_bytes(b"weights of Keras")
    run.log_file.write_text("noise\n", encoding="utf-8")
    run.write_seal()
    writer = run.open_events()
    for event in (*BEGIN, *epochs(), Finished(3, 2, found.accuracy or 0.0, found.n, 5.0)):
        writer.write(event)
    writer.close()
    return run


def _metrics(
    checked: dict[str, object], accuracy: float | None, dataset_hash: str
) -> dict[str, object]:
    return {
        **checked,
        "accuracy_as_trained": accuracy,
        "preset": "default",
        "dataset_hash": dataset_hash,
        "threads": 2,
        "versions": {"python": "3.11.9", "keras": "3.15.0"},
        "best_epoch": 2,
        "epochs": 3,
        "seconds": 5.0,
        "stopped": False,
        "parameters": 252499,
        "training_accuracy": 0.9,
        "validation_accuracy": 0.8,
        "parity": 1e-6,
    }


def run_of(project: Path, number: int = OTHER) -> RunFolder:
    """Return a run of a project's folder."""
    return RunFolder(project / "runs" / f"{number:03d}")


def crops_of(folder: Path) -> int:
    """Return how many crops the runs hold."""
    with Project.open(folder, read_only=True) as project:
        return len(project.runs()[0].read_dataset().crops)


def _link(path: Path) -> None:
    """Move a file out of the project and leave a link to it."""
    aside = path.parents[3] / f"aside-{path.name}"
    if path.exists():
        path.replace(aside)
    else:
        aside.write_bytes(b"something else\n")
    path.symlink_to(aside)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _halve(path: Path) -> None:
    content = path.read_bytes() if path.exists() else b'{"folds": [[1, 2'
    path.write_bytes(content[: len(content) // 2])


def _say_null(path: Path) -> None:
    path.write_bytes(b"null\n")


def _wrong_types(path: Path) -> None:
    """Keep names and make each value another kind, or answer with words where numbers stand."""
    named = (
        "classes",
        "class_ids",
        "crops",
        "preset",
        "epochs",
        "folds",
        "files",
        "test",
        "accuracy",
        "input",
    )
    text = "{" + ", ".join(f'"{name}": {{"7": [true, "x"]}}' for name in named) + "}\n"
    path.write_text(
        "crop,part,predicted,p\nx,y,z,w\n" if path.suffix == ".csv" else text, encoding="utf-8"
    )


def _nest(path: Path) -> None:
    path.write_bytes(b"[" * 100_000 + b"]" * 100_000 + b"\n")


def _nest_names(path: Path) -> None:
    path.write_bytes(b'{"classes":' * 100_000 + b"1" + b"}" * 100_000 + b"\n")


def _scribble(path: Path) -> None:
    path.write_bytes(random.Random(path.name).randbytes(3000))


def _make_a_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _link_nowhere(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_name("nothing"))


def _make_a_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": _remove,
    "empty": _empty,
    "cut in half": _halve,
    "null": _say_null,
    "wrong types": _wrong_types,
    "nested": _nest,
    "nested names": _nest_names,
    "random bytes": _scribble,
    "a folder": _make_a_folder,
    "a link to nothing": _link_nowhere,
    "a link": _link,
}
if hasattr(os, "mkfifo"):
    DAMAGES["a pipe"] = _make_a_pipe

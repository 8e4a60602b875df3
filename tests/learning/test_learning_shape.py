"""Hold the preset without a network: it answers from size and shape, in the same files, and leaves
no model.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import labelled_project

from poregui.cli.main import main
from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, Event, Finished, Started
from poregui.domain.recipe import recipe_for
from poregui.learning import shape_forest
from poregui.learning.child import fit
from poregui.learning.shape_forest import train_shapes
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    with labelled_project(tmp_path / "p", specimens=6, per_class=5) as project:
        return freeze(project, recipe_for("shape"))


def test_a_run_without_a_network_has_predictions_and_metrics_and_no_model(run: RunFolder) -> None:
    events: list[Event] = []
    train_shapes(run.path, events.append, lambda: "")
    assert [type(event) for event in events if isinstance(event, (Started, Finished))] == [
        Started,
        Finished,
    ]
    assert len(run.read_predictions()) == len(run.read_dataset().crops)
    metrics = run.read_metrics()
    assert metrics["preset"] == "shape"
    assert metrics["accuracy_as_trained"] == events[-1].accuracy
    assert not run.onnx_file.exists()
    assert not run.model_file.exists()


def test_it_is_reviewed_like_any_other_run(run: RunFolder) -> None:
    assert fit(run.path, events=False, control=False) == 0
    with Project.open(run.path.parents[1], read_only=True) as project:
        reviewed = review(project, run)
        assert reviewed.preset == "shape"
        assert reviewed.evaluation().n == len(run.read_dataset().split("test"))


def test_equal_runs_give_equal_answers(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=6, per_class=5) as project:
        first, second = freeze(project, recipe_for("shape")), freeze(project, recipe_for("shape"))
    for run in (first, second):
        train_shapes(run.path, lambda event: None, lambda: "")
    assert first.predictions_file.read_bytes() == second.predictions_file.read_bytes()


def test_in_a_cross_validation_one_forest_a_fold_predicts_every_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with labelled_project(tmp_path / "p", specimens=6, per_class=5) as project:
        run = freeze(project, recipe_for("shape"), folds=3)
    fitted: list[int] = []
    fit_forest = shape_forest._forest

    def counted(table: Any, inside: Any, recipe: Any) -> Any:
        fitted.append(int(inside.sum()))
        return fit_forest(table, inside, recipe)

    monkeypatch.setattr(shape_forest, "_forest", counted)
    train_shapes(run.path, lambda event: None, lambda: "")
    crops = len(run.read_dataset().crops)
    assert len(fitted) == 3
    assert sum(crops - n for n in fitted) == crops
    assert len(run.read_predictions()) == crops
    assert len(run.read_metrics()["folds"]) == 3
    baseline = run.read_baseline()
    assert baseline is not None
    assert run.read_metrics()["accuracy_as_trained"] == baseline["accuracy_as_trained"]


def test_a_cancelled_one_leaves_no_predictions(run: RunFolder) -> None:
    events: list[Event] = []
    train_shapes(run.path, events.append, lambda: "cancel")
    assert isinstance(events[-1], Cancelled)
    assert not run.predictions_file.exists()


def test_a_dataset_without_test_crops_is_refused(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = run.read_dataset()
    kept = tuple(crop for crop in dataset.crops if crop.split != "test")
    monkeypatch.setattr(
        RunFolder, "read_dataset", lambda self: type(dataset)(**{**vars(dataset), "crops": kept})
    )
    with pytest.raises(TrainingError, match="no crop to test"):
        train_shapes(run.path, lambda event: None, lambda: "")


def test_it_needs_no_tensorflow(run: RunFolder) -> None:
    program = (
        "import sys; from pathlib import Path; from poregui.learning.child import "
        "fit;fit(Path(sys.argv[1]), events=False, control=False);sys.exit(bool({'tensorflow', "
        "'keras'} & sys.modules.keys()))"
    )
    root = Path(__file__).resolve().parents[2]
    assert (
        subprocess.run(
            [sys.executable, "-c", program, str(run.path)], cwd=root, check=False
        ).returncode
        == 0
    )


def test_predicting_passes_it_over(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    fit(run.path, events=False, control=False)
    project = str(run.path.parents[1])
    assert main(["predict", project, project]) == 2
    assert "has no network" in capsys.readouterr().err

"""Hold the preset without a network: it answers from size and shape, in the same files, and its
forest is applied, exported and locked as a network is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from builders import labelled_project
from size_model import draw_discs
from sklearn.ensemble import RandomForestClassifier

from poregui.cli.main import main
from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, Event, Finished, Started
from poregui.domain.recipe import recipe_for
from poregui.learning import shape_forest
from poregui.learning.child import fit
from poregui.learning.onnx_graph import PARITY, answers_of, forest_graph
from poregui.learning.shape_forest import train_shapes
from poregui.store.network_files import fault_of_network
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    with labelled_project(tmp_path / "p", specimens=6, per_class=5) as project:
        return freeze(project, recipe_for("shape"))


def test_a_run_has_predictions_metrics_and_a_model_that_answers_alike(run: RunFolder) -> None:
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
    assert not run.model_file.exists()
    dataset = run.read_dataset()
    crops = [
        ScaledCrop(CropPixels(pixels, crop.grey_low, crop.grey_high), crop.um_per_px)
        for crop, pixels in zip(dataset.crops, run.read_crops(dataset.crops), strict=True)
    ]
    found, unlike = Predictor(run).predict_and_compare(crops)
    written = [prediction.probabilities for prediction in run.read_predictions()]
    assert np.abs(found - np.array(written)).max() < PARITY
    assert len(unlike) == len(crops)


def test_it_is_reviewed_like_any_other_run(run: RunFolder) -> None:
    assert fit(run.path, events=False, control=False) == 0
    with Project.open(run.path.parents[1], read_only=True) as project:
        reviewed = review(project, run)
        assert reviewed.preset == "shape"
        assert reviewed.evaluation().n == len(run.read_dataset().split("test"))


@pytest.mark.soak
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
    fit_forest = shape_forest.forest_of

    def counted(table: Any, inside: Any, recipe: Any) -> Any:
        fitted.append(int(inside.sum()))
        return fit_forest(table, inside, recipe)

    monkeypatch.setattr(shape_forest, "forest_of", counted)
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


def test_it_is_applied_exported_and_locked_on_the_command_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(run.path, events=False, control=False)
    project = run.path.parents[1]
    file = tmp_path / "field.png"
    draw_discs(file, [30.0, 12.0, 44.0, 21.0])
    model = tmp_path / "model"
    assert main(["export", str(project), str(model), "--format", "model"]) == 0
    capsys.readouterr()
    how = [str(file), "--um-per-px", "0.5", "--workers", "1", "--json"]
    assert main(["apply", str(project), *how, "--out", str(tmp_path / "own")]) == 0
    own = json.loads(capsys.readouterr().out)
    assert main(["apply", str(model / "model.onnx"), *how, "--out", str(tmp_path / "bare")]) == 0
    other = json.loads(capsys.readouterr().out)
    assert own["whole"]["classes"]
    assert own["whole"]["classes"] == other["whole"]["classes"]
    assert main(["lock", str(project)]) == 0
    assert main(["predict", str(project), str(file), "--um-per-px", "0.5", "--json"]) == 0
    assert "predictions" in json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_run_of_an_older_version_says_that_it_left_no_model(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(run.path, events=False, control=False)
    run.break_seal()
    run.onnx_file.unlink()
    run.sidecar_file.unlink()
    run.write_seal()
    project = str(run.path.parents[1])
    assert main(["predict", project, project]) == 2
    assert "left no model" in capsys.readouterr().err


def test_trees_whose_branches_lead_back_are_never_run() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 3)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(int) + (rows[:, 1] > 0)
    forest = RandomForestClassifier(5, random_state=0).fit(rows, labels)
    model = forest_graph(forest, 3, 3)
    content = model.SerializeToString()
    assert fault_of_network(content) == ""
    found = answers_of(content)({"shape": rows})
    assert np.abs(found - forest.predict_proba(rows)).max() < 1e-6
    for name in ("nodes_truenodeids", "nodes_falsenodeids", "nodes_nodeids"):
        changed = onnx.ModelProto.FromString(content)
        ids = next(one for one in changed.graph.node[0].attribute if one.name == name).ints
        ids[:] = [0] * len(ids)
        assert "trees" in fault_of_network(changed.SerializeToString())

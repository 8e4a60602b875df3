"""Suggestions look through the eyes of the newest run, once crops that it did not learn from say
how sure to be.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from builders import labelled_project
from finished_runs import finished_run
from onnx import TensorProto, helper
from size_model import write_size_model

from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.suggesting import suggestion_worker
from poregui.workflow.suggesting.suggestion_features import WEIGHT, RunFeatures, SeenCrop, networks
from poregui.workflow.suggesting.suggestion_worker import SuggestWorker
from poregui.workflow.suggesting.suggestions import Suggestions

pytestmark = pytest.mark.soak  # minutes in all


def name_features(model: Path) -> None:
    """Let a network of size_model tell its logits as the input of its last layer."""
    proto = onnx.load(model)
    proto.graph.node.append(helper.make_node("Identity", ["logits"], ["penultimate"]))
    proto.graph.output.append(
        helper.make_tensor_value_info("penultimate", TensorProto.FLOAT, ["n", 3])
    )
    onnx.save(proto, model)


def add_network(
    run: RunFolder, tmp_path: Path, *, um_per_px: float | None = None, features: bool = True
) -> RunFolder:
    """Give a run a network that judges by size."""
    model = write_size_model(tmp_path / "model", um_per_px=um_per_px)
    if features:
        name_features(model)
    run.onnx_file.write_bytes(model.read_bytes())
    run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
    return run


@pytest.fixture
def project(tmp_path: Path):
    """Yield a project of 5 specimens with 12 crops of each class, a third of which have no label,
    and no run.
    """
    labelled_project(tmp_path / "pores", per_class=12).close()
    with Project.open(tmp_path / "pores") as opened:
        yield opened


def suggested(project: Project, unlabelled: int = 3) -> Suggestions:
    """Return what a worker suggests in the end, told of no label for every third crop or so."""
    received: list[dict] = []
    worker = SuggestWorker(project.folder, received.append, lambda: False)
    crops = project.crops()
    worker.take({"labels": [[c.id, c.label] for c in crops if c.id % unlabelled]})
    worker.take(
        {"crops": [[c.id, c.pixels, c.um_per_px, f"specimen:{c.specimen_id}"] for c in crops]}
    )
    while worker.step():
        pass
    worker.close()
    return Suggestions.from_json(
        next(one["suggestions"] for one in reversed(received) if one.get("suggestions"))
    )


def test_the_newest_network_is_taken_and_runs_without_one_are_passed_over(
    project: Project, tmp_path: Path
):
    assert list(networks(project.folder)) == []
    first = add_network(finished_run(project), tmp_path)
    finished_run(project)
    assert [run.number for run in networks(project.folder)] == [first.number]


def test_features_of_a_run_join_the_numbers_and_the_suggestions_name_the_run(
    project: Project, tmp_path: Path
):
    assert suggested(project).run is None
    run = add_network(finished_run(project), tmp_path)
    found = suggested(project)
    assert found.run == run.number
    assert np.isfinite(found.probabilities).all()


def test_a_run_that_learnt_from_nearly_all_labels_does_not_say_how_sure_to_be(
    project: Project, tmp_path, monkeypatch
):
    add_network(finished_run(project), tmp_path)
    monkeypatch.setattr(suggestion_worker, "FEWEST_UNSEEN", 1000)
    assert suggested(project).run is None


def test_only_crops_that_the_run_did_not_learn_from_count_as_unseen(
    project: Project, tmp_path: Path, monkeypatch
):
    run = add_network(finished_run(project), tmp_path)
    taught = {crop.crop_id for crop in run.read_dataset().split("train")}
    asked: list[np.ndarray] = []
    real = suggestion_worker.fit

    def fit(rows, labels, groups, honest):
        asked.append(honest)
        return real(rows, labels, groups, honest=honest)

    monkeypatch.setattr(suggestion_worker, "fit", fit)
    suggested(project)
    labelled = sorted(c.id for c in project.crops() if c.id % 3)
    assert asked[-1].tolist() == [crop_id not in taught for crop_id in labelled]


def test_a_network_that_is_damaged_or_names_no_features_leaves_the_numbers(
    project: Project, tmp_path: Path
):
    run = add_network(finished_run(project), tmp_path, features=False)
    with pytest.raises(PoreguiError, match="features"):
        RunFeatures(run)
    assert suggested(project).run is None
    run.onnx_file.write_bytes(b"broken")
    assert suggested(project).run is None


def test_crops_without_the_scale_that_a_network_needs_lie_in_the_middle(
    project: Project, tmp_path: Path
):
    features = RunFeatures(add_network(finished_run(project), tmp_path, um_per_px=0.5))
    crops = [replace(crop, um_per_px=0.5 if crop.id % 2 else None) for crop in project.crops()[:20]]
    keys = [SeenCrop(crop.pixels, crop.um_per_px) for crop in crops]
    features.see([*keys, SeenCrop("no such pixels", 0.5)], project.pixels)
    assert all(features.has(key) for key in keys)
    rows = features.rows([*keys, SeenCrop("no such pixels", 0.5)])
    assert rows.shape == (21, 3)
    assert not rows[[not crop.um_per_px for crop in crops] + [True]].any()
    assert np.abs(rows).max() <= 8 * WEIGHT

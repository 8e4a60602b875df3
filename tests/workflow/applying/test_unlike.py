"""Hold that pores unlike anything trained on are told apart, left to a person, and that ordinary
ones are not.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from apply_desk import add_run
from builders import labelled_project
from PIL import Image
from unlike_model import draw_field, write_pattern_model

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box
from poregui.domain.statistics.out_of_distribution import MOST, Reference, make_reference
from poregui.store.project import Project
from poregui.vision.pores.detection import detect
from poregui.workflow.applying.field import (
    AppliedField,
    FieldResult,
    FieldTask,
    apply_field,
    read_result,
)
from poregui.workflow.applying.inputs import model_of_file
from poregui.workflow.applying.result_table import read_pores
from poregui.workflow.applying.study import ApplyStudy
from poregui.workflow.applying.unsure_pores import unsure_pores
from poregui.workflow.exporting.export_run import export_model


def crops_of(path: Path) -> list[np.ndarray]:
    """Return the crops that are cut for the pores of a picture."""
    image = np.array(Image.open(path))
    size = (image.shape[1], image.shape[0])

    def read(box: Box) -> np.ndarray:
        return image[box.y : box.bottom, box.x : box.right]

    recipe = DetectionRecipe()
    found = detect(read, recipe, None, size=size)
    return [read(recipe.crop_box(Box(*box), *size, None)) for box in found.boxes.tolist()]


def task_of(model: Path, file: Path, out: Path) -> FieldTask:
    colours = ("#1f77b4", "#117733", "#d95f02")
    return FieldTask(
        file, out, "S1", model, model.with_suffix(".json"), DetectionRecipe(), colours=colours
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a network that was trained on discs of another field."""
    crops = []
    for seed in (11, 12, 13):
        draw_field(tmp_path / "learned.png", "", discs=100, seed=seed)
        crops += crops_of(tmp_path / "learned.png")
    return write_pattern_model(tmp_path / "pattern", crops)


def test_the_distance_is_that_to_the_fifth_nearest_training_crop_in_standard_deviations() -> None:
    line = np.arange(100, dtype=np.float32)[:, None]
    found = make_reference(np.vstack([line, line[:30] + 0.5]), np.arange(130) < 100)
    assert found is not None
    spread = float(line.std())
    assert found.distances(np.array([[0.0], [50.0], [109.0]])) == pytest.approx(
        np.array([4.0, 2.0, 14.0]) / spread, abs=0.01
    )
    assert found.limit == pytest.approx(4 / spread, rel=0.2)
    assert found.out_of_distribution(np.array([[50.0], [300.0], [np.nan]])).tolist() == [
        False,
        True,
        True,
    ]


def test_ordinary_crops_are_rarely_called_unlike_and_others_nearly_always() -> None:
    rng = np.random.default_rng(5)
    known, others = rng.normal(size=(600, 64)), rng.normal(size=(1000, 64))
    found = make_reference(known, np.arange(600) < 400)
    assert found is not None
    assert found.out_of_distribution(others).mean() < 0.04
    assert found.out_of_distribution(rng.normal(3, 1, size=(100, 64))).mean() > 0.95


def test_without_unseen_crops_the_limit_comes_from_training_crops_without_themselves() -> None:
    rng = np.random.default_rng(6)
    found = make_reference(rng.normal(size=(300, 8)), np.ones(300, bool))
    assert found is not None
    assert 0 < found.limit < np.inf
    assert found.measured == 300
    assert make_reference(rng.normal(size=(19, 8)), np.ones(19, bool)) is None
    assert make_reference(np.ones((300, 8)), np.ones(300, bool)) is None


def test_what_is_written_of_a_reference_says_the_same_and_stays_small() -> None:
    features = np.random.default_rng(7).normal(size=(3 * MOST, 4))
    found = make_reference(features, np.arange(3 * MOST) % 2 == 0)
    assert found is not None
    assert len(found.crops) == MOST
    again = Reference.from_json(json.loads(json.dumps(found.to_json())))
    assert np.array_equal(again.distances(features[:50]), found.distances(features[:50]))
    assert again.limit == found.limit
    with pytest.raises(ValueError, match="fit together"):
        Reference.from_json({**found.to_json(), "spread": ""})


def test_letters_among_pores_are_flagged_listed_framed_and_left_to_a_person(
    model: Path, tmp_path: Path
) -> None:
    letters = draw_field(tmp_path / "a.png", "HEMWKXZTNF", discs=80, seed=1)
    task = task_of(model, tmp_path / "a.png", tmp_path / "out")
    result = apply_field(task)
    assert result.out_of_distribution is not None
    with open(tmp_path / "out" / "pores.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    flagged = [int(row["pore"]) for row in rows if row["unlike"] == "yes"]
    assert tuple(flagged) == result.out_of_distribution
    low = 45 + 90 * 8 - 45  # letters stand in the last two rows
    strange = [row for row in rows if float(row["y (px)"]) > low]
    discs = [row for row in rows if float(row["y (px)"]) <= low]
    assert len(strange) == letters
    assert sum(row["unlike"] == "yes" for row in strange) >= 8
    assert sum(row["unlike"] == "yes" for row in discs) <= 0.05 * len(discs)
    assert all(row["class"] == "" for row in rows if row["unlike"] == "yes")
    assert (result.left, sum(result.counts)) == (len(flagged), len(rows) - len(flagged))
    assert read_result(task) == result
    done = (AppliedField(task, result, read_pores(task.folder, 3)),)
    queue = unsure_pores(ApplyStudy(model_of_file(model), (task,), tmp_path, fields=done).at(0.0))
    assert [one.why for one in queue] == ["unlike"] * len(flagged)
    image = np.array(Image.open(tmp_path / "out" / "overlay.png").convert("RGB"))
    assert (image.min(axis=2) > 250).sum() > 100 * len(flagged)


def test_a_network_of_an_older_version_finds_no_unlike_pores_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write_pattern_model(tmp_path / "old", None)
    draw_field(tmp_path / "a.png", "HEMW", discs=80)
    result = apply_field(task_of(old, tmp_path / "a.png", tmp_path / "out"))
    assert (result.out_of_distribution, result.left) == (None, 0)
    assert not read_pores(tmp_path / "out", 3).out_of_distribution.any()
    asked = [
        "apply",
        str(old),
        str(tmp_path / "a.png"),
        "--out",
        str(tmp_path / "cli"),
        "--workers",
        "1",
    ]
    assert main(asked) == 0
    assert "unusual pores cannot be detected" in capsys.readouterr().out


def told_of(capsys: pytest.CaptureFixture[str], *text: str) -> dict:
    assert main(["apply", *text, "--workers", "1", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_counts_unlike_pores_and_keeps_them_only_when_asked(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_field(tmp_path / "a.png", "HEMWKXZTNF", discs=80, seed=1)
    text = (str(model), str(tmp_path / "a.png"), "--out", str(tmp_path / "out"))
    received = told_of(capsys, *text, "--queue", str(tmp_path / "queue.csv"))
    count = received["unlike"]["count"]
    assert (
        count
        == received["whole"]["unlike"]
        == received["whole"]["left"]
        == received["waiting"]
        >= 8
    )
    assert len(received["unlike"]["pores"]) == count
    with open(tmp_path / "queue.csv", newline="", encoding="utf-8") as file:
        assert {row["why"] for row in csv.DictReader(file)} == {"unlike"}
    kept = told_of(capsys, *text, "--keep-unlike")
    assert (kept["whole"]["left"], kept["waiting"], kept["unlike"]["count"]) == (0, 0, count)
    assert (kept["whole"]["unlike_kept"], received["whole"]["unlike_kept"]) == (True, False)
    assert kept["whole"]["porosity"]["mean"] == pytest.approx(
        received["whole"]["porosity"]["mean"], rel=1e-4
    )
    assert main(["apply", *text, "--workers", "1"]) == 0
    assert f"{count} pores look unusual (outside the training data)" in capsys.readouterr().out


def test_an_exported_model_flags_the_same_pores_as_its_run(model: Path, tmp_path: Path) -> None:
    labelled_project(tmp_path / "pores").close()
    folder = add_run(tmp_path / "pores", tmp_path)
    draw_field(tmp_path / "a.png", "HEMWKXZTNF", discs=80, seed=1)
    with Project.open(folder, read_only=True) as project:
        run = project.runs()[-1]
        run.onnx_file.write_bytes(model.read_bytes())
        received = json.loads(run.sidecar_file.read_text(encoding="utf-8"))
        own = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
        run.sidecar_file.write_text(json.dumps({**received, **own}), encoding="utf-8")
        export_model(project, run, tmp_path / "bare")
    found: list[FieldResult] = [
        apply_field(task_of(file, tmp_path / "a.png", tmp_path / name))
        for name, file in (
            ("run_out", run.onnx_file),
            ("bare_out", tmp_path / "bare" / "model.onnx"),
        )
    ]
    assert found[0].out_of_distribution
    assert found[0].out_of_distribution == found[1].out_of_distribution

"""Hold that confidence is that of the temperature fitted on validation crops, for a run and for a
bare model alike.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from apply_desk import add_run
from builders import labelled_project
from finished_runs import all_right, finish, mostly_right
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.errors import ProjectError
from poregui.domain.statistics.scores import at_temperature
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying import confusion_of_tests
from poregui.workflow.applying.confusion_of_tests import temperature_of
from poregui.workflow.applying.inputs import ToApply, model_of_file, model_of_run, tasks_of
from poregui.workflow.exporting.export_run import export_model


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return a run that answers rightly in 6 of 7 crops, always with 80 %, wrongly with 70 %."""
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as project:
        folder = project.folder
    add_run(folder, tmp_path)
    with Project.open(folder, read_only=True) as project:
        return finish(project.runs()[-1], mostly_right)


def chances_of(table: Path) -> np.ndarray:
    with open(table, newline="", encoding="utf-8") as file:
        return np.array(
            [
                [float(v) for k, v in row.items() if k.startswith("p(")]
                for row in csv.DictReader(file)
            ],
            np.float64,
        )


def applied(
    model: Path, image: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[dict, np.ndarray]:
    assert (
        main(["apply", str(model), str(image), "--out", str(out), "--workers", "1", "--json"]) == 0
    )
    received = json.loads(capsys.readouterr().out)
    return received, chances_of(out / "fields" / image.name / "pores.csv")


def test_a_bare_model_answers_at_the_temperature_of_its_sidecar_and_says_when_it_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_discs(tmp_path / "a.png", [12.0, 34.0, 19.2, 25.0])
    received, plain = applied(
        write_size_model(tmp_path / "plain"), tmp_path / "a.png", tmp_path / "o1", capsys
    )
    assert received["temperature"] is None
    warm = write_size_model(tmp_path / "warm", temperature=2.0)
    received, softer = applied(warm, tmp_path / "a.png", tmp_path / "o2", capsys)
    assert received["temperature"] == 2.0
    assert softer == pytest.approx(at_temperature(plain, 2.0), abs=2e-3)
    assert (softer.argmax(axis=1) == plain.argmax(axis=1)).all()
    assert softer.max() < plain.max()
    assert (
        main(
            [
                "apply",
                str(tmp_path / "plain" / "model.onnx"),
                str(tmp_path / "a.png"),
                "--out",
                str(tmp_path / "o1"),
            ]
        )
        == 0
    )
    assert "Confidence is not calibrated" in capsys.readouterr().out
    assert main(["apply", str(warm), str(tmp_path / "a.png"), "--out", str(tmp_path / "o2")]) == 0
    assert "Confidence is not calibrated" not in capsys.readouterr().out


def test_a_run_is_calibrated_on_its_validation_crops_and_its_export_alike(
    run: RunFolder, tmp_path: Path
) -> None:
    with Project.open(tmp_path / "p", read_only=True) as project:
        own = model_of_run(project, run).at(0.85)
        export_model(project, run, tmp_path / "bare")
    bare = model_of_file(tmp_path / "bare" / "model.onnx").at(0.85)
    assert own.temperature == bare.temperature == temperature_of(run)
    assert own.temperature is not None
    assert own.temperature < 1  # it says 80 % and is right in 86 of 100
    (task,) = tasks_of(bare, [ToApply(tmp_path / "field_0.png", "S")], tmp_path / "out")
    assert task.temperature == own.temperature
    assert np.array_equal(own.confusion, bare.confusion)
    confidence = (
        confusion_of_tests.tested_crops(run).at(own.temperature).predictions.max(axis=1) >= 0.85
    )
    assert own.confusion.sum() == confidence.sum() > 0


def test_the_slider_counts_test_crops_by_calibrated_confidence(run: RunFolder) -> None:
    raw = confusion_of_tests.tested_crops(run)
    assert raw.confusion(0.85).sum() == 0
    found = raw.at(temperature_of(run)).confidence_counts(0.85)
    assert 0 < found.coverage < 1
    assert found.accuracy == 1.0


def test_validation_crops_without_a_mistake_calibrate_nothing(run: RunFolder) -> None:
    finish(run, all_right)
    assert temperature_of(run) is None
    assert confusion_of_tests.tested_crops(run).confidence_counts(0.85).coverage == 1.0


@pytest.mark.parametrize("temperature", [0, -1.0, "warm", [2.0]])
def test_a_sidecar_with_an_unfit_temperature_is_refused(
    tmp_path: Path, temperature: object
) -> None:
    model = write_size_model(tmp_path / "m", temperature=temperature)
    with pytest.raises(ProjectError, match="damaged"):
        model_of_file(model)


def test_results_of_another_temperature_are_not_taken_up(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [12.0])
    prints = []
    for temperature in (1.5, 2.0):
        model = model_of_file(
            write_size_model(tmp_path / f"m{temperature}", temperature=temperature)
        )
        prints.append(
            tasks_of(model, [ToApply(tmp_path / "a.png", "S")], tmp_path / "out")[0].fingerprint(
                "a"
            )
        )
    assert prints[0] != prints[1]

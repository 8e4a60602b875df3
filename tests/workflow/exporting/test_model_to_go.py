"""Hold that a network taken away with its sidecar answers and corrects as its run does, and says
what it is.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from finished_runs import finished_run
from size_model import draw_discs, run_with_sizes

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.project import Project
from poregui.workflow.applying.confusion_of_tests import TestedCrops
from poregui.workflow.applying.inputs import model_of_file, model_of_run
from poregui.workflow.detecting.find_pores import RECIPE_KEY
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import change_class
from poregui.workflow.exporting.export_run import export_model
from poregui.workflow.reporting.documents import Heading, Paragraph, Table, as_html, as_markdown

FILES = ["MODEL_CARD.md", "model-card.html", "model.json", "model.onnx"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as opened:
        opened.put_meta(
            RECIPE_KEY, json.dumps(DetectionRecipe(smallest=6.0, edge="drop").to_json())
        )
        yield opened


@pytest.mark.parametrize("min_confidence", [0.0, 0.85, 0.95])
def test_an_exported_model_corrects_as_its_run_at_every_confidence(
    project: Project, tmp_path: Path, min_confidence: float
) -> None:
    run = run_with_sizes(project, tmp_path)
    assert export_model(project, run, tmp_path / "out") == 4
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == FILES
    own, bare = (
        model_of_run(project, run).at(min_confidence),
        model_of_file(tmp_path / "out" / "model.onnx").at(min_confidence),
    )
    assert np.array_equal(own.confusion, bare.confusion)
    assert np.array_equal(own.area_confusion, bare.area_confusion)
    assert (own.recipe, own.classes, own.colours, own.name) == (
        bare.recipe,
        bare.classes,
        bare.colours,
        bare.name,
    )
    assert bare.recipe.edge == "drop"
    assert own.confusion.sum() == {0.0: 24, 0.85: 20, 0.95: 0}[min_confidence]


def test_applying_the_exported_model_prints_the_numbers_of_applying_the_run(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with_sizes(project, tmp_path)
    draw_discs(tmp_path / "a.png", [12.0] * 4 + [34.0] * 3 + [90.0] * 2)
    draw_discs(tmp_path / "b.png", [12.0] * 2 + [34.0] * 5, seed=1)
    files = [
        str(tmp_path / "a.png"),
        str(tmp_path / "b.png"),
        "--workers",
        "1",
        "--specimen",
        "S",
        "--json",
    ]
    assert (
        main(
            [
                "export",
                str(project.folder),
                str(tmp_path / "out"),
                "--format",
                "model",
                "--run",
                "1",
            ]
        )
        == 0
    )
    received = []
    for source, out in ((project.folder, "by_run"), (tmp_path / "out" / "model.onnx", "by_model")):
        capsys.readouterr()
        assert main(["apply", str(source), *files, "--out", str(tmp_path / out)]) == 0
        received.append(json.loads(capsys.readouterr().out))
        assert received[-1].pop("out").endswith(out)
    assert received[0]["corrected"]
    assert received[0] == received[1]


@pytest.mark.parametrize("text", ["{", "null", '{"smallest": "ten"}'])
def test_applying_with_damaged_detection_settings_ends_with_a_sentence(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    run_with_sizes(project, tmp_path)
    draw_discs(tmp_path / "a.png", [12.0] * 4)
    project.put_meta(RECIPE_KEY, text)
    given = ["apply", str(project.folder), str(tmp_path / "a.png"), "--out", str(tmp_path / "o")]
    assert main(given) == 2
    assert "The detection settings of this project are damaged" in capsys.readouterr().err


def test_the_card_tells_classes_data_numbers_limits_and_hashes(
    project: Project, tmp_path: Path
) -> None:
    run = run_with_sizes(project, tmp_path)
    export_model(project, run, tmp_path / "out")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    page = (tmp_path / "out" / "model-card.html").read_text(encoding="utf-8")
    dataset = run.read_dataset()
    for received in (card, page):
        for text in (
            "Intended use",
            "Not intended for",
            "Gas trapped in the powder",
            "aspect ratio kept",
            dataset.hash,
        ):
            assert text in received
    assert "| Accuracy | " in card
    test = [crop for crop in dataset.crops if crop.split == "test"]
    sums = " | ".join(str(sum(crop.label == index for crop in test)) for index in range(3))
    assert f"| All | test | {sums} |" in card


def test_a_class_name_in_a_card_stays_text(project: Project, tmp_path: Path) -> None:
    named = project.classes()[0]
    run = run_with_sizes(project, tmp_path)
    nasty = type(named)(
        **{**vars(named), "definition": "<script>alert(1)</script> | [x](http://y)"}
    )
    History(project).apply(change_class(project, nasty))
    export_model(project, run, tmp_path / "out")
    assert "<script>" not in (tmp_path / "out" / "model-card.html").read_text(encoding="utf-8")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert r"\<script\>alert(1)\</script\> \| \[x\](http://y)" in card


def test_a_document_is_the_same_in_markdown_and_in_html() -> None:
    blocks = [Heading("A", 1), Paragraph("b  c"), Table(("d", "e"), (("1", "2"),))]
    assert as_markdown(blocks) == "# A\n\nb c\n\n| d | e |\n| --- | --- |\n| 1 | 2 |\n"
    page = as_html("t", blocks)
    assert (
        "<h1>A</h1>\n<p>b  "
        "c</p>\n<table><tr><th>d</th><th>e</th></tr><tr><td>1</td><td>2</td></tr></table>" in page
    )


def test_a_folder_that_holds_something_and_a_run_without_a_network_are_refused(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(project)
    with pytest.raises(ProjectError, match="is missing"):
        export_model(project, project.runs()[0], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run = run_with_sizes(project, tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(PoreguiError, match="not empty"):
        export_model(project, run, tmp_path / "full")
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert (
        main(
            [
                "export",
                str(project.folder),
                str(tmp_path / "x.csv"),
                "--format",
                "csv",
                "--run",
                "1",
            ]
        )
        == 2
    )
    assert "Only a network belongs to a run" in capsys.readouterr().err


def test_a_damaged_sidecar_gets_a_sentence(project: Project, tmp_path: Path) -> None:
    run = run_with_sizes(project, tmp_path)
    export_model(project, run, tmp_path / "out")
    file = tmp_path / "out" / "model.json"
    received = json.loads(file.read_text(encoding="utf-8"))
    for damage in (
        {"tested": {"labels": [0, 7], "answers": [[1, 0, 0]] * 2, "diameters": None}},
        {"tested": 3},
    ):
        file.write_text(json.dumps({**received, **damage}), encoding="utf-8")
        with pytest.raises(ProjectError, match="missing or damaged"):
            model_of_file(tmp_path / "out" / "model.onnx")
    file.write_text(json.dumps({**received, "colours": ["red"]}), encoding="utf-8")
    assert all(
        one.startswith("#") for one in model_of_file(tmp_path / "out" / "model.onnx").colours
    )


def test_tested_crops_survive_a_file_bit_for_bit() -> None:
    random = np.random.default_rng(1)
    crops = TestedCrops(
        random.integers(0, 3, 20),
        random.dirichlet(np.ones(3), 20),
        np.where(random.random(20) < 0.2, np.nan, 1 / 3),
    )
    read = TestedCrops.from_json(json.loads(json.dumps(crops.to_json())), 3)
    assert np.array_equal(read.predictions, crops.predictions)
    assert np.array_equal(read.diameters, crops.diameters, equal_nan=True)
    assert np.array_equal(read.area_confusion(0.5), crops.area_confusion(0.5))

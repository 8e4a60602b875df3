"""Test the verbs evaluate, compare, label-errors and report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from finished_runs import add_baseline, all_right, finished_run, project_with

from poregui.cli.main import main
from poregui.store.project import Project

Text = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a project with two finished runs; the second is better."""
    with project_with(tmp_path / "steel", specimens=12, per_class=2) as project:
        finished_run(project)
        add_baseline(finished_run(project, all_right))
    return tmp_path / "steel"


def received(capsys: Text) -> dict[str, object]:
    return dict(json.loads(capsys.readouterr().out))


def test_evaluate_tells_every_number_and_writes_tables_and_figures(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    files = ["--predictions", str(tmp_path / "p.csv"), "--figures", str(tmp_path / "figures")]
    assert main(["evaluate", str(folder), "--run", "2", *files, "--json"]) == 0
    found = received(capsys)
    assert found["accuracy"] == found["balanced_accuracy"] == found["kappa"] == 1
    assert {
        "macro",
        "weighted",
        "calibration",
        "temperature",
        "breakdowns",
        "areas",
        "test_side",
        "log_loss",
    } <= set(found)
    baseline = found["shape_baseline"]
    assert isinstance(baseline, dict)
    assert baseline["accuracy"] == 1
    assert len((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()) == 73
    assert (tmp_path / "figures" / "confusion-matrix.svg").exists()
    assert main(["evaluate", str(folder), "--run", "2"]) == 0
    text = capsys.readouterr().out
    assert "Cohen's kappa" in text
    assert "Shape-only baseline (random forest): 12 of 12 crops " in text
    assert "accuracy is uncertain" in text


def test_compare_names_the_flipped_crops(folder: Path, capsys: Text) -> None:
    assert main(["compare", str(folder), "--runs", "1,2", "--json"]) == 0
    found = received(capsys)
    assert found["runs"] == [1, 2]
    flipped = found["flipped"]
    assert isinstance(flipped, list)
    assert flipped
    assert all(flip["second_right"] and not flip["first_right"] for flip in flipped)
    assert main(["compare", str(folder), "--runs", "1, 2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("On the ")
    assert flipped[0]["name"] in text


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ("1", "does not name two runs"),
        ("1,2,3", "does not name two runs"),
        ("a,b", "does not name two runs"),
        ("1,1", "names one run twice"),
        ("1,9", "no run 9"),
    ],
)
def test_compare_refuses_what_is_no_pair_of_runs(
    folder: Path, capsys: Text, runs: str, sentence: str
) -> None:
    assert main(["compare", str(folder), "--runs", runs]) == 2
    assert sentence in capsys.readouterr().err


def test_label_errors_lists_the_doubtful_labels_with_their_reason(
    folder: Path, capsys: Text
) -> None:
    assert main(["label-errors", str(folder), "--run", "1", "--json"]) == 0
    found = received(capsys)
    queue = found["suspects"]
    assert isinstance(queue, list)
    assert queue
    assert {"crop_id", "label", "proposed", "doubt", "likely", "why"} <= set(queue[0])
    assert main(["label-errors", str(folder)]) == 0
    listed = capsys.readouterr().out
    assert "checked 72 labels; 0 are probably wrong" in listed
    assert main(["suspects", str(folder)]) == 0, "the former name of the verb goes on working"
    assert capsys.readouterr().out == listed


def test_report_writes_a_page_and_refuses_another_kind_of_file(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    out = tmp_path / "run.html"
    assert main(["report", str(folder), "--run", "2", str(out), "--json"]) == 0
    assert received(capsys)["bytes"] == out.stat().st_size
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(["report", str(folder), str(tmp_path / "run.txt")]) == 2
    assert "ends in .html or .pdf" in capsys.readouterr().err


def test_report_prints_a_pdf_for_a_name_that_ends_so(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    out = tmp_path / "new" / "run.PDF"
    assert main(["report", str(folder), "--run", "2", str(out), "--json"]) == 0
    assert received(capsys)["bytes"] == out.stat().st_size
    content = out.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") >= 2
    (tmp_path / "there.pdf").mkdir()
    assert main(["report", str(folder), str(tmp_path / "there.pdf")]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_project_without_a_run_is_refused_in_a_sentence(tmp_path: Path, capsys: Text) -> None:
    Project.create(tmp_path / "empty").close()
    for verb in (
        ["report", str(tmp_path / "empty"), str(tmp_path / "x.html")],
        ["label-errors", str(tmp_path / "empty")],
    ):
        assert main(verb) == 2
        assert "has no finished run" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_verbs_that_show_single_test_crops_count_as_looks_and_the_headline_alone_does_not(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    assert main(["evaluate", str(folder), "--run", "1"]) == 0
    with Project.open(folder, read_only=True) as project:
        assert project.looks() == []
    assert main(["label-errors", str(folder), "--run", "1"]) == 0
    assert main(["report", str(folder), "--run", "2", str(tmp_path / "r.html")]) == 0
    assert main(["compare", str(folder), "--runs", "1,2"]) == 0
    assert main(["evaluate", str(folder), "--predictions", str(tmp_path / "p.csv"), "--json"]) == 0
    with Project.open(folder, read_only=True) as project:
        assert [look.run for look in project.looks()] == ["001", "002", "001", "002", "002"]
    assert "viewed 4 times" in capsys.readouterr().out

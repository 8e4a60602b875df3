"""Test the verbs agreement and import-ratings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from finished_runs import all_right, finished_run, project_with

from poregui.cli.main import main
from poregui.store.project import Project
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.rating.raters import held_out

Text = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a project of 36 labelled crops with a run."""
    with project_with(tmp_path / "steel", specimens=12, per_class=1) as project:
        finished_run(project, all_right)
    return tmp_path / "steel"


def received(capsys: Text) -> dict:
    return dict(json.loads(capsys.readouterr().out))


def ratings(folder: Path, file: Path, wrong_every: int = 6) -> int:
    """Write what a colleague said of every crop, every n-th unlike the label."""
    with Project.open(folder, read_only=True) as project:
        names = {c.id: c.name for c in project.classes()}
        labels = project.labels()
    lines = ["crop,rater,label,when,seconds"]
    for crop_id, label in labels.items():
        name = names[label or 1]
        if crop_id % wrong_every == 0:
            name = names[(label or 1) % 3 + 1]
        lines.append(f"{crop_id},Bea,{name},2026-12-01T09:{crop_id % 60:02d}:00+00:00,2.5")
    file.write_text("\n".join(lines), encoding="utf-8")
    return len(labels)


def test_ratings_come_in_once_and_agreement_tells_every_number(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    total = ratings(folder, tmp_path / "bea.csv")
    assert main(["agreement", str(folder)]) == 2
    assert "was rated twice" in capsys.readouterr().err
    verb = ["import-ratings", str(folder), str(tmp_path / "bea.csv"), "--json"]
    assert main(verb) == 0
    assert received(capsys)["new"] == total
    assert main(verb) == 0
    again = received(capsys)
    assert (again["new"], again["known"]) == (0, total)
    assert main(["agreement", str(folder), "--json", "--run", "1"]) == 0
    found = received(capsys)
    people = found["pairs"][0]
    assert {people["a"], people["b"], people["n"]} == {"test", "Bea", total}
    assert people["agreement"] == pytest.approx(1 - (total // 6) / total)
    for name in ("agreement", "kappa", "ac1"):
        low, high = people[f"{name}_interval95"]
        assert low <= people[name] <= high
    assert {"fleiss_kappa", "alpha", "fleiss_kappa_interval95", "alpha_interval95"} <= set(
        found["all"]
    )
    assert (found["over"], found["groups"]) == ("specimens", 12)
    assert [one["class"] for one in found["per_class"]] == ["Gas", "Keyhole", "Lack of Fusion"]
    assert "agrees with" in found["network"][0]["sentence"]
    with Project.open(folder, read_only=True) as project:
        unseen = held_out(review(project, project.runs()[0]))
        assert len(project.opinions.all()) == total
    assert 0 < len(unseen) < total, "crops that the network was trained on stand beside nobody"
    assert found["network"][0]["n"] == len(unseen)
    assert main(["agreement", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "Krippendorff's alpha" in text
    assert "Label noise allows an accuracy of about" in text


def test_each_bad_row_is_named_by_row_and_column_and_the_good_ones_come_in(
    folder: Path, tmp_path: Path, capsys: Text
) -> None:
    file = tmp_path / "mixed.csv"
    rows = [
        "crop;rater;label;when;seconds", "1;Bea;gas;;1,5", "x;Bea;Gas;;", "9999;Bea;Gas;;",
        "2;;Gas;;", "2;Bea;Crack;;", "2;Bea;Unsure;soon;", "2;Bea;unsure;;-1", "", "2;Bea;unsure;;",
        "3;Bea;Not a pore;;", "1;Bea;gas;;1,5",
    ]  # fmt: skip
    file.write_text("\n".join(rows), encoding="utf-8-sig")
    assert main(["import-ratings", str(folder), str(file), "--json"]) == 0
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert (found["new"], found["known"]) == (3, 1)
    starts = ["Row 3, column crop", "Row 4, column crop: there is no crop 9999",
              "Row 5, column rater",
              "Row 6, column label: there is no class 'Crack'", "Row 7, column when",
              "Row 8, column seconds"]  # fmt: skip
    assert len(found["faults"]) == len(starts)
    for fault, start in zip(found["faults"], starts, strict=True):
        assert fault.startswith(start)
        assert fault in output.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no table"),
        (b"crop,label\n1,Gas\n", "has no column rater"),
        (b"\xff\xfe\x00crop", "cannot be read"),
        (b'crop,rater,label\n1,"Bea\n', "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_of_ratings_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, capsys: Text, content: bytes, sentence: str
) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(content)
    assert main(["import-ratings", str(folder), str(file)]) == 2
    assert sentence in capsys.readouterr().err

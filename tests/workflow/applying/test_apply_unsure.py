"""Hold that pores which a network left to a person become labels, and that these go before the
network's answers.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from apply_desk import add_run
from builders import labelled_project
from size_model import draw_discs

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.statistics.porosity import correction, estimate_classes
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project with two micrographs of discs and a run whose network judges by size."""
    labelled_project(tmp_path / "pores").close()
    return add_run(tmp_path / "pores", tmp_path)


def applied(
    folder: Path, paths: list[Path], capsys: pytest.CaptureFixture[str], *more: str
) -> dict:
    asked = [
        "apply",
        str(folder),
        *map(str, paths),
        "--out",
        str(folder.parent / "out"),
        "--workers",
        "1",
    ]
    assert main([*asked, "--min-confidence", "0.9", "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def waiting_in(folder: Path) -> list[int]:
    with Project.open(folder, read_only=True) as project:
        return [crop.id for crop in project.crops() if crop.is_candidate]


def prediction(folder: Path, crop_ids: list[int], label: int) -> None:
    with Project.open(folder) as project:
        History(project).apply(label_crops(project, crop_ids, label, who="me", how="applied"))


def images(folder: Path) -> list[Path]:
    with Project.open(folder, read_only=True) as project:
        return [
            project.micrograph_file(one)
            for one in project.micrographs()
            if one.name.startswith("field")
        ]


def test_unsure_pores_are_listed_and_brought_in_once_as_proposals_with_outlines(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received = applied(
        folder, images(folder), capsys, "--queue", str(tmp_path / "queue.csv"), "--import-unsure"
    )
    assert received["waiting"] == received["brought_in"] == received["whole"]["left"] > 0
    with open(tmp_path / "queue.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == received["waiting"]
    confidence = [float(row["confidence"]) for row in rows]
    assert confidence == sorted(confidence)
    assert confidence[-1] < 0.9
    proposals = waiting_in(folder)
    assert len(proposals) == received["waiting"]
    with Project.open(folder, read_only=True) as project:
        outlines = project.outlines()
        assert all(crop_id in outlines for crop_id in proposals)
    assert applied(folder, images(folder), capsys, "--import-unsure")["brought_in"] == 0
    assert waiting_in(folder) == proposals


def test_an_answer_counts_in_the_place_of_the_networks_and_not_a_pore_leaves_the_porosity(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = applied(folder, images(folder), capsys, "--import-unsure")
    (crop,) = waiting_in(folder)
    with Project.open(folder, read_only=True) as project:
        keyhole = project.classes()[1].id
    counts = [one["sizes"]["pores"] for one in before["whole"]["classes"]]
    prediction(folder, [crop], keyhole)
    after = applied(folder, images(folder), capsys)
    assert (after["waiting"], after["whole"]["left"], after["taken_up"]) == (0, 0, 2)
    assert [one["sizes"]["pores"] for one in after["whole"]["classes"]] == [
        counts[0],
        counts[1] + 1,
        counts[2],
    ]
    assert after["whole"]["porosity"]["mean"] == pytest.approx(
        before["whole"]["porosity"]["mean"], rel=1e-4
    )
    prediction(folder, [crop], NOT_A_PORE)
    gone = applied(folder, images(folder), capsys)
    assert gone["waiting"] == 0
    left_area = before["whole"]["left_percent"]
    assert gone["whole"]["porosity"]["mean"] == pytest.approx(
        before["whole"]["porosity"]["mean"] - left_area, rel=1e-3
    )
    prediction(folder, [crop], UNSURE)
    doubt = applied(folder, images(folder), capsys)
    assert (doubt["waiting"], doubt["whole"]["left"]) == (0, 1)
    with Project.open(folder, read_only=True) as project:
        assert {entry.how for entry in project.label_log(crop)} == {"applied"}


def test_pores_of_files_that_the_project_does_not_know_bring_their_micrograph_along(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_discs(tmp_path / "new.png", [12.0] * 3 + [19.2])
    received = applied(folder, [tmp_path / "new.png"], capsys, "--import-unsure")
    assert received["brought_in"] == 1
    with Project.open(folder, read_only=True) as project:
        assert "new.png" in [one.name for one in project.micrographs()]


def test_a_bare_model_has_no_project_to_bring_pores_into(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = next(folder.glob("runs/*/model.onnx"))
    assert main(["apply", str(model), str(images(folder)[0]), "--import-unsure"]) == 2
    assert "no project" in capsys.readouterr().err


def test_two_pages_of_one_file_are_two_fields_with_their_own_results(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = []
    for name, discs in (("one.png", [12.0] * 4), ("two.png", [34.0] * 2)):
        draw_discs(tmp_path / name, discs)
        pages.append(
            cv2.imdecode(
                np.frombuffer((tmp_path / name).read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE
            )
        )
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.stack(pages), photometric="minisblack")
    for page in ("1", "2"):
        assert (
            main(
                ["import", str(folder), str(stack), "--page", page, "--as", "micrographs", "--json"]
            )
            == 0
        )
    capsys.readouterr()
    received = applied(folder, [stack], capsys)
    assert received["fields"] == 2
    assert [one["sizes"]["pores"] for one in received["whole"]["classes"]][:2] == [4, 2]
    names = sorted(one.name for one in (folder.parent / "out" / "fields").iterdir())
    assert names == ["stack.tif", "stack.tif (page 2)"]
    assert applied(folder, [stack], capsys)["taken_up"] == 2


def test_what_people_named_is_not_corrected_for_confusion() -> None:
    confused = correction(np.array([[40, 10], [10, 40]]))
    amounts = np.array([[1.0, 0.0], [2.0, 0.0], [1.5, 0.0]])
    certain = estimate_classes(amounts, confused, certain=amounts)
    assert [one.corrected for one in certain] == [1.5, 0.0]
    assert estimate_classes(amounts, confused)[0].corrected != 1.5

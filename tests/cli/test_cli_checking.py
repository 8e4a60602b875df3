"""Hold what `check` writes, reads and says."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from detect_bench import Bench, grid_of_pores

from poregui.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project in which 40 of 48 pores have an outline, and one too many has."""
    bench = Bench(tmp_path / "pores", [*grid_of_pores()[8:], (80.0, 80.0, 8.0)])
    bench.find()
    bench.draw(grid_of_pores())
    bench.project.close()
    return bench.project.folder


def answer_truly(file: Path) -> None:
    """Mark in a file what is missed and false, and answer its point grids."""
    check = json.loads(file.read_text(encoding="utf-8"))
    truth = grid_of_pores()
    for window in check["windows"]:
        box = [window[name] for name in ("x", "y", "width", "height")]
        inside = [
            (x, y, r)
            for x, y, r in truth
            if box[0] <= x < box[0] + box[2] and box[1] <= y < box[1] + box[3]
        ]
        found = [(one["x"], one["y"]) for one in window["found"]]
        (answer,) = window["answers"]
        answer["missed"] = [
            {"x": x, "y": y, "area_px": 3.1416 * r * r}
            for x, y, r in inside
            if all(abs(x - a) + abs(y - b) > 5 for a, b in found)
        ]
        answer["false"] = [
            one["crop"]
            for one in window["found"]
            if all(abs(one["x"] - x) + abs(one["y"] - y) > 5 for x, y, _ in inside)
        ]
        answer["points"] = [
            "hit" if any((px - x) ** 2 + (py - y) ** 2 < r * r for x, y, r in truth) else "miss"
            for px, py in grid_points(box, check["grid"])
        ]
    file.write_text(json.dumps(check), encoding="utf-8")


def grid_points(box: list[int], grid: int) -> list[tuple[float, float]]:
    steps = [(i + 0.5) / grid for i in range(grid)]
    return [(box[0] + box[2] * x, box[1] + box[3] * y) for y in steps for x in steps]


def received(capsys, *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_check_writes_windows_and_reads_the_answers(folder: Path, capsys) -> None:
    drawn = received(capsys, "check", folder, "--windows", 12, "--seed", 3)
    assert (drawn["windows"], drawn["checked"], drawn["left"]) == (12, 0, 12)
    assert drawn["finding"]["recall"] is None
    answer_truly(Path(drawn["file"]))
    said = received(capsys, "check", folder, "--windows", 12)
    assert (said["seed"], said["checked"]) == (3, 12)
    finding = said["finding"]
    for name, truth in (("recall", 40 / 48), ("precision", 40 / 41)):
        low, high = finding[name]["interval95"]
        assert low <= truth <= high
    truth = 100 * sum(3.1416 * r * r for _, _, r in grid_of_pores()) / (640 * 480)
    for name in ("corrected", "point_area"):
        low, high = finding[name]["interval95"]
        assert low <= truth <= high
    assert finding["area_percent"] < truth
    assert "In 12 checked windows: recall" in said["sentence"]
    assert main(["check", str(folder)]) == 0
    assert "area by point count" in capsys.readouterr().out
    measured = received(capsys, "measure", folder, folder.parent / "pores.csv")
    assert measured["check"]["recall"] == finding["recall"]
    assert measured["check"]["point_area"] == finding["point_area"]


def test_people_who_answer_elsewhere_are_compared(folder: Path, tmp_path: Path, capsys) -> None:
    drawn = received(capsys, "check", folder, "--windows", 6, "--size", 120, "--annotator", "ada")
    answer_truly(Path(drawn["file"]))
    content = Path(drawn["file"]).read_text(encoding="utf-8")
    other = tmp_path / "ben.json"
    other.write_text(content.replace('"who": "ada"', '"who": "ben"'), encoding="utf-8")
    said = received(capsys, "check", folder, "--windows", 6, "--read", other)
    assert sorted(said["people"]) == ["ada", "ben"]
    assert said["gauge"]["pores"]["reproducibility"] == 0
    refused = main(["check", str(folder), "--who", "eve"])
    assert refused == 2
    assert "eve has answered no window" in capsys.readouterr().err


def test_a_packed_project_and_a_backup_have_the_check(folder: Path, tmp_path: Path, capsys) -> None:
    received(capsys, "check", folder, "--windows", 4)
    assert main(["pack", str(folder), str(tmp_path / "out.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        packed.extractall(tmp_path / "there")
    capsys.readouterr()
    assert received(capsys, "check", tmp_path / "there" / "pores")["windows"] == 4


def test_a_check_that_was_never_drawn_gets_a_sentence(tmp_path: Path, capsys) -> None:
    assert main(["new", str(tmp_path / "pores")]) == 0
    assert main(["check", str(tmp_path / "pores")]) == 2
    assert "No windows have been drawn in pores yet." in capsys.readouterr().err

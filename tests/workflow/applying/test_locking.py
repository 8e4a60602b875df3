"""Hold that a locked recipe is applied unchanged or not at all, and that everything made with it
says so.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from builders import labelled_project
from size_model import draw_discs, run_with_sizes

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.project import Project
from poregui.workflow.applying.locked_recipe import (
    is_own,
    lock_of_project,
    lock_run,
    model_of_lock,
    read_lock,
    take_lock,
    unlock_project,
)
from poregui.workflow.detecting.find_pores import RECIPE_KEY

SIZES = [12.0] * 4 + [34.0] * 3 + [90.0] * 2


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """Return the folder of a project with a run; a micrograph lies beside it."""
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as made:
        made.put_meta(RECIPE_KEY, json.dumps(DetectionRecipe(smallest=6.0, edge="drop").to_json()))
        run_with_sizes(made, tmp_path)
    draw_discs(tmp_path / "a.png", SIZES)
    return tmp_path / "p"


def asked(capsys: pytest.CaptureFixture[str], *text: object) -> dict:
    """Run a verb that has to succeed and return its JSON."""
    capsys.readouterr()
    assert main([*map(str, text), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *text: object) -> str:
    """Run a verb that has to be refused and return its sentence."""
    capsys.readouterr()
    assert main([*map(str, text)]) == 2
    return capsys.readouterr().err


def test_an_operator_applies_what_a_supervisor_locked_and_everything_says_so(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "routine"
    made = asked(
        capsys, "lock", ready, "--out", out, "--by", "Ann  Lee", "--name", "Ti routine",
        "--min-confidence", 0.3, "--um-per-px", 0.5,
    )  # fmt: skip
    assert made["who"] == "Ann Lee"
    assert {"locked.json", "model.onnx", "model.json", "MODEL_CARD.md"} < {
        one.name for one in out.iterdir()
    }
    file = out / "locked.json"
    assert lock_of_project(ready) is None
    report = tmp_path / "r.html"
    received = asked(
        capsys,
        "apply",
        file,
        tmp_path / "a.png",
        "--workers",
        1,
        "--out",
        tmp_path / "o",
        "--report",
        report,
    )
    assert received["locked"]["hash"] == made["hash"]
    sentence = received["recipe"]
    assert re.fullmatch(
        r"“Ti routine” locked by Ann Lee on \d{4}-\d\d-\d\d \d\d:\d\d UTC, hash [0-9a-f]{16}",
        sentence,
    )
    assert (
        json.loads((tmp_path / "o" / "summary.json").read_text(encoding="utf-8"))["recipe"]
        == sentence
    )
    assert sentence in report.read_text(encoding="utf-8")
    assert received["size_unit"] == "um"  # the scale that was locked
    plain = asked(
        capsys, "apply", ready, tmp_path / "a.png", "--workers", 1, "--out", tmp_path / "p"
    )
    assert (plain["recipe"], plain["locked"]) == ("not locked", None)


def test_what_is_locked_cannot_be_asked_for_otherwise(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "lock", ready, "--by", "Ann")
    assert lock_of_project(ready) is not None
    (tmp_path / "how.json").write_text(json.dumps(DetectionRecipe().to_json()), encoding="utf-8")
    for option, value in (
        ("--run", 1),
        ("--recipe", tmp_path / "how.json"),
        ("--min-confidence", 0),
        ("--um-per-px", 1),
    ):
        text = refused(capsys, "apply", ready, tmp_path / "a.png", option, value)
        assert "The recipe is locked by Ann" in text
        assert f"Leave out {option}" in text
    assert "locked already" in refused(capsys, "lock", ready, "--by", "Bob")
    assert asked(capsys, "lock", ready, "--off") == {"locked": False, "removed": True}
    assert asked(capsys, "lock", ready, "--off")["removed"] is False
    assert not (ready / "locked").exists()
    asked(
        capsys,
        "apply",
        ready,
        tmp_path / "a.png",
        "--run",
        1,
        "--workers",
        1,
        "--out",
        tmp_path / "o",
    )


def test_a_locked_project_keeps_to_its_recipe_when_the_projects_own_changes(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "lock", ready, "--by", "Ann")
    before = asked(
        capsys, "apply", ready, tmp_path / "a.png", "--workers", 1, "--out", tmp_path / "o"
    )
    with Project.open(ready) as opened:
        opened.put_meta(RECIPE_KEY, json.dumps(DetectionRecipe(smallest=50.0).to_json()))
    after = asked(
        capsys, "apply", ready, tmp_path / "a.png", "--workers", 1, "--out", tmp_path / "o"
    )
    assert (before["pores"], after["pores"], after["taken_up"]) == (9, 9, 1)


@pytest.mark.parametrize(
    "damage", ["least", "recipe", "who", "hash", "text", "model.onnx", "model.json"]
)
def test_changed_content_is_refused_with_a_sentence(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    file = tmp_path / "l" / "locked.json"
    asked(capsys, "lock", ready, "--out", file.parent, "--by", "Ann")
    received = json.loads(file.read_text(encoding="utf-8"))
    if damage.startswith("model"):
        with open(file.with_name(damage), "ab") as content:
            content.write(b" ")
    elif damage == "text":
        file.write_text("no json", encoding="utf-8")
    else:
        other = {
            "least": 0.1,
            "recipe": {**received["recipe"], "smallest": 6.5},
            "who": "Bob",
            "hash": "0" * 64,
        }
        file.write_text(json.dumps({**received, damage: other[damage]}), encoding="utf-8")
    text = refused(capsys, "apply", ready, tmp_path / "a.png", "--locked", file)
    assert "has changed since it was locked" in text
    assert "Traceback" not in text


def test_a_lock_without_its_network_is_refused(ready: Path, tmp_path: Path) -> None:
    with Project.open(ready) as project:
        lock = lock_run(project, project.runs()[0], tmp_path / "l", who="Ann")
    assert read_lock(tmp_path / "l" / "locked.json") == lock
    model, again = model_of_lock(tmp_path / "l" / "locked.json")
    assert (model.recipe.edge, model.name, again.hash) == ("drop", "run 1 of p", lock.hash)
    (tmp_path / "l" / "model.onnx").unlink()
    with pytest.raises(ProjectError, match=r"model\.onnx is missing"):
        read_lock(tmp_path / "l" / "locked.json")
    shutil.rmtree(tmp_path / "l")
    with pytest.raises(ProjectError, match=r"locked\.json is missing"):
        read_lock(tmp_path / "l" / "locked.json")


def test_what_cannot_be_locked_leaves_nothing(ready: Path, tmp_path: Path) -> None:
    for fault, text in (
        ({"who": " "}, "No name was given"),
        ({"min_confidence": 1.0}, "is not a valid confidence"),
        ({"um_per_px": 0.0}, "is not a valid pixel size"),
    ):
        with Project.open(ready) as project, pytest.raises(PoreguiError, match=text):
            lock_run(project, project.runs()[0], tmp_path / "l", **{"who": "Ann", **fault})
    assert not (tmp_path / "l").exists()
    assert unlock_project(ready) is False


def test_an_operator_without_a_project_names_specimens_by_their_files(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "lock", ready, "--by", "Ann", "--out", tmp_path / "l")
    (tmp_path / "in").mkdir()
    for name in ("T1_a.png", "T1_b.png", "T2_a.png", "other.png"):
        draw_discs(tmp_path / "in" / name, SIZES)
    text = (
        "apply",
        tmp_path / "l" / "locked.json",
        tmp_path / "in",
        "--workers",
        1,
        "--out",
        tmp_path / "o",
    )
    received = asked(capsys, *text, "--specimen-from", "{specimen}_*.png")
    assert {one["name"]: one["fields"] for one in received["specimens"]} == {
        "T1": 2,
        "T2": 1,
        "other.png": 1,
    }
    assert "has no group" in refused(capsys, *text, "--specimen-from", "T1")
    assert "not allowed with" in refused(
        capsys, *text, "--specimen-from", "{specimen}_*", "--specimen", "A"
    )


def test_a_project_takes_what_was_locked_elsewhere_and_applies_it_without_a_run(
    ready: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(capsys, "lock", ready, "--by", "Ann", "--name", "Routine", "--out", tmp_path / "l")
    labelled_project(tmp_path / "other").close()
    taken = asked(capsys, "lock", tmp_path / "other", "--take", tmp_path / "l" / "locked.json")
    lock = read_lock(tmp_path / "other" / "locked" / "locked.json")
    assert (taken["who"], taken["hash"]) == ("Ann", lock.hash)
    for folder, own in ((ready, True), (tmp_path / "other", False)):
        with Project.open(folder) as project:
            assert is_own(lock, project) is own
    received = asked(
        capsys, "apply", tmp_path / "other", tmp_path / "a.png", "--workers", 1,
        "--out", tmp_path / "o",
    )  # fmt: skip
    assert received["recipe"].startswith("“Routine” locked by Ann")
    assert "locked already" in refused(
        capsys, "lock", tmp_path / "other", "--take", tmp_path / "l" / "locked.json"
    )
    text = ("lock", ready, "--take", tmp_path / "x.json", "--by", "Eve", "--min-confidence", 0.5)
    assert "cannot be combined with --by and --min-confidence" in refused(capsys, *text)


@pytest.mark.parametrize("damage", ["gone", "model.onnx", "locked.json"])
def test_a_damaged_lock_is_not_taken(ready: Path, tmp_path: Path, damage: str) -> None:
    with Project.open(ready) as project:
        lock_run(project, project.runs()[0], tmp_path / "l", who="Ann")
    if damage == "gone":
        shutil.rmtree(tmp_path / "l")
    else:
        with open(tmp_path / "l" / damage, "ab") as content:
            content.write(b"x")
    with (
        Project.open(ready) as project,
        pytest.raises(ProjectError, match=r"missing|has changed since it was locked"),
    ):
        take_lock(tmp_path / "l" / "locked.json", project)
    assert not (ready / "locked").exists()

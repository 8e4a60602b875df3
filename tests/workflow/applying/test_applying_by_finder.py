"""Hold that a network is applied to the pores that a learned finder sees, wherever it is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import labelled_project
from finder_folders import finder_folder, write_drawn_finder
from size_model import draw_discs, run_with_sizes

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.store.finder_folder import FinderFolder
from poregui.store.project import Project
from poregui.workflow.applying.locked_recipe import model_of_lock, take_lock
from poregui.workflow.detecting.find_pores import RECIPE_KEY
from poregui.workflow.detecting.learned_finder import FINDER_KEY

SIZES = [14.0] * 4 + [34.0] * 3 + [60.0] * 2
BLIND = DetectionRecipe(method="manual", level=0.0, smallest=6.0)
"""Finds nothing by its threshold."""


@pytest.fixture
def ready(tmp_path: Path) -> tuple[Path, FinderFolder]:
    """Return a project with a run and a finder; a micrograph a.png lies beside it."""
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as made:
        made.put_meta(RECIPE_KEY, json.dumps(BLIND.to_json()))
        run_with_sizes(made, tmp_path)
        folder = finder_folder(made.folder, "network")
        write_drawn_finder(folder)
    draw_discs(tmp_path / "a.png", SIZES)
    return tmp_path / "p", folder


def pores(capsys: pytest.CaptureFixture[str], *text: object) -> int:
    """Apply and return how many pores were found."""
    capsys.readouterr()
    assert main(["apply", *map(str, text), "--workers", "1", "--json"]) == 0
    return int(json.loads(capsys.readouterr().out)["pores"])


def test_apply_finds_pores_by_the_finder_that_is_asked_for_or_found_them_last(
    ready: tuple[Path, FinderFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, finder = ready
    image = tmp_path / "a.png"
    out = tmp_path / "out"
    report = tmp_path / "r.html"
    assert pores(capsys, project, image, "--out", out) == 0
    assert pores(capsys, project, image, "--out", out, "--finder", finder.number) == len(SIZES)
    with Project.open(project) as opened:
        opened.put_meta(FINDER_KEY, str(finder.number))
    assert pores(capsys, project, image, "--out", out, "--report", report) == len(SIZES)
    assert "learned finder" in report.read_text(encoding="utf-8")
    assert "Threshold</" not in report.read_text(encoding="utf-8")
    recipe = tmp_path / "blind.json"
    recipe.write_text(json.dumps(BLIND.to_json()), encoding="utf-8")
    assert pores(capsys, project, image, "--out", out, "--recipe", recipe) == 0


def test_a_finder_travels_with_a_locked_recipe_and_an_exported_network(
    ready: tuple[Path, FinderFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, finder = ready
    image = tmp_path / "a.png"
    routine = tmp_path / "routine"
    lock = ["lock", project, "--out", routine, "--by", "Ann", "--finder", finder.number]
    assert main([*map(str, lock)]) == 0
    assert pores(capsys, routine / "locked.json", image, "--out", tmp_path / "o1") == len(SIZES)
    with labelled_project(tmp_path / "other", specimens=6, per_class=8) as other:
        take_lock(routine / "locked.json", other)
        taken, _ = model_of_lock(other.folder / "locked" / "locked.json", other)
    assert taken.finder == tmp_path / "other" / "locked" / "finder"
    with Project.open(project) as opened:
        opened.put_meta(FINDER_KEY, str(finder.number))
    bare = tmp_path / "bare"
    assert main(["export", str(project), str(bare), "--format", "model"]) == 0
    assert pores(capsys, bare / "model.onnx", image, "--out", tmp_path / "o2") == len(SIZES)
    (bare / "finder" / "model.onnx").unlink()
    capsys.readouterr()
    assert main(["apply", str(bare / "model.onnx"), str(image)]) == 2
    assert "model.onnx no longer exists" in capsys.readouterr().err
    network = routine / "finder" / "model.onnx"
    network.write_bytes(network.read_bytes() + b"\0")
    assert main(["apply", str(routine / "locked.json"), str(image)]) == 2
    assert "has changed since" in capsys.readouterr().err


def test_a_finder_that_is_gone_is_said_and_another_way_can_be_chosen(
    ready: tuple[Path, FinderFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, finder = ready
    with Project.open(project) as opened:
        opened.put_meta(FINDER_KEY, "99")
    image = tmp_path / "a.png"
    assert main(["apply", str(project), str(image)]) == 2
    assert "found by finder 99, which is gone" in capsys.readouterr().err
    assert pores(capsys, project, image, "--out", tmp_path / "o", "--finder", finder.number) == len(
        SIZES
    )


def test_what_found_the_pores_last_finds_them_again_until_another_way_is_chosen(
    ready: tuple[Path, FinderFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, finder = ready
    assert main(["import", str(project), str(tmp_path / "a.png"), "--as", "micrographs"]) == 0
    found = []
    only = ["detect", str(project), "--micrograph", "a.png", "--json"]
    for more in ([], ["--finder", str(finder.number)], [], ["--method", "manual"], []):
        capsys.readouterr()
        assert main([*only, *more]) == 0
        values = json.loads(capsys.readouterr().out)
        found.append((values["pores"], values["finder"]))
    seen = (len(SIZES), finder.number)
    assert found == [(0, None), seen, seen, (0, None), (0, None)]

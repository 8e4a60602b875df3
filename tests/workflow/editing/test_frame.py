"""Hold that build direction, surface and the fact of a search are kept, undone, measured with and
applied with.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from detect_bench import Bench, disc, grid_of_pores
from old_projects import project_of_version_1

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Detection
from poregui.store.backups import backups_of
from poregui.store.database import MIGRATIONS
from poregui.store.project import Project
from poregui.vision.pores.specimen_area import fewer_points
from poregui.workflow.applying.inputs import to_apply
from poregui.workflow.detecting.measuring import measure_project, summary
from poregui.workflow.editing.micrograph_edits import (
    direction_of,
    frame_of,
    frames_of,
    project_build_direction,
    set_build_direction,
    set_masks,
    set_project_build_direction,
    set_surfaces,
)

TOP = ((0.0, 0.0), (640.0, 0.0))


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path / "pores", grid_of_pores())
    yield made
    made.project.close()


def received(capsys, *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_project_of_version_2_opens_with_everything_and_leaves_a_backup(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    with sqlite3.connect(folder / "project.db") as database:
        MIGRATIONS[1](database)
        database.execute("PRAGMA user_version = 2")
    database.close()
    with Project.open(folder) as project:
        (micrograph,) = project.micrographs()
        assert (micrograph.build_direction_deg, micrograph.surfaces) == (None, None)
        assert project.detections() == {}
        assert project.crops()[0].label == 1
    backup = sqlite3.connect(backups_of(folder)[0].path)
    assert backup.execute("PRAGMA user_version").fetchone() == (2,)
    backup.close()


def test_the_direction_of_a_micrograph_goes_before_that_of_the_project_and_both_can_be_undone(
    bench: Bench,
) -> None:
    project, history = bench.project, bench.history
    assert project_build_direction(project) is None
    history.apply(set_project_build_direction(project, 90))
    history.apply(set_build_direction([bench.micrograph], -45))
    assert frames_of(project, [bench.micrograph])[1].build_direction_deg == 315
    history.undo()
    assert frames_of(project, [bench.micrograph])[1].build_direction_deg == 90
    history.undo()
    assert frames_of(project, [bench.micrograph])[1].build_direction_deg is None


@pytest.mark.parametrize("degrees", [float("nan"), float("inf"), 1000])
def test_what_is_no_direction_is_refused(bench: Bench, degrees: float) -> None:
    with pytest.raises(PoreguiError, match="is not a direction"):
        set_build_direction([bench.micrograph], degrees)
    with pytest.raises(PoreguiError, match="is not a direction"):
        set_project_build_direction(bench.project, degrees)


def test_a_line_points_counter_clockwise_as_one_sees_it() -> None:
    assert direction_of((10, 10), (20, 10)) == 0
    assert direction_of((10, 10), (10, 0)) == 90
    assert direction_of((10, 10), (0, 10)) == 180
    assert direction_of((10, 10), (20, 20)) == 315


def test_drawn_lines_go_before_found_ones_and_no_surface_is_kept_apart_from_an_unknown_one(
    bench: Bench,
) -> None:
    found = Detection("2026", "{}", 100.0, surfaces=(TOP,))
    assert frame_of(bench.micrograph, None, None).surfaces == ()
    assert frame_of(bench.micrograph, found, None).surfaces == (TOP,)
    for drawn in ((), (((1.5, 2.0), (3.0, 4.0)),)):
        bench.history.apply(set_surfaces([bench.micrograph], drawn))
        assert frame_of(bench.micrograph, found, None).surfaces == drawn
        assert frame_of(bench.micrograph, found, None).drawn
        bench.history.undo()
    assert bench.micrograph.surfaces is None
    with pytest.raises(PoreguiError, match="two points"):
        set_surfaces([bench.micrograph], (((1.0, 2.0),),))


def test_a_search_is_remembered_with_its_recipe_and_undone_with_its_pores(bench: Bench) -> None:
    bench.find(DetectionRecipe(smallest=10.0))
    (detection,) = bench.project.detections().values()
    assert json.loads(detection.recipe)["smallest"] == 10
    assert detection.field_area_px == 640 * 480
    bench.history.undo()
    assert bench.project.detections() == {}
    bench.history.redo()
    assert bench.project.detections() == {1: detection}


def test_measurements_use_direction_and_surface_and_are_made_anew_when_these_change(
    bench: Bench,
) -> None:
    bench.find()
    (field,) = measure_project(bench.project)
    assert np.isnan(field.measured.columns["orientation_deg"]).all()
    assert np.isnan(field.measured.columns["surface"]).all()
    assert set(summary(bench.project, [field])["empty_because"]) == {"orientation_deg", "surface"}
    bench.history.apply(set_project_build_direction(bench.project, 90))
    bench.history.apply(set_surfaces([bench.micrograph], (TOP,)))
    (field,) = measure_project(bench.project)
    measured = field.measured.columns
    assert np.isfinite(measured["orientation_deg"]).all()
    radius = np.sqrt(measured["area_px"] / np.pi)
    assert measured["surface"] / 0.5 == pytest.approx(measured["y"] - radius, abs=0.3)
    assert summary(bench.project, [field])["empty_because"] == {}
    (kept,) = measure_project(bench.project)
    assert kept.measured.columns["surface"].tolist() == measured["surface"].tolist()


def test_a_micrograph_in_which_nothing_was_found_counts_as_a_field_without_pores(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "empty", [])
    assert measure_project(bench.project) == []
    bench.find(DetectionRecipe(contrast=40.0))
    (field,) = measure_project(bench.project)
    assert (field.area_percent, len(field.crop_ids)) == (0.0, 0)
    prediction = summary(bench.project, [field])
    assert prediction["porosity"]["mean"] == 0
    assert [one["micrograph"] for one in prediction["micrographs"]] == ["field.png"]
    bench.project.close()


def test_the_mean_over_fields_counts_those_without_pores(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "two"
    assert main(["new", str(folder)]) == 0
    for name, pores in (("full", grid_of_pores()), ("empty", [])):
        other = Bench(tmp_path / name, pores)
        other.project.close()
        (other.project.folder / "field.png").rename(tmp_path / f"{name}.png")
    assert (
        main(["import", str(folder), str(tmp_path / "full.png"), str(tmp_path / "empty.png")]) == 0
    )
    (tmp_path / "recipe.json").write_text('{"contrast": 40}', encoding="utf-8")
    capsys.readouterr()
    found = received(capsys, "detect", folder, "--recipe", tmp_path / "recipe.json")
    prediction = received(capsys, "measure", folder, tmp_path / "pores.csv")
    assert prediction["porosity"]["fields"] == 2
    assert sorted(one["pores"] for one in prediction["micrographs"]) == [0, 48]
    assert prediction["porosity"]["mean"] == pytest.approx(
        sum(one["area_percent"] for one in found["micrographs"]) / 2, rel=0.01
    )


def test_a_field_whose_pores_are_none_counts_too(bench: Bench) -> None:
    bench.find()
    bench.label([crop.id for crop in bench.project.crops()], NOT_A_PORE)
    (field,) = measure_project(bench.project)
    assert field.area_percent == 0


def test_the_field_leaves_the_mount_out_until_masks_change(bench: Bench) -> None:
    with bench.project.transaction():
        bench.project.put_detection(1, Detection("2026", "{}", 200_000.0))
    assert measure_project(bench.project)[0].field_area_px == 200_000
    bench.history.apply(set_masks(bench.micrograph, [Mask.of_box(Box(0, 400, 640, 80))]))
    assert measure_project(bench.project)[0].field_area_px == 640 * 400


def test_direction_and_surface_are_set_from_the_command_line(
    bench: Bench, tmp_path: Path, capsys
) -> None:
    bench.find()
    bench.project.close()
    folder = bench.project.folder
    (one,) = received(
        capsys, "micrographs", folder, "--build-direction", "90", "--surface", "0,0 640,0"
    )["micrographs"]
    assert (one["build_direction_deg"], one["surfaces"], one["surface_drawn"]) == (
        90,
        [[[0, 0], [640, 0]]],
        True,
    )
    assert one["detected"]
    prediction = received(capsys, "measure", folder, tmp_path / "pores.csv")
    assert prediction["empty_because"] == {}
    assert all(row["surface"] and row["orientation_deg"] for row in rows(tmp_path / "pores.csv"))
    (one,) = received(
        capsys,
        "micrographs",
        folder,
        "--name",
        "field.*",
        "--build-direction",
        "10",
        "--found-surface",
    )["micrographs"]
    assert (one["build_direction_deg"], one["surfaces"], one["surface_drawn"]) == (10, [], False)
    (one,) = received(
        capsys, "micrographs", folder, "--build-direction", "unknown", "--no-surface"
    )["micrographs"]
    assert (one["build_direction_deg"], one["surface_drawn"]) == (10, True)
    received(capsys, "micrographs", folder, "--name", "field.png", "--build-direction", "unknown")
    assert main(["measure", str(folder), str(tmp_path / "pores.csv")]) == 0
    out = capsys.readouterr().out
    assert "No build direction is given for any micrograph." in out
    assert "No surface is found or drawn in any micrograph." in out
    assert not any(row["surface"] or row["orientation_deg"] for row in rows(tmp_path / "pores.csv"))


@pytest.mark.parametrize(
    "wrong", [["--build-direction", "north"], ["--build-direction", "4000"], ["--surface", "3,4"]]
)
def test_a_wrong_direction_or_line_is_a_sentence(bench: Bench, wrong: list[str], capsys) -> None:
    bench.project.close()
    assert main(["micrographs", str(bench.project.folder), *wrong]) == 2
    assert capsys.readouterr().err.strip()


def test_applying_takes_direction_and_drawn_lines_along(bench: Bench) -> None:
    bench.history.apply(set_project_build_direction(bench.project, 30))
    file = bench.project.micrograph_file(bench.micrograph)
    (one,) = to_apply([file], bench.project)
    assert (one.build_direction_deg, one.surfaces) == (30, None)
    bench.history.apply(set_build_direction([bench.micrograph], 60))
    bench.history.apply(set_surfaces([bench.micrograph], (TOP,)))
    (one,) = to_apply([file], bench.project)
    assert (one.build_direction_deg, one.surfaces) == (60, (TOP,))


def test_a_found_line_keeps_its_place_with_fewer_points() -> None:
    angle = np.linspace(0, 3, 2000)
    line = np.stack([500 + 400 * np.cos(angle), 500 + 400 * np.sin(angle)], axis=1)
    kept = np.array(fewer_points(line))
    assert len(kept) < 200
    assert np.hypot(*(kept - 500).T) == pytest.approx(np.full(len(kept), 400), abs=0.3)
    assert Outline.of(disc(0, 0, 5)).points.shape[1] == kept.shape[1]

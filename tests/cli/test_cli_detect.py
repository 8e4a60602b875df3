"""Hold what `detect` and `measure` print, write and refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from detect_bench import GAS, Bench, field, grid_of_pores

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.detecting.measuring import CACHE, measure_project
from poregui.workflow.editing.edits import AddMicrographs

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path / "pores", [*grid_of_pores(), (80.0, 80.0, 3.0)])
    yield made
    made.project.close()


@pytest.fixture
def folder(bench: Bench) -> Path:
    bench.project.close()
    return bench.project.folder


def prediction(capsys, *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def lines(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_detect_says_of_each_micrograph_pores_area_and_time(folder: Path, capsys) -> None:
    received = prediction(capsys, "detect", folder)
    (one,) = received["micrographs"]
    drawn = sum(np.pi * radius**2 for _, _, radius in grid_of_pores()) + np.pi * 9
    assert one["micrograph"] == "field.png"
    assert one["pores"] == received["proposals_added"] == 49
    assert one["area_percent"] == pytest.approx(100 * drawn / (640 * 480), rel=0.03)
    assert one["seconds"] > 0
    with Project.open(folder) as project:
        assert len(project.outlines()) == 49


def test_a_recipe_file_is_taken_and_remembered(folder: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "recipe.json").write_text('{"smallest": 10}', encoding="utf-8")
    first = prediction(capsys, "detect", folder, "--recipe", tmp_path / "recipe.json")
    assert first["pores"] == 48
    assert first["removed"] == {"contrast": 0, "size": 1, "edge": 0, "mount": 0, "mask": 0}
    assert first["warnings"] == []
    with Project.open(folder) as project:
        assert detection_recipe(project).smallest == 10
    assert prediction(capsys, "detect", folder)["pores"] == 48


def test_a_large_mount_is_asked_for_and_the_answer_is_kept(bench: Bench, capsys) -> None:
    pixels = field([(40, 40, 8)])
    pixels[180:] = 40
    bench.show(pixels)
    bench.project.close()
    folder = bench.project.folder
    asked = prediction(capsys, "detect", folder)
    assert "62 % of the field along the edge may be mounting material" in asked["warnings"][0]
    assert prediction(capsys, "detect", folder, "--surface")["removed"]["mount"] == 1
    again = prediction(capsys, "detect", folder)
    assert (again["pores"], again["removed"]["mount"], again["warnings"]) == (1, 1, [])
    filled = prediction(capsys, "detect", folder, "--no-surface")
    assert filled["pores"] == 2
    assert not any("mounting" in text for text in filled["warnings"])
    with Project.open(folder) as project:
        assert [one.surfaces for one in project.micrographs()] == [()]


def test_auto_chooses_a_recipe_and_the_project_keeps_it(bench: Bench, capsys) -> None:
    pixels = field(grid_of_pores()).astype(np.float64)
    light = np.linspace(0.3, 1.0, pixels.shape[1])
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    bench.show(np.clip(pixels * light + noise, 0, 255).astype(np.uint8))
    bench.project.close()
    folder = bench.project.folder
    auto = prediction(capsys, "detect", folder, "--method", "auto")
    assert auto["auto"]["trusted"]
    assert auto["auto"]["recipe"]["chosen_by"] == "auto"
    assert auto["auto"]["why"].startswith("Auto chose ")
    assert (auto["pores"], auto["warnings"]) == (48, [])
    with Project.open(folder) as project:
        assert detection_recipe(project).to_json() == auto["auto"]["recipe"]
    assert prediction(capsys, "detect", folder)["pores"] == 48
    manual = prediction(capsys, "detect", folder, "--method", "manual")
    with Project.open(folder) as project:
        recipe = detection_recipe(project)
    assert (recipe.method, recipe.chosen_by, "auto" in manual) == ("manual", "person", False)


def test_only_the_micrograph_of_a_name_is_searched_and_an_unknown_name_is_refused(
    folder: Path, capsys
) -> None:
    assert prediction(capsys, "detect", folder, "--micrograph", "field.png")["pores"] == 49
    assert main(["detect", str(folder), "--micrograph", "other.png"]) == 2
    assert (
        "There is no micrograph 'other.png'. The project has field.png." in capsys.readouterr().err
    )


def test_a_micrograph_whose_file_is_gone_is_told_and_the_others_are_searched(
    bench: Bench, capsys
) -> None:
    gone = Micrograph(2, "gone.png", "gone.png", "b" * 64, 10, 10, 8, 1)
    bench.history.apply(AddMicrographs((gone,)))
    bench.project.close()
    received = prediction(capsys, "detect", bench.project.folder)
    assert [one["micrograph"] for one in received["micrographs"]] == ["field.png"]
    assert list(received["failed"]) == ["gone.png"]


def test_a_project_without_micrographs_is_a_sentence(tmp_path: Path, capsys) -> None:
    Project.create(tmp_path / "empty").close()
    assert main(["detect", str(tmp_path / "empty")]) == 2
    assert "has no micrographs" in capsys.readouterr().err


def test_measure_writes_one_line_a_pore_with_lengths_in_um(
    folder: Path, tmp_path: Path, capsys
) -> None:
    prediction(capsys, "detect", folder)
    received = prediction(capsys, "measure", folder, tmp_path / "pores.csv")
    rows = lines(tmp_path / "pores.csv")
    assert len(rows) == received["pores"] == 49
    large = max(rows, key=lambda row: float(row["area_px"]))
    assert large["unit"] == "um"
    assert float(large["ecd"]) == pytest.approx(0.5 * 2 * 14, rel=0.02)
    assert float(large["circularity"]) == pytest.approx(1, abs=0.03)
    assert received["porosity"]["fields"] == 1
    assert received["porosity"]["interval95"] is None
    assert received["micrographs"][0]["area_percent"] == pytest.approx(received["porosity"]["mean"])
    prediction(capsys, "measure", folder, tmp_path / "some.csv", "--where", "ECD > 12")
    some = [row["crop"] for row in lines(tmp_path / "some.csv")]
    assert some == [row["crop"] for row in rows if float(row["ecd"]) > 12]
    assert 0 < len(some) < 49
    assert main(["measure", str(folder), str(tmp_path / "x.csv"), "--where", "ECD is 3"]) == 2
    assert "is no condition" in capsys.readouterr().err


def test_shape_numbers_of_small_pores_are_left_empty(folder: Path, tmp_path: Path, capsys) -> None:
    prediction(capsys, "detect", folder)
    prediction(capsys, "measure", folder, tmp_path / "pores.csv")
    rows = lines(tmp_path / "pores.csv")
    (small,) = [row for row in rows if row["shape_reliable"] == "0"]
    assert small["circularity"] == small["aspect_ratio"] == small["orientation_deg"] == ""
    assert float(small["ecd"]) == pytest.approx(3, rel=0.1)
    assert all(row["circularity"] for row in rows if row["shape_reliable"] == "1")


def test_a_name_that_looks_like_a_formula_is_harmless_in_the_table(
    bench: Bench, tmp_path: Path, capsys
) -> None:
    bench.find()
    with bench.project.transaction():
        (one,) = bench.project.micrographs()
        bench.project.put_micrographs([type(one)(**{**vars(one), "name": "=1+1.png"})])
    bench.project.close()
    prediction(capsys, "measure", bench.project.folder, tmp_path / "pores.csv")
    rows = lines(tmp_path / "pores.csv")
    assert {row["micrograph"] for row in rows} == {"'=1+1.png"}


def test_without_outlines_measure_is_refused_and_writes_nothing(
    folder: Path, tmp_path: Path, capsys
) -> None:
    assert main(["measure", str(folder), str(tmp_path / "pores.csv")]) == 2
    assert "No pore has an outline. Find pores first" in capsys.readouterr().err
    assert not (tmp_path / "pores.csv").exists()


def test_numbers_are_kept_and_measured_anew_when_an_outline_or_the_scale_changes(
    bench: Bench, monkeypatch
) -> None:
    bench.find()
    (first,) = measure_project(bench.project)
    assert list((bench.project.folder / CACHE).glob("numbers-*.npz"))
    calls = []
    from poregui.workflow.detecting import measuring

    real = measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *a, **k: calls.append(1) or real(*a, **k))
    (again,) = measure_project(bench.project)
    assert not calls
    assert all(
        np.array_equal(first.measured.columns[k], v, equal_nan=True)
        for k, v in again.measured.columns.items()
    )
    with bench.project.transaction():
        (one,) = bench.project.micrographs()
        bench.project.put_micrographs([type(one)(**{**vars(one), "um_per_px": 1.0})])
    (scaled,) = measure_project(bench.project)
    assert len(calls) == 1
    assert np.allclose(scaled.measured.columns["ecd"], 2 * first.measured.columns["ecd"])


def test_what_is_no_pore_is_not_measured(bench: Bench) -> None:
    bench.find()
    first, second = (crop.id for crop in bench.project.crops()[:2])
    bench.label([first], NOT_A_PORE)
    bench.label([second], GAS)
    (field,) = measure_project(bench.project)
    assert first not in field.crop_ids
    assert second in field.crop_ids


def test_pores_are_measured_without_greys_when_the_micrograph_vanished(bench: Bench) -> None:
    bench.find()
    (bench.project.folder / "field.png").unlink()
    (field,) = measure_project(bench.project)
    assert len(field.crop_ids) == 49
    assert np.isnan(field.measured.columns["mean_grey"]).all()
    assert np.isfinite(field.measured.columns["ecd"]).all()


def test_a_damaged_cache_is_measured_anew(bench: Bench) -> None:
    bench.find()
    (first,) = measure_project(bench.project)
    (kept,) = (bench.project.folder / CACHE).glob("numbers-*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    (again,) = measure_project(bench.project)
    assert np.array_equal(first.measured.columns["ecd"], again.measured.columns["ecd"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data with real images is absent")
def test_the_pores_of_a_real_electron_micrograph_are_found_outside_its_bar(
    tmp_path: Path, capsys
) -> None:
    project = tmp_path / "membrane"
    assert main(["new", str(project)]) == 0
    assert main(["import", str(project), str(SHARED / "sem" / "membrane" / "test_pore1.bmp")]) == 0
    capsys.readouterr()
    received = prediction(capsys, "detect", project)
    assert received["pores"] > 20
    assert 5 < received["micrographs"][0]["area_percent"] < 80

"""Hold that applying a network gives every pore once, whole results only, and numbers that fit what
was drawn.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.geometry import Box, Mask
from poregui.workflow.applying.confidence import at_confidence
from poregui.workflow.applying.field import FieldTask, apply_field, read_result
from poregui.workflow.applying.inputs import (
    ToApply,
    micrographs_of,
    model_of_file,
    tasks_of,
)
from poregui.workflow.applying.pool import STEPS, apply_all
from poregui.workflow.applying.result_folders import own_folders
from poregui.workflow.applying.result_table import read_pores
from poregui.workflow.applying.summary import summarise
from poregui.workflow.exporting.formats.geojson import read_geojson

SMALL, MIDDLE, LARGE = (
    12.0,
    34.0,
    90.0,
)  # with a view of 1.8 times the pore these are near the model's centres
COLOURS = ("#1f77b4", "#117733", "#d95f02")


def task(tmp_path: Path, name: str = "a.png", **changes: object) -> FieldTask:
    model = tmp_path / "model" / "model.onnx"
    if not model.exists():
        write_size_model(tmp_path / "model")
    plain = FieldTask(
        file=tmp_path / name,
        folder=tmp_path / "out" / name,
        specimen="S1",
        model=model,
        sidecar=model.with_suffix(".json"),
        recipe=DetectionRecipe(),
        colours=COLOURS,
    )
    return replace(plain, **changes)


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_pore_is_found_measured_and_classified(tmp_path: Path) -> None:
    drawn = draw_discs(tmp_path / "a.png", [SMALL] * 4 + [MIDDLE] * 3 + [LARGE] * 2)
    result = apply_field(task(tmp_path))
    assert result.counts == (4, 3, 2)
    assert sum(result.areas) == pytest.approx(drawn, rel=0.03)
    assert result.field_area_px == 600 * 600
    rows = rows_of(tmp_path / "out" / "a.png" / "pores.csv")
    assert len(rows) == 9
    assert {row["class"] for row in rows} == {"Gas", "Keyhole", "Lack of Fusion"}
    assert all(float(row["confidence"]) > 0.5 for row in rows)
    (shapes,) = read_geojson(tmp_path / "out" / "a.png" / "pores.geojson")
    assert sum(one.outline.area for one in shapes.shapes) == pytest.approx(
        sum(result.areas), rel=1e-3
    )


def test_the_shape_of_a_pore_below_ten_pixels_stays_empty_in_the_table(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [SMALL, 8.0])
    apply_field(task(tmp_path))
    rows = rows_of(tmp_path / "out" / "a.png" / "pores.csv")
    assert sorted(row["Shape reliable"] for row in rows) == ["no", "yes"]
    assert all((row["Circularity"] == "") == (row["Shape reliable"] == "no") for row in rows)
    assert all(float(row["Area (px²)"]) > 0 for row in rows)


def test_the_picture_shows_the_outlines_in_the_colours_of_the_classes(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [LARGE] * 4)
    apply_field(task(tmp_path))
    image = np.array(Image.open(tmp_path / "out" / "a.png" / "overlay.png")).astype(int)
    assert image.shape == (600, 600, 3)
    near = np.abs(image - (0xD9, 0x5F, 0x02)).sum(axis=2) < 60
    assert near.sum() > 4 * np.pi * LARGE / 2


def test_pores_below_the_wanted_confidence_are_left_to_a_person(tmp_path: Path) -> None:
    between = 19.2  # its crop lies between the two centres
    draw_discs(tmp_path / "a.png", [SMALL] * 3 + [between])
    result = apply_field(task(tmp_path, min_confidence=0.9))
    assert (result.counts, result.left) == ((3, 0, 0), 1)
    assert result.left_area == pytest.approx(np.pi / 4 * between**2, rel=0.1)
    assert [row["class"] for row in rows_of(tmp_path / "out" / "a.png" / "pores.csv")].count(
        ""
    ) == 1


def test_asking_for_more_confidence_afterwards_gives_what_asking_at_once_had_given(
    tmp_path: Path,
) -> None:
    draw_discs(tmp_path / "a.png", [SMALL] * 3 + [19.2])
    early = apply_field(task(tmp_path, min_confidence=0.9))
    late = at_confidence(
        apply_field(task(tmp_path)), read_pores(tmp_path / "out" / "a.png", 3), 0.9
    )
    assert (late.counts, late.left) == (early.counts, early.left)
    assert late.areas == pytest.approx(early.areas, rel=1e-4)
    (tmp_path / "out" / "a.png" / "pores.csv").write_text("nothing", encoding="utf-8")
    with pytest.raises(PoreguiError, match="cannot be read"):
        read_pores(tmp_path / "out" / "a.png", 3)


def test_masked_regions_belong_neither_to_the_pores_nor_to_the_field(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [LARGE] * 4)
    result = apply_field(task(tmp_path, masks=(Mask.of_box(Box(0, 0, 600, 300)),)))
    assert sum(result.counts) == 2
    assert result.field_area_px == pytest.approx(600 * 300, rel=0.01)


def test_a_micrograph_at_another_scale_is_resized_to_the_networks_and_it_is_said(
    tmp_path: Path,
) -> None:
    draw_discs(tmp_path / "a.png", [MIDDLE] * 4)
    model = write_size_model(tmp_path / "um", um_per_px=1.0)
    other = task(tmp_path, model=model, sidecar=model.with_suffix(".json"), um_per_px=2.0)
    result = apply_field(other)
    assert result.resampled == pytest.approx(2.0)
    assert "crops were resized to that pixel size" in result.warnings[0]
    assert result.counts[0] == 0  # 68 um across: the network still judges by the size in um
    same = apply_field(replace(other, um_per_px=1.1))
    assert (same.resampled, same.warnings) == (None, ())


def test_a_network_that_judges_in_um_refuses_a_micrograph_without_a_scale(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [MIDDLE])
    model = write_size_model(tmp_path / "um", um_per_px=1.0)
    with pytest.raises(PoreguiError, match="pixel size of this image is unknown"):
        apply_field(task(tmp_path, model=model, sidecar=model.with_suffix(".json")))
    assert not (tmp_path / "out").exists()


def test_results_hold_until_something_that_they_depend_on_changes(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [MIDDLE])
    one = task(tmp_path)
    assert read_result(one) is None
    result = apply_field(one)
    assert read_result(one) == result
    assert (
        read_result(replace(one, min_confidence=0.5)) == result
    )  # which pores are left is seen to afterwards
    assert read_result(replace(one, recipe=DetectionRecipe(smallest=8.0))) is None
    draw_discs(tmp_path / "a.png", [MIDDLE], seed=1)
    assert read_result(one) is None


def test_results_hold_where_micrograph_and_results_were_moved_to(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    draw_discs(tmp_path / "old" / "a.png", [MIDDLE])
    before = replace(
        task(tmp_path), file=tmp_path / "old" / "a.png", folder=tmp_path / "old" / "out"
    )
    apply_field(before)
    (tmp_path / "old").rename(tmp_path / "new")
    moved = replace(before, file=tmp_path / "new" / "b.png", folder=tmp_path / "new" / "out")
    (tmp_path / "new" / "a.png").rename(moved.file)
    applied = apply_all([moved])
    assert applied.taken_up == 1
    assert [(one.file, one.name) for one in applied.results] == [(str(moved.file), "b.png")]
    assert (applied.results[0].file, applied.results[0].plane) == moved.key


def test_work_that_was_interrupted_goes_on_and_a_bad_file_stops_nobody(tmp_path: Path) -> None:
    for number in range(3):
        draw_discs(tmp_path / f"{number}.png", [MIDDLE] * 4, seed=number)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    tasks = [task(tmp_path, name) for name in ("0.png", "bad.png", "1.png", "2.png")]
    apply_field(tasks[0])
    seen: list[tuple[int, int]] = []
    applied = apply_all(
        tasks, workers=2, progress=lambda done, total, text: seen.append((done, total))
    )
    assert [one.name for one in applied.results] == ["0.png", "1.png", "2.png"]
    assert [one.name for one in applied.problems] == ["bad.png"]
    assert applied.taken_up == 1
    assert seen[-1] == (4 * STEPS, 4 * STEPS)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    (tmp_path / "out" / "2.png" / "field.json").unlink()
    assert apply_all(tasks, workers=1).taken_up == 2


def test_a_cancelled_work_keeps_what_is_done(tmp_path: Path) -> None:
    for number in range(4):
        draw_discs(tmp_path / f"{number}.png", [MIDDLE] * 4, seed=number)
    tasks = [task(tmp_path, f"{number}.png") for number in range(4)]
    applied = apply_all(
        tasks, workers=1, cancelled=lambda: any(one.result_file.exists() for one in tasks)
    )
    assert applied.cancelled
    assert 1 <= len(applied.results) < 4
    assert apply_all(tasks, workers=1).taken_up >= 1


def test_two_processes_give_the_same_results_as_one(tmp_path: Path) -> None:
    for number in range(3):
        draw_discs(tmp_path / f"{number}.png", [SMALL, MIDDLE, LARGE, MIDDLE], seed=number)
    tasks = [task(tmp_path, f"{number}.png") for number in range(3)]
    apply_all(tasks, workers=2)
    tables = [one.folder.joinpath("pores.csv").read_bytes() for one in tasks]
    shutil.rmtree(tmp_path / "out")
    for one in tasks:
        apply_field(one)
    assert [one.folder.joinpath("pores.csv").read_bytes() for one in tasks] == tables


def test_the_summary_has_intervals_over_fields_and_over_specimens(tmp_path: Path) -> None:
    model = model_of_file(
        write_size_model(tmp_path / "m", confusion=[[50, 0, 0], [0, 45, 5], [0, 5, 45]])
    )
    fields = []
    for specimen, counts in (("S1", (4, 5)), ("S2", (6, 7)), ("S3", (3, 4))):
        for field, count in enumerate(counts):
            file = tmp_path / f"{specimen}_{field}.png"
            draw_discs(file, [MIDDLE] * count, seed=len(fields))
            fields.append(ToApply(file, specimen, 0.5))
    tasks = tasks_of(model, fields, tmp_path / "out")
    results = [apply_field(one) for one in tasks]
    summary = summarise(model, results, [read_pores(one.folder, 3) for one in tasks])
    assert summary.corrected
    assert (summary.whole.unit, summary.whole.units, summary.whole.fields) == ("specimen", 3, 6)
    keyhole, fusion = summary.whole.classes[1:]
    expected = 100 * np.pi / 4 * MIDDLE**2 * (29 / 6) / 360_000
    assert keyhole.area.plain == pytest.approx(expected, rel=0.03)
    assert keyhole.area.corrected > keyhole.area.plain  # some were answered as lack of fusion
    assert fusion.area.corrected == 0.0
    assert keyhole.area.low < keyhole.area.corrected < keyhole.area.high
    assert keyhole.density.plain == pytest.approx(
        29 / 6 / 0.09, rel=0.001
    )  # pores per 0.3 mm x 0.3 mm
    assert keyhole.sizes.number[1] == pytest.approx(MIDDLE * 0.5, rel=0.03)
    assert summary.size_unit == "um"
    assert summary.whole.porosity.mean == pytest.approx(expected, rel=0.03)
    json.dumps(summary.to_json(), allow_nan=False)
    received = [
        replace(one, warnings=("It is dark.",) if index else ("It is odd.",))
        for index, one in enumerate(results)
    ]
    text = summarise(model, received, [read_pores(one.folder, 3) for one in tasks]).warnings
    assert text == ("S1_0.png: It is odd.", "S1_1.png and 4 more: It is dark.")


def test_one_specimen_has_no_interval_over_specimens(tmp_path: Path) -> None:
    model = model_of_file(write_size_model(tmp_path / "m"))
    draw_discs(tmp_path / "a.png", [MIDDLE] * 4)
    tasks = tasks_of(model, [ToApply(tmp_path / "a.png", "S1")], tmp_path / "out")
    results = [apply_field(one) for one in tasks]
    summary = summarise(model, results, [read_pores(one.folder, 3) for one in tasks])
    assert all(one.area.low is None for one in summary.whole.classes)
    assert (summary.corrected, summary.why_not) == (False, "the model brings no test")
    assert summary.whole.classes[0].density is None
    assert summary.size_unit == "px"


@pytest.mark.skipif(sys.platform == "win32", reason="Links as POSIX has them.")
@pytest.mark.parametrize("where", ["applied/run-001", "applied/run-001/fields", "a.png"])
def test_results_are_never_written_through_a_link_in_a_project(tmp_path: Path, where: str) -> None:
    (tmp_path / "project.db").write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    inside = tmp_path / "applied" / "run-001" / "fields"
    inside.mkdir(parents=True)
    link = tmp_path / where if "/" in where else inside / where
    if link.exists():
        shutil.rmtree(link)
    link.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "fields").mkdir()
    with pytest.raises(ProjectError, match="is a link"):
        own_folders([task(tmp_path)], inside)


def test_a_bare_model_is_applied_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_size_model(tmp_path / "m", confusion=[[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    (tmp_path / "in").mkdir()
    for number in range(2):
        draw_discs(tmp_path / "in" / f"{number}.png", [SMALL, LARGE], seed=number)
    asked = [
        str(model),
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "out"),
        "--specimen",
        "A",
        "--workers",
        "1",
    ]
    assert main(["apply", *asked, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["fields"], values["pores"], values["taken_up"]) == (2, 4, 0)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["pores"] == 4
    assert main(["apply", *asked]) == 0
    assert "Gas (area %)" in capsys.readouterr().out
    assert main(["apply", *asked[:-2], "--min-confidence", "1.5"]) == 2
    assert "is not a valid confidence" in capsys.readouterr().err


def test_what_cannot_be_applied_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"model\.json is missing"):
        model_of_file(tmp_path / "model.onnx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PoreguiError, match="There is no image"):
        micrographs_of([tmp_path / "empty"], None, None, None)

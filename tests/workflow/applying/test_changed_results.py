"""Hold what applying wrote against what it reads again: results that were changed do not count, and
it is said.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from size_model import draw_discs, write_size_model

from poregui.domain.detection import DetectionRecipe
from poregui.workflow.applying.confidence import mark_field
from poregui.workflow.applying.field import (
    FieldResult,
    FieldTask,
    apply_field,
    read_result,
    why_changed,
)
from poregui.workflow.applying.inputs import model_of_file
from poregui.workflow.applying.pool import take_up
from poregui.workflow.applying.result_table import read_pores

FILES = ("field.json", "pores.csv", "pores.geojson", "sensitivity.npz", "picture.npz")
COLOURS = ("#ff0000", "#00ff00", "#0000ff")


@pytest.fixture
def task(tmp_path: Path) -> FieldTask:
    model = write_size_model(tmp_path / "model")
    draw_discs(tmp_path / "a.png", [12.0] * 4 + [34.0] * 2 + [19.2])
    made = FieldTask(
        file=tmp_path / "a.png",
        folder=tmp_path / "out",
        specimen="S1",
        model=model,
        sidecar=model.with_suffix(".json"),
        recipe=DetectionRecipe(),
        colours=COLOURS,
    )
    apply_field(made)
    return made


def shorten(path: Path, by: int = 3) -> None:
    """Take the last lines of a table away."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-by]))


def test_results_as_they_were_written_are_taken_up(task: FieldTask) -> None:
    assert take_up([task])[0] == read_result(task)
    assert why_changed(task) == ""
    seal = json.loads((task.folder / "results.json").read_text(encoding="utf-8"))
    assert sorted(seal["files"]) == sorted(FILES[1:])
    assert seal["files"]["pores.csv"]["rows"] == 7


def test_a_shortened_table_is_said_and_its_pores_are_found_again(task: FieldTask) -> None:
    before = read_result(task)
    shorten(task.folder / "pores.csv")
    assert why_changed(task) == (
        "The results of a.png were changed since they were written: pores.csv has 4 of 7 rows."
    )
    assert take_up([task]) == {}
    again = apply_field(task)
    assert before is not None
    assert again.areas == before.areas
    assert again.warnings[-1].endswith("pores.csv has 4 of 7 rows. Its pores were found again.")
    assert len(read_pores(task.folder, 3).areas) == 7
    assert take_up([task])[0] == again


def test_a_shortened_table_of_an_older_version_is_noticed_by_its_rows(task: FieldTask) -> None:
    (task.folder / "results.json").unlink()
    assert read_result(task) is not None
    shorten(task.folder / "pores.csv", 1)
    assert "pores.csv has 6 of 7 rows" in why_changed(task)
    assert read_result(task) is None


@pytest.mark.parametrize("name", [*FILES, "results.json"])
@pytest.mark.parametrize("content", [b"", b"null\n", b"[" * 100_000, b"\xff\x00" * 50, None])
def test_results_that_are_damaged_in_any_way_do_not_count(
    task: FieldTask, name: str, content: bytes | None
) -> None:
    path = task.folder / name
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert read_result(task) is None


def test_a_changed_sum_is_noticed_and_another_time_is_not(task: FieldTask) -> None:
    held = json.loads(task.result_file.read_text(encoding="utf-8"))
    task.result_file.write_text(json.dumps({**held, "seconds": 99.0}), encoding="utf-8")
    assert why_changed(task) == ""
    task.result_file.write_text(json.dumps({**held, "field_area_px": 99.0}), encoding="utf-8")
    assert "field.json is not as it was written" in why_changed(task)


def test_marking_pores_leaves_results_that_hold(task: FieldTask) -> None:
    result = read_result(task)
    assert result is not None
    model = model_of_file(task.model)
    marked = mark_field(task.folder, result, read_pores(task.folder, 3), model, 0.9)
    assert marked.left > 0
    assert why_changed(task) == ""
    assert read_result(task) is not None


def test_results_keep_the_names_that_stand_in_the_files_of_older_projects() -> None:
    result = FieldResult(
        "n", "S1", "f", "ff", "fp", 10, 10, None, 100.0, 2, (1.0, 2.0), (1, 1), 0, 0.0, None, 1.0,
        out_of_distribution=(2,),
    )  # fmt: skip
    written = result.to_json()
    assert written["unlike"] == (2,)
    assert FieldResult.from_json(written) == result
    assert FieldResult.from_json({k: v for k, v in written.items() if k != "unlike"}).pores == 2

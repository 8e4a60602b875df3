"""Hold that table, outlines and picture of what was applied show what is counted: answers, doubt,
the guard.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from apply_desk import add_run
from builders import labelled_project
from PIL import Image
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE, UNSURE, UNSURE_COLOUR
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.applying.confidence import mark_field
from poregui.workflow.applying.field import FieldTask, apply_field
from poregui.workflow.applying.inputs import AppliedModel, ToApply, model_of_file, tasks_of
from poregui.workflow.applying.result_table import (
    LEFT,
    NOBODY,
    OTHER,
    REMOVED,
    PoreTable,
    read_pores,
)
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import add_class, label_crops

FILES = ("pores.csv", "pores.geojson", "overlay.png", "field.json")
COLOURS = ("#1f77b4", "#117733", "#d95f02")


def rows_of(folder: Path) -> list[dict[str, str]]:
    with open(folder / "pores.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def marks(folder: Path) -> Counter:
    return Counter((row["class"], row["source"], row["why"]) for row in rows_of(folder))


def shapes(folder: Path) -> Counter:
    received = json.loads((folder / "pores.geojson").read_text(encoding="utf-8"))["features"]
    found = []
    for one in received:
        properties = one["properties"]
        said = properties.get("metadata", {})
        name = properties.get("classification", {}).get("name", "")
        found.append((name, said.get("source", ""), said.get("why", "")))
    return Counter(found)


def shown(folder: Path, colour: str) -> int:
    """Return how many px of the picture have a colour."""
    image = np.array(Image.open(folder / "overlay.png").convert("RGB")).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image - wanted).sum(axis=2) < 12).sum())


@pytest.fixture
def done(tmp_path: Path) -> tuple[FieldTask, AppliedModel]:
    """Return a micrograph of four discs, one of which lies between two classes, that a network was
    applied to.
    """
    draw_discs(tmp_path / "a.png", [12.0, 34.0, 90.0, 19.2])
    model = replace(
        model_of_file(write_size_model(tmp_path / "m", colours=COLOURS)), colours=COLOURS
    )
    (task,) = tasks_of(model, [ToApply(tmp_path / "a.png", "S")], tmp_path / "out")
    apply_field(task)
    return task, model


def contents(task: FieldTask) -> dict[str, bytes]:
    return {name: (task.folder / name).read_bytes() for name in FILES}


def test_a_pore_below_the_confidence_has_no_class_and_the_colour_of_unsure(
    done: tuple[FieldTask, AppliedModel],
) -> None:
    task, model = done
    table, result = read_pores(task.folder, 3), apply_field(task)
    assert shown(task.folder, UNSURE_COLOUR) == 0
    found = mark_field(task.folder, result, table, model, 0.9)
    assert marks(task.folder) == shapes(task.folder)
    assert marks(task.folder)["", "", "unsure"] == found.left == 1
    assert (
        sum(
            n
            for (name, source, why), n in marks(task.folder).items()
            if name and source == "network"
        )
        == 3
    )
    assert shown(task.folder, UNSURE_COLOUR) > 19
    assert json.loads((task.folder / "field.json").read_text(encoding="utf-8"))["left"] == 1
    assert read_pores(task.folder, 3).chances.tolist() == table.chances.tolist()


def test_marking_is_undone_to_the_byte_and_writes_nothing_that_is_there(
    done: tuple[FieldTask, AppliedModel],
) -> None:
    task, model = done
    table, result = read_pores(task.folder, 3), apply_field(task)
    mark_field(task.folder, result, table, model, 0.9)
    before = contents(task)
    (task.folder / "overlay.png").write_bytes(b"")
    mark_field(task.folder, result, table, model, 0.9)
    assert (task.folder / "overlay.png").read_bytes() == b""
    mark_field(task.folder, result, table, model, 0.0)
    first = contents(task)
    apply_field(task)
    again = contents(task)
    del first["field.json"], again["field.json"]  # it says how long the work took
    assert first == again
    mark_field(task.folder, result, table, model, 0.9)
    assert {k: v for k, v in contents(task).items() if k != "field.json"} == {
        k: v for k, v in before.items() if k != "field.json"
    }


def test_a_micrograph_that_was_marked_at_once_has_the_files_of_one_marked_later(
    done: tuple[FieldTask, AppliedModel],
) -> None:
    task, model = done
    mark_field(task.folder, apply_field(task), read_pores(task.folder, 3), model, 0.9)
    later = contents(task)
    apply_field(replace(task, min_confidence=0.9))
    assert {name: contents(task)[name] for name in FILES[:3]} == {
        name: later[name] for name in FILES[:3]
    }


def test_what_people_said_stands_in_all_files_with_its_source(
    done: tuple[FieldTask, AppliedModel],
) -> None:
    task, model = done
    said = np.array([2, REMOVED, OTHER, LEFT])
    table, result = replace(read_pores(task.folder, 3), human_label=said), apply_field(task)
    found = mark_field(task.folder, result, table, model, 0.0)
    assert marks(task.folder) == shapes(task.folder)
    assert marks(task.folder) == {
        ("Lack of Fusion", "person", ""): 1,
        ("", "person", "not a pore"): 1,
        ("", "person", "other class"): 1,
        ("", "person", "unsure"): 1,
    }
    assert (sum(found.counts), found.left) == (1, 2)
    assert shown(task.folder, COLOURS[0]) == shown(task.folder, COLOURS[1]) == 0
    assert shown(task.folder, COLOURS[2]) > 0


def test_the_reason_of_each_pore_is_that_for_which_it_is_not_counted() -> None:
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.95, 0.05], [0.95, 0.05], [0.6, 0.4]])
    strange = np.array([False, False, True, True, False])
    said = np.array([NOBODY, NOBODY, NOBODY, 1, REMOVED])
    table = PoreTable(np.ones(5), chances, human_label=said, out_of_distribution=strange)
    assert table.chosen(0.8).tolist() == [0, LEFT, LEFT, 1, REMOVED]
    assert table.reasons(0.8) == ["", "unsure", "unlike", "", "not a pore"]
    assert table.sources(0.8) == ["network", "", "", "person", "person"]
    assert table.waiting(0.8).tolist() == [1, 2]
    kept = replace(table, keep_out_of_distribution=True)
    assert kept.reasons(0.8) == ["", "unsure", "", "", "not a pore"]


def test_outlines_that_were_changed_are_refused_with_a_sentence(
    done: tuple[FieldTask, AppliedModel],
) -> None:
    task, model = done
    table, result = read_pores(task.folder, 3), apply_field(task)
    received = json.loads((task.folder / "pores.geojson").read_text(encoding="utf-8"))
    received["features"].pop()
    (task.folder / "pores.geojson").write_text(json.dumps(received), encoding="utf-8")
    with pytest.raises(PoreguiError, match="are not those of its table"):
        mark_field(task.folder, result, table, model, 0.9)


def test_the_command_line_writes_answers_and_doubt_without_working_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_project(tmp_path / "pores").close()
    folder = add_run(tmp_path / "pores", tmp_path)

    def applied(*more: str) -> dict:
        asked = [
            "apply",
            str(folder),
            str(tmp_path / "field_1.png"),
            "--out",
            str(tmp_path / "out"),
            "--workers",
            "1",
        ]
        assert main([*asked, "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)

    field = tmp_path / "out" / "fields" / "field_1.png"
    applied()
    assert set(marks(field)) == {
        (name, "network", "") for name in ("Gas", "Keyhole", "Lack of Fusion")
    }
    received = applied("--min-confidence", "0.9", "--import-unsure")
    assert received["taken_up"] == received["whole"]["left"] == marks(field)["", "", "unsure"] == 1
    with Project.open(folder) as project:
        (crop,) = [one.id for one in project.crops() if one.is_candidate]
        history = History(project)
        history.apply(add_class(project, "Crack"))
        crack = project.classes()[-1].id
        for label, expected in (
            (project.classes()[1].id, ("Keyhole", "person", "")),
            (NOT_A_PORE, ("", "person", "not a pore")),
            (UNSURE, ("", "person", "unsure")),
            (crack, ("", "person", "other class")),
        ):
            history.apply(label_crops(project, [crop], label, who="me", how="applied"))
            applied("--min-confidence", "0.9")
            assert marks(field)[expected] == shapes(field)[expected] == 1

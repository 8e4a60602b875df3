"""Hold that specimens are compared by what was done to them, each counting once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from outlined_specimens import outlined_project

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.importing.table_files import table_of_text
from poregui.workflow.specimens.compare_specimens import compare_specimens
from poregui.workflow.specimens.specimen_fields import fields_of
from poregui.workflow.specimens.specimen_table import SpecimenTable, plan_table

PORES = {
    "A1": [[20], [20, 10]],
    "A2": [[10], [10]],
    "B1": [[30], [30, 20]],
    "B2": [[30]],
    "B3": [[20], []],  # nobody looked for pores in the second one: it is no field
}
TABLE = (
    "specimen,Gas,Power (W)\nA1,argon,100\nA2,argon,150\nB1,nitrogen,200\nB2,nitrogen,250\n"
    "B3,nitrogen,300"
)


def made(folder: Path, um_per_px: float | None = 1.0) -> Project:
    project = outlined_project(folder, PORES, um_per_px, classes=(1, 2))
    plan = plan_table(project, table_of_text(TABLE), who="Ada")
    assert plan.edit is not None
    History(project).apply(plan.edit)
    return project


def test_groups_are_compared_over_specimens_not_over_fields(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        found = compare_specimens(SpecimenTable.of(project), fields_of(project), "gas")
        values = json.loads(json.dumps(found.to_json()))
    assert values["kind"] == "groups"
    assert [(one["name"], one["n_specimens"]) for one in values["groups"]] == [
        ("argon", 2),
        ("nitrogen", 3),
    ]
    argon, nitrogen = (one["mean"] for one in values["groups"])
    assert argon == pytest.approx((1.125 + 0.25) / 2)
    assert nitrogen == pytest.approx((2.75 + 2.25 + 1.0) / 3)
    assert values["difference"]["value"] == pytest.approx(nitrogen - argon)
    assert values["ratio"]["value"] == pytest.approx(nitrogen / argon)
    assert values["difference"]["p"] >= 0.1
    assert "With 2 and 3 specimens a factor of" in values["power"]


def test_a_number_gives_points_with_the_interval_of_each_specimen(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        table = SpecimenTable.of(project)
        found = compare_specimens(table, fields_of(project), "Power", "largest")
        assert (found.kind, found.groups) == ("points", ())
        assert [(one.x, one.value) for one in found.points] == [
            (100.0, 20.0),
            (150.0, 10.0),
            (200.0, 30.0),
            (250.0, 30.0),
            (300.0, 20.0),
        ]
        assert found.points[3].interval95 is None
        assert found.trend is not None
        counted = compare_specimens(table, fields_of(project), "power", "count")
        assert counted.points[0].value == pytest.approx(1.5 / 0.04)


def test_one_class_counts_by_itself(tmp_path: Path) -> None:
    with made(tmp_path / "p") as project:
        name = project.classes()[1].name
        found = fields_of(project, name)
        areas = {one.micrograph: one.areas.tolist() for one in found.fields}
        assert areas["A1_2.png"] == [100.0]
        assert areas["A1_1.png"] == []
        with pytest.raises(PoreguiError, match="There is no class rust"):
            fields_of(project, "rust")


def test_sizes_and_counts_need_a_pixel_size_and_porosity_does_not(tmp_path: Path) -> None:
    with made(tmp_path / "p", um_per_px=None) as project:
        table = SpecimenTable.of(project)
        fields = fields_of(project)
        assert compare_specimens(table, fields, "gas").groups[0].mean > 0
        with pytest.raises(PoreguiError, match="no pixel size"):
            compare_specimens(table, fields, "gas", "count")


def test_the_command_line_compares_specimens_and_names_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path / "p").close()
    call = ["compare-specimens", str(tmp_path / "p"), "--by"]
    assert main([*call, "gas", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["source"], found["unit"]) == ("groups", "labels", "area %")
    assert main([*call, "gas"]) == 0
    assert "nitrogen against argon: difference" in capsys.readouterr().out
    assert main([*call, "flow"]) == 2
    assert "Choose one of: Gas, Power." in capsys.readouterr().err

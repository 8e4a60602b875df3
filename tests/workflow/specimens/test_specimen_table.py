"""Hold that what was done to specimens comes from tables, by name, undoable and never guessed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from builders import add_specimens

from poregui.cli.main import main
from poregui.domain.attributes import Formula, as_number
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.importing.merge_labels import plan_merge
from poregui.workflow.importing.table_files import read_table
from poregui.workflow.specimens.specimen_table import (
    SpecimenTable,
    TablePlan,
    add_formula,
    plan_table,
    set_value,
)

TABLE = "Specimen;Power (W);Gas;Built\nA1;200,5;argon;01.12.2026\na2;250;argon;02.12.2026\n"


def planned(project: Project, file: Path, content: str | bytes = TABLE) -> TablePlan:
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8-sig"))
    return plan_table(project, read_table(file), who="Ada")


def values_of(project: Project) -> dict[str, dict[str, object]]:
    return {s["name"]: s["values"] for s in SpecimenTable.of(project).to_json()["specimens"]}


def test_a_table_of_excel_fills_the_specimens_and_is_undone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_specimens(project, "A1", "A2", "B")
        plan = planned(project, tmp_path / "t.csv")
        history = History(project)
        history.apply(plan.edit)
        table = SpecimenTable.of(project)
        assert [(a.name, a.kind, a.unit) for a in table.attributes] == [
            ("Power", "number", "W"),
            ("Gas", "category", ""),
            ("Built", "date", ""),
        ]
        assert values_of(project)["A1"] == {"Power": 200.5, "Gas": "argon", "Built": "2026-12-01"}
        assert values_of(project)["B"] == {"Power": None, "Gas": None, "Built": None}
        history.undo()
        assert SpecimenTable.of(project).attributes == ()
        history.redo()
        assert values_of(project)["A2"]["Power"] == 250.0
        assert planned(project, tmp_path / "t.csv").edit is None


def test_unknown_specimens_and_conflicts_are_listed_by_row(tmp_path: Path) -> None:
    content = "name\tPower\nA1\t200\nC\t1\nA1\t300\nA2\t1,500\n"
    with Project.create(tmp_path / "p") as project:
        add_specimens(project, "A1", "A2")
        plan = planned(project, tmp_path / "t.txt", content)
        assert [(one.row, one.specimen) for one in plan.unknown] == [(3, "C")]
        assert [one.row for one in plan.conflicts] == [5, 4]
        assert "may be 1500 or 1.500" in plan.conflicts[0].reason
        assert plan.given == 0


def test_a_replaced_value_is_named_and_a_wrong_one_is_left_out(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_specimens(project, "A1", "A2")
        History(project).apply(planned(project, tmp_path / "t.csv").edit)
        plan = planned(project, tmp_path / "t.csv", "specimen,power\nA1,210\nA2,much\n")
        assert [one.reason for one in plan.replaced] == ["A1, Power: 200.5 was replaced by 210.0."]
        assert "'much' is not a number" in plan.conflicts[0].reason
        table = SpecimenTable.of(project)
        with pytest.raises(PoreguiError, match="not a date"):
            set_value(project, table.specimens[0], table.attribute("built"), "soon", who="Ada")


def test_a_workbook_is_read_and_one_with_entities_is_refused(tmp_path: Path) -> None:
    main_ = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = (
        f"<worksheet {main_}><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c>"
        "<c r='C1' t='inlineStr'><is><t>Built</t></is></c></row><row r='3'>"
        "<c r='A3' t='inlineStr'><is><t>A1</t></is></c><c r='C3' s='1'><v>46357</v></c></row>"
        "</sheetData></worksheet>"
    )
    styles = (
        f"<styleSheet {main_}><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"
    )

    def book(shared: str) -> Path:
        file = tmp_path / "t.xlsx"
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.writestr("xl/worksheets/sheet1.xml", sheet)
            zipped.writestr("xl/sharedStrings.xml", shared)
            zipped.writestr("xl/styles.xml", styles)
        return file

    table = read_table(book(f"<sst {main_}><si><t>Specimen</t></si></sst>"))
    assert (table.head, table.rows) == (("Specimen", "", "Built"), ((3, ("A1", "", "2026-12-01")),))
    with pytest.raises(PoreguiError, match="no workbook"):
        read_table(book(f"<!DOCTYPE x><sst {main_}><si><t>Specimen</t></si></sst>"))


def test_a_formula_computes_a_column_and_runs_nothing(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_specimens(project, "A1", "A2")
        plan = planned(project, tmp_path / "t.csv", "specimen,Power (W),Scan speed\nA1,200,4\n")
        History(project).apply(plan.edit)
        edit = add_formula(project, "Energy (J/mm) = power / `scan speed` ** 2", who="Ada")
        History(project).apply(edit)
        assert values_of(project)["A1"]["Energy"] == 12.5
        assert values_of(project)["A2"]["Energy"] is None
        with pytest.raises(PoreguiError, match="There is no numeric column called hatch"):
            add_formula(project, "E = power / hatch", who="Ada")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "power.__class__",
        "(lambda: 1)()",
        "[1][0]",
        "'a' * 9",
        "True + 1",
        "sqrt(power, 2)",
        "power if power else 1",
        "-" * 300 + "1",
        "1 +",
        "_column_7",
    ],
)
def test_a_formula_that_is_more_than_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(PoreguiError, match="is no formula"):
        Formula.parse(text)


def test_a_formula_without_a_finite_result_gives_no_value() -> None:
    assert Formula.parse("9 ** 9 ** 9").value({}) is None
    assert Formula.parse("1 / a").value({"a": 0.0}) is None
    assert Formula.parse("sqrt(-a)").value({"a": 1.0}) is None
    assert as_number("1_0") is None


def test_merging_takes_values_where_there_are_none_and_lists_others(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as mine, Project.create(tmp_path / "q") as theirs:
        for project in (mine, theirs):
            add_specimens(project, "A1", "A2")
        History(mine).apply(planned(mine, tmp_path / "t.csv", "specimen,Power\nA1,1\n").edit)
        History(theirs).apply(planned(theirs, tmp_path / "t.csv", TABLE).edit)
        plan = plan_merge(mine, theirs)
        assert plan.value_conflicts == ("A1, Power: 1.0 here, 200.5 there.",)
        assert plan.edit is not None
        History(mine).apply(plan.edit)
        assert [one["Power"] for one in values_of(mine).values()] == [1.0, 250.0]
        assert [one["Gas"] for one in values_of(mine).values()] == ["argon", "argon"]


def test_the_command_line_imports_a_table_and_adds_a_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.create(tmp_path / "p") as project:
        add_specimens(project, "A1", "A2")
    (tmp_path / "t.csv").write_text(TABLE)
    call = ["specimens", str(tmp_path / "p")]
    change = ["--set", str(tmp_path / "t.csv"), "--formula", "Twice (W) = 2 * power", "--json"]
    assert main([*call, *change]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["set"], found["unknown"]) == (6, [])
    assert found["specimens"][0]["values"]["Twice"] == 401.0
    assert main([*call, "--set", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err
    assert main([*call, "--remove", "power"]) == 2
    assert "The formula of Twice needs Power." in capsys.readouterr().err

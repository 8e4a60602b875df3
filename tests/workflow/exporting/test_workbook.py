"""Hold that a workbook holds the numbers of the project, typed, and no formula of anybody."""

from __future__ import annotations

import json
import time
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from outlined_specimens import outlined_project

from poregui.cli.main import main
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.workbook import BookSheet, write_workbook
from poregui.workflow.importing.table_files import table_of_text
from poregui.workflow.specimens.specimen_table import plan_table

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NAMES = ("README", "Specimens", "Fields", "Pores", "Numbers", "Recipe")


def sheets_of(file: Path) -> dict[str, list[list[object]]]:
    """Read a workbook by nothing but its XML: numbers as float, texts as str."""
    found: dict[str, list[list[object]]] = {}
    with zipfile.ZipFile(file) as book:
        book_xml = ElementTree.fromstring(book.read("xl/workbook.xml"))
        names = [one.attrib["name"] for one in book_xml.iter(f"{MAIN}sheet")]
        for number, name in enumerate(names, 1):
            content = book.read(f"xl/worksheets/sheet{number}.xml")
            assert b"<f>" not in content
            found[name] = [
                [_value(cell) for cell in row]
                for row in ElementTree.fromstring(content).iter(f"{MAIN}row")
            ]
    return found


def _value(cell: ElementTree.Element) -> object:
    if cell.attrib.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{MAIN}t"))
    return float(cell.findtext(f"{MAIN}v") or "nan")


def test_a_workbook_equals_the_numbers_of_the_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = '=HYPERLINK("http://x","y")'
    pores = {evil: [[20], [20, 10]], "B": [[30]]}
    with outlined_project(tmp_path / "p", pores, 0.5) as project:
        rows = "specimen\tPower (W)\tBuilt\tNote\nB\t200\t2026-12-01\t=1+1\n"
        plan = plan_table(project, table_of_text(rows), who="Ada")
        assert plan.edit is not None
        History(project).apply(plan.edit)
    out = tmp_path / "t.xlsx"
    assert main(["export", str(tmp_path / "p"), str(out), "--format", "xlsx", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pores"] == 4
    assert main(["measure", str(tmp_path / "p"), str(tmp_path / "m.csv"), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    found = sheets_of(out)
    assert tuple(found) == NAMES
    head, *specimens = found["Specimens"]
    assert head[:4] == ["Specimen", "Power (W)", "Built", "Note"]
    days = (date(2026, 12, 1) - date(1899, 12, 30)).days
    assert ["B", 200.0, days, "=1+1", 1.0, 1.0, pytest.approx(2.25)] in specimens
    assert any(row[0] == evil for row in specimens)
    percents = [row[-1] for row in found["Fields"][1:]]
    assert percents == pytest.approx([one["area_percent"] for one in measured["micrographs"]])
    assert len(found["Pores"]) == 1 + measured["pores"]
    area = found["Pores"][0].index("Area (um²)")
    assert sorted(row[area] for row in found["Pores"][1:]) == [25.0, 100.0, 100.0, 225.0]
    numbers = {row[0]: row[1] for row in found["Numbers"][1:] if len(row) > 1}
    assert numbers["Porosity, mean over fields"] == pytest.approx(measured["porosity"]["mean"])
    assert ["Pores", "Area (um²)", "Area inside the outline."] in found["README"]


@pytest.mark.soak
def test_a_workbook_of_100_000_pores_is_written_in_seconds(tmp_path: Path) -> None:
    rows = ([i, "field.tif", "A1", *[i + 0.123456] * 21] for i in range(100_000))
    columns = [(f"column {i}", "") for i in range(24)]
    start = time.process_time()
    write_workbook(tmp_path / "t.xlsx", "p", [BookSheet("Pores", columns, rows)])
    assert time.process_time() - start < 15

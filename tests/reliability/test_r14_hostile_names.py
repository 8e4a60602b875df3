"""Hold that names which are formulas, markup or paths stay names in all that is written (R14).

Hostile networks, archives and links have their tests beside what reads them: see
tests/workflow, tests/learning and tests/store, in files with `hostile` or `plain` in their names.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from builders import add_crops, add_specimens
from finished_runs import finished_run

from poregui.cli.main import OK, main
from poregui.store.project import Project

NAMES = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "../../outside",
    "a\"b'c",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p", ("=2+5", "<b>Bold</b>", "../Out")) as project:
        for specimen in add_specimens(project, *NAMES):
            add_crops(project, [1, 2, 3] * 4, specimen_id=specimen.id)
        finished_run(project)
    return tmp_path / "p"


def test_no_cell_of_a_table_is_a_formula(folder: Path, tmp_path: Path) -> None:
    assert main(["export", str(folder), str(tmp_path / "x.csv"), "--format", "csv"]) == OK
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("cmd|" in cell for cell in cells)
    for cell in cells:
        assert not re.match(r"[=+@\t\r]", cell)


def test_no_name_is_markup_in_a_report(folder: Path, tmp_path: Path) -> None:
    assert main(["report", str(folder), str(tmp_path / "x.html")]) == OK
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold" not in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_nothing_is_written_outside_of_the_folder_that_was_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(folder)}
    out = tmp_path / "deep" / "export"
    out.parent.mkdir()
    assert main(["export", str(folder), str(out), "--format", "class-folders"]) == OK
    new = {path for path in tmp_path.rglob("*") if not path.is_relative_to(folder)} - before
    assert {path for path in new if path.is_file()}
    assert all(path == out.parent or path.is_relative_to(out) for path in new)

"""Hold that a row that no version wrote is a sentence that names it, and never a trace."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from builders import add_crops, add_micrograph, add_specimens
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from poregui.cli.main import REFUSED, main
from poregui.domain.errors import DamagedProjectError
from poregui.domain.geometry import Mask, Outline
from poregui.domain.records import Display, Remark
from poregui.gui.app import build_window
from poregui.store.project import Project
from poregui.workflow.editing.edits import SetRemark
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import set_display, set_masks

ODD: dict[str, tuple[str, str]] = {
    "crop without width": ("UPDATE crops SET width = 'wide'", "width in row 1 of crops"),
    "crop of no height": ("UPDATE crops SET height = 0", "height in row 1 of crops"),
    "crop beyond all pictures": ("UPDATE crops SET x = 9e18 WHERE x IS NOT NULL", "x in row"),
    "half a place": ("UPDATE crops SET y = NULL WHERE x IS NOT NULL", "y in row"),
    "label of no class": ("UPDATE crops SET label = 77", "label in row 1 of crops"),
    "label that is a text": ("UPDATE crops SET label = 'Gas'", "label in row 1 of crops"),
    "pixels that are a number": ("UPDATE crops SET pixels = x'00ff'", "pixels in row 1 of crops"),
    "crop of a micrograph that is not there": (
        "UPDATE crops SET micrograph_id = 99",
        "of crops refers to one of micrographs",
    ),
    "specimen that is not there": (
        "UPDATE micrographs SET specimen_id = 99",
        "of micrographs refers to one of specimens",
    ),
    "pixel size of infinity": ("UPDATE micrographs SET um_per_px = 9e999", "um_per_px in row 1"),
    "pixel size below nothing": ("UPDATE micrographs SET um_per_px = -1", "um_per_px in row 1"),
    "micrograph as wide as the world": (
        "UPDATE micrographs SET width = 4611686018427387904",
        "width in row 1",
    ),
    "path that is no text": ("UPDATE micrographs SET path = x'41'", "path in row 1"),
    "path with a zero byte": ("UPDATE micrographs SET path = 'a' || char(0) || 'b'", "path in"),
    "plane that is none": ("UPDATE micrographs SET plane = 'page=0'", "row 1 of micrographs"),
    "contrast that is none": ("UPDATE micrographs SET display = '[2, 1]'", "row 1 of micrographs"),
    "contrast of texts": (
        'UPDATE micrographs SET display = \'["a", "b"]\'',
        "row 1 of micrographs",
    ),
    "masks that are none": ("UPDATE micrographs SET masks = '{'", "row 1 of micrographs"),
    "masks of texts": (
        'UPDATE micrographs SET masks = \'[["region", [["a", 1], [2, 3], [4, 5]]]]\'',
        "row 1 of micrographs",
    ),
    "masks nested without end": (
        f"UPDATE micrographs SET masks = '{'[' * 100_000}'",
        "row 1 of micrographs",
    ),
    "class without a name": ("UPDATE classes SET name = x'ff'", "name in row 1 of classes"),
    "class of no colour": ("UPDATE classes SET colour = 'red'", "colour in row 1 of classes"),
    "class without a letter": ("UPDATE classes SET letter = ''", "letter in row 1 of classes"),
    "class at no place": ("UPDATE classes SET position = -1", "position in row 1 of classes"),
    "uid of no class": ("INSERT INTO meta VALUES ('class_uid:x', 'y')", "key in row"),
    "setting without a key": ("INSERT INTO meta VALUES (NULL, 'y')", "key in row"),
    "outline of two points": ("UPDATE outlines SET points = zeroblob(16)", "points in row"),
    "outline that is a text": ("UPDATE outlines SET points = 'abc'", "points in row"),
    "log that says no word": ("UPDATE label_log SET who = x'00'", "who in row 1 of label_log"),
    "log of a crop that is not there": (
        "UPDATE label_log SET crop_id = 999 WHERE id = 1",
        "row 1 of label_log refers to one of crops",
    ),
    "note that is a number": ("UPDATE remarks SET note = x'01'", "note in row"),
    "test set without a key": ("INSERT INTO test_side VALUES (NULL)", "key in row"),
    "name that is no UTF-8": (
        "UPDATE specimens SET name = CAST(x'61ff62' AS TEXT)",
        "a text that is none",
    ),
    "source that is no UTF-8": (
        "UPDATE crops SET source = CAST(x'61ff62' AS TEXT)",
        "a text that is none",
    ),
    "setting that is no UTF-8": (
        "INSERT INTO meta VALUES ('detection_recipe', CAST(x'61ff62' AS TEXT))",
        "a text that is none",
    ),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project that has something in every table that is checked."""
    folder = tmp_path_factory.mktemp("whole") / "p"
    with Project.create(folder) as project:
        (specimen,) = add_specimens(project, "S1")
        file = folder.parent / "a.png"
        micrograph = add_micrograph(project, file, specimen_id=specimen.id, um_per_px=0.5)
        add_crops(project, [1, 2, None])
        (cut,) = add_crops(project, [3], micrograph=micrograph)
        history = History(project)
        history.apply(set_display([micrograph], Display(0, 200)))
        (micrograph,) = project.micrographs()
        history.apply(set_masks(micrograph, (Mask(((0, 0), (9, 0), (9, 9.5))),)))
        history.apply(SetRemark(cut, Remark(), Remark("look again", reviewed=True)))
        with project.transaction():
            project.put_outlines([(cut, Outline.of([(1, 1), (5, 1), (5, 5)]))])
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "project.db").write_bytes((whole / "project.db").read_bytes())
    return tmp_path / "p"


def change(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "project.db")) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        changed = database.execute(sql)
        assert changed.rowcount > 0
        database.commit()


def read(folder: Path) -> None:
    with Project.open(folder) as project:
        project.crops()
        project.specimens()
        project.meta("detection_recipe")


def test_a_project_with_something_in_every_table_opens(folder: Path) -> None:
    with Project.open(folder) as project:
        assert len(project.crops()) == 4
        assert project.micrographs()[0].masks[0].points[2] == (9, 9.5)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_row_is_named_or_its_text_is_said_to_be_none(folder: Path, name: str) -> None:
    sql, sentence = ODD[name]
    change(folder, sql)
    content = (folder / "project.db").read_bytes()
    with pytest.raises(DamagedProjectError) as caught:
        read(folder)
    assert sentence in caught.value.what
    assert caught.value.what.endswith(".")
    assert (folder / "project.db").read_bytes() == content


@pytest.mark.parametrize("name", ["label of no class", "source that is no UTF-8"])
def test_window_and_command_line_say_what_is_odd_and_show_no_trace(
    qtbot: QtBot, folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, ODD[name][0])
    out = str(folder.with_name("out.csv"))
    assert main(["export", str(folder), out, "--format", "csv"]) == REFUSED
    assert ODD[name][1] in capsys.readouterr().err
    window = build_window(folder)
    window.show()
    assert window.session is None
    assert ODD[name][1] in window.start_page.problem
    assert QApplication.activeModalWidget() is None
    window.close()
    window.deleteLater()

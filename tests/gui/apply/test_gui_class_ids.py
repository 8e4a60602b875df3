"""Hold that the window shows the names of now and moves no number when a class is renamed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from apply_desk import add_micrographs, apply, page_of
from builders import labelled_project
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog
from renaming import RENAMINGS, Renaming, ids_by_name, name_all, project_with_named_pores

from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.base.messages import messages
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.applying.locked_recipe import lock_of_project, lock_run
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import merge_classes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project_with_named_pores(tmp_path)


def shown(window: MainWindow, page: ApplyPage) -> dict[int, tuple[str, str, str]]:
    """Return by the id of the class what a row of the table shows: area, interval and pores."""
    ids = ids_by_name(window.session.project)
    return {ids[row.name]: row.cells[:3] for row in page.table.rows}


def change(window: MainWindow, renaming: Renaming) -> None:
    renaming(window.session.project, window.session.apply)
    window.background.wait()


def classes_in_file(window: MainWindow, folder: Path) -> list[int | None]:
    """Return the ids of the classes in the table of a micrograph, by the names of now."""
    ids = ids_by_name(window.session.project)
    path = folder / "applied" / "run-001" / "fields" / "field_1.png" / "pores.csv"
    with open(path, newline="", encoding="utf-8") as lines:
        return [ids.get(row["class"]) for row in csv.DictReader(lines)]


@pytest.mark.parametrize(
    "text",
    ["one is renamed", "two are swapped", "one is retired and one added with a former name"],
)
def test_the_apply_page_shows_the_names_of_now_and_the_numbers_of_before(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: True)
    page = page_of(window, folder)
    apply(window)
    before, written = shown(window, page), classes_in_file(window, folder)
    assert len(before) == 3
    change(window, RENAMINGS[text])
    assert shown(window, page) == before
    page.open_button.click()
    window.background.wait()
    assert classes_in_file(window, folder) == written
    apply(window)
    assert "2 had been processed before" in page.state_text.text()
    assert shown(window, page) == before
    window.close_project()
    page = page_of(window, folder)
    assert shown(window, page) == before


def test_a_class_that_was_merged_is_said_beside_the_numbers(
    window: MainWindow, folder: Path
) -> None:
    page = page_of(window, folder)
    apply(window)
    window.session.apply(merge_classes(window.session.project, 2, 1, who="ada"))
    window.background.wait()
    assert "The network still predicts Keyhole, archived in this project" in page.result_note.text()
    assert [row.name for row in page.table.rows] == ["Gas", "Keyhole", "Lack of Fusion"]


def test_a_locked_project_shows_the_names_of_now(window: MainWindow, folder: Path) -> None:
    with Project.open(folder) as project:
        lock_run(project, project.runs()[0], folder / "locked", who="Ann")
    page = page_of(window, folder)
    apply(window)
    before = shown(window, page)
    change(window, name_all({1: "Lack of Fusion", 3: "Gas"}))
    assert shown(window, page) == before
    assert page.table.rows[0].name == "Lack of Fusion"
    received = json.loads(
        (folder / "applied" / "run-001" / "summary.json").read_text(encoding="utf-8")
    )
    assert received["class_ids"] == [1, 2, 3]


def test_a_recipe_whose_classes_are_not_here_is_not_taken(
    window: MainWindow, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(folder) as project:
        lock_run(project, project.runs()[0], tmp_path / "routine", who="Ann")
    labelled_project(tmp_path / "other").close()
    with Project.open(tmp_path / "other") as project:
        add_micrographs(project, tmp_path)
        name_all({2: "Spatter"})(project, History(project).apply)
    received: list[str] = []
    monkeypatch.setattr(messages(), "error", lambda error: received.append(str(error)))
    choice = str(tmp_path / "routine" / "locked.json"), ""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: choice)
    page = page_of(window, tmp_path / "other")
    page.take_button.click()
    window.background.wait()
    assert "other has no class Keyhole" in received[0]
    assert lock_of_project(tmp_path / "other") is None
    change(window, name_all({2: "keyhole"}))
    page.take_button.click()
    window.background.wait()
    assert "run 1 of pores" in page.lock_panel.text.text()
    window.close_project()
    with Project.open(tmp_path / "other") as project:
        name_all({2: "Spatter"})(project, History(project).apply)
    page = page_of(window, tmp_path / "other")
    assert page.lock_panel.state.text() == "The lock cannot be used"
    assert "other has no class Keyhole" in page.lock_panel.text.text()

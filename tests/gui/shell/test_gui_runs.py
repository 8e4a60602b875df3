"""Hold that runs are named, deleted and restored from the lists of runs in the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import labelled_project
from finished_runs import finished_run
from PySide6.QtCore import QPoint, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from poregui.domain.events import Interrupted
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.run_dialog import RunDialog
from poregui.gui.lists.run_picker import RunEntry, RunPicker
from poregui.gui.shell.main_window import MainWindow


@pytest.fixture
def reviewing(window: MainWindow, tmp_path: Path) -> MainWindow:
    """Show a project with two runs on the Review page."""
    project = labelled_project(tmp_path / "pores")
    finished_run(project)
    finished_run(project)
    project.close()
    window.open_project(tmp_path / "pores")
    window.show_page(window.review_page)
    window.background.wait()
    return window


def choose(window: MainWindow, number: int, text: str) -> None:
    """Choose an entry of the menu of a run, as a click does."""
    menu = window.workspace.runs.menu(number)
    entry(menu, text).trigger()
    menu.hide()
    window.background.wait()


def entry(menu: QMenu, text: str):
    actions = [*menu.actions(), *(a for m in menu.findChildren(QMenu) for a in m.actions())]
    return next(action for action in actions if action.text() == text)


def test_a_run_is_named_and_every_list_shows_it(reviewing: MainWindow) -> None:
    def fill() -> None:
        dialog = reviewing.findChild(RunDialog)
        QTest.keyClicks(dialog.name_edit, "wide")
        dialog.note_edit.setText("at 64 px")
        dialog.ok.click()

    QTimer.singleShot(0, fill)
    choose(reviewing, 2, "Name and note…")
    texts = [reviewing.review_page.run_picker.itemText(i) for i in range(2)]
    assert texts[0].startswith("Run 2 · wide · default")
    reviewing.show_page(reviewing.train_page)
    reviewing.background.wait()
    assert reviewing.train_page.run_table.runs.rows()[0].name == "wide"
    reviewing.show_page(reviewing.review_page)
    box = reviewing.review_page.compare.other_box
    reviewing.workspace.review.show_run(1)
    reviewing.background.wait()
    assert box.itemText(1).startswith("Run 2 “wide”, default")


def test_a_deleted_run_leaves_the_lists_and_comes_back(
    reviewing: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(messages(), "note", notes.append)
    picker = reviewing.review_page.run_picker
    assert picker.number == 2
    choose(reviewing, 2, "Delete")
    assert picker.count() == 1
    assert picker.number == 1
    assert "Run 2 was deleted. To restore it" in notes[-1]
    choose(reviewing, 1, "Run 2")
    assert picker.count() == 2
    reviewing.show_page(reviewing.train_page)
    reviewing.background.wait()
    for number in (1, 2):
        choose(reviewing, number, "Delete")
    assert reviewing.train_page.run_table.runs.rows() == []
    assert reviewing.train_page.run_table.current() == 0


def test_resume_is_offered_where_a_run_was_interrupted(reviewing: MainWindow) -> None:
    menu = reviewing.workspace.runs.menu(2)
    assert not entry(menu, "Resume training").isEnabled()
    menu.hide()
    run = reviewing.session.project.runs()[1]
    writer = run.open_events()
    writer.write(Interrupted(3))
    writer.close()
    menu = reviewing.workspace.runs.menu(2)
    assert entry(menu, "Resume training").isEnabled()
    menu.hide()


def test_a_right_click_and_the_edit_button_open_the_menu(reviewing: MainWindow) -> None:
    page = reviewing.review_page
    page.run_picker.customContextMenuRequested.emit(QPoint(4, 4))
    QApplication.processEvents()
    assert [menu.isVisible() for menu in reviewing.findChildren(QMenu, "run_menu")] == [True]
    reviewing.findChild(QMenu, "run_menu").hide()
    QApplication.sendPostedEvents(None, 0)
    page.column.run_button.click()
    shown = [menu for menu in reviewing.findChildren(QMenu, "run_menu") if menu.isVisible()]
    assert len(shown) == 1
    shown[0].hide()


def test_a_run_picker_tells_a_named_run_by_its_name(qtbot: QtBot) -> None:
    picker = RunPicker()
    qtbot.addWidget(picker)
    picker.set_runs([RunEntry(1, "default", 0.5), RunEntry(2, "shape", 0.5, name="wide")])
    assert [picker.itemText(i) for i in range(2)] == [
        "Run 2 · wide · shape · 50.0 %",
        "Run 1 · default · 50.0 %",
    ]

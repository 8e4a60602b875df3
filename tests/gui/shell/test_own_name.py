"""Hold that a person's name is asked once, never again, and stands with each label, in window and
command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PIL import Image
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from poregui.cli.main import main
from poregui.gui.app import build_window
from poregui.gui.base.preferences import Preferences
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    """Give preferences of somebody who was never asked and is logged in as `login`."""
    return Preferences(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def opened(
    qtbot: QtBot, tmp_path: Path, preferences: Preferences, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], MainWindow]]:
    """Give a function that opens a window on a project with labels; all are closed at the end."""
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    labelled_project(tmp_path / "pores").close()
    made = []

    def open_window() -> MainWindow:
        made.append(build_window(tmp_path / "pores", preferences))
        made[-1].show()
        return made[-1]

    yield open_window
    for window in made:
        window.close()
        window.deleteLater()


def label_one(window: MainWindow, key: Qt.Key = Qt.Key.Key_U) -> str:
    """Label the current crop by a key and return who gave the label."""
    window.label_page.crop_grid.setFocus()
    crop_id = window.workspace.label.current
    QTest.keyClick(window.label_page.crop_grid, key)
    return window.session.project.label_log(crop_id)[-1].who


def edit_of(window: MainWindow) -> QLineEdit:
    return window.own_name.bar.findChild(QLineEdit, "name_bar_edit")


def test_the_name_is_asked_with_the_login_name_and_no_key_waits_for_the_answer(
    opened: Callable[[], MainWindow],
) -> None:
    window = opened()
    assert window.own_name.bar.isVisible()
    assert edit_of(window).text() == "login"
    assert not edit_of(window).hasFocus()
    assert label_one(window) == "login"


def test_the_answer_stands_with_the_labels_from_then_on(opened: Callable[[], MainWindow]) -> None:
    window = opened()
    edit_of(window).setText("  Ada   Lovelace ")
    QTest.keyClick(edit_of(window), Qt.Key.Key_Return)
    assert not window.own_name.bar.isVisible()
    assert label_one(window) == "Ada Lovelace"


def test_an_answered_question_is_never_asked_again(
    opened: Callable[[], MainWindow], preferences: Preferences
) -> None:
    window = opened()
    QTest.mouseClick(
        window.own_name.bar.findChild(QPushButton, "name_bar_agree"), Qt.MouseButton.LeftButton
    )
    window.close_project()
    assert preferences.is_named
    again = opened()
    assert not again.own_name.bar.isVisible()
    assert label_one(again) == "login"


def test_an_empty_answer_keeps_the_login_name(opened: Callable[[], MainWindow]) -> None:
    window = opened()
    edit_of(window).setText("  ")
    QTest.keyClick(edit_of(window), Qt.Key.Key_Return)
    assert label_one(window) == "login"


def test_letters_typed_into_the_name_label_nothing(opened: Callable[[], MainWindow]) -> None:
    window = opened()
    before = window.workspace.label.label_counts()
    edit_of(window).setFocus()
    QTest.keyClicks(edit_of(window), "U1 0")
    assert window.workspace.label.label_counts() == before


def test_the_name_is_changed_from_the_menu_and_the_line_goes(
    opened: Callable[[], MainWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("Grace", True))
    window.actions_by_name["edit_name"].trigger()
    assert not window.own_name.bar.isVisible()
    assert label_one(window) == "Grace"


def test_nothing_is_asked_without_a_project_or_where_nothing_can_be_written(
    opened: Callable[[], MainWindow], tmp_path: Path
) -> None:
    with Project.open(tmp_path / "pores"):
        window = opened()
        assert window.session.project.read_only
        assert not window.own_name.bar.isVisible()
    window.close_project()
    assert not window.own_name.bar.isVisible()


@pytest.fixture
def named_crops(tmp_path: Path) -> Path:
    folder = tmp_path / "in" / "Gas"
    folder.mkdir(parents=True)
    for grey in (40, 90):
        Image.new("L", (24, 20), grey).save(folder / f"{grey}.png")
    return folder.parent


def logged(folder: Path) -> set[str]:
    with Project.open(folder, read_only=True) as project:
        return {entry.who for entry in project.label_log()}


@pytest.mark.parametrize(
    ("text", "who"), [(["--annotator", " Ada  L. "], "Ada L."), ([], "command line")]
)
def test_imported_labels_are_logged_under_the_name_that_was_given(
    tmp_path: Path, named_crops: Path, text: list[str], who: str
) -> None:
    Project.create(tmp_path / "p").close()
    assert main(["import", str(tmp_path / "p"), str(named_crops), *text]) == 0
    assert logged(tmp_path / "p") == {who}


def test_an_empty_name_is_refused_and_nothing_is_imported(
    tmp_path: Path, named_crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Project.create(tmp_path / "p").close()
    assert main(["import", str(tmp_path / "p"), str(named_crops), "--annotator", " "]) == 2
    assert "The annotator name is empty." in capsys.readouterr().err
    assert logged(tmp_path / "p") == set()

"""Hold that keys can be changed, that two actions never share one, and that every sheet and menu
says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from poregui.domain.errors import PoreguiError
from poregui.gui.app import build_window
from poregui.gui.base.key_map import ENTRIES, KeyMap, key_map
from poregui.gui.base.preferences import Preferences
from poregui.gui.dialogs.help_sheets import KeysDialog
from poregui.gui.dialogs.key_dialog import ChangeKeysDialog
from poregui.gui.shell.main_window import MainWindow


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, preferences: Preferences) -> Iterator[MainWindow]:
    labelled_project(tmp_path / "pores").close()
    made = build_window(tmp_path / "pores", preferences)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    key_map().load({})


def sheet(window: MainWindow) -> str:
    dialog = KeysDialog(window)
    text = (
        dialog.findChild(QLabel, "keys_of_pages").text()
        + dialog.findChild(QLabel, "keys_of_window").text()
    )
    dialog.deleteLater()
    return text


def press(window: MainWindow, key: Qt.Key) -> int | None:
    crop_id = window.workspace.label.current
    QTest.keyClick(window.label_page.crop_grid, key)
    return window.session.project.crop(crop_id).label


def test_no_two_usual_keys_are_alike(qtbot: QtBot) -> None:
    keys = KeyMap()
    for entry in ENTRIES:
        keys.set(entry.name, entry.usual)
    assert keys.changes == {}


def test_a_changed_class_key_labels_and_its_old_key_does_not(window: MainWindow) -> None:
    label = window.session.project.crop(window.workspace.label.current).label
    key_map().set("class_2", "J")
    assert press(window, Qt.Key.Key_2) == label
    assert press(window, Qt.Key.Key_J) == 2
    assert window.label_page.class_bar.buttons[2].key == "J"
    assert "key J" in window.label_page.class_bar.buttons[2].toolTip()


def test_a_key_that_is_taken_is_refused_with_a_sentence(qtbot: QtBot) -> None:
    keys = KeyMap()
    for name, key in (
        ("class_1", "U"),
        ("class_1", "R"),
        ("fit", "Ctrl+N"),
        ("window_save", "Ctrl+I"),
    ):
        with pytest.raises(PoreguiError, match=r"already means|key of the window"):
            keys.set(name, key)
    keys.set("accept", "R")  # R is of the Review page alone
    assert keys.changes == {"accept": "R"}


@pytest.mark.parametrize("key", ["Space", "Return", "Esc", "Up", "", "Ctrl+J"])
def test_keys_that_move_or_end_are_no_keys_of_labels(qtbot: QtBot, key: str) -> None:
    with pytest.raises(PoreguiError):
        KeyMap().set("class_1", key)


def test_a_key_of_the_window_never_acts_while_a_person_types(qtbot: QtBot) -> None:
    with pytest.raises(PoreguiError, match="while you type"):
        KeyMap().set("window_save", "S")


def test_the_dialog_takes_the_next_key_says_what_is_taken_and_resets(window: MainWindow) -> None:
    dialog = ChangeKeysDialog(window)
    dialog.show()
    dialog.wait_for("not_a_pore")
    QTest.keyClick(dialog, Qt.Key.Key_U)
    assert "already means" in dialog.message.text()
    QTest.keyClick(dialog, Qt.Key.Key_X)
    assert key_map().key("not_a_pore") == "X"
    dialog.wait_for("unsure")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert key_map().key("unsure") == "U"
    assert dialog.isVisible()
    assert "<b>X</b>" in sheet(window)
    assert window.actions_by_name["press_not_a_pore"].text().endswith("\tX")
    dialog.reset_button.click()
    assert key_map().changes == {}
    assert "<b>0</b>" in sheet(window)
    dialog.close()


def test_changed_keys_are_remembered_and_damaged_ones_are_not_believed(
    window: MainWindow, preferences: Preferences
) -> None:
    key_map().set("class_1", "J")
    key_map().set("window_save", "Ctrl+Shift+S")
    assert window.actions_by_name["save"].shortcut().toString() == "Ctrl+Shift+S"
    remembered = preferences.keys
    assert remembered == {"class_1": "J", "window_save": "Ctrl+Shift+S"}
    again = KeyMap()
    again.load(remembered | {"class_2": "U", "class_3": "Space", "nothing": "K", "undo": ""})
    assert again.changes == remembered


def test_the_keys_of_outlines_and_of_the_review_page_change_too(window: MainWindow) -> None:
    asked = []
    window.label_page.key_pressed.connect(asked.append)
    key_map().set("draw_outline", "W")
    key_map().set("review_errors", "Q")
    QTest.keyClick(window.label_page.crop_grid, Qt.Key.Key_W)
    assert asked == ["draw_outline"]
    assert window.actions_by_name["review_errors"].text().endswith("\tQ")

"""Hold that conflicts of a merge are settled in the window, one by one or all
at once, in one step.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.dialogs.merge_dialog import MergeDialog
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

IDS = [1, 2, 3, 4]


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """Show a project whose first four crops are labelled 1 here and 2, 2, 3, 3, and later, in a
    copy.
    """
    with labelled_project(tmp_path / "pores") as project:
        History(project).apply(label_crops(project, IDS, 1, who="ada"))
    shutil.copytree(tmp_path / "pores", tmp_path / "copy")
    with Project.open(tmp_path / "copy") as project:
        History(project).apply(label_crops(project, IDS[:2], 2, who="bo"))
        History(project).apply(label_crops(project, IDS[2:], 3, who="bo"))
    made = build_window(None)
    made.show()
    made.open_project(tmp_path / "pores")
    yield made
    made.close()
    made.deleteLater()


def merge(window: MainWindow, monkeypatch: pytest.MonkeyPatch, act, *, accept: bool = True) -> None:
    """Merge the copy and act on the dialog of conflicts before it is closed."""

    def exec_(dialog: MergeDialog) -> int:
        act(dialog)
        return int(MergeDialog.DialogCode.Accepted if accept else MergeDialog.DialogCode.Rejected)

    monkeypatch.setattr(MergeDialog, "exec", exec_)
    window.workspace.sharing.merge(window.session.project.folder.with_name("copy"))
    window.background.wait()
    window.background.wait()


def labels(window: MainWindow) -> list[int | None]:
    """Return the labels of the four crops."""
    found = window.session.project.labels()
    return [found[crop_id] for crop_id in IDS]


def press(dialog: MergeDialog, name: str) -> None:
    """Press a button of the dialog."""
    dialog.findChild(QPushButton, name).click()


def test_each_conflict_is_shown_and_settled_and_all_is_one_step(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[str] = []

    def act(dialog: MergeDialog) -> None:
        cells = [dialog.table.item(0, column).text() for column in range(6)]
        assert cells == ["1", "Gas", "test", "Keyhole", "bo", "mine"]
        assert not dialog.shown.pixmap().isNull()
        received.append(dialog.about.text())
        dialog.table.selectRow(1)
        press(dialog, "take_theirs")
        dialog.table.cellDoubleClicked.emit(3, 0)

    merge(window, monkeypatch, act)
    assert labels(window) == [1, 2, 1, 3]
    assert "Mine: Gas, test, 20" in received[0]
    assert "Theirs: Keyhole, bo, 20" in received[0]
    last = window.session.project.label_log()[-1]
    assert (last.who, last.how) == ("bo", "import")
    window.session.undo()
    assert labels(window) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("button", "expected"),
    [("all_theirs", [2, 2, 3, 3]), ("all_newer", [2, 2, 3, 3]), ("all_mine", [1, 1, 1, 1])],
)
def test_all_conflicts_are_settled_at_once(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, button: str, expected: list[int]
) -> None:
    merge(window, monkeypatch, lambda dialog: press(dialog, button))
    assert labels(window) == expected


def test_a_merge_that_is_given_up_changes_nothing(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(window, monkeypatch, lambda dialog: press(dialog, "all_theirs"), accept=False)
    assert labels(window) == [1, 1, 1, 1]

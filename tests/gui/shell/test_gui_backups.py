"""Hold that the window backs up, offers backups of a damaged project and restores one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtWidgets import QInputDialog, QLabel
from pytestqt.qtbot import QtBot

from poregui.gui.base.messages import messages
from poregui.gui.dialogs.project_dialog import BackupsDialog
from poregui.gui.services import session as session_module
from poregui.gui.shell.main_window import MainWindow
from poregui.store.backups import backups_of, make_backup
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    return tmp_path / "p"


def dialog_of(window: MainWindow) -> BackupsDialog:
    window.background.wait()
    return next(one for one in window.findChildren(BackupsDialog) if one.isVisible())


def label(window: MainWindow, crop_id: int, to: int) -> None:
    assert window.session is not None
    window.session.apply(label_crops(window.session.project, [crop_id], to, who="Ada"))


def test_a_damaged_project_is_offered_with_its_backups_and_opens_with_one(
    window: MainWindow, folder: Path
) -> None:
    make_backup(folder)
    broken = (folder / "project.db").read_bytes()[:7000]
    (folder / "project.db").write_bytes(broken)
    window.open_project(folder)
    assert "damaged" in window.start_page.problem
    dialog = dialog_of(window)
    received = dialog.findChild(QLabel, "backups_text")
    assert received is not None
    assert "Restore one of its backups?" in received.text()
    cells = [dialog.table.item(0, column).text() for column in (1, 2)]
    assert cells == ["on request", "6"]
    assert dialog.backup_button.isHidden()
    dialog.restore_button.click()
    window.background.wait()
    assert window.session is not None
    assert window.session.project.label_counts().total() == 6
    assert not window.session.project.read_only
    (aside,) = folder.glob("project.damaged-*.db")
    assert aside.read_bytes() == broken


def test_a_backup_that_is_damaged_itself_cannot_be_chosen(window: MainWindow, folder: Path) -> None:
    make_backup(folder).path.write_bytes(b"nothing")
    (folder / "project.db").write_bytes(b"nothing")
    window.open_project(folder)
    dialog = dialog_of(window)
    dialog.table.selectRow(0)
    assert not dialog.restore_button.isEnabled()
    assert dialog.table.item(0, 2).text() == "damaged"
    dialog.reject()


def test_a_damaged_project_without_backups_is_only_refused(
    window: MainWindow, folder: Path
) -> None:
    (folder / "project.db").write_bytes(b"nothing")
    window.open_project(folder)
    window.background.wait()
    assert window.findChildren(BackupsDialog) == []
    assert "there are no backups" in window.start_page.problem


def test_the_open_project_is_backed_up_on_request_and_goes_back_to_it(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.open_project(folder)
    window.actions_by_name["backups"].trigger()
    dialog_of(window).backup_button.click()
    window.background.wait()
    label(window, 1, 3)
    monkeypatch.setattr(messages(), "ask", lambda *_: True)
    window.actions_by_name["backups"].trigger()
    dialog_of(window).restore_button.click()
    window.background.wait()
    assert window.session is not None
    assert window.session.project.labels()[1] == 1
    assert {one.reason for one in backups_of(folder)} == {"requested", "before-restore"}


def test_the_first_backup_of_a_day_is_made_after_opening_and_none_for_what_is_only_read(
    qtbot: QtBot, window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_AFTER_OPENING_MS", 10)
    content = (folder / "project.db").read_bytes()
    with Project.open(folder) as writer:
        window.open_project(folder)
        assert window.session is not None
        assert window.session.project.read_only
        qtbot.wait(60)
        assert backups_of(folder) == []
        window.close_project()
        assert writer.folder == folder
    window.open_project(folder)
    qtbot.waitUntil(lambda: len(backups_of(folder)) == 1)
    assert backups_of(folder)[0].reason == "scheduled"
    assert (folder / "project.db").read_bytes() == content


def test_a_backup_is_made_after_a_number_of_edits(
    qtbot: QtBot, window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "EDITS", 3)
    window.open_project(folder)
    for number in range(2):
        label(window, 1, 1 + number)
    assert backups_of(folder) == []
    label(window, 1, 3)
    qtbot.waitUntil(lambda: len(backups_of(folder)) == 1)


def test_a_backup_is_made_before_classes_are_merged(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("Keyhole", True))
    window.open_project(folder)
    assert window.workspace is not None
    window.workspace.classes.show()
    dialog = window.workspace.classes.dialog
    assert dialog is not None
    dialog.merge_requested.emit(1)
    assert [one.reason for one in backups_of(folder)] == ["before-classes"]
    dialog.reject()


def test_a_backup_is_made_before_labels_of_another_copy_are_taken_over(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, folder.with_name("other"))
    for copy, to in ((folder, None), (folder.with_name("other"), 2)):
        with Project.open(copy) as project:
            History(project).apply(label_crops(project, [1], to, who="Bo"))
    window.open_project(folder)
    assert window.workspace is not None
    assert window.session is not None
    monkeypatch.setattr(messages(), "ask", lambda *_: True)
    window.workspace.sharing.merge(folder.with_name("other"))
    window.background.wait()
    assert window.session.project.labels()[1] == 2
    assert [one.reason for one in backups_of(folder)] == ["before-merge"]

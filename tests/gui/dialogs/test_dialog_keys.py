"""Hold what keys do in every dialog: Enter accepts, Esc cancels, the first field has the focus."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

import poregui.gui
from poregui.domain.classes import PoreClass
from poregui.domain.records import Micrograph
from poregui.gui.app import application
from poregui.gui.base.messages import BugDialog
from poregui.gui.base.theme import theme
from poregui.gui.checking.check_dialog import CheckDialog, NewCheckDialog
from poregui.gui.dialogs.apply_dialogs import LockDialog, UnsureDialog
from poregui.gui.dialogs.base import FormDialog, WholeNumberDialog
from poregui.gui.dialogs.class_dialog import ClassesDialog
from poregui.gui.dialogs.help_sheets import AboutDialog, KeysDialog
from poregui.gui.dialogs.import_dialog import ImportDialog, ImportReportDialog
from poregui.gui.dialogs.key_dialog import ChangeKeysDialog
from poregui.gui.dialogs.merge_dialog import MergeDialog
from poregui.gui.dialogs.micrograph_choice import WhichMicrographsDialog
from poregui.gui.dialogs.micrograph_dialogs import (
    BarLengthDialog,
    MicrographDialog,
    SeveralMicrographsDialog,
)
from poregui.gui.dialogs.project_dialog import BackupsDialog, NewProjectDialog
from poregui.gui.dialogs.run_dialog import RunDialog
from poregui.gui.dialogs.test_split_dialog import TestSplitDialog
from poregui.gui.rating.agreement_dialog import AgreementDialog
from poregui.gui.rating.rating_dialog import RatingDialog
from poregui.gui.shell.micrograph_flow import NamingDialog
from poregui.gui.train.train_page import LogDialog
from poregui.store.backups import Backup, BackupContent
from poregui.store.run_notes import RunNotes
from poregui.workflow.detecting.find_pores import Searchable
from poregui.workflow.importing.merge_labels import Conflict, MergePlan
from poregui.workflow.training.test_split import Group

FILES = (
    Micrograph(1, "S1_a.tif", "S1_a.tif", "", 100, 80, 8, 1, um_per_px=0.5),
    Micrograph(2, "S2_a.tif", "S2_a.tif", "", 100, 80, 8, 1, um_per_px=0.4),
)


def no_picture(_crop_id: int) -> QImage:
    return QImage()


def no_warnings(_keys: frozenset[str]) -> tuple[str, ...]:
    return ()


def bar_length() -> QDialog:
    dialog = BarLengthDialog(120.0)
    dialog.findChild(QLineEdit, "bar_length_edit").setText("20")
    return dialog


def naming() -> QDialog:
    dialog = NamingDialog(FILES)
    dialog.findChild(QLineEdit, "naming_pattern_edit").setText("{specimen}_*.tif")
    return dialog


def new_project(folder: Path) -> QDialog:
    dialog = NewProjectDialog()
    dialog.findChild(QLineEdit, "project_place_edit").setText(str(folder))
    return dialog


def backups() -> QDialog:
    made = Backup(Path("a.db"), datetime(2026, 11, 30, tzinfo=UTC), "daily")
    return BackupsDialog("", [(made, BackupContent(3, 600, 620, 33))], None, can_back_up=True)


def merging() -> QDialog:
    conflict = Conflict(1, "Gas", "Keyhole", "ada", "bob", "mine")
    return MergeDialog(MergePlan(None, 0, 0, 0, (conflict,), {}, {}, {}), "theirs", no_picture)


def which_micrographs() -> QDialog:
    return WhichMicrographsDialog([Searchable(1, "S1_a.tif", "S1", 0.5, 3, "never")])


def test_specimens() -> QDialog:
    groups = [Group("specimen:1", "S1", (3, 4), True), Group("specimen:2", "S2", (3, 4), False)]
    return TestSplitDialog(groups, ["Gas", "Keyhole"], no_warnings)


test_specimens.__test__ = False  # no test, though its name begins like one


def classes() -> ClassesDialog:
    dialog = ClassesDialog()
    shown = [PoreClass(1, "Gas", "#3366cc", "G", 0), PoreClass(2, "Keyhole", "#cc6633", "K", 1)]
    dialog.set_classes(shown, [3, 4], lambda _id: ())
    return dialog


def makers(folder: Path) -> dict[type[QDialog], Callable[[], QDialog]]:
    """Return how each dialog of the program is made, filled in so that it can be accepted."""
    return {
        BarLengthDialog: bar_length,
        RunDialog: partial(RunDialog, 3, RunNotes("wide", "")),
        MicrographDialog: partial(MicrographDialog, FILES[0], "S1", ["S1", "S2"]),
        SeveralMicrographsDialog: partial(SeveralMicrographsDialog, FILES, {1: "S1"}),
        ImportDialog: partial(ImportDialog, [folder / "a.png"], ["Gas"]),
        LockDialog: partial(LockDialog, "run 1", 0.5, "ada"),
        NamingDialog: naming,
        WholeNumberDialog: partial(WholeNumberDialog, "Memory", "MB", 128, (32, 4096), None),
        NewProjectDialog: partial(new_project, folder),
        TestSplitDialog: test_specimens,
        WhichMicrographsDialog: which_micrographs,
        BackupsDialog: backups,
        MergeDialog: merging,
        ClassesDialog: classes,
        ChangeKeysDialog: ChangeKeysDialog,
        UnsureDialog: UnsureDialog,
        KeysDialog: KeysDialog,
        AboutDialog: AboutDialog,
        ImportReportDialog: partial(ImportReportDialog, "2 crops imported.", ["a.png: a crop"]),
        LogDialog: partial(LogDialog, folder / "001" / "trainer.log"),
        BugDialog: partial(BugDialog, "trace", None, None),
        NewCheckDialog: partial(NewCheckDialog, None, None),
    }


STAYS_OPEN = {ClassesDialog, ChangeKeysDialog, UnsureDialog}
"""What changes at once and has nothing to accept; Enter acts on what has the focus."""


OF_A_PROJECT = {AgreementDialog, CheckDialog, RatingDialog}
"""Windows on the crops of a project, with keys of their own: tests/gui/checking and rating."""


def subclasses(kind: type[QDialog]) -> Iterator[type[QDialog]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def dialogs_of_the_program() -> set[type[QDialog]]:
    for module in pkgutil.walk_packages(poregui.gui.__path__, "poregui.gui."):
        importlib.import_module(module.name)
    ours = {one for one in subclasses(QDialog) if one.__module__.startswith("poregui.")}
    return ours - {FormDialog} - OF_A_PROJECT


def shown(qtbot: QtBot, dialog: QDialog) -> QDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dialog)
    return dialog


def press(key: Qt.Key) -> None:
    """Press a key as a person does: it goes to what has the focus."""
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key)


@pytest.fixture(autouse=True)
def dressed(qtbot: QtBot) -> None:
    application()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def browse(*_: object) -> str:
        raise AssertionError("Enter opened Browse")

    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getExistingDirectory", browse)
    return tmp_path


def test_every_dialog_of_the_program_is_tried_here(qtbot: QtBot, tmp_path: Path) -> None:
    assert dialogs_of_the_program() == set(makers(tmp_path))


ALL = sorted(makers(Path()), key=lambda kind: kind.__name__)
TO_ACCEPT = [kind for kind in ALL if kind not in STAYS_OPEN]
FORMS = [kind for kind in ALL if issubclass(kind, FormDialog)]


@pytest.mark.parametrize("kind", TO_ACCEPT, ids=lambda kind: kind.__name__)
def test_enter_accepts_what_was_filled_in_or_closes_what_was_read(
    qtbot: QtBot, folder: Path, kind: type[QDialog]
) -> None:
    dialog = shown(qtbot, makers(folder)[kind]())
    press(Qt.Key.Key_Return)
    assert not dialog.isVisible()
    with_input = issubclass(kind, FormDialog | MergeDialog)
    assert (dialog.result() == QDialog.DialogCode.Accepted) == with_input


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_esc_cancels(qtbot: QtBot, folder: Path, kind: type[QDialog]) -> None:
    dialog = shown(qtbot, makers(folder)[kind]())
    press(Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.result() == QDialog.DialogCode.Rejected


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_a_form_opens_in_its_first_field_and_enter_accepts_from_each(
    qtbot: QtBot, folder: Path, kind: type[FormDialog]
) -> None:
    first = shown(qtbot, makers(folder)[kind]())
    assert first.fields()[0] is QApplication.focusWidget()
    for index in range(len(first.fields())):
        dialog = shown(qtbot, makers(folder)[kind]())
        field = dialog.fields()[index]
        if isinstance(field, QPushButton):
            continue  # a button that has the focus is what Enter presses
        field.setFocus()
        press(Qt.Key.Key_Return)
        assert dialog.result() == QDialog.DialogCode.Accepted, field.objectName()


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_the_button_that_enter_presses_has_the_colour_of_the_first_choice(
    qtbot: QtBot, folder: Path, kind: type[FormDialog]
) -> None:
    dialog = shown(qtbot, makers(folder)[kind]())
    assert dialog.ok.isDefault()
    inside = dialog.ok.mapTo(dialog, QPoint(8, 8))
    assert dialog.grab().toImage().pixelColor(inside).name() == theme().tokens.accent


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_tab_leads_through_the_fields_of_a_form_from_top_to_bottom_and_then_to_ok(
    qtbot: QtBot, folder: Path, kind: type[FormDialog]
) -> None:
    dialog = shown(qtbot, makers(folder)[kind]())
    met: list[QWidget] = [QApplication.focusWidget()]
    while met[-1] is not dialog.ok and len(met) < 30:
        press(Qt.Key.Key_Tab)
        met.append(QApplication.focusWidget())
    assert met == [*dialog.fields(), dialog.ok]


def test_enter_in_the_name_of_a_new_class_adds_it_and_keeps_the_dialog(qtbot: QtBot) -> None:
    dialog = classes()
    shown(qtbot, dialog)
    added: list[str] = []
    dialog.add_requested.connect(added.append)
    field = dialog.findChild(QLineEdit, "class_new_edit")
    field.setFocus()
    QTest.keyClicks(field, "Spatter")
    press(Qt.Key.Key_Return)
    assert added == ["Spatter"]
    assert dialog.isVisible()


@pytest.mark.parametrize("leave", ["another class", "close"])
def test_a_definition_that_was_typed_is_kept_when_its_class_is_left(
    qtbot: QtBot, leave: str
) -> None:
    dialog = classes()
    shown(qtbot, dialog)
    changed: list[PoreClass] = []
    dialog.change_requested.connect(changed.append)
    dialog.findChild(QPlainTextEdit, "class_definition_edit").setPlainText("Round and smooth.")
    if leave == "close":
        press(Qt.Key.Key_Escape)
    else:
        dialog.findChild(QListWidget, "classes_list").setCurrentRow(1)
    assert [(one.name, one.definition) for one in changed] == [("Gas", "Round and smooth.")]


def test_enter_on_an_action_waits_for_its_new_key(qtbot: QtBot) -> None:
    dialog = ChangeKeysDialog()
    shown(qtbot, dialog)
    press(Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert "Press the new key" in dialog.message.text()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()

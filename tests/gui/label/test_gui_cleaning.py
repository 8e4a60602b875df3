"""Hold how a person changes several micrographs at once, sorts them by names, and is offered to
mask info bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from info_bars import with_bar
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.dialogs.micrograph_dialogs import SeveralMicrographsDialog
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.shell.micrograph_flow import NamingDialog
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import set_scale
from poregui.workflow.editing.micrograph_edits import change_several, set_specimens
from poregui.workflow.importing.images import ImportOptions, collect, settle

NAMES = ("A_1.png", "A_2.png", "other.png")


def bring_in(project: Project, *files: Path, **said: object) -> tuple[str, ...]:
    plan = settle(
        project, collect(files, ImportOptions(kind="micrographs", **said), project.pixels), "me"
    )
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return plan.report.lines


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).integers(90, 160, (120, 160), dtype=np.uint8)
        PIL.Image.fromarray(noise).save(tmp_path / name)
    return [tmp_path / name for name in NAMES]


@pytest.fixture
def shown(tmp_path: Path, files: list[Path], qtbot: QtBot) -> Iterator[MainWindow]:
    with Project.create(tmp_path / "p") as made:
        bring_in(made, *files)
    window = build_window(tmp_path / "p")
    yield window
    window.close()
    window.deleteLater()


def state(project: Project) -> list[tuple[str | None, float | None]]:
    names = {s.id: s.name for s in project.specimens()}
    return [(names.get(m.specimen_id or 0), m.um_per_px) for m in project.micrographs()]


def several(window: MainWindow) -> SeveralMicrographsDialog:
    micrographs = window.label_page.micrograph_list
    micrographs.selectAll()
    window.label_page.properties_button.click()
    dialog = window.findChild(SeveralMicrographsDialog)
    assert isinstance(dialog, SeveralMicrographsDialog)
    return dialog


def test_scale_and_specimen_of_all_chosen_micrographs_are_set_and_undone_in_one_step(
    shown: MainWindow,
) -> None:
    assert shown.session is not None
    dialog = several(shown)
    dialog.findChild(QComboBox, "micrographs_specimen_box").setCurrentText("S7")
    dialog.findChild(QLineEdit, "micrographs_scale_edit").setText("0,5")
    dialog.ok.click()
    assert state(shown.session.project) == [("S7", 0.5)] * 3
    shown.session.undo()
    assert state(shown.session.project) == [(None, None)] * 3


def test_an_empty_field_leaves_each_micrograph_as_it_is(shown: MainWindow) -> None:
    session = shown.session
    assert session is not None
    one = session.project.micrographs()[0]
    session.apply(set_scale([one], 0.3))
    dialog = several(shown)
    assert dialog.findChild(QLineEdit, "micrographs_scale_edit").text() == ""
    dialog.findChild(QComboBox, "micrographs_specimen_box").setCurrentText("S7")
    dialog.ok.click()
    assert state(session.project) == [("S7", 0.3), ("S7", None), ("S7", None)]


def test_a_scale_that_is_none_keeps_the_dialog_of_several_open(shown: MainWindow) -> None:
    assert shown.session is not None
    dialog = several(shown)
    dialog.findChild(QLineEdit, "micrographs_scale_edit").setText("wide")
    dialog.ok.click()
    assert dialog.isVisible()
    dialog.reject()
    assert state(shown.session.project) == [(None, None)] * 3


def test_specimens_are_read_from_file_names_with_a_preview_and_in_one_step(
    shown: MainWindow,
) -> None:
    session = shown.session
    assert session is not None
    shown.actions_by_name["name_specimens"].trigger()
    dialog = shown.findChild(NamingDialog)
    field = dialog.findChild(QLineEdit, "naming_pattern_edit")
    field.setText("{specimen}_*.tif")
    dialog.ok.click()
    assert dialog.isVisible()
    field.setText("{specimen}_*.png")
    texts = [
        (dialog.table.item(row, 0).text(), dialog.table.item(row, 1).text()) for row in range(3)
    ]
    assert texts == [("A_1.png", "A"), ("A_2.png", "A"), ("other.png", "")]
    assert dialog.table.item(0, 0).foreground() != dialog.table.item(2, 0).foreground()
    dialog.ok.click()
    assert [specimen for specimen, _ in state(session.project)] == ["A", "A", None]
    session.undo()
    assert [specimen for specimen, _ in state(session.project)] == [None] * 3


def test_a_half_written_pattern_gets_a_sentence_and_changes_nothing(shown: MainWindow) -> None:
    shown.actions_by_name["name_specimens"].trigger()
    dialog = shown.findChild(NamingDialog)
    dialog.findChild(QLineEdit, "naming_pattern_edit").setText("(A")
    assert "not a regular expression" in dialog.findChild(QLabel, "naming_hint").text()
    dialog.ok.click()
    assert dialog.isVisible()
    dialog.reject()


@pytest.mark.parametrize("pattern", ["{specimen}_*.png", r"^([^_]+)_", r"_?(?P<specimen>A)_"])
def test_importing_again_fills_the_specimens_that_were_missing(
    tmp_path: Path, files: list[Path], pattern: str
) -> None:
    with Project.create(tmp_path / "p") as project:
        bring_in(project, *files)
        lines = bring_in(project, *files, specimen_pattern=pattern)
        assert "2 micrographs assigned to a specimen." in lines
        assert [specimen for specimen, _ in state(project)] == ["A", "A", None]
        again = bring_in(project, *files, specimen="B")
        assert [specimen for specimen, _ in state(project)] == ["A", "A", "B"]
        assert "1 micrograph assigned to a specimen." in again


@pytest.mark.parametrize("prediction", ["Mask", "Not now"])
def test_info_bars_of_imported_micrographs_are_offered_and_masked_on_yes_only(
    shown: MainWindow, tmp_path: Path, prediction: str
) -> None:
    session, workspace = shown.session, shown.workspace
    assert session is not None
    assert workspace is not None
    PIL.Image.fromarray(with_bar(0, 255)).save(tmp_path / "sem.png")
    workspace.importing.start([tmp_path / "sem.png"], ImportOptions(kind="micrographs"))
    shown.background.wait()
    offered = shown.findChild(QMessageBox, "offer")
    assert offered.text() == "Mask the info bar of 1 micrograph?"
    assert not any(m.masks for m in session.project.micrographs())
    next(button for button in offered.buttons() if button.text() == prediction).click()
    assert [len(m.masks) for m in session.project.micrographs()] == [
        0,
        0,
        0,
        int(prediction == "Mask"),
    ]
    if prediction == "Mask":
        session.undo()
        assert [len(m.masks) for m in session.project.micrographs()] == [0] * 4


def test_nothing_is_asked_when_no_info_bar_is_found(shown: MainWindow, tmp_path: Path) -> None:
    workspace = shown.workspace
    assert workspace is not None
    noise = np.random.default_rng(9).integers(90, 160, (300, 400), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "plain.png")
    workspace.importing.start([tmp_path / "plain.png"], ImportOptions(kind="micrographs"))
    shown.background.wait()
    assert len(workspace.session.project.micrographs()) == 4
    assert shown.findChild(QMessageBox, "offer") is None


def test_several_changes_are_one_edit_in_which_none_is_lost(
    tmp_path: Path, files: list[Path]
) -> None:
    with Project.create(tmp_path / "p") as project:
        bring_in(project, *files)
        steps = [
            lambda found: set_scale(found, 0.4),
            lambda found: set_specimens(project, ((m, "S1") for m in found)),
        ]
        edit = change_several(project.micrographs(), steps)
        assert edit is not None
        history = History(project)
        history.apply(edit)
        assert state(project) == [("S1", 0.4)] * 3
        history.undo()
        assert state(project) == [(None, None)] * 3
        assert change_several(project.micrographs(), []) is None

"""Hold that pores left to a person can be looked at from the Apply page, answered with keys, and
taken back.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from apply_desk import add_run, apply, page_of
from builders import labelled_project
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from size_model import draw_discs

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.records import Plane
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.dialogs.apply_dialogs import UnsureDialog
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.importing.images import ImportOptions, collect, settle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "pores").close()
    return add_run(tmp_path / "pores", tmp_path)


def looked_at(window: MainWindow, page: ApplyPage) -> UnsureDialog:
    page.unsure_button.click()
    window.background.wait()
    dialog = page.findChild(UnsureDialog)
    assert dialog is not None
    return dialog


def pores(page: ApplyPage) -> dict[str, str]:
    return {row.name: row.cells[2] for row in page.table.rows}


def test_a_key_answers_an_unsure_pore_and_the_numbers_follow_and_undo_takes_it_back(
    window: MainWindow, folder: Path, qtbot: QtBot
) -> None:
    page = page_of(window, folder)
    apply(window)
    assert not page.unsure_button.isVisible()
    page.confidence_slider.setValue(90)
    assert page.unsure_button.text() == "Review 1 unsure pore…"
    before = pores(page)
    dialog = looked_at(window, page)
    assert dialog.title.text() == "0 of 1 pore labelled"
    assert "1 Gas" in dialog.hint.text()
    qtbot.keyClick(dialog.grid, Qt.Key.Key_2)
    window.background.wait()
    assert dialog.title.text() == "1 of 1 pore labelled"
    expected = {**before, "Keyhole": str(int(before["Keyhole"]) + 1)}
    del expected["Unclassified"]
    assert pores(page) == expected
    assert not page.unsure_button.isVisible()
    qtbot.keyClick(dialog.grid, Qt.Key.Key_Z)
    window.background.wait()
    assert pores(page) == before
    qtbot.keyClick(dialog.grid, Qt.Key.Key_0)
    window.background.wait()
    assert "Unclassified" not in pores(page)
    assert sum(map(int, pores(page).values())) == 9
    dialog.reject()
    session = window.session
    assert session is not None
    (crop,) = [
        one
        for one in session.project.crops()
        if one.label == NOT_A_PORE and one.origin == "detected"
    ]
    assert session.project.label_log(crop.id)[-1].how == "applied"


def test_answers_are_there_again_when_the_project_is_reopened(
    window: MainWindow, folder: Path, qtbot: QtBot
) -> None:
    page = page_of(window, folder)
    apply(window)
    page.confidence_slider.setValue(90)
    dialog = looked_at(window, page)
    qtbot.keyClick(dialog.grid, Qt.Key.Key_1)
    dialog.reject()
    window.background.wait()
    page = page_of(window, folder)
    page.confidence_slider.setValue(90)
    assert (pores(page)["Gas"], page.unsure_button.isVisible()) == ("6", False)


def test_pages_of_one_file_are_listed_applied_and_shown_each(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    pages = []
    for discs in ([12.0] * 4, [34.0] * 2):
        draw_discs(tmp_path / "page.png", discs)
        pages.append(
            cv2.imdecode(np.fromfile(tmp_path / "page.png", np.uint8), cv2.IMREAD_GRAYSCALE)
        )
    (tmp_path / "page.png").unlink()
    tifffile.imwrite(tmp_path / "stack.tif", np.stack(pages), photometric="minisblack")
    with Project.open(folder) as project:
        for number in (1, 2):
            options = ImportOptions(kind="micrographs", plane=Plane(page=number))
            plan = settle(project, collect([tmp_path / "stack.tif"], options, project.pixels), "me")
            assert plan.edit is not None
            History(project).apply(plan.edit)
    page = page_of(window, folder)
    apply(window)
    assert "4 micrographs processed" in page.state_text.text()
    found = []
    for index in range(page.field_list.count()):
        page.field_list.setCurrentRow(index)
        window.background.wait()
        found.append((page.image_title.text(), page.image_detail.text()))
    assert found[2:] == [("stack.tif", "4 pores"), ("stack.tif (page 2)", "2 pores")]

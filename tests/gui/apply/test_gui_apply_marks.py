"""Hold that the picture of the Apply page and the files behind it follow the slider and people's
answers.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from apply_desk import add_run, apply, page_of
from builders import labelled_project
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from poregui.domain.classes import UNSURE_COLOUR
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.dialogs.apply_dialogs import UnsureDialog
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "pores").close()
    return add_run(tmp_path / "pores", tmp_path)


def shown(page: ApplyPage, colour: str) -> int:
    """Return how many px of the picture on the canvas have a colour."""
    layer = page.canvas.tiles
    assert layer is not None
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(layer.overview.astype(int) - wanted).sum(axis=2) < 12).sum())


def classes(folder: Path, name: str) -> list[tuple[str, str, str]]:
    path = folder / "applied" / "run-001" / "fields" / name / "pores.csv"
    with open(path, newline="", encoding="utf-8") as file:
        return [(row["class"], row["source"], row["why"]) for row in csv.DictReader(file)]


def choose(window: MainWindow, page: ApplyPage, row: int) -> None:
    page.field_list.setCurrentRow(row)
    window.background.wait()


def test_the_picture_follows_the_slider_and_keeps_its_place(
    window: MainWindow, folder: Path
) -> None:
    page = page_of(window, folder)
    apply(window)
    choose(window, page, 1)
    assert shown(page, UNSURE_COLOUR) == 0
    page.canvas.zoom(3.0)
    page.canvas.centre_on(QPointF(100.0, 120.0))
    before = page.canvas.view
    page.confidence_slider.setValue(50)
    page.confidence_slider.setValue(90)
    window.background.wait()
    assert shown(page, UNSURE_COLOUR) > 19
    assert page.canvas.view is not None
    assert before is not None
    assert (page.canvas.view.scale, page.canvas.view.centre) == (before.scale, before.centre)
    page.confidence_slider.setValue(0)
    window.background.wait()
    assert shown(page, UNSURE_COLOUR) == 0
    choose(window, page, 0)
    assert page.canvas.view is not None
    assert page.canvas.view.centre != QPointF(100.0, 120.0)


def test_an_answer_is_drawn_and_opening_the_folder_brings_the_files_up_to_date(
    window: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True
    )
    page = page_of(window, folder)
    apply(window)
    choose(window, page, 1)
    page.confidence_slider.setValue(90)
    page.open_button.click()
    window.background.wait()
    assert opened == [str(folder / "applied" / "run-001")]
    assert ("", "", "unsure") in classes(folder, "field_1.png")
    page.unsure_button.click()
    window.background.wait()
    dialog = page.findChild(UnsureDialog)
    assert dialog is not None
    qtbot.keyClick(dialog.grid, Qt.Key.Key_2)
    dialog.reject()
    window.background.wait()
    assert shown(page, UNSURE_COLOUR) == 0
    page.open_button.click()
    window.background.wait()
    assert ("Keyhole", "person", "") in classes(folder, "field_1.png")
    apply(window)
    assert "2 had been processed before" in page.state_text.text()
    assert ("Keyhole", "person", "") in classes(folder, "field_1.png")


def test_the_files_have_the_confidence_that_was_set_when_pores_were_found(
    window: MainWindow, folder: Path
) -> None:
    page = page_of(window, folder)
    page.confidence_slider.setValue(90)
    apply(window)
    assert ("", "", "unsure") in classes(folder, "field_1.png")
    page.confidence_slider.setValue(0)
    apply(window)
    assert "2 had been processed before" in page.state_text.text()
    assert all(why == "" for _, _, why in classes(folder, "field_1.png"))


def test_a_picture_that_is_gone_is_said(window: MainWindow, folder: Path) -> None:
    page = page_of(window, folder)
    apply(window)
    (folder / "applied" / "run-001" / "fields" / "field_1.png" / "picture.npz").unlink()
    choose(window, page, 1)
    assert page.canvas.view is None
    choose(window, page, 0)
    assert page.canvas.view is not None
    with Project.open(folder, read_only=True) as project:
        assert len(project.runs()) == 1

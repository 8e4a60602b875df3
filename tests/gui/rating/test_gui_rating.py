"""Hold blind passes, second raters and settling, as a person and a colleague do them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import add_crops, labelled_project
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.plots.confusion_matrix import Cell
from poregui.gui.rating.rate_window import FileRating
from poregui.gui.rating.rating_dialog import RatingDialog, turned
from poregui.gui.shell.main_window import MainWindow
from poregui.store.rating_file import RatingFile
from poregui.workflow.rating.blind_pass import unfinished
from poregui.workflow.rating.rating_pack import pack_for_rating


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """Show a project of 40 crops of each class and 40 without a label."""
    with labelled_project(tmp_path / "pores", specimens=8, per_class=5) as project:
        add_crops(project, [None] * 40, seed=3)
    made = build_window(None)
    made.show()
    made.open_project(tmp_path / "pores")
    yield made
    made.close()
    made.deleteLater()


def shown_text(dialog: RatingDialog) -> str:
    """Return all that can be read on a dialog."""
    texts = [one.text() for one in dialog.findChildren(QLabel) if one.isVisible()]
    return " ".join([dialog.windowTitle(), dialog.crop.toolTip(), *texts])


def press(dialog: RatingDialog, key: str) -> None:
    QTest.keyClick(dialog.crop, key)


def begun(window: MainWindow) -> RatingDialog:
    """Begin a blind pass and return its dialog."""
    window.actions_by_name["blind_pass"].trigger()
    box = window.findChild(QMessageBox)
    assert "30 labelled crops will come back, mixed with 15" in box.informativeText()
    box.buttons()[0].click()  # the one click
    return window.workspace.rating.rating


def test_a_blind_pass_costs_a_key_a_crop_and_one_click_and_is_resumed(
    window: MainWindow, qtbot: QtBot
) -> None:
    project = window.session.project
    before = project.labels()
    dialog = begun(window)
    press(dialog, "z")
    assert dialog.progress.text() == "Crop 1 of 45", "nothing of before is undone"
    texts = set()
    for number in range(1, 21):
        assert dialog.progress.text() == f"Crop {number} of 45"
        texts.add(shown_text(dialog).replace(f"Crop {number} ", ""))
        press(dialog, "1")
    assert len(texts) == 1, "nothing but the image changes, for repeats and fresh crops alike"
    press(dialog, "z")
    assert dialog.progress.text() == "Crop 20 of 45"
    dialog.reject()
    window.actions_by_name["blind_pass"].trigger()
    dialog = window.workspace.rating.rating
    for _ in range(26):
        press(dialog, "2")
    assert unfinished(project, window.session.who) is None
    assert "All done" in dialog.progress.text()
    press(dialog, "2")
    dialog.reject()
    given = project.opinions.all()
    assert len(given) == 30
    assert all(one.blind and one.seconds is not None for one in given)
    after = project.labels()
    assert {i: after[i] for i in before if before[i]} == {
        i: label for i, label in before.items() if label
    }
    assert sum(label is not None for label in after.values()) == 120 + 15


def test_a_colleague_rates_a_file_that_comes_back_and_disagreements_are_settled(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    project = window.session.project
    pack_for_rating(project, tmp_path / "p.rating", seed=1)
    rating = FileRating(RatingFile(tmp_path / "p.rating"), "Bea", window)
    rating.dialog.open()
    for _ in range(30):
        press(rating.dialog, "1")
    press(rating.dialog, "z")
    assert rating.dialog.progress.text() == "Crop 30 of 30"
    press(rating.dialog, "1")
    rating.dialog.reject()
    flow = window.workspace.rating
    flow.import_ratings(tmp_path / "p.rating")
    assert len(project.opinions.all()) == 30
    window.actions_by_name["agreement"].trigger()
    qtbot.waitUntil(lambda: flow.agreement is not None)
    dialog = flow.agreement
    assert dialog.pairs.itemText(0) == "To settle (20)"
    first = dialog.grid.ids()[0]
    dialog.grid.choose(first)
    QTest.keyClick(dialog.grid, "1")
    qtbot.waitUntil(lambda: dialog.pairs.itemText(0) == "To settle (19)")
    assert project.label_log(first)[-1].how == "settled"
    assert (project.crop(first).label, len(project.opinions.all())) == (1, 30)
    dialog.pairs.setCurrentIndex(1)
    dialog.matrix.chosen.emit((Cell(1, 0),))
    assert len(dialog.grid.ids()) == 10
    assert dialog.matrix.describe(Cell(1, 0)).endswith("Bea: Gas, 10 crops")
    dialog.reject()


def test_turning_changes_no_pixel_and_all_eight_ways_differ() -> None:
    image = QImage(3, 2, QImage.Format.Format_Grayscale8)
    for x in range(3):
        for y in range(2):
            image.setPixelColor(x, y, Qt.GlobalColor.black if x + y else Qt.GlobalColor.white)
    image.setPixelColor(1, 0, Qt.GlobalColor.gray)
    ways = [turned(image, turn) for turn in range(8)]
    seen = {
        (way.width(), *(way.pixel(x, y) for x in range(way.width()) for y in range(way.height())))
        for way in ways
    }
    assert len(seen) == 8

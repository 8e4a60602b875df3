"""Hold that a label key does what it must and no more, counted in functions that run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import _bench_label
import pytest
from pytestqt.qtbot import QtBot

from poregui.domain.errors import ProjectError
from poregui.gui.app import build_window
from poregui.gui.base.messages import messages
from poregui.gui.shell.main_window import MainWindow

MOST_HANDLED = 124
"""Functions that run while a key is handled."""
MOST_IN_ALL = 158
"""With those that paint what became another one."""


@pytest.fixture
def window(tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(_bench_label, "MICROGRAPHS", 2)
    built = build_window(_bench_label.make_project(tmp_path / "pores", 100, images=20))
    built.resize(1400, 900)
    built.show()
    qtbot.wait(500)
    for key in "123":
        qtbot.keyClick(built.label_page.crop_grid, key)
        qtbot.wait(300)
    yield built
    built.close()
    built.deleteLater()


def test_a_label_key_runs_few_functions(window: MainWindow) -> None:
    found = _bench_label.functions_of_a_key(window.label_page.crop_grid, "1")
    assert window.session.project.crop(4).label == 1
    assert 30 < found["handled"] <= MOST_HANDLED
    assert found["all"] <= MOST_IN_ALL


def test_a_label_key_draws_only_the_cells_that_changed(window: MainWindow, qtbot: QtBot) -> None:
    drawn: list[int] = []
    grid = window.label_page.crop_grid
    grid.set_images(drawn.append)
    qtbot.waitUntil(lambda: len(drawn) > 10)
    qtbot.wait(50)
    drawn.clear()
    qtbot.keyClick(grid, "2")
    qtbot.waitUntil(lambda: bool(drawn))
    qtbot.wait(50)
    assert set(drawn) == {4, 5}


def test_a_label_key_reads_no_folder_of_runs(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked = []
    monkeypatch.setattr(type(window.session.project), "runs", lambda _: asked.append(1) or ())
    qtbot.keyClick(window.label_page.crop_grid, "2")
    qtbot.wait(20)
    assert asked == []


def test_a_label_key_reads_only_what_is_known_of_the_crop_that_it_goes_to(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    project = window.session.project
    asked = []
    monkeypatch.setattr(type(project), "label_log", lambda _, crop_id: asked.append(crop_id) or ())
    qtbot.keyClick(window.label_page.crop_grid, "2")
    qtbot.wait(20)
    assert project.crop(4).label == 2
    assert asked == [5]


def test_a_label_that_cannot_be_written_leaves_the_crop_chosen(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ProjectError("The disk is full.", "Make room.")

    said: list[object] = []
    monkeypatch.setattr(messages(), "error", said.append)
    monkeypatch.setattr(type(window.session.project), "put_labels", refuse)
    qtbot.keyClick(window.label_page.crop_grid, "2")
    assert len(said) == 1
    assert window.workspace.label.current == 4
    assert window.label_page.crop_grid.selected_ids() == [4]

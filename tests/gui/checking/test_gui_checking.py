"""Hold that a person can check the finding in the window, stop, go on, and is told the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_bench import Bench, grid_of_pores
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.checking.check_dialog import CheckDialog
from poregui.gui.checking.check_tools import MarkTool, PointTool
from poregui.gui.shell.main_window import MainWindow
from poregui.workflow.checking.finding_checks import newest_check

PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def window(tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    bench = Bench(tmp_path / "pores", [*grid_of_pores()[8:], (80.0, 80.0, 8.0)])
    bench.find()
    bench.draw(grid_of_pores())
    bench.project.close()
    built = build_window(bench.project.folder)
    built.show()
    yield built
    built.close()
    built.deleteLater()


def begin(window: MainWindow, qtbot: QtBot, *, windows: int, by_points: bool) -> CheckDialog:
    """Ask for a check as a person does, and return what opens."""
    window.actions_by_name["check_finding"].trigger()
    question = window.workspace.checking.question
    assert question is not None
    question.windows.setValue(windows)
    question.way.setCurrentIndex(int(by_points))
    question.ok.click()
    qtbot.waitUntil(lambda: window.workspace.checking.dialog is not None)
    dialog = window.workspace.checking.dialog
    qtbot.waitUntil(lambda: dialog.canvas.tool is not None)
    return dialog


def mark_truly(dialog: CheckDialog) -> None:
    """Mark in the window that is shown what is missed and false."""
    tool = dialog.canvas.tool
    assert isinstance(tool, MarkTool)
    found = [(one.x, one.y) for one in tool.window.found]
    truth = [(x, y) for x, y, _ in grid_of_pores() if tool.window.box.contains(x, y)]
    wrong = [p for p in truth if all(abs(p[0] - a) + abs(p[1] - b) > 5 for a, b in found)]
    wrong += [p for p in found if all(abs(p[0] - a) + abs(p[1] - b) > 5 for a, b in truth)]
    for x, y in wrong:
        tool.release(QPointF(x, y))


def test_missed_and_false_pores_are_marked_window_by_window(
    window: MainWindow, qtbot: QtBot
) -> None:
    dialog = begin(window, qtbot, windows=6, by_points=False)
    for number in range(6):
        mark_truly(dialog)
        qtbot.keyClick(dialog.canvas, Qt.Key.Key_Return)
        if number == 2:  # a person stops, and goes on later
            dialog.accept()
            qtbot.waitUntil(lambda: window.workspace.checking.dialog is None)
            dialog = begin(window, qtbot, windows=6, by_points=False)
            assert dialog.progress.value() == 3
    assert "In 6 checked windows: recall" in dialog.result_text.text()
    check = newest_check(window.session.project)
    assert check is not None
    windows = [one.box for one in check.windows]
    inside = [p for p in grid_of_pores() if any(box.contains(p[0], p[1]) for box in windows)]
    missed = [mark for one in check.windows for mark in one.answers[0].missed or ()]
    assert len(missed) == sum(p in grid_of_pores()[:8] for p in inside)
    assert all(mark.area_px is not None and mark.area_px > 80 for mark in missed)
    recall = check.result().recall
    assert recall is not None
    one_pore = 1 / len(inside)  # whose middle may lie on the frame
    assert recall.value == pytest.approx(1 - len(missed) / len(inside), abs=one_pore)
    dialog.accept()


def test_points_are_counted_by_keys_without_outlines(window: MainWindow, qtbot: QtBot) -> None:
    dialog = begin(window, qtbot, windows=2, by_points=True)
    tool = dialog.canvas.tool
    assert isinstance(tool, PointTool)
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_3):
        qtbot.keyClick(dialog.canvas, key)
    qtbot.keyClick(dialog.canvas, Qt.Key.Key_Backspace)
    check = newest_check(window.session.project)
    assert check is not None
    assert check.windows[0].answers[0].points == ("hit", "half", "miss")
    for _ in range(61):
        qtbot.keyClick(dialog.canvas, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: dialog.canvas.tool is not None and dialog.canvas.tool is not tool)
    assert dialog.title.text() == "Window 2 of 2"
    assert "pores by point count 2.34 %" in dialog.result_text.text()
    dialog.canvas.grab()
    dialog.accept()


def test_a_click_on_a_mark_takes_it_away(window: MainWindow, qtbot: QtBot) -> None:
    dialog = begin(window, qtbot, windows=1, by_points=False)
    tool = dialog.canvas.tool
    assert isinstance(tool, MarkTool)
    corner = QPointF(tool.window.box.x + 2.0, tool.window.box.y + 2.0)
    tool.release(corner)
    assert len(tool.answer.missed or ()) == 1
    tool.release(corner)
    assert tool.answer.missed == ()
    tool.release(QPointF(-5.0, -5.0))
    assert tool.answer.missed == ()
    dialog.canvas.grab()
    dialog.accept()

"""Hold that texts come, change and go without moving anything else on a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.base.messages import messages
from poregui.gui.base.preferences import Preferences
from poregui.gui.review.review_text import RunHeadline
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.train.train_text import TrainingHeadline
from poregui.gui.widgets.banners import Banner
from poregui.store.project import Project

LONG = "A sentence that says in many words what has happened and what one may do about it now. " * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("steady") / "pores"
    with labelled_project(made, specimens=2, per_class=1):
        pass
    return made


@pytest.fixture
def window(qtbot: QtBot, folder: Path, tmp_path: Path) -> Iterator[MainWindow]:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    preferences = Preferences(settings)
    preferences.annotator = "ada"
    made = build_window(folder, preferences)
    made.resize(1024, 700)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is made)
    yield made
    made.close()
    made.deleteLater()


def is_in_its_own_room(widget: QWidget) -> bool:
    """Tell whether a widget floats, or lies in a place that is kept for changing texts."""
    parent: QWidget | None = widget
    while parent is not None:
        if parent.property("floating") or parent.property("steady"):
            return parent is not widget or bool(parent.property("floating"))
        parent = parent.parentWidget()
    return False


def places(window: MainWindow) -> dict[QWidget, QRect]:
    """Return where every visible widget of the window lies."""
    for _ in range(6):
        QApplication.processEvents()
    return {
        widget: QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
        for widget in window.centralWidget().findChildren(QWidget)
        if widget.isVisible() and not is_in_its_own_room(widget)
    }


def moved(before: dict[QWidget, QRect], after: dict[QWidget, QRect]) -> list[str]:
    """Return what stood elsewhere before; neither what came or went is among it, nor a button that
    grew with its own text.
    """
    return [
        f"{type(widget).__name__} {widget.objectName()}: {before[widget]} to {after[widget]}"
        for widget in before.keys() & after.keys()
        if before[widget] != after[widget]
        and not (
            isinstance(widget, QAbstractButton)
            and before[widget].topLeft() == after[widget].topLeft()
        )
    ]


def suggest(window: MainWindow) -> None:
    line = window.label_page.suggestion_line
    line.set_marks(window.workspace.label.state.catalogue.marks)
    line.show_suggestion(1, 0.93)
    line.show_state(LONG)


def find(window: MainWindow) -> None:
    panel = window.label_page.find_panel
    panel.set_preview(LONG)
    panel.set_result(LONG, stayed=True, unsure=True)


def warn(window: MainWindow) -> None:
    window.train_page.set_data(LONG, (LONG, LONG), "")
    window.train_page.set_data(LONG, (), LONG)


def head(window: MainWindow) -> None:
    window.train_page.set_headline(TrainingHeadline(LONG, LONG))


def as_trained(window: MainWindow) -> None:
    column = window.review_page.column
    column.set_headline(RunHeadline("87.0 %", LONG, LONG, LONG), (LONG,), LONG)


def of_a_crop(window: MainWindow) -> None:
    window.review_page.detail.set_texts("crop", LONG, LONG, LONG, LONG)


def of_an_issue(window: MainWindow) -> None:
    window.review_page.label_issues.set_texts("3", LONG, LONG, answerable=True, change="Gas")


def cross_validated(window: MainWindow) -> None:
    window.review_page.numbers.numbers_note.setText(LONG)
    window.review_page.numbers.beside_note.setText(LONG)


def applied(window: MainWindow) -> None:
    page = window.apply_page
    page.set_confidence(LONG)
    page.set_waiting(3)
    page.set_working(True, LONG, 1, 3)
    page.set_working(False, LONG)


def notes_of(window: MainWindow) -> Banner:
    """Return the bar of notes."""
    return window.findChild(Banner, "note_bar")


def note(_window: MainWindow) -> None:
    messages().note(LONG)


SAID: dict[str, tuple[str, Callable[[MainWindow], None]]] = {
    "a note": ("label", note),
    "a suggestion": ("label", suggest),
    "what was found": ("label/Find pores", find),
    "warnings of the data": ("train", warn),
    "the headline of a run": ("train", head),
    "as trained": ("review", as_trained),
    "of a crop": ("review", of_a_crop),
    "a label issue": ("review/Label errors", of_an_issue),
    "a cross-validation": ("review/Numbers", cross_validated),
    "applying": ("apply", applied),
}


def show(window: MainWindow, where: str) -> None:
    """Show a page with all its widgets, whatever its project has for them."""
    name, _, panel = where.partition("/")
    window.show_page(getattr(window, f"{name}_page"))
    window.background.wait()
    if name == "label":
        window.label_page.side.show_panel(panel or "Label")
    elif name == "review":
        window.review_page.show_empty(False)
        window.review_page.show_sentence("")
        window.review_page.show_panel(panel or "Crops")
        window.review_page.detail.set_shown(True, surroundings=True)
    elif name == "apply":
        window.apply_page.show_empty(False)


def test_nothing_on_any_page_moves_when_a_text_comes(window: MainWindow) -> None:
    found = {}
    for what, (where, say) in SAID.items():
        show(window, where)
        before = places(window)
        say(window)
        assert len(before) > 20
        found[what] = moved(before, places(window))
    assert {what: one for what, one in found.items() if one} == {}


def test_the_question_for_a_name_floats_and_goes_without_moving_the_page(
    window: MainWindow,
) -> None:
    before = places(window)
    window.own_name.bar.ask("login")
    assert window.own_name.bar.isVisible()
    assert moved(before, places(window)) == []
    QTest.mouseClick(window.own_name.bar, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is window.own_name.bar.findChild(QLineEdit)


def test_what_is_typed_after_a_click_on_a_note_labels_nothing(
    window: MainWindow, folder: Path
) -> None:
    window.label_page.crop_grid.setFocus()
    messages().note("Something was done.")
    QApplication.processEvents()
    QTest.mouseClick(notes_of(window), Qt.MouseButton.LeftButton, pos=QPoint(6, 6))
    with Project.open(folder, read_only=True) as project:
        before = project.labels()
    for key in "12mou":
        QTest.keyClick(QApplication.focusWidget(), key)
    assert window.session.project.labels() == before
    assert window.stack.currentWidget() is window.label_page
    assert window.label_page.image_canvas.tool is None
    notes_of(window)._time_out()
    assert notes_of(
        window
    ).isVisible()  # what has the keys does not give them to the page by itself
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not notes_of(window).isVisible()
    QTest.keyClick(QApplication.focusWidget(), "u")
    assert window.session.project.labels() != before
    window.session.undo()


def test_a_note_may_lead_somewhere_by_a_button_that_goes_with_it(window: MainWindow) -> None:
    followed: list[str] = []
    messages().note_with_link("Run 3 has finished.", "Open run 3", lambda: followed.append("3"))
    link = notes_of(window).findChild(QToolButton, "note_bar_link")
    assert link.isVisible()
    QTest.mouseClick(link, Qt.MouseButton.LeftButton)
    assert followed == ["3"]
    assert not notes_of(window).isVisible()
    messages().note("Something else.")
    assert not link.isVisible()

"""Hold the window against damaged runs: a project opens, labels are reached, a damaged run says
what is wrong.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from complete_run import DAMAGES, FILES, HEALTHY, OTHER, make_project, run_of
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from poregui.gui.apply.apply_presenter import ApplyPresenter
from poregui.gui.base.messages import messages
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.review.review_page import COMPARE, CROPS, CURVES, LABEL_ISSUES, NUMBERS
from poregui.gui.review.review_presenter import ReviewPresenter
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.train.train_presenter import TrainPresenter
from poregui.store.project import Project

WHOLE_RUN = ("recipe.json", "dataset.json", "predictions.csv", "metrics.json", "results.json")
"""Files without which a run has nothing to show in Review."""
UNNOTICED = {
    ("folds.json", "missing"),
    ("results.json", "missing"),
    *(("trainer.log", name) for name in DAMAGES),
}
CUT_EVENTS = ("events.jsonl", "cut in half")
"""Such a run looks like one that was interrupted just before it could say that it is complete."""
CASES = [
    pytest.param(
        file,
        list(DAMAGES)[(index + shift) % len(DAMAGES)],
        marks=[pytest.mark.soak] if shift else [],
    )
    for shift in (0, 4)
    for index, file in enumerate(FILES)
]
"""Each file damaged in one way, and in another where there is time; the store tries all."""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete") / "pores"
    make_project(folder)
    return folder


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    shutil.copytree(pattern, tmp_path / "pores")
    return tmp_path / "pores"


def label_a_crop(qtbot: QtBot, window: MainWindow) -> None:
    """Hold that the Label page works in full: a key labels, Z takes it back."""
    page, project = window.label_page, window.session.project
    window.show_page(page)
    crop_id = page.crop_grid.current_id() or page.crop_grid.ids()[0]
    page.crop_grid.choose(crop_id)
    before = project.crop(crop_id).label
    qtbot.keyClick(page.crop_grid, Qt.Key.Key_U)
    assert project.crop(crop_id).label == -2
    window.workspace.label.undo()
    assert project.crop(crop_id).label == before


def visit_train(window: MainWindow) -> str:
    """Choose the damaged run on the Train page and return what is said of it."""
    page = window.train_page
    window.show_page(page)
    window.background.wait()
    place = page.run_table.runs.index_of(OTHER)
    page.run_table.setCurrentIndex(page.run_table.runs.index(place, 0))
    window.background.wait()
    return page.headline.text()


def visit_review(window: MainWindow) -> str:
    """Choose the damaged run on the Review page, look at all panels, and return its sentence, empty
    where it opens.
    """
    page = window.review_page
    window.show_run(OTHER)
    window.background.wait()
    for title in (NUMBERS, CURVES, LABEL_ISSUES, COMPARE, CROPS):
        page.show_panel(title)
        window.background.wait()
    return page.sentence.text()


def visit_apply(window: MainWindow) -> str:
    """Choose the damaged run on the Apply page and return what stands below the numbers."""
    page = window.apply_page
    window.show_page(page)
    page.run_picker.choose(OTHER)
    page.run_chosen.emit(OTHER)
    window.background.wait()
    return page.result_note.text()


@pytest.mark.parametrize(("file", "how"), CASES)
def test_a_project_with_a_damaged_run_opens_and_all_pages_say_what_is_wrong(
    window: MainWindow, qtbot: QtBot, folder: Path, file: str, how: str
) -> None:
    DAMAGES[how](run_of(folder).path / file)
    window.open_project(folder)
    window.background.wait()
    label_a_crop(qtbot, window)
    said = visit_train(window), visit_review(window), visit_apply(window)
    if (file, how) == CUT_EVENTS:
        assert said[0] == "Run 2 was interrupted after 1 epoch."
    elif (file, how) not in UNNOTICED:
        marked = f"Run 002 cannot be read: {file}"
        assert said[0].startswith(marked)
        assert said[2].startswith(marked)
        assert said[1].startswith(marked) or file not in WHOLE_RUN
        entries = {entry.number: entry for entry in window.workspace.review._runs.entries}
        assert entries[OTHER].problem.startswith(marked)
        assert entries[HEALTHY].problem == ""
    window.show_run(HEALTHY)
    window.background.wait()
    assert window.review_page.sentence.text() == ""
    assert window.review_page.column.headline.accessibleName()


def test_the_newest_complete_run_is_shown_where_a_newer_one_is_damaged(
    window: MainWindow, folder: Path
) -> None:
    DAMAGES["null"](run_of(folder).predictions_file)
    notes: list[str] = []

    def hear(text: str, _kind: str) -> None:
        notes.append(text)

    messages().noted.connect(hear)
    window.open_project(folder)
    window.background.wait()
    messages().noted.disconnect(hear)
    assert notes == [
        "Run 002 cannot be read: predictions.csv is not as the run left it. Run 1 is used instead."
    ]
    for page in (window.review_page, window.apply_page):
        window.show_page(page)
        window.background.wait()
        assert page.run_picker.number == HEALTHY


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
@pytest.mark.parametrize(
    "presenter", [LabelPresenter, TrainPresenter, ReviewPresenter, ApplyPresenter]
)
def test_a_project_that_cannot_be_shown_leaves_the_start_page_whole(
    window: MainWindow, folder: Path, presenter: type, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: shown.append(str(error)))

    attach = presenter.attach

    def break_down(self: object) -> None:
        if late:
            attach(self)
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(presenter, "attach", break_down)
        window.open_project(folder)
    assert shown == ["a fault of ours"]
    assert window.workspace is None
    assert window.stack.currentWidget() is window.start_page
    assert "pores" in window.start_page.problem
    window.open_project(folder)
    assert window.workspace is not None
    assert not window.session.project.read_only
    assert window.stack.currentWidget() is window.label_page
    with Project.open(folder, read_only=True) as project:
        assert len(project.runs()) == 2

"""Hold what suggestions do on the label page: drawn apart from labels, accepted by a key only, and
never in the way.
"""

from __future__ import annotations

import sys
import zipfile
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import add_crops, add_specimens
from label_desk import Desk, add_ready_made
from PySide6.QtCore import Qt

from poregui.domain.records import Crop
from poregui.gui.dialogs.merge_dialog import MergeDialog
from poregui.gui.label.progress import pace_text
from poregui.gui.services.page_services import Services
from poregui.gui.services.suggester import SuggestProcess
from poregui.gui.shell.sharing_flow import SharingFlow
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import accept_suggestions, label_crops
from poregui.workflow.suggesting.suggestions import Suggestions

SHIFT = Qt.KeyboardModifier.ShiftModifier


def choose_order(desk: Desk, order: str) -> None:
    box = desk.page.order_box
    box.setCurrentIndex(box.findData(order))
    box.activated.emit(box.currentIndex())


def test_a_suggestion_is_shown_and_is_no_label(desk):
    assert desk.page.suggestion_line.text.text() == "Gas 90 %"
    assert "Learnt from 12 labels" in desk.page.suggestion_line.state.text()
    assert desk.labels() == [None] * 6


def test_a_accepts_the_suggestion_goes_on_and_the_log_says_how(desk):
    desk.key("a")
    assert desk.labels() == [1, None, None, None, None, None]
    assert desk.project.label_log(1)[-1].how == "accepted"
    assert desk.project.label_log(1)[-1].who == "ada"
    assert desk.presenter.current == 2


def test_shift_a_accepts_all_in_sight_as_one_step(desk):
    desk.key("a", SHIFT)
    assert desk.labels() == [1, 1, 2, 2, 3, 3]
    desk.key("z")
    assert desk.labels() == [None] * 6


def test_shift_a_leaves_what_is_unsure_and_all_of_suggestions_no_better_than_chance(desk):
    suggesting = desk.presenter._suggesting
    found = suggesting._found
    unsure = found.probabilities.copy()
    unsure[4:] = [0.3, 0.3, 0.4]
    suggesting._take(replace(found, probabilities=unsure, accuracy=0.5))
    desk.key("a", SHIFT)
    assert desk.labels() == [None] * 6
    assert "better than chance" in desk.notes[-1]
    suggesting._take(replace(found, probabilities=unsure))
    desk.key("a", SHIFT)
    assert desk.labels() == [1, 1, 2, 2, None, None]
    assert "2 below 80 % are left" in desk.notes[-1]
    desk.key("a", SHIFT)
    assert "reaches 80 %" in desk.notes[-1]


def test_accepting_leaves_what_a_person_has_labelled(desk):
    desk.key("3")
    desk.key("a", SHIFT)
    assert desk.labels() == [3, 1, 2, 2, 3, 3]


def test_the_page_that_is_accepted_is_what_is_in_sight(desk):
    grid = desk.page.crop_grid
    grid.set_cell(192)
    desk.page.resize(760, 480)
    seen = grid.visible_ids()
    desk.key("a", SHIFT)
    assert [label is not None for label in desk.labels()] == [i in seen for i in range(1, 7)]


def test_a_without_a_suggestion_says_so(project, open_desk):
    add_ready_made(project, 2)
    desk = open_desk(project)
    desk.key("a")
    assert desk.labels() == [None, None]
    assert "No suggestion for" in desk.notes[-1]


def test_a_labelled_crop_shows_no_suggestion(desk):
    desk.key("1")
    desk.key(Qt.Key.Key_Left)
    assert desk.page.suggestion_line.accept_button.isHidden()


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("undecided", [6, 5, 4, 3, 2, 1]),
        ("teaches", [6, 5, 4, 3, 2, 1]),
        ("suggested", [1, 2, 3, 4, 5, 6]),
        ("came", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_the_grid_takes_the_chosen_order(desk, order, ids):
    choose_order(desk, order)
    assert desk.page.crop_grid.ids() == ids


def test_suggested_classes_stand_above_the_grid_lead_to_their_crops_and_count_what_is_left(
    desk, qtbot
):
    strip = desk.page.section_strip
    assert strip.isHidden()
    choose_order(desk, "suggested")
    qtbot.waitUntil(lambda: not strip.isHidden())
    names = [desk.presenter.state.catalogue.marks.name(label) for label in (1, 2, 3)]
    assert [(s.name, s.first, s.left) for s in strip.sections()] == [
        (n, 2 * k, 2) for k, n in enumerate(names)
    ]
    strip.setCurrentIndex(2)
    assert desk.page.crop_grid.current_id() == 5
    qtbot.keyClick(desk.page.crop_grid, "1")
    qtbot.waitUntil(lambda: strip.sections()[2].left == 1)
    strip.tabBarClicked.emit(2)
    assert desk.page.crop_grid.current_id() == 6
    strip.setCurrentIndex(0)
    qtbot.keyClick(desk.page.crop_grid, "1")
    qtbot.keyClick(desk.page.crop_grid, "1")
    qtbot.waitUntil(lambda: strip.sections()[0].left == 0)
    strip.tabBarClicked.emit(0)
    assert desk.page.crop_grid.current_id() == 1, (
        "nothing is left there, so its first crop is shown"
    )
    choose_order(desk, "suggested")
    qtbot.waitUntil(lambda: [s.name for s in strip.sections()] == [*names[1:], "Labelled"])
    choose_order(desk, "size")
    qtbot.waitUntil(strip.isHidden)


def test_the_tab_of_the_suggested_class_in_sight_is_marked(project, open_desk, qtbot):
    add_ready_made(project, 200)
    desk = open_desk(project)
    probabilities = np.full((200, 2), 0.2, np.float32)
    probabilities[np.arange(200), np.arange(200) % 2] = 0.8
    desk.presenter._suggesting._take(
        Suggestions(np.arange(1, 201), (1, 2), probabilities, np.arange(1, 201), 12, 0.9)
    )
    choose_order(desk, "suggested")
    strip, bar = desk.page.section_strip, desk.page.crop_grid.verticalScrollBar()
    qtbot.waitUntil(lambda: strip.count() == 2)
    assert strip.currentIndex() == 0
    bar.setValue(bar.maximum())
    assert strip.currentIndex() == 1
    bar.setValue(0)
    assert strip.currentIndex() == 0
    desk.page.crop_grid.choose(200)
    assert strip.currentIndex() == 1


def test_the_order_stays_while_labels_are_given_and_the_next_crop_is_the_next_in_it(desk):
    choose_order(desk, "undecided")
    desk.key("1")
    assert desk.page.crop_grid.ids() == [6, 5, 4, 3, 2, 1]
    assert desk.presenter.current == 5


def test_sizes_specimens_and_times_order_the_grid(project, open_desk):
    crops = []
    for number, side in enumerate((20, 60, 40), 1):
        key = project.pixels.add(CropPixels(np.full((side, side), number, np.uint8), 0, 255))
        crops.append(Crop(number, key, side, side))
    with project.transaction():
        AddCrops(tuple(crops), who="ada").do(project)
    desk = open_desk(project)
    choose_order(desk, "size")
    assert desk.page.crop_grid.ids() == [2, 3, 1]
    desk.presenter.choose(3)
    desk.key("1")
    choose_order(desk, "time")
    assert desk.page.crop_grid.ids()[0] == 3


def test_accepting_twice_or_too_late_changes_nothing(project):
    add_ready_made(project, 2)
    with project.transaction():
        accept_suggestions(project, {1: 2}, who="ada").do(project)
    again = accept_suggestions(project, {1: 3, 2: 3, 99: 1}, who="ada")
    assert [(c.crop_id, c.after) for c in again.changes] == [(2, 3)]
    project.close()


def test_labels_reach_the_process_and_its_suggestions_reach_the_page(project, open_desk, qtbot):
    add_ready_made(project, 30)
    desk = open_desk(project)
    for number in range(11):
        desk.key("12"[number % 2])
    qtbot.waitUntil(lambda: desk.page.suggestion_line.text.text() != "", timeout=60_000)
    assert desk.labels()[11:] == [None] * 19
    assert desk.page.suggestion_line.accept_button.isVisible()


def test_a_process_that_breaks_is_told_once_and_labelling_goes_on(
    project, open_desk, qtbot, monkeypatch
):
    broken = (sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit('No memory.')")
    started = []

    def start(folder: Path) -> SuggestProcess:
        started.append(folder)
        return SuggestProcess(folder, broken)

    monkeypatch.setattr("poregui.gui.label.label_suggestions.SuggestProcess", start)
    add_ready_made(project, 14)
    desk = open_desk(project)
    for _ in range(10):
        desk.key("1")
    qtbot.waitUntil(
        lambda: any("Suggestions have stopped" in note for note in desk.notes), timeout=20_000
    )
    desk.key("2")
    assert desk.labels()[10] == 2
    assert sum("stopped" in note for note in desk.notes) == 1
    assert len(started) == 1


class Here:
    """Stand for background work that is done at once."""

    def run(self, _title, task, done, failed=None):
        class Control:
            def progress(self, *_: object) -> None:
                """Hear how far it is."""

        done(task(Control()))


def test_a_project_is_packed_and_the_labels_of_its_copy_come_back(
    project, open_desk, tmp_path, monkeypatch
):
    add_ready_made(project, 4)
    desk = open_desk(project)
    flow = SharingFlow(
        desk.page,
        desk.session,
        Services(Here(), desk.services.thumbnails, None, desk.services.trainer),
    )
    flow.pack(tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as packed:
        packed.extractall(tmp_path / "there")
    with Project.open(tmp_path / "there" / "pores") as copy:
        History(copy).apply(label_crops(copy, [1, 2], 3, who="bo"))
    desk.key("1")
    monkeypatch.setattr(MergeDialog, "exec", lambda dialog: MergeDialog.DialogCode.Accepted)
    flow.merge(tmp_path / "there" / "pores")
    assert desk.labels() == [1, 3, None, None]
    desk.key("z")
    assert desk.labels() == [1, None, None, None]


def test_the_grid_is_put_in_the_order_of_likeness_to_the_chosen_crop(project, open_desk, qtbot):
    add_ready_made(project, 12)
    desk = open_desk(project)
    desk.presenter.choose(7)
    choose_order(desk, "alike")
    qtbot.waitUntil(lambda: desk.page.crop_grid.ids()[0] == 7, timeout=60_000)
    assert sorted(desk.page.crop_grid.ids()) == list(range(1, 13))


@pytest.mark.parametrize(
    ("given", "left", "text"),
    [
        ([], 12, "12 labels to go."),
        (
            [(0, 1), (2, 1), (4, 1)],
            60,
            "30 labels/min; 60 to go, about 2 minutes.",
        ),
        (
            [(0, 1), (2, 1), (4, 1)],
            3600,
            "30 labels/min; 3,600 to go, about 2.0 hours.",
        ),
        ([(0, 1), (2, 1)], 0, "Every class has reached its target."),
    ],
)
def test_the_pace_says_how_long_it_takes_to_the_target(given, left, text):
    assert pace_text(deque(given), left, 10.0) == text


def test_a_pause_does_not_slow_the_pace_for_good():
    assert pace_text(deque([(0, 1), (500, 1), (502, 1), (504, 1)]), 30, 505.0).startswith(
        "30 labels/min"
    )


def test_the_target_is_kept_with_the_project_and_can_be_undone(desk, qtbot):
    desk.page.side.show_panel("Progress")
    desk.page.progress_panel.target.setValue(50)
    assert desk.project.meta("label_target") == "50"
    qtbot.waitUntil(lambda: "150 labels to go" in desk.page.progress_panel.pace.text())


def test_the_thinnest_specimen_is_named_and_one_click_away(project, open_desk, qtbot):
    first, second = add_specimens(project, "S01", "S02")
    add_crops(project, [1, 2, 3, None], specimen_id=first.id)
    add_crops(project, [1, 1, None, None], specimen_id=second.id)
    desk = open_desk(project)
    desk.page.side.show_panel("Progress")
    panel = desk.page.progress_panel
    qtbot.waitUntil(lambda: "S02" in panel.nudge.text())
    assert panel.nudge.text() == "Fewest labels: Keyhole in S02 (0); 2 unlabelled"
    panel.nudge_button.click()
    assert desk.page.crop_grid.ids() == [7, 8]

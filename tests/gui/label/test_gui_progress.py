"""Hold what the Progress tab says of more labels."""

from __future__ import annotations

import numpy as np
from builders import add_crops, add_specimens
from PySide6.QtCore import Qt

from poregui.workflow.suggesting.suggestions import Suggestions


def test_the_progress_tab_says_for_each_class_what_more_labels_would_add(desk, qtbot):
    desk.page.side.show_panel("Progress")
    more = desk.page.progress_panel.more
    qtbot.waitUntil(lambda: "40 labels" in more.text())
    gains = [
        {"label": 3, "more": 60, "gain": 0.015, "interval": [0.002, 0.031]},
        {"label": 1, "more": 20, "gain": -0.001, "interval": [-0.01, 0.008]},
    ]
    desk.presenter._suggesting._draw_curve({"gains": gains})
    qtbot.waitUntil(lambda: "60 more" in more.text())
    assert more.text().splitlines() == [
        "60 more Lack of Fusion: +1.5 points (95 % CI +0.2 to +3.1)",
        "20 more Gas: −0.1 points (95 % CI −1.0 to +0.8)",
    ]


def test_the_estimates_say_where_the_mouse_rests_that_their_intervals_are_too_narrow(desk, qtbot):
    line, suggesting = desk.page.suggestion_line.state, desk.presenter._suggesting
    qtbot.waitUntil(lambda: suggesting._found is not None, timeout=60_000)
    suggesting._draw_curve({"gains": []})
    assert line.toolTip() == ""
    suggesting._draw_curve(
        {"gains": [{"label": 3, "more": 60, "gain": 0.015, "interval": [0.002, 0.031]}]}
    )
    assert "84 of 100" in line.toolTip()
    assert "84 of 100" in desk.page.progress_panel.more.toolTip()


def test_class_bars_and_the_progress_tab_share_one_target_also_after_undo(desk):
    button = desk.page.class_bar.buttons[1]
    assert "target 200" in button.toolTip()
    desk.page.progress_panel.target.setValue(50)
    assert "target 50" in button.toolTip()
    desk.presenter.undo()
    assert "target 200" in button.toolTip()
    assert desk.page.progress_panel.target.value() == 200


def test_the_nudge_queues_the_likeliest_crops_of_the_thin_class_in_its_specimen(
    project, open_desk, qtbot
):
    first, second = add_specimens(project, "S01", "S02")
    add_crops(project, [1, 2, 3, None], specimen_id=first.id)
    add_crops(project, [1, 1, None, None], specimen_id=second.id)
    desk = open_desk(project)
    chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], np.float32)
    desk.presenter.state.ordering.suggestions = Suggestions(np.array([4, 7, 8]), (1, 2), chances)
    desk.page.side.show_panel("Progress")
    panel = desk.page.progress_panel
    qtbot.waitUntil(lambda: "Keyhole in S02" in panel.nudge.text())
    panel.nudge_button.click()
    assert desk.page.crop_grid.ids() == [8, 7]
    assert desk.presenter.current == 8
    assert desk.page.order_box.placeholderText() == "Likely Keyhole"


def test_accepting_the_page_takes_what_is_in_sight_as_one_step_and_says_how_many_of_each(
    project, open_desk
):
    add_crops(project, [None] * 300)
    desk = open_desk(project)
    chances = np.tile(np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]], np.float32), (100, 1))
    desk.presenter._suggesting._found = Suggestions(
        np.arange(1, 301), (1, 2), chances, accuracy=0.9, checked=100, chance=0.5
    )
    seen = desk.page.crop_grid.visible_ids()
    assert 3 < len(seen) < 300
    desk.key("A", Qt.KeyboardModifier.ShiftModifier)
    labelled = [crop.id for crop in project.crops() if crop.label is not None]
    assert labelled == seen
    second = sum(crop.label == 2 for crop in project.crops())
    text = (
        f"Accepted {len(seen)} suggestions: {len(seen) - second} Gas, {second} Keyhole. Undo "
        "removes them."
    )
    assert text in desk.notes
    desk.presenter.undo()
    assert set(desk.labels()) == {None}

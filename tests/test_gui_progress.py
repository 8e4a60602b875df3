"""Hold what the Progress tab says of more labels."""

from __future__ import annotations

from test_gui_suggest import desk, open_desk, project  # noqa: F401 - fixtures


def test_the_progress_tab_says_for_each_class_what_more_labels_would_add(desk, qtbot):  # noqa: F811
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
        "60 more Lack of Fusion: +1.5 points (95 %: +0.2 to +3.1)",
        "20 more Gas: -0.1 points (95 %: -1.0 to +0.8)",
    ]


def test_the_estimates_say_where_the_mouse_rests_that_their_intervals_are_too_narrow(desk, qtbot):  # noqa: F811
    line, suggesting = desk.page.suggestion_line.state, desk.presenter._suggesting
    qtbot.waitUntil(lambda: suggesting._found is not None, timeout=60_000)
    suggesting._draw_curve({"gains": []})
    assert line.toolTip() == ""
    suggesting._draw_curve({"gains": [{"label": 3, "more": 60, "gain": 0.015, "interval": [0.002, 0.031]}]})
    assert "84 of 100" in line.toolTip()
    assert "84 of 100" in desk.page.progress_panel.more.toolTip()

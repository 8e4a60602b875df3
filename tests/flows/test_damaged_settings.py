"""Hold that a project whose detection settings are damaged opens, says so and can be mended."""

from __future__ import annotations

from pathlib import Path

from builders import labelled_project
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from poregui.domain.detection import DetectionRecipe
from poregui.gui.app import build_window
from poregui.workflow.detecting.find_pores import RECIPE_KEY


def test_label_says_that_detection_settings_are_damaged_and_shows_the_usual_ones(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with labelled_project(tmp_path / "p", specimens=2, per_class=2) as project:
        project.put_meta(RECIPE_KEY, "{")
    window = build_window(tmp_path / "p")
    qtbot.addWidget(window)
    panel = window.label_page.find_panel
    texts = [label.text() for label in panel.findChildren(QLabel)]
    assert any("detection settings of this project are damaged" in text for text in texts)
    assert panel.form.recipe() == DetectionRecipe()

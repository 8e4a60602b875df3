"""Hold that forms write choices as people do and give back what files say."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from poregui.domain.detection import DetectionRecipe
from poregui.gui.widgets.detection_form import DetectionForm
from poregui.gui.widgets.recipe_form import RecipeForm


def texts(form: QWidget, name: str) -> list[str]:
    box = form.findChild(QComboBox, name)
    return [box.itemText(index) for index in range(box.count())]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("detection_method", ["Otsu", "Manual", "Local", "Noise"]),
        ("detection_edge", ["Include", "Exclude"]),
        ("detection_size_unit", ["µm", "px"]),
    ],
)
def test_choices_of_detection_are_words_that_people_read(
    qtbot: QtBot, name: str, shown: list[str]
) -> None:
    form = DetectionForm()
    qtbot.addWidget(form)
    assert sorted(texts(form, name)) == sorted(shown)


def test_a_choice_gives_the_value_that_files_know(qtbot: QtBot) -> None:
    form = DetectionForm()
    qtbot.addWidget(form)
    received: list[DetectionRecipe] = []
    form.changed.connect(received.append)
    form.findChild(QComboBox, "detection_method").setCurrentText("Manual")
    form.findChild(QComboBox, "detection_edge").setCurrentText("Exclude")
    form.findChild(QComboBox, "detection_size_unit").setCurrentText("µm")
    assert (received[-1].method, received[-1].edge, received[-1].size_unit) == (
        "manual",
        "drop",
        "um",
    )
    again = DetectionForm()
    qtbot.addWidget(again)
    again.set_recipe(received[-1])
    assert again.findChild(QComboBox, "detection_edge").currentText() == "Exclude"
    assert again.recipe() == received[-1]


def test_the_preset_of_a_recipe_is_written_with_a_capital_letter(qtbot: QtBot) -> None:
    form = RecipeForm()
    qtbot.addWidget(form)
    assert "Pretrained" in texts(form, "recipe_preset")
    form.findChild(QComboBox, "recipe_preset").setCurrentText("Pretrained")
    assert form.recipe().preset == "pretrained"

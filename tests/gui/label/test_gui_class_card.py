"""Hold that the class card is one key away, says honestly what it shows, and keeps what a person
writes there.
"""

from __future__ import annotations

from label_desk import GAS, KEYHOLE, add_ready_made
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from poregui.gui.widgets.class_card import ClassCard
from poregui.workflow.editing.label_edits import set_reference_crops


def card_of(desk) -> ClassCard:
    return desk.page.findChild(ClassCard)


def text(desk) -> list[str]:
    return [label.text() for label in card_of(desk).findChildren(QLabel, "class_card_words")]


def test_the_key_opens_the_card_and_closes_it_and_labelling_goes_on(on_crops):
    card = card_of(on_crops)
    assert not card.isVisible()
    on_crops.key("c")
    assert card.isVisible()
    on_crops.key("1")
    assert on_crops.labels().count(GAS) == 1
    on_crops.key("c")
    assert not card.isVisible()


def test_escape_closes_the_card(on_crops, qtbot):
    on_crops.key("c")
    on_crops.page.activateWindow()
    on_crops.page.crop_grid.setFocus()
    on_crops.key(Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not card_of(on_crops).isVisible())


def test_the_card_tells_chosen_reference_crops_from_those_that_are_only_labelled(on_crops):
    ids = [crop.id for crop in on_crops.project.crops()]
    on_crops.key("1")
    on_crops.session.apply(set_reference_crops(on_crops.project, KEYHOLE, ids[2:4]))
    on_crops.key("c")
    gas, keyhole, lack = text(on_crops)
    assert gas == "No reference images set; showing first labels"
    assert keyhole == "Reference images"
    assert lack == "No crops have this label yet."


def test_a_definition_written_in_the_card_is_kept_as_one_step_and_can_be_undone(on_crops):
    before = on_crops.project.classes()[0].definition
    on_crops.key("c")
    field = card_of(on_crops).definition_of(GAS)
    field.setPlainText("Round.")
    field.setFocus()
    QTest.keyClicks(field, "1")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not card_of(on_crops).isVisible()
    assert on_crops.project.classes()[0].definition == "1Round."
    assert set(on_crops.labels()) == {None}
    on_crops.presenter.undo()
    assert on_crops.project.classes()[0].definition == before
    on_crops.key("c")
    assert card_of(on_crops).definition_of(GAS).toPlainText() == before


def test_a_project_for_reading_only_shows_definitions_that_cannot_be_changed(project, open_desk):
    add_ready_made(project, 2)
    project.close()
    desk = open_desk(type(project).open(project.folder, read_only=True))
    desk.key("c")
    assert card_of(desk).definition_of(GAS).isReadOnly()

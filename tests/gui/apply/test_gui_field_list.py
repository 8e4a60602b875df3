"""Hold how micrographs to apply a network to are chosen: few clicks, several at once, what is done
is marked.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from apply_desk import add_run, page_of
from builders import labelled_project
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QStyle, QStyleOptionViewItem, QWidget
from pytestqt.qtbot import QtBot
from size_model import draw_discs

from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.apply.field_list import FieldList, FieldPanel, FieldRow
from poregui.gui.shell.main_window import MainWindow


@pytest.fixture
def with_run(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "pores").close()
    return add_run(tmp_path / "pores", tmp_path)


class Clicks:
    """Click with the left button as a person does, and count."""

    def __init__(self) -> None:
        self.count = 0

    def on(
        self,
        widget: QWidget,
        at: QPoint | None = None,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        self.count += 1
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, keys, at or widget.rect().center())

    def on_tick(
        self,
        fields: FieldList,
        row: int,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        self.on(fields.viewport(), tick_of(fields, row), keys)


def tick_of(fields: FieldList, row: int) -> QPoint:
    """Return the middle of the tick of a row, on the viewport."""
    index = fields.model().index(row, 0)
    option = QStyleOptionViewItem()
    fields.initViewItemOption(option)
    option.rect = fields.visualRect(index)
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    part = QStyle.SubElement.SE_ItemViewItemCheckIndicator
    return fields.style().subElementRect(part, option, fields).center()


def rows(done: int = 0) -> list[FieldRow]:
    return [
        FieldRow(f"/f{n}", f"field {n}", "", specimen="AB"[n % 2], done=n < done) for n in range(8)
    ]


@pytest.fixture
def panel(qtbot: QtBot) -> FieldPanel:
    made = FieldPanel()
    qtbot.addWidget(made)
    made.resize(280, 400)
    made.show()
    return made


def shown_menu(parent: QWidget) -> QMenu:
    QApplication.processEvents()
    return next(menu for menu in parent.findChildren(QMenu) if menu.isVisible())


def test_porosity_of_6_of_33_micrographs_takes_at_most_4_clicks(
    window: MainWindow, with_run: Path, tmp_path: Path
) -> None:
    page: ApplyPage = page_of(window, with_run)
    folder = tmp_path / "more"
    folder.mkdir()
    for number in range(31):
        draw_discs(folder / f"more_{number:02}.png", [34.0], seed=number)
    window.workspace.apply.add([folder])
    assert page.fields_count.text() == "33 of 33"
    page.field_list.scrollToItem(page.field_list.item(9))
    clicks = Clicks()
    clicks.on(page.findChild(QWidget, "apply_tick_none"))
    clicks.on_tick(page.field_list, 4)
    clicks.on_tick(page.field_list, 9, Qt.KeyboardModifier.ShiftModifier)
    assert page.fields_count.text() == "6 of 33"
    clicks.on(page.apply_button)
    window.background.wait()
    assert clicks.count <= 4
    assert "6 micrographs processed" in page.state_text.text()
    assert page.result_title.text().startswith("Porosity ")
    assert sum(row.done for row in page.field_list.rows()) == 6
    assert page.field_list.currentRow() == 4
    assert page.image_detail.text() == "1 pore"


def test_micrographs_that_are_done_are_not_ticked_at_first(panel: FieldPanel) -> None:
    panel.list.set_rows(rows())
    panel.list.set_rows(rows(done=3))
    panel.list.propose()
    assert panel.list.wanted() == [f"/f{n}" for n in range(3, 8)]
    panel.list.set_rows(rows(done=8))
    panel.list.propose()
    assert panel.list.wanted() == []
    panel.list.item(2).setCheckState(Qt.CheckState.Checked)
    panel.list.propose()
    assert panel.list.wanted() == ["/f2"]


def test_space_sets_the_ticks_of_all_selected_micrographs(panel: FieldPanel) -> None:
    panel.list.set_rows(rows())
    clicks = Clicks()
    clicks.on(panel.list.viewport(), panel.list.visualItemRect(panel.list.item(1)).center())
    QTest.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(panel.list, Qt.Key.Key_Space)
    assert panel.list.wanted() == ["/f0", "/f4", "/f5", "/f6", "/f7"]
    QTest.keyClick(panel.list, Qt.Key.Key_Space)
    assert len(panel.list.wanted()) == 8


def test_all_none_not_done_and_a_specimen_are_ticked_by_buttons(panel: FieldPanel) -> None:
    panel.list.set_rows(rows(done=3))
    clicks = Clicks()
    clicks.on(panel.findChild(QWidget, "apply_tick_all"))
    assert panel.count.text() == "8 of 8"
    clicks.on(panel.findChild(QWidget, "apply_tick_none"))
    assert panel.count.text() == "0 of 8"
    menu = panel.tick_button.menu()
    menu.aboutToShow.emit()
    actions = {action.text(): action for action in menu.actions()}
    assert list(actions) == ["Not done", "Selected", "", "A", "B"]
    actions["Not done"].trigger()
    assert panel.count.text() == "5 of 8"
    assert not actions["Selected"].isEnabled()
    actions["B"].trigger()
    assert panel.list.wanted() == ["/f1", "/f3", "/f5", "/f7"]


def test_a_right_click_ticks_only_what_is_selected(panel: FieldPanel) -> None:
    panel.list.set_rows(rows(done=2))
    panel.list.item(3).setSelected(True)
    panel.list.item(5).setSelected(True)
    at = panel.list.visualItemRect(panel.list.item(5)).center()
    panel.list.customContextMenuRequested.emit(at)
    menu = shown_menu(panel.list)
    actions = {action.text(): action for action in menu.actions()}
    assert not actions["Show result"].isEnabled()
    actions["Tick only selected"].trigger()
    menu.close()
    assert panel.list.wanted() == ["/f3", "/f5"]


def test_a_double_click_asks_for_the_result(panel: FieldPanel) -> None:
    panel.list.set_rows(rows(done=2))
    opened: list[str] = []
    panel.list.opened.connect(opened.append)
    at = panel.list.visualItemRect(panel.list.item(1)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert opened == ["/f1"]


def test_the_image_of_a_result_has_a_legend_and_its_scale(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    window.apply_page.apply_button.click()
    window.background.wait()
    flow = window.workspace.apply.image
    assert [text for _, text in flow.legend] == ["Gas", "Keyhole"]
    with_legend = page.canvas.grab().toImage()
    flow.set_legend([])
    assert page.canvas.grab().toImage() != with_legend
    page.field_list.setCurrentRow(1)
    page.confidence_slider.setValue(90)
    window.background.wait()
    assert flow.legend[-1][1] == "Unclassified"

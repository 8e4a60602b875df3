"""Hold that rows of a list of crops come and go one by one without the others
losing their places.
"""

from __future__ import annotations

import random

import pytest
from label_desk import add_ready_made
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from poregui.gui.label.catalogue import CropFilter
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import ROW_ROLE, CropListModel, CropRow


def shown(model: CropListModel) -> list[int]:
    """Return the ids that a view sees."""
    return [
        model.data(model.index(index), ROW_ROLE).crop_id
        for index in range(model.rowCount(QModelIndex()))
    ]


def test_places_stay_right_while_crops_are_taken_out_and_put_in(qtbot):
    model = CropListModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    rows = {i: CropRow(i, None) for i in range(1000)}
    model.show(rows.values())
    chance, left = random.Random(0), set(rows)
    for _ in range(900):
        out = chance.choice(sorted(left))
        model.take_out([out])
        left.remove(out)
        if chance.random() < 0.2:
            back = chance.choice(sorted(set(rows) - left))
            model.put_in([rows[back]], lambda crop_id: crop_id)
            left.add(back)
    assert shown(model) == sorted(left)
    assert [model.position(i) for i in sorted(left)] == list(range(len(left)))
    assert model.position(out) == (sorted(left).index(out) if out in left else None)
    del tester


def test_a_row_can_be_chosen_and_not_written_into(qtbot):
    grid = CropGrid()
    qtbot.addWidget(grid)
    grid.set_rows([CropRow(7, None, "Gas")])
    index = grid.rows.index(0)
    assert index.flags() & Qt.ItemFlag.ItemIsSelectable
    assert not index.flags() & (Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDropEnabled)
    assert not grid.edit(index, grid.EditTrigger.AllEditTriggers, None)


@pytest.mark.parametrize("order", ["came", "undecided"])
def test_among_unlabelled_crops_a_label_takes_one_out_and_undo_puts_it_back_in_its_place(
    desk, order
):
    box = desk.page.order_box
    box.setCurrentIndex(box.findData(order))
    box.activated.emit(box.currentIndex())
    desk.page.set_filter(CropFilter(None))
    before = desk.page.crop_grid.ids()
    desk.presenter.choose(before[2])
    desk.key("1")
    assert desk.page.crop_grid.ids() == before[:2] + before[3:]
    assert desk.presenter.current == before[3]
    desk.key("2")
    assert desk.presenter.current == before[4]
    desk.key("z")
    desk.key("z")
    assert desk.page.crop_grid.ids() == before
    assert desk.presenter.current == before[2]
    assert desk.page.crop_grid.selected_ids() == [before[2]]


def test_many_labels_at_once_leave_the_list_of_unlabelled_crops_right(project, open_desk):
    add_ready_made(project, 90)
    desk = open_desk(project)
    desk.page.set_filter(CropFilter(None))
    desk.page.crop_grid.choose(1, also=list(range(1, 61)))
    desk.key("3")
    assert desk.page.crop_grid.ids() == list(range(61, 91))
    desk.key("z")
    assert desk.page.crop_grid.ids() == list(range(1, 91))

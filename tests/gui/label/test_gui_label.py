"""Hold what a person can do on the label page: open, crop, label by keys, undo, filter, and when
files go.
"""

from __future__ import annotations

import numpy as np
import pytest
from label_desk import (
    GAS,
    HEIGHT,
    KEYHOLE,
    LACK,
    LEFT,
    PORES,
    WIDTH,
    Desk,
    add_micrograph,
    add_ready_made,
    drawn,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.geometry import Box
from poregui.domain.records import Crop, Specimen
from poregui.gui.base.messages import messages
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.services.session import Session
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, AddSpecimens


@pytest.fixture
def on_micrograph(project, open_desk, qtbot) -> Desk:
    add_micrograph(project)
    desk = open_desk(project)
    qtbot.waitUntil(lambda: desk.page.image_canvas.view is not None)
    return desk


@pytest.mark.parametrize(("x", "y", "radius"), PORES)
def test_a_click_near_a_pore_puts_a_crop_around_its_middle(on_micrograph, x, y, radius):
    on_micrograph.click(x + radius * 0.6, y - 2)
    (crop,) = on_micrograph.project.crops()
    middle = crop.box.centre
    assert abs(middle[0] - x) <= 2
    assert abs(middle[1] - y) <= 2
    assert 2 * radius < crop.width < 6 * radius
    assert crop.label is None
    assert on_micrograph.presenter.current == crop.id


def test_a_click_where_no_pore_is_puts_a_crop_of_the_size_drawn_last(on_micrograph):
    on_micrograph.drag((20, 200), (80, 260))
    side = on_micrograph.project.crops()[0].size_px
    on_micrograph.click(350, 60)
    second = on_micrograph.project.crops()[1]
    assert (second.width, second.height) == (side, side)
    assert second.box.contains(350, 60)


def test_a_drag_draws_the_crop_that_it_spans_and_keeps_its_pixels(on_micrograph):
    on_micrograph.drag((100, 60), (150, 110))
    (crop,) = on_micrograph.project.crops()
    assert crop.box.overlap(Box(100, 60, 50, 50)) > 0.9
    kept = on_micrograph.project.pixels.get(crop.pixels).array
    box = crop.box
    assert np.array_equal(kept, drawn()[box.y : box.bottom, box.x : box.right])


def test_a_drag_beyond_the_edge_is_cut_at_the_edge(on_micrograph):
    on_micrograph.drag((380, 280), (420, 320))
    (crop,) = on_micrograph.project.crops()
    assert (crop.box.right, crop.box.bottom) == (WIDTH, HEIGHT)


def test_a_crop_too_small_to_show_a_pore_is_refused_with_a_sentence(on_micrograph):
    on_micrograph.page.image_canvas.zoom(8)
    on_micrograph.drag((200, 150), (204, 154))
    assert on_micrograph.project.crops() == []
    assert "too small" in on_micrograph.notes[-1]


def test_the_current_crop_is_moved_and_resized_by_hand_and_keeps_its_label(on_micrograph):
    on_micrograph.drag((30, 160), (90, 220))
    on_micrograph.key("2")
    (before,) = on_micrograph.project.crops()
    on_micrograph.drag((60, 190), (90, 210))
    (moved,) = on_micrograph.project.crops()
    assert (moved.width, moved.height, moved.label) == (before.width, before.height, KEYHOLE)
    assert abs(moved.box.x - before.box.x - 30) <= 1
    on_micrograph.drag(
        (moved.box.right, moved.box.bottom), (moved.box.right + 20, moved.box.bottom + 10)
    )
    (larger,) = on_micrograph.project.crops()
    assert larger.box.x == moved.box.x
    assert abs(larger.width - moved.width - 20) <= 1
    assert larger.pixels != moved.pixels
    on_micrograph.key("z")
    on_micrograph.key("z")
    assert on_micrograph.project.crops() == [before]


def test_a_click_on_a_crop_chooses_it(on_micrograph):
    on_micrograph.drag((30, 160), (90, 220))
    on_micrograph.drag((100, 20), (160, 60))
    first, _second = on_micrograph.project.crops()
    on_micrograph.click(60, 190)
    assert on_micrograph.presenter.current == first.id
    assert len(on_micrograph.project.crops()) == 2


def test_the_wheel_zooms_under_the_pointer_and_space_pans(on_micrograph):
    canvas = on_micrograph.page.image_canvas
    at = on_micrograph.point(120, 80)
    before = canvas.view
    zoomed = before.zoomed(2.0, at.toPointF())
    assert (
        zoomed.to_image(at.toPointF()) - before.to_image(at.toPointF())
    ).manhattanLength() < 1e-6
    canvas.zoom(2)
    centre = canvas.view.centre
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    on_micrograph.drag((200, 150), (180, 140))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.view.centre.x() > centre.x()
    assert on_micrograph.project.crops() == []


def test_each_key_labels_the_crop_that_was_current_and_moves_on(on_crops):
    for key in "13u02":
        on_crops.key(key)
    assert on_crops.labels() == [GAS, LACK, UNSURE, NOT_A_PORE, KEYHOLE]
    assert on_crops.notes == ["All crops in this list are labelled."]
    assert on_crops.presenter.current == 5


def test_labelling_passes_over_crops_that_have_a_label(on_crops):
    on_crops.presenter.choose(2)
    on_crops.key("1")
    on_crops.presenter.choose(1)
    on_crops.key("3")
    assert on_crops.presenter.current == 3


def test_at_the_end_it_stays_and_says_how_many_lie_further_up(on_crops):
    on_crops.presenter.choose(5)
    on_crops.key("1")
    assert on_crops.presenter.current == 5
    assert "4 unlabelled crops further up" in on_crops.notes[-1]


@pytest.mark.parametrize(
    "modifier", [Qt.KeyboardModifier.KeypadModifier, Qt.KeyboardModifier.ShiftModifier]
)
def test_digits_work_on_the_number_pad_and_with_shift(on_crops, modifier):
    on_crops.key(Qt.Key.Key_2, modifier)
    assert on_crops.labels()[0] == KEYHOLE


def test_keys_with_control_are_not_labels(on_crops):
    on_crops.key(Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert on_crops.labels() == [None] * 5


def test_digits_typed_into_a_filter_label_nothing(on_crops, qtbot):
    on_crops.page.label_filter.setFocus()
    qtbot.waitUntil(on_crops.page.label_filter.hasFocus)
    QTest.keyClick(on_crops.page.label_filter, "1")
    assert on_crops.labels() == [None] * 5


def test_undo_and_redo_take_labels_back_and_go_to_their_crop(on_crops):
    on_crops.key("1")
    on_crops.key("2")
    on_crops.key("z")
    assert on_crops.labels()[:2] == [GAS, None]
    assert on_crops.presenter.current == 2
    on_crops.key("y")
    assert on_crops.labels()[:2] == [GAS, KEYHOLE]


def test_backspace_takes_the_label_away_and_stays(on_crops):
    on_crops.key("1")
    on_crops.key(Qt.Key.Key_Left)
    on_crops.key(Qt.Key.Key_Backspace)
    assert on_crops.labels()[0] is None
    assert on_crops.presenter.current == 1


def test_one_key_labels_the_whole_selection_in_one_step(on_crops):
    on_crops.page.crop_grid.choose(2, also=(3, 4))
    on_crops.key("3")
    assert on_crops.labels() == [None, LACK, LACK, LACK, None]
    assert on_crops.presenter.current == 5
    on_crops.key("z")
    assert on_crops.labels() == [None] * 5


def test_delete_removes_the_crop_goes_to_its_neighbour_and_can_be_undone(on_crops):
    on_crops.presenter.choose(3)
    on_crops.key(Qt.Key.Key_Delete)
    assert [crop.id for crop in on_crops.project.crops()] == [1, 2, 4, 5]
    assert on_crops.presenter.current == 4
    on_crops.key("z")
    assert on_crops.page.crop_grid.ids() == [1, 2, 3, 4, 5]
    assert on_crops.presenter.current == 3


def test_a_key_without_a_class_says_so(on_crops):
    on_crops.key("7")
    assert on_crops.notes == ["There is no class with the key 7."]


def test_a_click_on_a_class_labels_the_current_crop(on_crops):
    QTest.mouseClick(on_crops.page.class_bar.buttons[KEYHOLE], LEFT)
    assert on_crops.labels()[0] == KEYHOLE
    assert "1 crop" in on_crops.page.class_bar.buttons[KEYHOLE].accessibleName()


def test_with_the_filter_for_unlabelled_crops_each_label_takes_one_off_the_list(on_crops):
    on_crops.page.set_filter(CropFilter(label=None))
    on_crops.key("1")
    assert on_crops.page.crop_grid.ids() == [2, 3, 4, 5]
    assert on_crops.presenter.current == 2
    assert on_crops.page.grid_count.text() == "4 of 5 crops"
    on_crops.page.all_crops_button.click()
    assert on_crops.page.crop_grid.ids() == [1, 2, 3, 4, 5]


def test_the_grid_shows_the_crops_of_one_specimen_or_micrograph(project, open_desk, qtbot):
    with project.transaction():
        AddSpecimens((Specimen(1, "cube A"),)).do(project)
    add_micrograph(project, specimen_id=1)
    add_ready_made(project, 2)
    desk = open_desk(project)
    desk.page.micrograph_list.chosen.emit(1)
    qtbot.waitUntil(lambda: desk.page.image_canvas.view is not None)
    desk.click(120, 80)
    desk.page.set_filter(CropFilter(specimen_id=1))
    assert desk.page.crop_grid.ids() == [3]
    desk.page.set_filter(CropFilter(micrograph_id=0))
    assert desk.page.crop_grid.ids() == [1, 2]


def test_pictures_come_into_the_grid(on_crops, qtbot):
    crop = on_crops.project.crops()[3]
    image = on_crops.services.thumbnails.image
    qtbot.waitUntil(lambda: image(crop) is not None)
    assert (image(crop).width(), image(crop).height()) == (30, 20)
    assert image(crop).pixelColor(0, 0).red() == 3


def test_a_label_survives_when_the_micrograph_vanished(project, open_desk, qtbot, tmp_path):
    micrograph = add_micrograph(project)
    pixels = project.pixels.add(CropPixels(drawn()[60:100, 100:140], 0, 255))
    with project.transaction():
        AddCrops((Crop(1, pixels, 40, 40, micrograph.id, Box(100, 60, 40, 40)),), who="ada").do(
            project
        )
    (project.folder / micrograph.name).unlink()
    desk = open_desk(project)
    qtbot.waitUntil(lambda: "can still be labelled" in desk.page.image_canvas._message)
    assert "field.png no longer exists" in desk.page.image_canvas._message
    desk.key("1")
    assert desk.labels() == [GAS]


def test_deleting_a_micrograph_says_how_many_labels_go_and_undo_brings_them_back(
    on_micrograph, monkeypatch
):
    on_micrograph.click(120, 80)
    on_micrograph.click(300, 200)
    on_micrograph.key("1")
    asked: list[str] = []
    monkeypatch.setattr(messages(), "ask", lambda *texts: asked.append(texts[1]) or True)
    on_micrograph.page.delete_micrograph_button.click()
    assert "2 crops, 1 of them labelled" in asked[0]
    assert on_micrograph.project.micrographs() == ()
    on_micrograph.key("z")
    assert len(on_micrograph.project.micrographs()) == 1
    assert sorted(on_micrograph.labels(), key=str) == [GAS, None]


def test_delete_in_the_list_of_micrographs_asks_for_the_micrograph(on_micrograph, monkeypatch):
    on_micrograph.click(120, 80)
    monkeypatch.setattr(messages(), "ask", lambda *texts: False)
    QTest.keyClick(on_micrograph.page.micrograph_list, Qt.Key.Key_Delete)
    assert len(on_micrograph.project.crops()) == 1
    assert len(on_micrograph.project.micrographs()) == 1


def test_a_page_that_is_left_shows_nothing_of_the_project_and_takes_the_next_one(
    on_micrograph, tmp_path
):
    on_micrograph.click(120, 80)
    page, services = on_micrograph.page, on_micrograph.services
    on_micrograph.presenter.detach()
    assert page.crop_grid.ids() == []
    assert page.image_canvas.view is None
    with Project.create(tmp_path / "next") as following:
        add_ready_made(following, 3)
        session = Session(following, who="ada")
        presenter = LabelPresenter(page, session, services)
        presenter.attach()
        QTest.keyClick(page.crop_grid, "1")
        presenter.detach()
        assert [crop.label for crop in following.crops()] == [GAS, None, None]
    on_micrograph.presenter.attach()
    assert len(page.crop_grid.ids()) == 1


def test_an_empty_project_offers_to_import(project, open_desk, qtbot):
    desk = open_desk(project)
    with qtbot.waitSignal(desk.page.import_requested):
        QTest.mouseClick(desk.page.first_import_button, LEFT)
    assert desk.page.first_import_button.isVisible()


def test_a_read_only_project_answers_label_keys_with_a_sentence(project, open_desk):
    add_ready_made(project, 2)
    folder = project.folder
    project.close()
    desk = open_desk(Project.open(folder, read_only=True))
    desk.key("1")
    desk.key(Qt.Key.Key_Delete)
    assert desk.labels() == [None, None]
    assert len(desk.notes) == 2
    assert "reading only" in desk.notes[0]


def test_labels_are_there_when_the_project_is_opened_again(on_crops):
    on_crops.key("2")
    on_crops.key("1")
    copy = Project.open(on_crops.project.folder, read_only=True)
    labels = [crop.label for crop in copy.crops()]
    log = copy.label_log()
    copy.close()
    assert labels[:2] == [KEYHOLE, GAS]
    assert [(entry.crop_id, entry.label, entry.who, entry.how) for entry in log] == [
        (1, KEYHOLE, "ada", "hand"),
        (2, GAS, "ada", "hand"),
    ]


def test_the_page_follows_edits_made_elsewhere(on_crops):
    from poregui.workflow.editing.label_edits import label_crops

    on_crops.session.apply(label_crops(on_crops.project, [1, 2], LACK, who="bob"))
    assert on_crops.page.crop_label.text() == "Lack of Fusion"
    assert "bob" in on_crops.page.crop_history.text()

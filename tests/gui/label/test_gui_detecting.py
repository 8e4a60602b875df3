"""Hold what a person can do to find pores in the window: tune, find, cancel,
join, cut, draw, undo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from detect_bench import Bench, field, grid_of_pores
from detect_desk import detect_desk, idle
from finder_folders import finder_folder, write_drawn_finder
from label_desk import LEFT, PLAIN, Desk
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog

from poregui.domain.detection import DetectionRecipe
from poregui.domain.records import Changed
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.outline_tools import CornerTool, OutlineTool
from poregui.gui.dialogs.micrograph_choice import WhichMicrographsDialog
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.find_pores import Detecting
from poregui.gui.label.outlines import Outlining
from poregui.gui.services.jobs import Latest
from poregui.gui.widgets.detection_form import DetectionForm
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.editing.micrograph_edits import set_checked

GAS = 1
WAIST = [(200.0, 200.0, 20.0), (232.0, 200.0, 20.0)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bench = Bench(
        tmp_path / "pores", [*grid_of_pores()[:20], *[(x + 300, y + 200, r) for x, y, r in WAIST]]
    )
    bench.project.close()
    return bench.project.folder


@pytest.fixture
def desk(qtbot, folder: Path) -> Iterator[Desk]:
    with detect_desk(qtbot, folder) as opened:
        yield opened


def companion(desk: Desk, kind: type):
    return next(one for one in desk.presenter.features if isinstance(one, kind))


def find(desk: Desk, qtbot) -> None:
    desk.page.side.show_panel("Find pores")
    QTest.mouseClick(desk.page.find_panel.here_button, LEFT)
    idle(desk, qtbot)


def previewed(desk: Desk) -> int:
    return len(companion(desk, Detecting)._layer.outlines)


def set_level(desk: Desk, level: float) -> None:
    form = desk.page.find_panel.form
    form._fields["method"].setCurrentText("Manual")
    form._fields["level"].setValue(level)


def test_opening_the_tab_shows_what_would_be_found(desk: Desk, qtbot) -> None:
    assert previewed(desk) == 0
    desk.page.side.show_panel("Find pores")
    qtbot.waitUntil(lambda: previewed(desk) == 21)
    assert desk.page.find_panel.preview_text.text().startswith("In view: 21 pores, ")
    assert not desk.project.crops()


def test_the_preview_follows_a_slider_and_says_what_is_in_view(desk: Desk, qtbot) -> None:
    desk.page.side.show_panel("Find pores")
    qtbot.waitUntil(lambda: previewed(desk) == 21)
    form = desk.page.find_panel.form
    form._sliders["smallest"].setValue(round(20 / 60 * 1000))
    few = sum(2 * radius > 20 for _, _, radius in grid_of_pores()[:20]) + 1
    qtbot.waitUntil(lambda: previewed(desk) == few)
    assert form.recipe().smallest == pytest.approx(20)


def test_leaving_the_tab_takes_the_preview_away(desk: Desk, qtbot) -> None:
    desk.page.side.show_panel("Find pores")
    qtbot.waitUntil(lambda: previewed(desk) == 21)
    desk.page.side.show_panel("Label")
    assert previewed(desk) == 0


def test_a_length_in_um_without_a_scale_is_said_where_the_preview_is(qtbot, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "none", grid_of_pores(), um_per_px=None)
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as desk:
        desk.page.find_panel.form._fields["size_unit"].setCurrentText("µm")
        desk.page.side.show_panel("Find pores")
        qtbot.waitUntil(
            lambda: (
                "pixel size of this micrograph is unknown"
                in desk.page.find_panel.preview_text.text()
            )
        )


def test_finding_brings_proposals_in_one_step_and_says_what_it_found(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    assert len(desk.project.crops()) == 21
    assert "21 pores" in desk.page.find_panel.result_text.text()
    assert desk.page.crop_grid.rows.rowCount() == 21
    qtbot.waitUntil(lambda: previewed(desk) == 0)
    assert len(companion(desk, Outlining).layer.outlines) == 21
    desk.presenter.undo()
    assert not desk.project.crops()
    assert not companion(desk, Outlining).layer.outlines


def test_what_may_be_mount_is_asked_for_in_the_panel_and_the_answer_is_one_step(
    qtbot, tmp_path: Path
) -> None:
    bench = Bench(tmp_path / "mount", [])
    pixels = field([(40, 40, 8)])
    pixels[180:] = 40
    bench.show(pixels)
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as desk:
        find(desk, qtbot)
        panel = desk.page.find_panel
        assert "may be mounting material or pore" in panel.result_text.text()
        assert panel.pore_button.isVisible()
        QTest.mouseClick(panel.mount_button, LEFT)
        idle(desk, qtbot)
        (micrograph,) = desk.project.micrographs()
        assert len(micrograph.surfaces) == len(desk.project.crops()) == 1
        assert not panel.mount_button.isVisible()
        desk.presenter.undo()
        assert [one.surfaces for one in desk.project.micrographs()] == [None]


def test_auto_shows_the_recipe_that_it_chose_and_why(desk: Desk, qtbot) -> None:
    desk.page.side.show_panel("Find pores")
    panel = desk.page.find_panel
    panel.form._fields["polarity"].setCurrentText("Bright")
    QTest.mouseClick(panel.automatic_button, LEFT)
    idle(desk, qtbot)
    recipe = panel.form.recipe()
    assert (recipe.polarity, recipe.method, recipe.chosen_by) == ("dark", "otsu", "auto")
    assert panel.result_text.text().startswith("Auto chose Otsu's threshold for dark pores")
    qtbot.waitUntil(lambda: previewed(desk) == 21)
    panel.form._fields["smallest"].setValue(6)
    assert panel.form.recipe().chosen_by == "person"


def test_labels_survive_a_second_search_and_lost_pores_can_be_shown(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    ids = [crop.id for crop in desk.project.crops()]
    desk.presenter.choose(ids[0])
    desk.page.crop_grid.choose(ids[0], also=ids[:5])
    desk.presenter.label(GAS)
    outlines = desk.project.outlines()
    small = [crop_id for crop_id in ids[:5] if outlines[crop_id].area < np.pi * 9**2]
    desk.page.find_panel.form._fields["smallest"].setValue(18)
    find(desk, qtbot)
    assert {crop.id for crop in desk.project.crops() if crop.label == GAS} == set(ids[:5])
    assert small
    assert desk.page.find_panel.stayed_button.isVisible()
    QTest.mouseClick(desk.page.find_panel.stayed_button, LEFT)
    assert sorted(desk.page.crop_grid.selected_ids()) == sorted(small)


def test_a_label_given_while_a_search_goes_on_is_kept(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    lost = max(desk.project.crops(), key=lambda crop: -crop.size_px)
    desk.page.find_panel.form._fields["smallest"].setValue(16)
    QTest.mouseClick(desk.page.find_panel.here_button, LEFT)
    desk.presenter.choose(lost.id)
    desk.presenter.label(GAS)
    idle(desk, qtbot)
    assert desk.project.crop(lost.id).label == GAS


def test_a_cancelled_search_changes_nothing_and_another_can_start(desk: Desk, qtbot) -> None:
    desk.page.side.show_panel("Find pores")
    QTest.mouseClick(desk.page.find_panel.here_button, LEFT)
    assert not desk.page.find_panel.here_button.isEnabled()
    desk.services.background.cancel_all()
    idle(desk, qtbot)
    assert not desk.project.crops()
    assert desk.page.find_panel.here_button.isEnabled()


def prediction(monkeypatch, does) -> list[WhichMicrographsDialog]:
    """Let `does` answer the dialog that asks for micrographs, and return those that asked."""
    asked: list[WhichMicrographsDialog] = []

    def exec_(dialog: WhichMicrographsDialog) -> QDialog.DialogCode:
        asked.append(dialog)
        return does(dialog)

    monkeypatch.setattr(WhichMicrographsDialog, "exec", exec_)
    return asked


def test_several_micrographs_are_searched_only_after_a_yes(desk: Desk, qtbot, monkeypatch) -> None:
    prediction(monkeypatch, lambda _: QDialog.DialogCode.Rejected)
    desk.page.side.show_panel("Find pores")
    QTest.mouseClick(desk.page.find_panel.everywhere_button, LEFT)
    assert not desk.services.background.busy
    prediction(monkeypatch, lambda _: QDialog.DialogCode.Accepted)
    QTest.mouseClick(desk.page.find_panel.everywhere_button, LEFT)
    idle(desk, qtbot)
    assert len(desk.project.crops()) == 21


def test_a_read_only_project_offers_no_search(qtbot, folder: Path) -> None:
    with detect_desk(qtbot, folder, read_only=True) as desk:
        desk.page.side.show_panel("Find pores")
        assert not desk.page.find_panel.here_button.isEnabled()
        assert not desk.page.find_panel.everywhere_button.isEnabled()


def test_a_recipe_that_was_tuned_is_there_when_the_project_opens_again(qtbot, folder: Path) -> None:
    with detect_desk(qtbot, folder) as desk:
        set_level(desk, 77)
    with detect_desk(qtbot, folder) as desk:
        assert desk.page.find_panel.form.recipe().level == 77
        assert detection_recipe(desk.project).method == "manual"


def test_only_proposals_are_listed_when_asked_for(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    ids = [crop.id for crop in desk.project.crops()]
    desk.presenter.choose(ids[3])
    desk.presenter.label(GAS)
    desk.page.set_filter(CropFilter("proposals"))
    assert desk.page.crop_grid.ids() == [crop_id for crop_id in ids if crop_id != ids[3]]


def test_a_click_on_a_pore_that_was_not_found_keeps_its_outline(desk: Desk) -> None:
    x, y, radius = grid_of_pores()[3]
    desk.click(x, y)
    (crop,) = desk.project.crops()
    assert crop.origin == "click"
    assert desk.project.outlines()[crop.id].area == pytest.approx(np.pi * radius**2, rel=0.05)


def test_a_click_beside_an_outline_but_in_its_crop_reaches_another_pore(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    near = desk.project.crops()[0]
    assert near.box is not None
    corner = near.box.x + 2, near.box.y + 2
    heard = []
    desk.page.image_canvas.crop_clicked.connect(heard.append)
    desk.click(*corner)
    assert not heard


def test_the_key_m_joins_a_pore_with_its_neighbour_and_s_cuts_it_again(desk: Desk, qtbot) -> None:
    desk.page.find_panel.form._fields["split"].setChecked(True)
    find(desk, qtbot)
    crops = desk.project.crops()
    outlines = desk.project.outlines()
    left, right = sorted(crops, key=lambda crop: -outlines[crop.id].area)[:2]
    desk.presenter.choose(left.id)
    desk.key(Qt.Key.Key_M)
    assert {crop.id for crop in desk.project.crops()} == {crop.id for crop in crops} - {right.id}
    assert desk.project.outlines()[left.id].area == pytest.approx(
        outlines[left.id].area + outlines[right.id].area, rel=0.1
    )
    desk.key(Qt.Key.Key_S)
    assert len(desk.project.crops()) == len(crops)
    desk.presenter.undo()
    desk.presenter.undo()
    assert desk.project.outlines() == outlines


def test_keys_that_cannot_act_say_why(desk: Desk) -> None:
    desk.key(Qt.Key.Key_M)
    desk.key(Qt.Key.Key_S)
    assert "Merging needs two outlined pores" in desk.notes[0]
    assert "No crop is selected" in desk.notes[1]


def test_an_outline_is_drawn_around_a_new_pore_and_anew_for_the_current_one(desk: Desk) -> None:
    canvas = desk.page.image_canvas
    desk.key(Qt.Key.Key_O)
    assert isinstance(canvas.tool, OutlineTool)
    corners = [(500, 60), (540, 60), (540, 100), (500, 100)]
    draw(desk, corners)
    assert canvas.tool is None
    (crop,) = desk.project.crops()
    assert crop.origin == "hand"
    assert desk.project.outlines()[crop.id].area == pytest.approx(1600, rel=0.1)
    desk.key(Qt.Key.Key_O)
    draw(desk, [(505, 65), (535, 65), (535, 95), (505, 95)])
    assert len(desk.project.crops()) == 1
    assert desk.project.outlines()[crop.id].area == pytest.approx(900, rel=0.1)


def draw(desk: Desk, corners: list[tuple[int, int]]) -> None:
    canvas = desk.page.image_canvas
    QTest.mousePress(canvas, LEFT, PLAIN, desk.point(*corners[0]))
    for corner in [*corners[1:], corners[0]]:
        canvas.tool.move(QPointF(*corner), pressed=True)
    QTest.mouseRelease(canvas, LEFT, PLAIN, desk.point(*corners[0]))


def test_a_drawn_line_that_crosses_itself_encloses_both_loops_and_is_edited_so(desk: Desk) -> None:
    desk.key(Qt.Key.Key_O)
    draw(desk, [(500, 60), (540, 100), (540, 60), (500, 100)])
    (crop,) = desk.project.crops()
    assert desk.project.outlines()[crop.id].area == pytest.approx(800, rel=0.1)
    desk.key(Qt.Key.Key_O)
    draw(desk, [(500, 60), (540, 60), (540, 100), (500, 100)])
    desk.key(Qt.Key.Key_E)
    tool = desk.page.image_canvas.tool
    assert isinstance(tool, CornerTool)
    index = int(np.hypot(*(tool.points - (500, 60)).T).argmin())
    tool._points[index] = (560, 90)
    QTest.keyClick(desk.page.image_canvas, Qt.Key.Key_Return)
    (line,) = desk.project.outlines().values()
    whole = shapely.Polygon(line.points)
    assert line.area == pytest.approx(whole.buffer(0).area, rel=0.02)
    assert line.area > 400


def test_a_line_drawn_outside_the_image_is_refused_in_a_sentence(desk: Desk) -> None:
    desk.key(Qt.Key.Key_O)
    draw(desk, [(-60, -60), (-20, -60), (-20, -20), (-60, -20)])
    assert desk.project.crops() == []


def test_escape_leaves_the_outline_as_it_was(desk: Desk, qtbot) -> None:
    find(desk, qtbot)
    before = desk.project.outlines()
    desk.presenter.choose(desk.project.crops()[0].id)
    desk.key(Qt.Key.Key_E)
    canvas = desk.page.image_canvas
    assert isinstance(canvas.tool, CornerTool)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.tool is None
    assert desk.project.outlines() == before


def square() -> np.ndarray:
    return np.array([(10, 10), (50, 10), (50, 50), (10, 50)], np.float32)


def corner_tool() -> tuple[CornerTool, list[np.ndarray]]:
    from PySide6.QtCore import QSizeF

    tool, drawn = CornerTool(square(), CanvasView.fitted(QSizeF(100, 100), QSizeF(100, 100))), []
    tool.drawn.connect(drawn.append)
    return tool, drawn


def test_a_corner_is_dragged_a_side_gets_a_new_one_and_return_keeps_them(qtbot) -> None:
    tool, drawn = corner_tool()
    tool.press(QPointF(50, 50), PLAIN)
    tool.move(QPointF(60, 60), pressed=True)
    tool.release(QPointF(60, 60))
    tool.press(QPointF(30, 10), PLAIN)
    tool.move(QPointF(30, 5), pressed=True)
    tool.release(QPointF(30, 5))
    assert len(tool.points) == 5
    assert [60, 60] in tool.points.tolist()
    assert [30, 5] in tool.points.tolist()
    tool.key(_press(Qt.Key.Key_Return))
    assert len(drawn) == 1


def test_delete_takes_the_corner_under_the_pointer_away_but_leaves_three(qtbot) -> None:
    tool, _ = corner_tool()
    for corner in square().tolist()[:3]:
        tool.move(QPointF(*corner), pressed=False)
        tool.key(_press(Qt.Key.Key_Delete))
    assert len(tool.points) == 3


def _press(key: Qt.Key):
    from PySide6.QtGui import QKeyEvent

    return QKeyEvent(QKeyEvent.Type.KeyPress, key, PLAIN)


def test_a_line_without_area_draws_nothing(qtbot) -> None:
    tool, drawn = OutlineTool(), []
    tool.drawn.connect(drawn.append)
    tool.press(QPointF(10, 10), PLAIN)
    tool.move(QPointF(60, 10), pressed=True)
    tool.release(QPointF(60, 10))
    assert not drawn


def test_the_form_shows_only_what_the_other_choices_leave_meaningful(qtbot) -> None:
    form = DetectionForm()
    qtbot.addWidget(form)
    form.set_recipe(DetectionRecipe())
    assert form._fields["level"].isHidden()
    form.set_recipe(DetectionRecipe(method="manual"))
    assert not form._fields["level"].isHidden()
    form.set_recipe(DetectionRecipe(method="local", view="fixed"))
    assert not form._fields["window"].isHidden()
    assert form._fields["view_multiple"].isHidden()


def test_every_value_of_the_recipe_survives_the_form(qtbot) -> None:
    form = DetectionForm()
    qtbot.addWidget(form)
    recipe = DetectionRecipe(
        polarity="bright", method="local", window=33.0, offset=7.5, smoothing=1.25, flatten=True,
        split=True, split_strength=0.75, smallest=12.0, largest=300.0, size_unit="um", edge="drop",
        view="fixed", view_size=80.0, correction="subtract", deviations=7.0, chosen_by="auto",
    )  # fmt: skip
    form.set_recipe(recipe)
    form._fields["contrast"].setValue(20)
    assert form.recipe() == replace(recipe, contrast=20.0, chosen_by="person")


def test_two_sizes_that_do_not_fit_are_refused_and_the_last_recipe_stays(qtbot) -> None:
    form = DetectionForm()
    qtbot.addWidget(form)
    refused = []
    form.refused.connect(refused.append)
    form._fields["largest"].setValue(3)
    assert "smaller than the smallest" in refused[0]
    assert form.recipe() == DetectionRecipe()


def test_only_the_newest_of_many_requests_is_answered(qtbot) -> None:
    latest, predictions = Latest(), []
    for number in range(20):
        latest.request(lambda number=number: number, predictions.append, predictions.append)
    qtbot.waitUntil(lambda: bool(predictions))
    assert predictions == [19]
    latest.request(lambda: 20, predictions.append, predictions.append)
    latest.forget()
    latest.close()
    qtbot.wait(20)
    assert predictions == [19]


def test_a_learned_finder_is_taught_from_checked_areas_and_stands_for_the_threshold(
    desk: Desk, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = desk.page.find_panel
    taught: list[str] = []
    monkeypatch.setattr(desk.services.trainer, "teach", taught.append)
    assert not panel.network_button.isEnabled()
    desk.session.apply(set_checked(desk.project.micrographs()))
    panel.network_button.click()
    assert taught == ["network"]
    write_drawn_finder(finder_folder(desk.project.folder, "network", images=1))
    desk.session.announce(Changed(frozenset({"runs"})))
    assert panel.finder_box.itemText(1) == "Learned: network 1, IoU 0.71"
    panel.finder_box.setCurrentIndex(1)
    assert panel.form._fields["method"].isHidden()
    assert not panel.form._fields["smallest"].isHidden()
    find(desk, qtbot)
    assert len(desk.project.crops()) == 21
    panel.finder_box.setCurrentIndex(0)
    assert not panel.form._fields["method"].isHidden()
    assert panel.form._fields["window"].isHidden()

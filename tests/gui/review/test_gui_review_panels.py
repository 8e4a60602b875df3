"""Hold what the panels of the review page do: cells, orders, marks, numbers, curves, suspects, two
runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from review_desk import GAS, KEYHOLE, ReviewDesk, make_run, prediction, review_desks

from poregui.domain.classes import UNSURE
from poregui.domain.dataset import DatasetCrop
from poregui.domain.records import Changed
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.plots.strip_plots import StripPlots, Strips
from poregui.gui.plots.svg_view import FigureView
from poregui.gui.review.review_page import COMPARE, CROPS, CURVES, LABEL_ISSUES, NUMBERS
from poregui.store.project import Project
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.reporting.plots import Figure, Line

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return labelled_project(tmp_path / "pores")


@pytest.fixture
def open_desk(qtbot) -> Iterator[Callable[[Project], ReviewDesk]]:
    with review_desks(qtbot) as build:
        yield build


@pytest.fixture
def desk(project, open_desk) -> ReviewDesk:
    """A run with 12 test crops of one specimen, two of the four Gas crops taken for Keyholes."""
    make_run(project)
    return open_desk(project)


def click_cell(
    desk: ReviewDesk, row: int | None, column: int | None, how: Qt.KeyboardModifier = PLAIN
) -> None:
    matrix = desk.page.confusion_matrix
    QTest.mouseClick(matrix, LEFT, how, matrix.cell_rect(row, column).center().toPoint())


def show(desk: ReviewDesk, panel: str) -> None:
    desk.page.show_panel(panel)
    desk.background.wait()


def less_and_less_sure(place: int, crop: DatasetCrop) -> tuple[int, float]:
    """Answer all rightly, each crop a little less surely than the one before."""
    return crop.label, 0.95 - 0.04 * place if place < 14 else 0.4


# ---- the matrix -----------------------------------------------------------------------------


def test_ctrl_and_click_choose_several_cells_and_take_them_away_again(desk: ReviewDesk) -> None:
    click_cell(desk, 0, 1)
    click_cell(desk, 2, 2, CTRL)
    assert len(desk.listed()) == 6
    assert desk.page.crops.list_title.text() == "2 cells · 6"
    click_cell(desk, 0, 1, CTRL)
    assert {desk.label_of(i) for i in desk.listed()} == {3}
    click_cell(desk, 2, 2, CTRL)
    assert desk.page.confusion_matrix.cells == (EVERYTHING,)
    assert len(desk.listed()) == 2


def test_shift_and_an_arrow_choose_one_more_cell(desk: ReviewDesk) -> None:
    matrix = desk.page.confusion_matrix
    click_cell(desk, 0, 0)
    QTest.keyClick(matrix, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert matrix.cells == (Cell(0, 0), Cell(0, 1))
    assert len(desk.listed()) == 4


def test_the_matrix_writes_counts_or_shares_of_rows_or_of_columns(desk: ReviewDesk) -> None:
    matrix = desk.page.confusion_matrix
    assert matrix.describe(Cell(0, 1)) == (
        "Labelled Gas, predicted as Keyhole: 2 crops, 2 of 4 labelled, 2 of 6 predicted"
    )
    images = []
    for mode in ("counts", "rows", "columns"):
        desk.page.column.mode_buttons[mode].click()
        assert matrix.drawing().mode == mode
        images.append(matrix.grab().toImage())
    assert len({image.constBits().tobytes() for image in images}) == 3


# ---- crops ----------------------------------------------------------------------------------


def test_crops_are_sorted_by_loss_margin_confidence_and_size(project: Project, open_desk) -> None:
    make_run(project, less_and_less_sure)
    desk = open_desk(project)
    for place in range(3):
        click_cell(desk, place, place, CTRL)
    table = desk.presenter.predictions
    assert table is not None
    sizes, _ = table.sizes(np.arange(len(table)))
    box = desk.page.crops.order_box
    expected = {
        "loss": lambda row: -table.loss[row],
        "margin": lambda row: table.margin[row],
        "sure": lambda row: -table.confidence[row],
        "unsure": lambda row: table.confidence[row],
        "large": lambda row: -sizes[row],
        "small": lambda row: sizes[row],
    }
    for order, key in expected.items():
        box.setCurrentIndex(box.findData(order))
        box.activated.emit(box.currentIndex())
        values = [key(table.rows[crop_id]) for crop_id in desk.listed()]
        assert len(values) == 12
        assert values == sorted(values)


def test_a_mark_and_a_note_are_kept_and_undone_and_hide_what_is_done(desk: ReviewDesk) -> None:
    first, second = desk.listed()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_R)
    assert desk.project.remarks()[first].reviewed
    assert desk.page.prediction_list.rows.rows[0].reviewed
    field = desk.page.detail.note_field
    field.setText("A scratch beside it")
    field.editingFinished.emit()
    assert desk.project.remarks()[first].note == "A scratch beside it"
    desk.page.crops.hide_reviewed_button.click()
    assert desk.listed() == [second]
    assert "1 reviewed hidden" in desk.page.crops.list_title.text()
    assert field.text() == ""
    desk.session.undo()
    desk.session.undo()
    assert desk.listed() == [first, second]
    assert desk.project.remarks() == {}


def test_a_label_given_here_says_so_in_the_log_and_looks_and_mended_labels_are_told(
    desk: ReviewDesk,
) -> None:
    first = desk.listed()[0]
    seen = desk.page.column.headline_seen
    assert [look.run for look in desk.project.looks()] == ["001"]
    assert seen.text() == "Test results viewed 1 time; no test label changed since."
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_2)
    assert desk.project.label_log(first)[-1].how == "review"
    assert "1 test crop relabelled since" in seen.text()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_Z)
    assert "no test label changed since" in seen.text()
    desk.page.split_buttons["train"].click()
    assert not seen.isVisible()


def test_a_label_that_changes_while_a_run_is_read_is_not_missed(
    project: Project, open_desk
) -> None:
    make_run(project)
    desk = open_desk(project)
    first = desk.listed()[0]
    desk.presenter.show_run(1)
    desk.session.apply(label_crops(project, [first], KEYHOLE, who="x"))
    desk.background.wait()
    assert desk.headline().startswith("91.7 %")


# ---- numbers and curves ---------------------------------------------------------------------


def test_the_numbers_follow_the_labels_and_the_part(desk: ReviewDesk) -> None:
    show(desk, NUMBERS)
    panel = desk.page.numbers
    rows = {row.name.strip(): row for row in panel.overall_table.rows}
    assert rows["Accuracy"].cells[0] == "83.3 %"
    assert rows["Balanced accuracy"].value == pytest.approx((0.5 + 1 + 1) / 3)
    assert rows["Cohen's kappa"].value == pytest.approx(0.75)
    gas = panel.class_table.rows[0]
    assert gas.cells[:2] == ("4", "100.0 %")
    assert not desk.page.detail.isVisible()
    first = desk.listed()[0]
    desk.session.apply(label_crops(desk.project, [first], KEYHOLE, who="x"))
    desk.background.wait()
    assert panel.overall_table.rows[0].cells[0] == "91.7 %"
    desk.page.split_buttons["train"].click()
    desk.background.wait()
    assert "training crops" in panel.numbers_note.text()


def test_a_group_of_where_it_errs_lists_its_crops_and_leaves_with_the_part(
    desk: ReviewDesk,
) -> None:
    show(desk, NUMBERS)
    table = desk.page.numbers.breakdown_table
    row = next(place for place, row in enumerate(table.rows) if row.cells[1] != "0")
    errors, count = int(table.rows[row].cells[1]), int(table.rows[row].cells[0])
    index = table.model().index(row, 0)
    QTest.mouseClick(table.viewport(), LEFT, PLAIN, table.visualRect(index).center())
    assert desk.page.panels.current == CROPS
    assert len(desk.listed()) == count
    shown = [crop.wrong for crop in desk.page.prediction_list.rows.rows]
    assert shown == [True] * errors + [False] * (count - errors)
    assert table.rows[row].name in desk.page.crops.list_title.text()
    show(desk, NUMBERS)
    table.setCurrentIndex(table.model().index(len(table.rows) - 1, 0))
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert len(desk.listed()) == int(table.rows[-1].cells[0])
    desk.page.split_buttons["train"].click()
    assert "All errors" in desk.page.crops.list_title.text()


def test_a_cross_validation_stands_beside_a_run_in_the_numbers(project: Project, open_desk) -> None:
    make_run(project)
    folds = make_run(project, folds=5)
    kept = [{"accuracy": 0.9, "n": 12, "epochs": 1, "best_epoch": 1}] * 5
    folds.metrics_file.write_text(
        f'{{"folds": {kept}, "preset": "default", "pooled_accuracy": 0.9, "n_test": 60}}'.replace(
            "'", '"'
        )
    )
    desk = open_desk(project)
    desk.presenter.show_run(1)
    show(desk, NUMBERS)
    names = [row.name for row in desk.page.numbers.beside_table.rows]
    assert names == ["Run 2: 5 folds by specimen, mean", "   pooled"]


def test_the_curves_say_their_areas_and_the_point_under_the_pointer(
    desk: ReviewDesk, qtbot
) -> None:
    show(desk, CURVES)
    figure = desk.page.curves.roc.figure
    assert [line.name.split()[0] for line in figure.lines] == ["Gas", "Keyhole", "Lack"]
    assert "Gas" in desk.page.curves.roc.accessibleDescription()
    assert "error" in desk.page.curves.calibration.figure.lines[0].name


# ---- label errors ---------------------------------------------------------------------------


def suspects_listed(desk: ReviewDesk) -> list[int]:
    return desk.page.label_issues.issue_list.ids()


def test_a_suspect_is_kept_changed_or_unsure_and_leaves_the_queue_and_undo_brings_it_back(
    desk: ReviewDesk,
) -> None:
    wrong = desk.listed()
    show(desk, LABEL_ISSUES)
    before = suspects_listed(desk)
    first, second = (crop_id for crop_id in before if crop_id in wrong)
    desk.page.label_issues.issue_list.choose(first)
    assert "Keyhole" in desk.page.label_issues.issue_reason.text()
    following = before[before.index(first) + 1]
    QTest.keyClick(desk.page.label_issues.issue_list, Qt.Key.Key_K)
    assert desk.project.remarks()[first].reviewed
    assert first not in suspects_listed(desk)
    assert desk.presenter.current == following
    desk.page.label_issues.issue_list.choose(second)
    QTest.keyClick(desk.page.label_issues.issue_list, Qt.Key.Key_C)
    assert desk.label_of(second) == KEYHOLE
    assert second not in suspects_listed(desk)
    assert desk.headline().startswith("91.7 %")
    desk.session.undo()
    desk.session.undo()
    assert suspects_listed(desk) == before
    desk.page.label_issues.issue_list.choose(first)
    desk.page.label_issues.unsure_button.click()
    assert desk.label_of(first) == UNSURE
    assert desk.project.label_log(first)[-1].how == "review"


def test_a_read_only_project_shows_its_suspects_and_refuses_to_settle_them(
    project: Project, open_desk
) -> None:
    make_run(project)
    folder = project.folder
    project.close()
    desk = open_desk(Project.open(folder, read_only=True))
    show(desk, LABEL_ISSUES)
    first = suspects_listed(desk)[0]
    assert not desk.page.label_issues.keep_button.isEnabled()
    QTest.keyClick(desk.page.label_issues.issue_list, Qt.Key.Key_K)
    assert "reading only" in desk.notes[-1]
    assert suspects_listed(desk)[0] == first
    assert desk.project.looks() == []


# ---- two runs -------------------------------------------------------------------------------


def test_two_runs_are_compared_and_their_flipped_crops_listed(project: Project, open_desk) -> None:
    make_run(project)
    prediction(make_run(project), lambda _index, crop: (crop.label, 0.9))
    desk = open_desk(project)
    show(desk, COMPARE)
    panel = desk.page.compare
    assert "Choose another run" in panel.compare_nothing.text()
    assert [panel.other_box.itemData(i) for i in range(panel.other_box.count())] == [0, 1]
    panel.other_chosen.emit(1)
    desk.background.wait()
    assert "McNemar p = 0.5" in panel.compare_sentence.text()
    assert [desk.label_of(i) for i in panel.flip_list.ids()] == [GAS, GAS]
    assert panel.flips_box.itemText(1) == "Only this run correct (2)"
    panel.flips_box.setCurrentIndex(panel.flips_box.findData("broken"))
    panel.flips_box.activated.emit(0)
    assert panel.flip_list.ids() == []
    show(desk, CURVES)
    dashed = [line for line in desk.page.curves.roc.figure.lines if line.dash]
    assert len(dashed) == 3
    assert all(line.name.endswith(", run 1") for line in dashed)


def test_another_run_on_the_page_is_no_run_to_compare_it_with(project: Project, open_desk) -> None:
    make_run(project)
    make_run(project)
    desk = open_desk(project)
    show(desk, COMPARE)
    desk.page.compare.other_chosen.emit(1)
    desk.background.wait()
    desk.presenter.show_run(1)
    desk.background.wait()
    box = desk.page.compare.other_box
    assert [box.itemData(i) for i in range(box.count())] == [0, 2]
    assert box.currentData() == 0


# ---- the chosen crop ------------------------------------------------------------------------


def test_sizes_and_shapes_of_the_chosen_crop_stand_among_those_of_each_class(
    desk: ReviewDesk,
) -> None:
    show(desk, CROPS)
    desk.page.detail.more.show_panel("Size")
    desk.background.wait()
    strips = desk.page.detail.strip_plots.strips
    assert [one.title for one in strips] == ["Equivalent diameter", "Aspect ratio", "Circularity"]
    assert [label for label, _ in strips[0].values] == [1, 2, 3]
    desk.page.detail.more.show_panel("Similar")
    assert "stored no features" in desk.page.detail.alike_note.text()


def test_a_new_run_while_label_errors_are_seen_is_searched_anew(desk: ReviewDesk) -> None:
    show(desk, LABEL_ISSUES)
    before = suspects_listed(desk)
    prediction(make_run(desk.project), lambda _index, crop: (crop.label, 0.9))
    desk.session.announce(Changed(frozenset({"runs"})))
    desk.background.wait()
    assert suspects_listed(desk) == before
    desk.presenter.show_run(2)
    desk.background.wait()
    assert desk.page.run_picker.number == 2
    assert desk.page.panels.current == LABEL_ISSUES
    assert len(before) >= 2
    assert suspects_listed(desk) == []
    assert desk.page.label_issues.issues_sentence.text() == "No suspected label errors."


# ---- widgets --------------------------------------------------------------------------------


def test_strips_say_in_words_where_a_value_falls(qtbot) -> None:
    plots = StripPlots()
    qtbot.addWidget(plots)
    plots.set_strips(
        [Strips("Size", "µm", ((1, np.array([1.0, 2.0, 3.0, 4.0])), (2, np.array([]))), 2.0)]
    )
    plots.grab()
    assert plots.accessibleDescription() == "Size 2 µm: not smaller than 2 of 4 Class 1"
    plots.set_strips([Strips("Size", "µm", ((1, np.array([1.0])),), None)])
    assert plots.accessibleDescription() == "Size: unknown for this crop"


def test_an_empty_figure_and_a_line_of_one_point_are_drawn(qtbot) -> None:
    view = FigureView("one_figure")
    qtbot.addWidget(view)
    view.grab()
    one = Line(
        "one",
        np.array([0.5]),
        np.array([0.5]),
        "#0b6bcb",
        points=True,
        spans=np.array([[0.2, 0.8]]),
    )
    view.set_figure(Figure("Title", "x", "y", (one,), (0.0, 0.0), diagonal=True))
    assert view.grab().toImage().pixelColor(2, 2).isValid()
    assert view.accessibleDescription() == "one"


def test_labels_that_changed_in_what_it_learned_from_are_told_beside_the_headline(
    desk: ReviewDesk,
) -> None:
    predictions = desk.presenter.predictions
    assert predictions is not None
    learned = predictions.in_split("train") & (predictions.truth == 0)
    crop_id = int(predictions.ids[learned][0])
    desk.session.apply(label_crops(desk.project, [crop_id], KEYHOLE, who="x"))
    assert desk.page.column.headline_note.text() == "1 other label was changed after training."
    assert desk.headline().startswith("83.3 %")


def test_a_note_goes_to_the_crop_that_it_was_begun_at(desk: ReviewDesk) -> None:
    first, second = desk.listed()
    field = desk.page.detail.note_field
    field.setFocus()
    QTest.keyClicks(field, "Twin")
    desk.page.prediction_list.setFocus()
    desk.page.prediction_list.choose(second)
    assert {i: remark.note for i, remark in desk.project.remarks().items()} == {first: "Twin"}
    assert field.text() == ""
    desk.page.prediction_list.choose(first)
    assert field.text() == "Twin"

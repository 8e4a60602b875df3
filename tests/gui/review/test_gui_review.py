"""Hold what a person can do on the review page: read numbers, choose cells, relabel, undo, look at
old and bad runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from review_desk import (
    GAS,
    KEYHOLE,
    LACK,
    ReviewDesk,
    ids_of_test,
    make_run,
    prediction,
    review_desks,
)

from poregui.domain.classes import UNSURE, PoreClass
from poregui.domain.events import EpochEnded, Failed, Interrupted
from poregui.domain.recipe import Recipe
from poregui.domain.records import Changed
from poregui.gui.base.messages import messages
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.review.review_state import ReviewFilter
from poregui.store.project import Project
from poregui.workflow.editing.label_edits import change_class, label_crops, remove_crops
from poregui.workflow.training.prepare_dataset import freeze

PLAIN, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton


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


def click_cell(desk: ReviewDesk, row: int | None, column: int | None) -> None:
    matrix = desk.page.confusion_matrix
    QTest.mouseClick(matrix, LEFT, PLAIN, matrix.cell_rect(row, column).center().toPoint())


# ---- numbers --------------------------------------------------------------------------------


def test_the_headline_says_accuracy_interval_crops_and_specimens_in_words(desk: ReviewDesk) -> None:
    assert desk.headline() == "83.3 %, 95 % CI 55–95 %, 12 unseen crops from 1 specimen"
    assert desk.page.column.headline_number.text() == "83.3 %"
    assert not desk.page.column.headline_note.isVisible()


def test_the_matrix_counts_labels_in_rows_and_predictions_in_columns(desk: ReviewDesk) -> None:
    assert desk.page.confusion_matrix.counts.tolist() == [[2, 2, 0], [0, 4, 0], [0, 0, 4]]
    gas = desk.page.class_scores.scores[0]
    assert (gas.name, gas.recall, gas.precision, gas.support) == ("Gas", 0.5, 1.0, 4)


def test_the_parts_have_numbers_of_their_own(desk: ReviewDesk) -> None:
    desk.page.split_buttons["train"].click()
    counted = desk.page.confusion_matrix.counts.sum()
    assert desk.headline().endswith(f"{counted} training crops")
    predictions = desk.presenter.predictions
    assert predictions is not None
    assert counted == len(predictions) - 12 - predictions.evaluation("validation").n
    desk.page.split_buttons["test"].click()
    assert desk.headline().startswith("83.3 %")


def test_a_cross_validation_says_so_and_has_one_part(project: Project, open_desk) -> None:
    make_run(project, folds=5)
    desk = open_desk(project)
    assert desk.headline().endswith("60 crops, pooled over 5 folds of a cross-validation")
    assert [one.isEnabled() for one in desk.page.split_buttons.values()] == [True, False, False]
    assert "cross-validation" in desk.page.run_picker.currentText()


# ---- choosing -------------------------------------------------------------------------------


def test_all_errors_are_listed_at_first_the_worst_one_at_the_top_and_chosen(
    desk: ReviewDesk,
) -> None:
    gas = [i for i in ids_of_test(desk.presenter._runs.runs[1]) if desk.label_of(i) == GAS]
    assert desk.listed() == gas[:2]
    assert desk.presenter.current == gas[0]
    row = desk.page.prediction_list.rows.rows[0]
    assert (row.label, row.predicted, row.text, row.wrong) == (GAS, KEYHOLE, "90.0 %", True)


def test_a_click_on_a_cell_lists_its_crops_and_a_header_those_of_its_row_or_column(
    desk: ReviewDesk,
) -> None:
    click_cell(desk, 1, 1)
    assert {desk.label_of(i) for i in desk.listed()} == {KEYHOLE}
    assert len(desk.listed()) == 4
    click_cell(desk, None, 1)
    assert len(desk.listed()) == 6
    click_cell(desk, 0, None)
    assert len(desk.listed()) == 4
    click_cell(desk, 2, 0)
    assert desk.listed() == []
    assert desk.page.crops.list_nothing.isVisible()
    desk.page.crops.all_errors_button.click()
    assert len(desk.listed()) == 2
    assert desk.page.confusion_matrix.cell == EVERYTHING


def test_the_arrow_keys_walk_over_the_matrix_and_enter_goes_to_the_list(desk: ReviewDesk) -> None:
    matrix = desk.page.confusion_matrix
    matrix.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right):
        QTest.keyClick(matrix, key)
    assert matrix.cell == Cell(0, 1)
    assert len(desk.listed()) == 2
    assert (
        "Labelled Gas, predicted as Keyhole: 2 crops, 2 of 4 labelled"
        in matrix.accessibleDescription()
    )
    QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert desk.page.prediction_list.hasFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Up):
        QTest.keyClick(matrix, key)
    assert matrix.cell == EVERYTHING


def test_the_chosen_crop_is_shown_with_its_probabilities_and_its_label_log(
    desk: ReviewDesk,
) -> None:
    panel = desk.page.detail
    assert panel.crop_answer.text() == "Predicted Keyhole, labelled Gas"
    assert (
        panel.probability_bars.accessibleDescription()
        == "Gas 5.0 %, Keyhole 90.0 %, Lack of Fusion 5.0 %"
    )
    assert "with the import" in panel.crop_history.text()
    assert panel.label_strip.buttons[GAS].isChecked()


# ---- relabelling ----------------------------------------------------------------------------


def test_a_key_relabels_the_crop_and_numbers_list_and_choice_follow_and_undo_brings_all_back(
    desk: ReviewDesk,
) -> None:
    grid = desk.page.prediction_list
    first, second = desk.listed()
    QTest.keyClick(grid, Qt.Key.Key_2)
    assert desk.label_of(first) == KEYHOLE
    assert desk.headline().startswith("91.7 %")
    assert (
        desk.page.column.headline_note.text()
        == "1 test label changed since training (accuracy then: 83.3 %)"
    )
    assert desk.page.confusion_matrix.counts.tolist() == [[2, 1, 0], [0, 5, 0], [0, 0, 4]]
    assert (desk.listed(), desk.presenter.current) == ([second], second)
    QTest.keyClick(grid, Qt.Key.Key_Z)
    assert desk.label_of(first) == GAS
    assert desk.headline().startswith("83.3 %")
    assert not desk.page.column.headline_note.isVisible()
    assert (desk.listed(), desk.presenter.current) == ([first, second], first)
    QTest.keyClick(grid, Qt.Key.Key_Y)
    assert desk.label_of(first) == KEYHOLE


def test_several_selected_crops_are_relabelled_in_one_step(desk: ReviewDesk) -> None:
    grid = desk.page.prediction_list
    both = desk.listed()
    grid.choose(both[0], also=both)
    QTest.keyClick(grid, Qt.Key.Key_3)
    assert [desk.label_of(i) for i in both] == [LACK, LACK]
    QTest.keyClick(grid, Qt.Key.Key_Z)
    assert [desk.label_of(i) for i in both] == [GAS, GAS]


def test_after_the_last_crop_of_the_list_the_one_before_it_is_chosen(desk: ReviewDesk) -> None:
    first, second = desk.listed()
    desk.page.prediction_list.choose(second)
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_2)
    assert (desk.listed(), desk.presenter.current) == ([first], first)


def test_a_button_of_the_label_strip_relabels_like_a_key(desk: ReviewDesk) -> None:
    first = desk.listed()[0]
    desk.page.detail.label_strip.buttons[LACK].click()
    assert desk.label_of(first) == LACK
    desk.page.prediction_list.choose(first)
    assert desk.page.detail.label_strip.buttons[LACK].isChecked()
    assert desk.page.detail.crop_changes.text() == "Label when trained: Gas."


def test_unsure_and_deleted_crops_leave_the_numbers_and_are_still_found(desk: ReviewDesk) -> None:
    first, second = desk.listed()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_U)
    desk.session.apply(remove_crops([second]))
    assert desk.label_of(first) == UNSURE
    assert desk.headline().startswith("100.0 %")
    assert desk.page.confusion_matrix.counts.sum() == 10
    desk.page.crops.uncounted_button.click()
    assert sorted(desk.listed()) == [first, second]
    desk.presenter.choose(second)
    assert not desk.page.detail.show_button.isVisible()
    assert "deleted" in desk.page.detail.crop_answer.text()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_1)
    assert desk.notes[-1] == "This crop was deleted. Undo to restore it."
    desk.session.undo()
    assert desk.label_of(second) == GAS
    assert desk.listed() == [first]


def test_undo_of_a_crop_that_is_not_listed_shows_its_cell(desk: ReviewDesk) -> None:
    first = desk.listed()[0]
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_2)
    click_cell(desk, 2, 2)
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_Z)
    assert desk.page.confusion_matrix.cell == Cell(0, 1)
    assert desk.presenter.current == first


def test_an_edit_made_on_another_page_is_there_when_the_page_comes_into_view(
    desk: ReviewDesk,
) -> None:
    first = desk.listed()[0]
    desk.page.hide()
    desk.session.apply(label_crops(desk.project, [first], KEYHOLE, who="x"))
    desk.session.apply(change_class(desk.project, _renamed(desk.project, "Bubble")))
    assert desk.headline().startswith("83.3 %")
    desk.page.show()
    assert desk.headline().startswith("91.7 %")
    assert desk.page.class_scores.scores[0].name == "Bubble"


def _renamed(project: Project, name: str) -> PoreClass:
    return replace(project.classes()[0], name=name)


def test_a_project_open_for_reading_only_is_reviewed_but_not_relabelled(
    project: Project, open_desk
) -> None:
    make_run(project)
    folder = project.folder
    project.close()
    desk = open_desk(Project.open(folder, read_only=True))
    first = desk.listed()[0]
    assert not desk.page.detail.label_strip.isEnabled()
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_2)
    assert desk.label_of(first) == GAS
    assert "reading only" in desk.notes[-1]
    assert desk.presenter.current == first


# ---- runs -----------------------------------------------------------------------------------


def test_without_a_run_the_page_sends_a_person_to_train(project: Project, open_desk, qtbot) -> None:
    desk = open_desk(project)
    assert desk.page.train_first_button.isVisible()
    with qtbot.waitSignal(desk.page.train_requested):
        desk.page.train_first_button.click()
    make_run(project)
    desk.session.announce(Changed(frozenset({"runs"})))
    desk.background.wait()
    assert desk.headline().startswith("83.3 %")


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (
            Failed("The memory is full.", "Choose smaller batches."),
            "failed: The memory is full. Choose smaller batches.",
        ),
        (EpochEnded(1, 9, 1, 0.5, 1, 0.5, 0.001, 1, 0, 5, 1, 9), "was interrupted after 1 epoch"),
        (Interrupted(0), "was interrupted before its first epoch ended"),
    ],
)
def test_a_run_without_predictions_says_why(
    project: Project, open_desk, end: object, text: str
) -> None:
    run = freeze(project, Recipe())
    writer = run.open_events()
    writer.write(end)
    writer.close()
    desk = open_desk(project)
    assert text in desk.page.sentence.text()
    assert desk.page.sentence_train_button.isVisible()
    assert desk.page.run_picker.number == 1


def test_damaged_predictions_are_named_and_another_run_can_be_chosen(
    project: Project, open_desk
) -> None:
    make_run(project)
    bad = make_run(project)
    bad.predictions_file.write_text("crop,part,predicted\nnonsense\n")
    desk = open_desk(project)
    assert "damaged" in desk.page.sentence.text()
    desk.page.run_picker.setCurrentIndex(1)
    desk.page.run_picker.activated.emit(1)
    desk.background.wait()
    assert desk.headline().startswith("83.3 %")


def test_the_page_stays_at_its_run_when_another_one_ends_and_offers_a_link_to_that(
    desk: ReviewDesk, qtbot: QtBot
) -> None:
    run = freeze(desk.project, Recipe())
    desk.session.announce(Changed(frozenset({"runs"})))
    desk.background.wait()
    assert desk.presenter.predictions.run == 1
    crop_id = desk.presenter.current
    prediction(run, lambda _index, crop: (crop.label, 0.9))
    with qtbot.waitSignal(messages().linked) as offered:
        desk.session.announce(Changed(frozenset({"runs"})))
    desk.background.wait()
    assert (desk.page.run_picker.number, desk.presenter.current) == (1, crop_id)
    text, link, then = offered.args
    assert (text, link) == ("Run 2 has finished.", "Open run 2")
    then()
    desk.background.wait()
    assert (desk.page.run_picker.number, desk.headline()[:7]) == (2, "100.0 %")


def test_a_page_whose_project_closed_is_empty(desk: ReviewDesk) -> None:
    desk.presenter.detach()
    assert desk.listed() == []
    assert desk.page.run_picker.count() == 0
    assert desk.page.train_first_button.isVisible()


def test_the_state_of_the_page_tells_only_what_is_another_one(desk: ReviewDesk) -> None:
    state = desk.presenter.state
    heard: list[str] = []
    for name in ("split", "filter", "current"):
        getattr(state, f"{name}_changed").connect(partial(heard.append, name))
    state.set_split("test")
    state.set_filter(ReviewFilter())
    state.set_current(desk.listed()[0])
    assert heard == []
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_Right)
    assert heard == ["current"]
    click_cell(desk, 0, 0)
    assert heard[1:] == ["filter", "current"]


def test_keeping_a_label_goes_on_to_the_next_crop_at_once(desk: ReviewDesk) -> None:
    first, second = desk.listed()
    seen: list[int | None] = []
    state = desk.presenter.state
    state.current_changed.connect(lambda: seen.append(state.current))
    assert state.current == first
    QTest.keyClick(desk.page.prediction_list, Qt.Key.Key_2)
    assert state.current == second
    assert seen == [second]

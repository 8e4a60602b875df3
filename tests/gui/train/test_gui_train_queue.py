"""Hold the train page to cross-validations and to runs that wait, with a child that speaks the
protocol.
"""

from __future__ import annotations

import pytest
from builders import labelled_project
from PySide6.QtCore import Qt
from train_desk import Desk, train

from poregui.domain.errors import TrainingError
from poregui.domain.events import EpochEnded, Finished, FoldEnded, Started
from poregui.domain.recipe import Recipe
from poregui.gui.app import build_window
from poregui.gui.base.messages import messages
from poregui.gui.plots.training_curves import Curves
from poregui.gui.train.train_text import headline, progress
from poregui.store.project import Project
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.training.training_request import Order, check_order, orders_for


@pytest.fixture
def desk(qtbot, tmp_path):
    made = []

    def make(way: str = "finishes", project: Project | None = None) -> Desk:
        made.append(Desk(qtbot, project or labelled_project(tmp_path / "project"), way))
        return made[-1]

    yield make
    for each in made:
        each.close()


def rows(at):
    return [(row.number, row.preset, row.state) for row in at.page.run_table.runs.rows()]


def begin(qtbot, at):
    """Click Train and wait until the child has learned for an epoch and waits."""
    at.page.train_button.click()
    qtbot.waitUntil(lambda: at.page.facts.text("Best so far") == "epoch 1", timeout=30_000)
    at.background.wait()


def end_one(qtbot, at):
    """Let the run that goes on end, with its best weights."""
    with qtbot.waitSignal(at.trainer.finished, timeout=30_000):
        at.trainer.stop()


# ---- folds ----------------------------------------------------------------------------------


def test_a_cross_validation_freezes_as_many_folds_as_were_chosen(qtbot, desk):
    at = desk()
    at.page.cross_validation.switch.click()
    at.page.cross_validation.number.setValue(3)
    train(qtbot, at)
    run = at.session.project.runs()[0]
    assert len(run.read_folds()) == 3
    assert {crop.group.partition(":")[0] for crop in run.read_dataset().crops} == {"specimen"}
    assert rows(at) == [(1, "default, 3 folds", "finished")]


def test_comparing_cross_validates_crop_by_crop_first_and_by_specimen_last(qtbot, desk):
    at = desk()
    at.page.cross_validation.switch.click()
    at.page.cross_validation.compare.click()
    at.page.train_button.click()
    qtbot.waitUntil(lambda: not at.trainer.running, timeout=30_000)
    kinds = [
        run.read_dataset().crops[0].group.partition(":")[0] for run in at.session.project.runs()
    ]
    assert kinds == ["crop", "specimen"]
    assert all(len(run.read_folds()) == 5 for run in at.session.project.runs())


def test_more_folds_than_specimens_are_refused_before_anything_begins(qtbot, desk):
    at = desk()
    said = []
    messages().noted.connect(lambda text, kind: said.append(text))
    at.page.cross_validation.switch.click()
    at.page.cross_validation.compare.click()
    at.page.cross_validation.number.setValue(9)
    at.page.train_button.click()
    assert "9 folds are not possible with 5 specimens" in said[0]
    assert not at.trainer.running
    assert at.session.project.runs() == []


def test_switching_cross_validation_off_trains_one_network_again(qtbot, desk):
    at = desk()
    at.page.cross_validation.switch.click()
    at.page.cross_validation.compare.click()
    at.page.cross_validation.switch.click()
    assert not at.page.cross_validation.compare.isEnabled()
    train(qtbot, at)
    assert [run.read_folds() for run in at.session.project.runs()] == [[]]


def test_the_progress_of_a_cross_validation_counts_all_folds_and_says_what_they_were_worth():
    curves = Curves()
    curves.take(Started("001 fold 1/4", ("A", "B"), 9, 3, 3, 10, 1, 7, 1, 4))
    curves.take(FoldEnded(1, 4, 0.875, 24))
    curves.take(Started("001 fold 2/4", ("A", "B"), 9, 3, 3, 10, 1, 7, 2, 4))
    curves.take(EpochEnded(5, 10, 1, 0.5, 1, 0.5, 0.001, 5, 0, 16, 1, 1))
    assert headline(1, curves).text == "Training run 1, fold 2 of 4."
    assert "Accuracy of folds so far: 87.5 %." in headline(1, curves).detail
    assert progress(curves) == pytest.approx((1 + 0.5) / 4)
    for fold in (2, 3, 4):
        curves.take(FoldEnded(fold, 4, 0.5, 24))
    curves.take(Finished(40, 0, 0.6, 96, 9.0))
    assert "4 folds: 87.5, 50.0, 50.0, 50.0 %." in headline(1, curves).detail


def test_a_cross_validation_that_begins_again_forgets_its_folds():
    curves = Curves()
    first = Started("001 fold 1/2", ("A", "B"), 9, 3, 3, 10, 1, 7, 1, 2)
    curves.take_all([first, FoldEnded(1, 2, 0.9, 5), first])
    assert curves.folds == []


def test_orders_say_what_they_ask_for():
    assert [order.text for order in orders_for(Recipe(), 5, compare=True)] == [
        "default, 5 folds by crop",
        "default, 5 folds",
    ]
    assert [order.text for order in orders_for(Recipe(), 0, compare=True)] == ["default"]


def test_labels_that_allow_no_training_allow_no_order(tmp_path):
    with Project.create(tmp_path / "empty") as project, pytest.raises(TrainingError):
        check_order(project, Order(Recipe()))


# ---- the queue ------------------------------------------------------------------------------


def test_a_run_that_is_added_waits_in_the_table_and_begins_when_the_one_before_ends(qtbot, desk):
    at = desk("waits")
    assert not at.page.queue_button.isVisible()
    learnt = []
    at.trainer.received.connect(
        lambda event: learnt.append(event) if isinstance(event, EpochEnded) else None
    )
    begin(qtbot, at)
    at.page.recipe_form.findChild(object, "recipe_epochs").setValue(7)
    at.page.queue_button.click()
    assert rows(at) == [(-1, "default", "waiting"), (1, "default", "running")]
    assert len(at.session.project.runs()) == 1
    end_one(qtbot, at)
    qtbot.waitUntil(lambda: len(at.session.project.runs()) == 2, timeout=30_000)
    assert at.session.project.runs()[1].read_recipe().epochs == 7
    qtbot.waitUntil(
        lambda: len(learnt) == 2, timeout=30_000
    )  # before that, the page may still show the first run
    qtbot.waitUntil(lambda: at.page.facts.text("Best so far") == "epoch 1", timeout=30_000)
    end_one(qtbot, at)
    assert not at.trainer.running
    assert not at.page.queue_button.isVisible()


def test_a_run_that_waits_can_be_removed(qtbot, desk):
    at = desk("waits")
    begin(qtbot, at)
    at.page.queue_button.click()
    at.page.queue_button.click()
    at.page.run_table.setCurrentIndex(at.page.run_table.runs.index(0, 0))
    assert at.page.headline.text() == "Queued: default."
    assert "after 1 other queued run" in at.page.headline_detail.text()
    qtbot.mouseClick(at.page.remove_button, Qt.MouseButton.LeftButton)
    assert [row[0] for row in rows(at)] == [-1, 1]
    assert at.page.headline.text() == "Training run 1."
    assert not at.page.remove_button.isVisible()


def test_what_waits_begins_although_the_run_before_failed(qtbot, desk):
    at = desk("dies")
    at.page.train_button.click()
    at.page.queue_button.click()
    qtbot.waitUntil(lambda: not at.trainer.running, timeout=30_000)
    at.background.wait()
    assert [row[::2] for row in rows(at)] == [(2, "failed"), (1, "failed")]


def test_an_order_that_the_labels_no_longer_allow_is_passed_over_with_a_sentence(qtbot, desk):
    at = desk("waits")
    said = []
    messages().noted.connect(lambda text, kind: said.append(text))
    begin(qtbot, at)
    at.page.queue_button.click()
    crops = [crop.id for crop in at.session.project.crops()]
    at.session.apply(label_crops(at.session.project, crops, None, who="ada"))
    end_one(qtbot, at)
    assert not at.trainer.running
    assert any("A queued run (default) could not start" in text for text in said)
    assert len(at.session.project.runs()) == 1


def test_a_person_who_looks_at_another_run_is_left_there_when_the_next_one_begins(qtbot, desk):
    at = desk()
    train(qtbot, at)
    at.trainer._command = (*at.trainer._command[:-1], "waits")
    begin(qtbot, at)
    at.page.queue_button.click()
    at.page.run_table.setCurrentIndex(at.page.run_table.runs.index(2, 0))
    at.background.wait()
    end_one(qtbot, at)
    qtbot.waitUntil(lambda: len(at.session.project.runs()) == 3, timeout=30_000)
    at.background.wait()
    assert at.page.run_table.current() == 1
    assert at.page.headline.text().startswith("Run 1: 75.0 %")


def test_closing_forgets_what_waits(qtbot, desk):
    at = desk("waits")
    begin(qtbot, at)
    at.page.queue_button.click()
    at.trainer.close()
    assert not at.trainer.running
    assert at.trainer.queue.orders == {}
    assert len(at.session.project.runs()) == 1


def test_the_question_before_leaving_counts_the_runs_that_wait(qtbot, tmp_path, monkeypatch):
    labelled_project(tmp_path / "pores").close()
    window = build_window(tmp_path / "pores")
    texts = []
    with monkeypatch.context() as patch:
        patch.setattr(messages(), "ask", lambda *asked: texts.append(asked[1]))
        patch.setattr(type(window.services.trainer), "running", property(lambda self: True))
        for _ in range(2):
            window.services.trainer.queue.add(Order(Recipe()))
            assert not window.may_leave()
    window.close()
    window.deleteLater()
    assert "1 queued run will not start" in texts[0]
    assert "2 queued runs will not start" in texts[1]

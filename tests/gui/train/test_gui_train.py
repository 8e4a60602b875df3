"""Hold the train page to what it shows and offers, with a child that speaks the protocol and cannot
train.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import add_crops, labelled_project
from fake_trainer import BEGIN, FINISHED, epochs
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QApplication
from train_desk import Desk, train

from poregui.domain.events import BatchEnded, Failed, Finished, Interrupted, Started
from poregui.domain.recipe import Recipe, parameters, recipe_for
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import NumberBox
from poregui.gui.base.theme import theme
from poregui.gui.plots.live_plots import LivePlots
from poregui.gui.plots.training_curves import MOST_POINTS, Curves
from poregui.gui.train.train_text import clock, headline
from poregui.gui.widgets.crop_preview import preview_title
from poregui.gui.widgets.recipe_form import RecipeForm
from poregui.store.project import Project
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def desk(qtbot, tmp_path):
    made = []

    def make(way: str = "finishes", project: Project | None = None) -> Desk:
        made.append(Desk(qtbot, project or labelled_project(tmp_path / "project"), way))
        return made[-1]

    yield make
    for each in made:
        each.close()


def drawn(page):
    """Return the points of all curves as they are drawn."""
    page.plots.repaint_curves()
    plots = page.plots
    curves = [plots.loss_plot.train, plots.loss_plot.validation, plots.accuracy_plot.train]
    curves += [
        plots.accuracy_plot.validation,
        plots.loss_plot.batches,
        plots.accuracy_plot.batches,
        plots.rate,
    ]
    return [np.array(curve.getData(), float).tolist() for curve in curves]


def test_the_curves_of_a_training_are_drawn_from_its_events(qtbot, desk):
    at = desk()
    train(qtbot, at)
    lines = drawn(at.page)
    assert lines[0] == [[1, 2, 3], [1.0, 0.5, 1 / 3]]
    assert lines[1] == [[1, 2, 3], [1.5, 0.5, 1.5]]
    assert lines[2][1] == pytest.approx([0.3, 0.6, 0.9])
    assert lines[3][1] == pytest.approx([0.25, 0.5, 0.75])
    assert lines[4][0] == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3]
    assert at.page.plots.loss_plot.best_line.value() == 2


def test_a_reopened_run_draws_the_curves_of_the_live_one(qtbot, desk):
    at = desk()
    train(qtbot, at)
    live, head = drawn(at.page), at.page.headline.text()
    train(qtbot, at)
    at.page.run_table.runs.set_rows(at.page.run_table.runs.rows())
    at.page.run_table.setCurrentIndex(at.page.run_table.runs.index(1, 0))
    at.background.wait()
    assert at.page.run_table.current() == 1
    assert drawn(at.page) == live
    assert at.page.headline.text() == head


def test_the_headline_says_accuracy_interval_and_number_of_test_crops(qtbot, desk):
    at = desk()
    train(qtbot, at)
    assert at.page.headline.text() == "Run 1: 75.0 % accuracy on 120 test crops."
    assert "95 % CI 66–82 % over 3 specimens." in at.page.headline_detail.text()
    assert at.page.review_button.isVisible()


def test_opening_a_run_in_review_names_it(qtbot, desk):
    at = desk()
    train(qtbot, at)
    with qtbot.waitSignal(at.page.review_requested) as asked:
        qtbot.mouseClick(at.page.review_button, Qt.MouseButton.LeftButton)
    assert asked.args == [1]


def test_a_run_that_failed_shows_its_sentence_and_its_log(qtbot, desk):
    at = desk("dies")
    train(qtbot, at)
    assert "the very last words" in at.page.headline.text()
    assert not at.page.review_button.isVisible()
    assert not at.page.resume_button.isVisible()  # it left no checkpoint
    qtbot.mouseClick(at.page.log_button, Qt.MouseButton.LeftButton)
    dialog = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "log_dialog")
    assert "the very last words" in dialog.text.toPlainText()
    dialog.close()


def test_stop_and_cancel_are_offered_only_while_a_training_goes_on(qtbot, desk):
    at = desk("waits")
    page = at.page
    assert page.train_button.isEnabled()
    assert not page.stop_button.isEnabled()
    page.train_button.click()
    assert not page.train_button.isEnabled()
    assert page.cancel_button.isEnabled()
    qtbot.waitUntil(lambda: page.facts.text("Best so far") == "epoch 1", timeout=30_000)
    with qtbot.waitSignal(at.trainer.finished, timeout=30_000):
        page.stop_button.click()
        assert not page.stop_button.isEnabled()
    at.background.wait()
    assert page.train_button.isEnabled()
    assert not page.stop_button.isEnabled()
    assert at.page.run_table.runs.rows()[0].state == "stopped"


def test_cancel_asks_once_something_was_learned(qtbot, desk, monkeypatch):
    at = desk("waits")
    predictions = [False, True]
    monkeypatch.setattr(messages(), "ask", lambda *texts: predictions.pop(0))
    at.page.train_button.click()
    qtbot.waitUntil(lambda: at.page.facts.text("Best so far") == "epoch 1", timeout=30_000)
    at.page.cancel_button.click()
    assert at.trainer.running
    with qtbot.waitSignal(at.trainer.finished, timeout=30_000):
        at.page.cancel_button.click()
    assert at.page.headline.text() == "Run 1 was cancelled."


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (Interrupted(1), "Run 1 was interrupted after 1 epoch."),
        (Failed("The trainer died.", ""), "Run 1 failed. The trainer died."),
    ],
)
def test_an_interrupted_run_and_one_that_died_after_a_checkpoint_can_be_resumed(
    qtbot, desk, tmp_path, end, text
):
    project = labelled_project(tmp_path / "project")
    run = freeze(project, Recipe())
    writer = run.open_events()
    for event in [*BEGIN, *epochs(1), end]:
        writer.write(event)
    writer.close()
    if isinstance(end, Failed):
        run.checkpoint_file.write_bytes(b"state")
    at = desk("finishes", project)
    assert at.page.headline.text() == text
    with qtbot.waitSignal(at.trainer.finished, timeout=30_000):
        qtbot.mouseClick(at.page.resume_button, Qt.MouseButton.LeftButton)
    at.background.wait()
    assert [row.state for row in at.page.run_table.runs.rows()] == ["finished"]
    assert drawn(at.page)[0][0] == [1, 2, 3]


def test_the_page_says_what_is_missing_and_offers_no_training_until_it_is_there(
    qtbot, desk, tmp_path
):
    project = Project.create(tmp_path / "few")
    ids = add_crops(project, [1] * 6 + [2] * 6 + [None] * 6)
    at = desk(project=project)
    assert at.page.train_button.isEnabled()
    at.session.apply(label_crops(project, ids[6:12], None, who="ada"))
    qtbot.waitUntil(lambda: not at.page.train_button.isEnabled())
    assert at.page.problem_text.isVisible()
    assert at.page.problem_text.text()


def test_warnings_stand_in_plain_words(qtbot, desk, tmp_path):
    at = desk(project=labelled_project(tmp_path / "one", specimens=1, per_class=8))
    assert "no independent test is possible" in at.page.warnings_text.text()


def test_the_bars_show_every_crop_once_among_the_parts_and_once_among_the_specimens(desk):
    bars = desk().page.split_bars.bars()
    assert [bar.name for bar in bars if bar.heading] == ["Training", "Validation", "Test"]
    assert sum(bar.total for bar in bars if bar.heading) == 60
    assert sum(bar.total for bar in bars if not bar.heading) == 60
    assert sorted(bar.name for bar in bars if not bar.heading) == [
        "S01",
        "S02",
        "S03",
        "S04",
        "S05",
    ]


def test_the_preview_shows_twelve_crops_at_the_size_of_the_networks_input(qtbot, desk):
    at = desk()
    side = Recipe().input_size
    assert {(s.image.width(), s.image.height()) for s in at.page.crop_preview.crops()} == {
        (side, side)
    }
    assert len(at.page.crop_preview.crops()) == 12
    at.page.recipe_form.findChild(object, "recipe_preset").setCurrentText("Seed")
    qtbot.waitUntil(lambda: "150" in at.page.preview_title.text())
    at.background.wait()
    assert {s.image.width() for s in at.page.crop_preview.crops()} == {150}


def test_the_preview_says_how_crops_are_varied_and_only_where_they_are():
    assert preview_title(Recipe()).endswith(
        "px, proportions kept, before rotation, flips, small shifts and brightness changes."
    )
    assert (
        preview_title(recipe_for("seed"))
        == "150 × 150 px, stretched, before zoom, shear and flips."
    )
    assert preview_title(Recipe(augment=False)) == "64 × 64 px, proportions kept."


def test_a_training_uses_the_recipe_of_the_form(qtbot, desk):
    at = desk()
    at.page.recipe_form.set_recipe(recipe_for("seed", epochs=3, learning_rate=0.0005))
    train(qtbot, at)
    assert at.session.project.runs()[0].read_recipe() == recipe_for(
        "seed", epochs=3, learning_rate=0.0005
    )


def test_an_empty_project_shows_an_empty_page(desk, tmp_path):
    at = desk(project=Project.create(tmp_path / "empty"))
    assert not at.page.train_button.isEnabled()
    assert not at.page.headline.text()
    assert at.page.problem_text.text()


# ---- the form -------------------------------------------------------------------------------


def test_a_form_has_a_field_for_every_declared_parameter_and_gives_the_recipe_back(qtbot):
    form = RecipeForm()
    qtbot.addWidget(form)
    for parameter in parameters():
        assert (
            form.findChild(object, f"recipe_{parameter.name}").accessibleName() == parameter.label
        )
    for recipe in (
        Recipe(),
        recipe_for("seed"),
        Recipe(epochs=7, learning_rate=0.1349, augment=False, threads=2),
    ):
        form.set_recipe(recipe)
        assert form.recipe() == recipe


def test_a_value_out_of_range_cannot_be_entered(qtbot):
    form = RecipeForm()
    qtbot.addWidget(form)
    for parameter in parameters():
        if parameter.low is not None:
            field = form.findChild(object, f"recipe_{parameter.name}")
            for wanted in (parameter.low - 1, (parameter.high or 0) * 2):
                field.setValue(parameter.kind(min(wanted, 2**31 - 1)))
                assert parameter.low <= getattr(form.recipe(), parameter.name) <= parameter.high


def test_what_was_set_by_hand_survives_another_preset_until_it_is_reset(qtbot):
    form = RecipeForm()
    qtbot.addWidget(form)
    form.findChild(object, "recipe_batch_size").setValue(16)
    form.findChild(object, "recipe_preset").setCurrentText("Seed")
    assert form.recipe() == recipe_for("seed", batch_size=16)
    form.findChild(object, "reset_button").click()
    assert form.recipe() == recipe_for("seed")


def test_a_cosine_leaves_nothing_to_choose_for_a_plateau(qtbot):
    form = RecipeForm()
    qtbot.addWidget(form)
    form.findChild(object, "recipe_schedule").setCurrentText("Cosine")
    fields = ("reduce_on_plateau", "plateau_patience", "plateau_factor", "smallest_learning_rate")
    assert [form.findChild(object, f"recipe_{name}").isEnabled() for name in fields] == [
        False,
        False,
        False,
        True,
    ]
    assert form.recipe() == recipe_for("default", schedule="cosine")


@pytest.mark.parametrize("text", ["0.1349", "0,1349"])
def test_a_number_is_read_with_point_or_comma(qtbot, text):
    box = NumberBox()
    qtbot.addWidget(box)
    box.setRange(0, 1)
    assert box.validate(text, 0)[0] == QValidator.State.Acceptable
    box.lineEdit().setText(text)
    box.interpretText()
    assert box.value() == pytest.approx(0.1349)
    assert box.text() == "0.1349"


def test_the_wheel_changes_no_field_that_has_no_focus(qtbot):
    form = RecipeForm()
    qtbot.addWidget(form)
    form.show()
    field = form.findChild(object, "recipe_epochs")
    wheel = QWheelEvent(
        QPointF(5, 5),
        field.mapToGlobal(QPointF(5, 5)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, wheel)
    assert form.recipe().epochs == recipe_for("default").epochs


# ---- the curves -----------------------------------------------------------------------------


def test_epochs_that_are_told_again_replace_the_earlier_ones():
    once = Curves().take_all([*BEGIN, *epochs(), FINISHED])
    again = Curves().take_all([*BEGIN, *epochs(2), Interrupted(2), *BEGIN, *epochs()[5:], FINISHED])
    assert again.epochs == once.epochs
    assert again.batch_x == once.batch_x
    assert again.final == FINISHED


def test_a_long_training_is_thinned_and_keeps_its_whole_length():
    curves = Curves()
    for epoch in range(1, 11):
        for batch in range(1, 1001):
            curves.take(BatchEnded(epoch, batch, 1000, 1.0, 0.5))
    assert len(curves.batch_x) <= MOST_POINTS
    assert curves.batch_x[-1] == pytest.approx(10, abs=0.01)
    assert curves.batch_x[0] < 0.1


def test_a_log_scale_takes_a_loss_of_zero(qtbot):
    plots = LivePlots()
    qtbot.addWidget(plots)
    plots.show_curves(Curves().take_all([*BEGIN, BatchEnded(1, 1, 1, 0.0, 1.0), *epochs()]))
    plots.log_switch.setChecked(True)
    assert np.isfinite(plots.loss_plot.batches.getData()[1]).all()
    plots.show()
    plots.grab()


def test_many_batches_cause_one_repaint(qtbot):
    plots = LivePlots()
    qtbot.addWidget(plots)
    plots.show()
    curves = Curves()
    plots.show_curves(curves)
    repaints = []
    plots.repainted.connect(lambda: repaints.append(len(curves.batch_x)))
    for batch in range(1, 101):
        curves.take(BatchEnded(1, batch, 100, 1.0, 0.5))
        plots.touch()
    qtbot.waitUntil(lambda: bool(repaints))
    assert repaints == [100]


def test_the_plots_follow_the_theme(qtbot):
    plots = LivePlots()
    qtbot.addWidget(plots)
    theme().set_mode("light")
    theme().apply(QApplication.instance())
    light = plots.loss_plot.backgroundBrush().color().name()
    theme().set_mode("dark")
    assert plots.loss_plot.backgroundBrush().color().name() != light


@pytest.mark.parametrize(
    ("final", "said"),
    [
        (Failed("The disk is full.", "Make room."), "Run 4 failed. The disk is full."),
        (Finished(9, 3, 0.5, 10, 60.0, stopped=True), "Run 4: 50.0 % accuracy on 10 test crops."),
        (Interrupted(0), "Run 4 was interrupted before its first epoch finished."),
        (Started("004", ("A", "B"), 9, 3, 3, 60, 1), "Training run 4."),
    ],
)
def test_the_headline_follows_the_last_event(final, said):
    assert headline(4, Curves().take_all([final])).text == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00"), (65, "1:05"), (3725, "1:02:05"), (-3, "0:00")]
)
def test_times_are_told_as_a_clock(seconds, said):
    assert clock(seconds) == said
